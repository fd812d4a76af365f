"""Labels and what was said beside them, flags, and the record of erasures."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, big_key, long_text, one_of, shared_key


class Label(Table, table=True):
    """One event of one rater on one pair. Append-only (triggers): the greatest revision is the current one.

    A revision stands once for (rater, pair, round): an index on an expression, in `rules.py`.

    A person's label names the round and needs an assignment there; judges' and imported labels have no round.
    """

    __tablename__ = "label"
    __table_args__ = (
        one_of("action", "label", "skip", "undo", "void"),
        one_of("verdict", "a", "b", "tie", "both_bad"),
        one_of("left_side", "a", "b"),
        CheckConstraint("(action = 'label') = (verdict IS NOT NULL)", name="verdict_of_action"),
        CheckConstraint("strength IS NULL OR (verdict IS NOT NULL AND verdict IN ('a', 'b') AND strength BETWEEN 1 AND 3)", name="strength"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("milliseconds >= 0 AND away_milliseconds >= 0", name="milliseconds"),
        UniqueConstraint("event_id"),
        UniqueConstraint("project_id", "seq"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["round_id", "pair_id", "rater_id"], ["assignment.round_id", "assignment.pair_id", "assignment.rater_id"]),
        ForeignKeyConstraint(["edit_id"], ["completion.id"]),
        Index("ix_label_pair_id", "pair_id"),
        Index("ix_label_rater_created", "rater_id", "created_at"),
        # Whoever deletes a completion asks whether it is an edit of a label: without it, of every label there is.
        Index("ix_label_edit_id", "edit_id",
              sqlite_where=text("edit_id IS NOT NULL"), postgresql_where=text("edit_id IS NOT NULL")),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    pair_id: int = big_id()
    rater_id: int = Field(foreign_key="rater.id")
    round_id: int | None = None
    revision: int = 1
    action: str
    verdict: str | None = None
    strength: int | None = None
    left_side: str | None = None
    is_surplus: bool = False
    milliseconds: int | None = None
    away_milliseconds: int | None = None
    edit_id: int | None = big_id(nullable=True)
    guideline_version_id: int | None = Field(default=None, foreign_key="guideline_version.id")
    renderer_version: str | None = None
    event_id: str
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)


class LabelNote(Table, table=True):
    """What a rater said beside the verdict. `reasons` is a JSON list, `criteria` a JSON object of name to verdict in stored order."""

    __tablename__ = "label_note"
    __table_args__ = (ForeignKeyConstraint(["label_id"], ["label.id"]),)

    label_id: int = shared_key()
    comment: str | None = long_text(nullable=True)
    reasons: str | None = long_text(nullable=True)
    criteria: str | None = long_text(nullable=True)


class Flag(Table, table=True):
    """An annotator's note to the lead about a pair. It changes no label."""

    __tablename__ = "flag"
    __table_args__ = (
        UniqueConstraint("event_id"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int
    pair_id: int = big_id(index=True)
    round_id: int | None = Field(default=None, foreign_key="round.id")
    rater_id: int = Field(foreign_key="rater.id")
    event_id: str
    comment: str | None = long_text(nullable=True)
    reasons: str | None = long_text(nullable=True)
    created_at: datetime = at(default_now=True)
    settled_at: datetime | None = at()
    settled_by: int | None = Field(default=None, foreign_key="account.id")


class Erasure(Table, table=True):
    """The record that lets labels be deleted, made before the first one goes. The trigger reads the open ones."""

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN project_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN rater_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN import_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="scope",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    rater_id: int | None = Field(default=None, foreign_key="rater.id")
    import_id: int | None = Field(default=None, foreign_key="import.id")
    reason: str
    labels_erased: int = 0
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    ended_at: datetime | None = at()
