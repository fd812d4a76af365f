"""Rounds, their members and pairs, and who was served what."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, big_key, one_of, shared_key


class Round(Table, table=True):
    __tablename__ = "round"
    __table_args__ = (
        one_of("purpose", "work", "practice", "calibration", "repeat", "review"),
        one_of("ordering", "imported", "random", "uncertain"),
        CheckConstraint("overlap BETWEEN 1 AND 100", name="overlap"),
        CheckConstraint("gold_share >= 0 AND gold_share < 1", name="gold_share"),
        UniqueConstraint("project_id", "name"),
        UniqueConstraint("project_id", "id"),
        ForeignKeyConstraint(["project_id", "guideline_version_id"], ["guideline_version.project_id", "guideline_version.id"]),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    name: str
    purpose: str
    guideline_version_id: int
    overlap: int = 1
    ordering: str = "imported"
    takes_all_pairs: bool = False
    gold_share: float = 0.0
    pass_mark: float | None = None
    seed: int = 0
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    closed_at: datetime | None = at()


class RoundMember(Table, table=True):
    """Who works in a round. A round without rows is open to every member of the project."""

    __tablename__ = "round_member"

    round_id: int = Field(foreign_key="round.id", primary_key=True)
    account_id: int = Field(foreign_key="account.id", primary_key=True)


class RoundPair(Table, table=True):
    """A pair's place in a round's queue. `is_done`: as many labels hold its slots as the overlap asks for.

    A gold place takes no slot and is never done: everyone is served it once. `is_out` is its pair's `is_left_out`, here
    too so that serving reads one table.
    """

    __tablename__ = "round_pair"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "round_id"], ["round.project_id", "round.id"]),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        Index("ix_round_pair_open", "round_id", "position", "pair_id",
              sqlite_where=text("is_done = 0 AND is_out = 0"), postgresql_where=text("NOT is_done AND NOT is_out")),
        Index("ix_round_pair_gold", "round_id", sqlite_where=text("is_gold = 1"), postgresql_where=text("is_gold")),
        Index("ix_round_pair_out", "round_id", sqlite_where=text("is_out = 1"), postgresql_where=text("is_out")),
        Index("ix_round_pair_pair_id", "pair_id"),
    )  # fmt: skip

    round_id: int = Field(primary_key=True)
    pair_id: int = shared_key()
    project_id: int
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    is_done: bool = False
    is_gold: bool = False
    is_out: bool = False


ASSIGNMENT_STATES = ("served", "labelled", "skipped", "undone")


class Assignment(Table, table=True):
    """A pair as it was first served to an annotator, with its side for ever.

    It holds a slot until `reserved_until`; a label makes the hold lasting (`reserved_until` NULL). Without a slot the row
    stays. That a slot is at most the round's overlap is a trigger: lowering the overlap must not touch old rows.
    `position` is the pair's place in the queue, copied so that an annotator's place in it is one look at the index.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        one_of("left_side", "a", "b"),
        one_of("state", *ASSIGNMENT_STATES),
        CheckConstraint("slot >= 1", name="slot"),
        CheckConstraint("slot IS NOT NULL OR reserved_until IS NULL", name="reserved"),
        UniqueConstraint("round_id", "pair_id", "rater_id"),
        UniqueConstraint("round_id", "pair_id", "slot"),
        ForeignKeyConstraint(["round_id", "pair_id"], ["round_pair.round_id", "round_pair.pair_id"]),
        Index("ix_assignment_rater", "rater_id", "round_id", "state", "position"),
        Index(
            "ix_assignment_reserved",
            "round_id",
            "reserved_until",
            sqlite_where=text("reserved_until IS NOT NULL"),
            postgresql_where=text("reserved_until IS NOT NULL"),
        ),
        Index("ix_assignment_pair_id", "pair_id"),
    )

    id: int | None = big_key()
    round_id: int
    pair_id: int = big_id()
    rater_id: int = Field(foreign_key="rater.id")
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    left_side: str
    state: str = "served"
    slot: int | None = None
    reserved_until: datetime | None = at()
    served_at: datetime = at(default_now=True)
