"""What one rater has done in a project, newest first, a page at a time.

The list walks the index of the rater's own labels and touches narrow rows only; texts are read for what is shown, or
streamed, one label after the other, while words are looked for.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Executable, Row, and_, or_, select
from sqlmodel import Session

from labeling.domain import Side
from labeling.storage.standing import STANDS
from labeling.storage.tables import (
    Assignment,
    CompletionText,
    Flag,
    GuidelineVersion,
    Label,
    LabelNote,
    Pair,
    PromptRow,
    PromptText,
    Round,
    core,
)

Kind: TypeAlias = Literal["left", "right", "tie", "both_bad", "skip", "undo", "void"]

_label, _note = core(Label), core(LabelNote)
_pair, _prompt, _prompt_text, _round = core(Pair), core(PromptRow), core(PromptText), core(Round)
_a_text, _b_text = core(CompletionText).alias("a_text"), core(CompletionText).alias("b_text")
_edit_text = core(CompletionText).alias("edit_text")
_version, _assignment, _flag = core(GuidelineVersion), core(Assignment), core(Flag)

STREAMED_AT_ONCE = 50  # labels whose texts are in memory together


@dataclass(frozen=True, slots=True)
class Place:
    """A label's place in the history: what comes after it is older."""

    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Sought:
    """Conditions on narrow columns; None asks for nothing. `since` is included, `until` is not."""

    pair_id: int | None = None
    round_id: int | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest_labels(
    session: Session, rater_id: int, project_id: int, sought: Sought, before: Place | None, most: int
) -> Sequence[Row[Any]]:
    """The rater's newest event on each pair and round, newest first, those before a place."""
    query: Executable = (
        select(
            _label.c.id, _label.c.seq, _label.c.pair_id, _label.c.round_id, _label.c.revision, _label.c.action,
            _label.c.verdict, _label.c.strength, _label.c.left_side, _label.c.is_surplus, _label.c.created_at,
            _round.c.name.label("round_name"), _round.c.purpose,
        )
        .join(_round, _round.c.id == _label.c.round_id)
        .where(
            _label.c.rater_id == rater_id,
            _label.c.project_id == project_id,
            STANDS,
            *_conditions(sought),
            *_before(before),
        )
        .order_by(_label.c.created_at.desc(), _label.c.seq.desc())
        .limit(most)
    )  # fmt: skip
    return session.connection().execute(query).all()


def _before(place: Place | None) -> list[Any]:
    """Older than the place. The first condition alone is what the index can use."""
    if place is None:
        return []
    at = _label.c.created_at
    return [at <= place.at, or_(at < place.at, _label.c.seq < place.seq)]


def _conditions(sought: Sought) -> list[Any]:
    found: list[Any] = []
    if sought.pair_id is not None:
        found.append(_label.c.pair_id == sought.pair_id)
    if sought.round_id is not None:
        found.append(_label.c.round_id == sought.round_id)
    if sought.since is not None:
        found.append(_label.c.created_at >= sought.since)
    if sought.until is not None:
        found.append(_label.c.created_at < sought.until)
    match sought.kind:
        case "left":
            found.append(_label.c.verdict == _label.c.left_side)
        case "right":
            found.append(and_(_label.c.verdict.in_(("a", "b")), _label.c.verdict != _label.c.left_side))
        case "tie" | "both_bad":
            found.append(_label.c.verdict == sought.kind)
        case "skip" | "undo" | "void":
            found.append(_label.c.action == sought.kind)
    return found


def words_of(session: Session, label_ids: Collection[int]) -> Iterator[Row[Any]]:
    """The texts of labels, a few at a time, in no order: prompt, both completions, comment, reasons and edit."""
    query: Executable = (
        select(
            _label.c.id, _prompt_text.c.messages, _a_text.c.text.label("a"), _a_text.c.tool_calls.label("a_calls"),
            _b_text.c.text.label("b"), _b_text.c.tool_calls.label("b_calls"), _note.c.comment, _note.c.reasons,
            _edit_text.c.text.label("edit"),
        )
        .join(_pair, _pair.c.id == _label.c.pair_id)
        .join(_prompt_text, _prompt_text.c.prompt_id == _pair.c.prompt_id)
        .join(_a_text, _a_text.c.completion_id == _pair.c.a_id)
        .join(_b_text, _b_text.c.completion_id == _pair.c.b_id)
        .outerjoin(_note, _note.c.label_id == _label.c.id)
        .outerjoin(_edit_text, _edit_text.c.completion_id == _label.c.edit_id)
        .where(_label.c.id.in_(label_ids))
    )  # fmt: skip
    yield from session.connection().execute(query, execution_options={"yield_per": STREAMED_AT_ONCE})


def headings(session: Session, label_ids: Collection[int]) -> dict[int, Row[Any]]:
    """What a list says beside each label: the prompt's messages, whether it is sensitive, and the comment."""
    query: Executable = (
        select(_label.c.id, _prompt_text.c.messages, _prompt.c.is_sensitive, _note.c.comment)
        .join(_pair, _pair.c.id == _label.c.pair_id)
        .join(_prompt, _prompt.c.id == _pair.c.prompt_id)
        .join(_prompt_text, _prompt_text.c.prompt_id == _pair.c.prompt_id)
        .outerjoin(_note, _note.c.label_id == _label.c.id)
        .where(_label.c.id.in_(label_ids))
    )
    return {row.id: row for row in session.connection().execute(query)}


def revisions(session: Session, rater_id: int, round_id: int, pair_id: int) -> Sequence[Row[Any]]:
    """Every event of the rater on a pair in a round, newest first, each with its note, edit and guideline number."""
    query: Executable = (
        select(
            _label.c.revision, _label.c.event_id, _label.c.action, _label.c.verdict, _label.c.strength,
            _label.c.left_side, _label.c.is_surplus, _label.c.milliseconds, _label.c.away_milliseconds,
            _label.c.renderer_version, _label.c.created_at, _version.c.number.label("guidelines"),
            _note.c.comment, _note.c.reasons, _note.c.criteria, _edit_text.c.text.label("edited"),
        )
        .outerjoin(_note, _note.c.label_id == _label.c.id)
        .outerjoin(_edit_text, _edit_text.c.completion_id == _label.c.edit_id)
        .outerjoin(_version, _version.c.id == _label.c.guideline_version_id)
        .where(_label.c.rater_id == rater_id, _label.c.pair_id == pair_id, _label.c.round_id == round_id)
        .order_by(_label.c.revision.desc())
    )  # fmt: skip
    return session.connection().execute(query).all()


def flags_of(session: Session, rater_id: int, pair_id: int, round_id: int) -> Sequence[Row[Any]]:
    """The rater's own flags on a pair in a round, newest first."""
    query: Executable = (
        select(_flag.c.created_at, _flag.c.comment, _flag.c.reasons)
        .where(_flag.c.pair_id == pair_id, _flag.c.rater_id == rater_id, _flag.c.round_id == round_id)
        .order_by(_flag.c.id.desc())
    )
    return session.connection().execute(query).all()


def left_side(session: Session, rater_id: int, round_id: int, pair_id: int) -> Side:
    """The completion that stands left for the rater, to whom the pair was served in the round."""
    query: Executable = select(_assignment.c.left_side).where(
        _assignment.c.round_id == round_id, _assignment.c.pair_id == pair_id, _assignment.c.rater_id == rater_id
    )
    found: Side = session.connection().execute(query).scalar_one()
    return found


def rounds_worked_in(session: Session, rater_id: int, project_id: int) -> Sequence[Row[Any]]:
    """The project's rounds in which the rater was ever served a pair: id, name, purpose, closed_at; oldest first."""
    served = select(_assignment.c.id).where(_assignment.c.rater_id == rater_id, _assignment.c.round_id == _round.c.id)
    query: Executable = (
        select(_round.c.id, _round.c.name, _round.c.purpose, _round.c.closed_at)
        .where(_round.c.project_id == project_id, served.exists())
        .order_by(_round.c.id)
    )
    return session.connection().execute(query).all()


def guidelines_with(session: Session, project_id: int, number: int) -> str | None:
    """The text of the project's guideline version of that number."""
    query = select(_version.c.text).where(_version.c.project_id == project_id, _version.c.number == number)
    found: str | None = session.connection().execute(query).scalar()
    return found
