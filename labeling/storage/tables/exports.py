"""Saved label rules, and what was exported."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Text, UniqueConstraint
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, long_text, one_of


class RuleSet(Table, table=True):
    """Label rules saved under a name (JSON). Saving the name again adds the next version; the newest one counts."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("project_id", "name", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    name: str
    version: int
    rules: str = long_text()
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    removed_at: datetime | None = at()


class Export(Table, table=True):
    """One export: what was asked, up to which label, and the digests of what was written."""

    __tablename__ = "export"
    __table_args__ = (
        one_of("state", "writing", "done", "failed", "removed"),
        CheckConstraint("validation_share >= 0 AND validation_share < 1", name="validation_share"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    format: str
    rules: str = Field(default="{}", sa_type=Text, nullable=False)
    options: str = Field(default="{}", sa_type=Text, nullable=False)
    seed: int = 0
    validation_share: float = 0.0
    label_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: str = "writing"
    rows: int = 0
    counts: str = Field(default="{}", sa_type=Text, nullable=False)
    digests: str = Field(default="{}", sa_type=Text, nullable=False)
    folder: str | None = None
    fault: str | None = long_text(nullable=True)
    program_version: str
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    ended_at: datetime | None = at()
