"""Judges, what they said of pairs and completions, and the bench that measures them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, big_key, long_text, one_of, shared_key


class Judge(Table, table=True):
    """A model with a rubric. What the digest covers is immutable (trigger); a new rubric is the next `version` of the name.

    `orders` is alone for a judge that scores each completion by itself.
    """

    __tablename__ = "judge"
    __table_args__ = (
        one_of("orders", "both", "random", "alone"),
        UniqueConstraint("project_id", "digest"),
        UniqueConstraint("project_id", "name", "version"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    digest: str
    base_url: str
    model: str
    parameters: str = Field(default="{}", sa_type=Text, nullable=False)
    rubric: str = long_text()
    orders: str = "both"
    samples: int = 1
    offers_both_bad: bool = False
    uses_reference: bool = True
    template: str
    name: str
    version: int
    key_env: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_in_flight: int | None = None
    is_sandbox: bool = False
    created_at: datetime = at(default_now=True)


class Judgement(Table, table=True):
    """One reply of a judge as read, told in stored order. `pair_order` ba means that b was shown first."""

    __tablename__ = "judgement"
    __table_args__ = (
        one_of("pair_order", "ab", "ba"),
        one_of("state", "read", "contradicts", "unreadable"),
        one_of("level", "a_much", "a_slightly", "tie", "b_slightly", "b_much", "both_bad"),
        CheckConstraint("(state = 'unreadable') = (level IS NULL)", name="level_of_state"),
        UniqueConstraint("rater_id", "pair_id", "pair_order", "sample_number", "request_id"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        Index("ix_judgement_pair_id", "pair_id"),
        Index("ix_judgement_run_id", "run_id"),
        # How often a judge takes the reply that stood first is counted from this alone.
        Index("ix_judgement_slots", "rater_id", "pair_order", "level"),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    run_id: int = Field(foreign_key="run.id")
    rater_id: int = Field(foreign_key="rater.id")
    pair_id: int = big_id()
    request_id: int = big_id()
    pair_order: str
    sample_number: int = 0
    state: str
    level: str | None = None
    score_a: float | None = None
    score_b: float | None = None
    created_at: datetime = at(default_now=True)


class JudgementText(Table, table=True):
    __tablename__ = "judgement_text"
    __table_args__ = (ForeignKeyConstraint(["judgement_id"], ["judgement.id"]),)

    judgement_id: int = shared_key()
    reasoning: str = long_text()


class JudgeResult(Table, table=True):
    """What a judge's judgements of a pair come to. Only `decided` has a label; undecided is no tie, unreadable no verdict.

    `seq` is of the project's labels: a high-water mark is one of results too.
    """

    __tablename__ = "judge_result"
    __table_args__ = (
        one_of("state", "decided", "undecided", "unreadable"),
        CheckConstraint("(state = 'decided') = (label_id IS NOT NULL)", name="label_of_state"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["label_id"], ["label.id"]),
        Index("ix_judge_result_pair_id", "pair_id"),
        # What judges left open is read whenever the effect of label rules is shown.
        Index("ix_judge_result_open", "project_id", "pair_id", sqlite_where=text("state <> 'decided'"),
              postgresql_where=text("state <> 'decided'")),
    )  # fmt: skip

    rater_id: int = Field(foreign_key="rater.id", primary_key=True)
    pair_id: int = shared_key()
    project_id: int
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    run_id: int = Field(foreign_key="run.id")
    state: str
    reason: str | None = None
    label_id: int | None = big_id(nullable=True)
    updated_at: datetime = at(default_now=True)


class LabelJudgement(Table, table=True):
    """The judgements that a judge's label rests on."""

    __tablename__ = "label_judgement"
    __table_args__ = (
        ForeignKeyConstraint(["label_id"], ["label.id"]),
        ForeignKeyConstraint(["judgement_id"], ["judgement.id"]),
        Index("ix_label_judgement_judgement_id", "judgement_id"),
    )

    label_id: int = shared_key()
    judgement_id: int = shared_key()


class Score(Table, table=True):
    """One reply of a scoring judge as read: 1 to 10 for one completion, or unreadable."""

    __tablename__ = "score"
    __table_args__ = (
        one_of("state", "read", "unreadable"),
        CheckConstraint("(state = 'unreadable') = (points IS NULL)", name="points_of_state"),
        CheckConstraint("points IS NULL OR points BETWEEN 1 AND 10", name="points"),
        UniqueConstraint("rater_id", "completion_id", "sample_number", "request_id"),
        ForeignKeyConstraint(["completion_id"], ["completion.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        Index("ix_score_completion_id", "completion_id"),
        Index("ix_score_run_id", "run_id"),
    )

    id: int | None = big_key()
    project_id: int = Field(foreign_key="project.id")
    run_id: int = Field(foreign_key="run.id")
    rater_id: int = Field(foreign_key="rater.id")
    completion_id: int = big_id()
    request_id: int = big_id()
    sample_number: int = 0
    state: str
    points: float | None = None
    created_at: datetime = at(default_now=True)


class ScoreText(Table, table=True):
    __tablename__ = "score_text"
    __table_args__ = (ForeignKeyConstraint(["score_id"], ["score.id"]),)

    score_id: int = shared_key()
    reasoning: str = long_text()


class BenchPair(Table, table=True):
    """The half of the rubric bench that a gold pair belongs to, drawn once and kept."""

    __tablename__ = "bench_pair"
    __table_args__ = (
        one_of("half", "tune", "held_out"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
    )

    project_id: int = Field(primary_key=True)
    pair_id: int = shared_key()
    half: str
    created_at: datetime = at(default_now=True)


class BenchLook(Table, table=True):
    """Somebody looked at how a judge does on the held-out half: what was seen. Each look makes it a little less held out."""

    __tablename__ = "bench_look"

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    rater_id: int = Field(foreign_key="rater.id")
    pairs: int
    right: int
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
