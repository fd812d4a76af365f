"""Pairs: two different completions of one prompt."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, big_key, long_text, one_of


class Pair(Table, table=True):
    """One prompt with two different completions. Stored order is by id, so that a pair is made once.

    `is_left_out`: a lead took it out of the queues, the judges' work and the exports; what was said of it stays.
    """

    __tablename__ = "pair"
    __table_args__ = (
        CheckConstraint("a_id < b_id", name="order"),
        CheckConstraint("a_digest <> b_digest", name="differ"),
        one_of("gold_verdict", "a", "b", "tie", "both_bad"),
        UniqueConstraint("a_id", "b_id"),
        UniqueConstraint("project_id", "id"),
        ForeignKeyConstraint(["project_id", "prompt_id"], ["prompt.project_id", "prompt.id"]),
        ForeignKeyConstraint(["prompt_id", "a_id", "a_digest"], ["completion.prompt_id", "completion.id", "completion.text_digest"]),
        ForeignKeyConstraint(["prompt_id", "b_id", "b_digest"], ["completion.prompt_id", "completion.id", "completion.text_digest"]),
        Index("ix_pair_prompt_id", "prompt_id"),
        Index("ix_pair_b_id", "b_id"),
        Index("ix_pair_gold", "project_id", "id", sqlite_where=text("gold_verdict IS NOT NULL"),
              postgresql_where=text("gold_verdict IS NOT NULL")),
        Index("ix_pair_sandbox", "project_id", sqlite_where=text("is_sandbox = 1"), postgresql_where=text("is_sandbox")),
        Index("ix_pair_left_out", "project_id", sqlite_where=text("is_left_out = 1"), postgresql_where=text("is_left_out")),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    prompt_id: int
    a_id: int = big_id()
    b_id: int = big_id()
    a_digest: str
    b_digest: str
    is_sandbox: bool = False
    gold_verdict: str | None = None
    gold_reason: str | None = long_text(nullable=True)
    is_left_out: bool = False
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_at: datetime = at(default_now=True)
