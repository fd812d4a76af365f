"""Projects, their guidelines, and the raters whose verdicts they hold."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, long_text, one_of


class Project(Table, table=True):
    """One labelling effort. `settings` is JSON: what is asked beside the verdict (reasons, criteria, strength, …)."""

    __tablename__ = "project"
    __table_args__ = (
        UniqueConstraint("slug"),
        one_of("target", "openai", "azure", "together", "fireworks", "own"),
    )

    id: int | None = Field(default=None, primary_key=True)
    slug: str
    name: str
    target: str
    target_model: str | None = None
    settings: str = Field(default="{}", sa_type=Text, nullable=False)
    is_sample: bool = False
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    closed_at: datetime | None = at()


class ProjectCounter(Table, table=True):
    """The row that is locked while a project's labels get their `seq`: what has a smaller one is committed."""

    __tablename__ = "project_counter"

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    label_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class GuidelineVersion(Table, table=True):
    """The guidelines as they were when a label was given. Immutable (trigger)."""

    __tablename__ = "guideline_version"
    __table_args__ = (UniqueConstraint("project_id", "number"), UniqueConstraint("project_id", "id"))

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    number: int
    text: str = long_text()
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)


class Rater(Table, table=True):
    """Whoever gives a verdict: an annotator (account), a judge, the named source of imported labels, or a rule such as
    "model A over model B", which nobody judged."""

    __tablename__ = "rater"
    __table_args__ = (
        one_of("kind", "annotator", "judge", "imported", "rule"),
        CheckConstraint("(kind = 'annotator') = (account_id IS NOT NULL)", name="account"),
        CheckConstraint("(kind = 'judge') = (judge_id IS NOT NULL)", name="judge"),
        CheckConstraint("(kind = 'annotator') = (project_id IS NULL)", name="project"),
        UniqueConstraint("account_id"),
        UniqueConstraint("judge_id"),
        Index("uq_rater_name", "project_id", "kind", "name", unique=True,
              sqlite_where=text("kind IN ('imported', 'rule')"), postgresql_where=text("kind IN ('imported', 'rule')")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    name: str
    account_id: int | None = Field(default=None, foreign_key="account.id")
    judge_id: int | None = Field(default=None, foreign_key="judge.id")
    project_id: int | None = Field(default=None, foreign_key="project.id")
    created_at: datetime = at(default_now=True)
