"""Rounds as their lead sees them: made, counted, filled; and gold pairs with what annotators said of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, func, insert, select, update
from sqlmodel import Session, col

from labeling.storage.projects import visible
from labeling.storage.queue import settle
from labeling.storage.standing import STANDS
from labeling.storage.tables import (
    Account,
    Assignment,
    CompletionText,
    Flag,
    JudgeResult,
    Label,
    LabelNote,
    Member,
    Pair,
    Rater,
    Round,
    RoundMember,
    RoundPair,
    core,
)

_label, _pair, _place, _rater = core(Label), core(Pair), core(RoundPair), core(Rater)
_assignment, _note, _flag = core(Assignment), core(LabelNote), core(Flag)


def add_round(session: Session, round_: Round, members: Iterable[int]) -> Round:
    session.add(round_)
    session.flush()
    assert round_.id is not None
    session.add_all([RoundMember(round_id=round_.id, account_id=account_id) for account_id in members])
    session.flush()
    return round_


def add_places(session: Session, round_: Round, positions: dict[int, int]) -> None:
    """Put pairs into a round's queue, each at its position."""
    if positions:
        session.execute(
            insert(_place),
            [
                {
                    "round_id": round_.id,
                    "pair_id": pair_id,
                    "project_id": round_.project_id,
                    "position": position,
                    "is_done": False,
                    "is_gold": False,
                }
                for pair_id, position in positions.items()
            ],
        )


def rounds_of(session: Session, project_id: int) -> Sequence[Row[Any]]:
    """Each round with its counts of pairs and of done ones, oldest first."""
    query = (
        select(
            Round,
            func.count(_place.c.pair_id).label("pairs"),
            func.coalesce(func.sum(case((_place.c.is_done, 1), else_=0)), 0).label("done"),
            func.coalesce(func.sum(case((_place.c.is_gold, 1), else_=0)), 0).label("gold"),
        )
        .outerjoin(_place, _place.c.round_id == col(Round.id))
        .where(col(Round.project_id) == project_id)
        .group_by(col(Round.id))
        .order_by(col(Round.id))
    )
    return session.execute(query).all()


def members_of(session: Session, project_id: int) -> dict[int, list[str]]:
    """By round: the names of its members. A round that is open to everyone is missing."""
    query = (
        select(col(RoundMember.round_id), col(Account.name))
        .join(Account, col(Account.id) == col(RoundMember.account_id))
        .join(Round, col(Round.id) == col(RoundMember.round_id))
        .where(col(Round.project_id) == project_id)
        .order_by(col(Account.name))
    )
    found: dict[int, list[str]] = {}
    for round_id, name in session.execute(query):
        found.setdefault(round_id, []).append(name)
    return found


def open_to(session: Session, project_id: int, account_id: int) -> list[str]:
    """The names of the project's open rounds that the account may enter, oldest first."""
    members = select(col(RoundMember.account_id)).where(col(RoundMember.round_id) == col(Round.id))
    is_for_all, is_member = ~members.exists(), members.where(col(RoundMember.account_id) == account_id).exists()
    query = select(col(Round.name)).where(
        col(Round.project_id) == project_id, col(Round.closed_at).is_(None), is_for_all | is_member
    )
    return list(session.scalars(query.order_by(col(Round.id))))


def set_members(session: Session, round_id: int, accounts: Iterable[int]) -> None:
    session.execute(delete(RoundMember).where(col(RoundMember.round_id) == round_id))
    session.add_all([RoundMember(round_id=round_id, account_id=account_id) for account_id in accounts])


def people_of(session: Session, project_id: int) -> list[str]:
    """The names of the project's members."""
    query = select(col(Account.name)).join(Member, col(Member.account_id) == col(Account.id))
    return list(session.scalars(query.where(col(Member.project_id) == project_id).order_by(col(Account.name))))


# --- gold --------------------------------------------------------------------------------------------------------


def set_gold(session: Session, project_id: int, pair_id: int, verdict: str | None, reason: str | None) -> bool:
    """Write a pair's known verdict; whether the project has that pair."""
    found = session.execute(
        update(_pair)
        .where(_pair.c.project_id == project_id, _pair.c.id == pair_id)
        .values(gold_verdict=verdict, gold_reason=reason)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]  # an update's result has it


def gold_pairs(session: Session, project_id: int) -> Sequence[Row[Any]]:
    """The project's pairs with known verdicts that nobody left out: id, gold_verdict, gold_reason."""
    query = select(_pair.c.id, _pair.c.gold_verdict, _pair.c.gold_reason).where(
        _pair.c.project_id == project_id,
        _pair.c.gold_verdict.is_not(None),
        ~_pair.c.is_left_out,
        visible(Pair, project_id),
    )
    return session.execute(query.order_by(_pair.c.id)).all()


def verdicts_of(session: Session, project_id: int, name: str) -> Sequence[Row[Any]]:
    """What an annotator or an imported rater of this name says now: pair_id, verdict, comment; the newest one last."""
    query = (
        select(_label.c.pair_id, _label.c.verdict, _note.c.comment)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .outerjoin(_note, _note.c.label_id == _label.c.id)
        .where(
            _label.c.project_id == project_id,
            _label.c.action == "label",
            _rater.c.name == name,
            _rater.c.kind.in_(("annotator", "imported")),
            visible(Label, project_id),
            STANDS,
        )
    )
    return session.execute(query.order_by(_label.c.seq)).all()


def gold_of(session: Session, pair_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Known verdicts of the pairs, with their reasons."""
    query = select(_pair.c.id, _pair.c.gold_verdict, _pair.c.gold_reason).where(
        _pair.c.id.in_(pair_ids), _pair.c.gold_verdict.is_not(None)
    )
    return {row.id: row for row in session.execute(query)}


def places_of(session: Session, round_id: int) -> Sequence[Row[Any]]:
    """The round's queue in its order: pair_id, position, is_gold."""
    query = select(_place.c.pair_id, _place.c.position, _place.c.is_gold).where(_place.c.round_id == round_id)
    return session.execute(query.order_by(_place.c.position, _place.c.pair_id)).all()


def place_gold(session: Session, round_id: int, positions: dict[int, int]) -> None:
    """Make these places gold, each at its new position."""
    if positions:
        session.connection().execute(
            update(_place)
            .where(_place.c.round_id == round_id, _place.c.pair_id == bindparam("of_pair"))
            .values(is_gold=True, is_done=False, position=bindparam("to")),
            [{"of_pair": pair_id, "to": position} for pair_id, position in positions.items()],
        )


def make_plain(session: Session, round_id: int, pair_ids: Sequence[int], overlap: int) -> None:
    """Make gold places plain ones where they stand; what holds their slots counts again."""
    session.execute(
        update(_place).where(_place.c.round_id == round_id, _place.c.pair_id.in_(pair_ids)).values(is_gold=False)
    )
    settle(session, round_id, pair_ids, overlap)


def rounds_with_gold(session: Session, pair_id: int) -> Sequence[Round]:
    """The rounds in which the pair stands as gold."""
    query = select(Round).join(_place, _place.c.round_id == col(Round.id))
    return session.scalars(query.where(_place.c.pair_id == pair_id, _place.c.is_gold)).all()


def count_known(session: Session, round_id: int) -> int:
    """How many pairs of the round have a known verdict."""
    query = select(func.count()).select_from(_place).join(_pair, _pair.c.id == _place.c.pair_id)
    known = query.where(_place.c.round_id == round_id, _pair.c.gold_verdict.is_not(None), ~_place.c.is_out)
    return session.scalar(known) or 0


def answers_to_gold(
    session: Session, project_id: int, round_id: int | None, rater_id: int | None
) -> Sequence[Row[Any]]:
    """What annotators said of gold pairs and hold to: rater, name, verdict, gold_verdict, pair_id; of one round or rater where given."""
    query = (
        select(
            _label.c.rater_id,
            _rater.c.name,
            _label.c.pair_id,
            _label.c.verdict,
            _pair.c.gold_verdict,
            _label.c.round_id,
        )
        .join(_pair, _pair.c.id == _label.c.pair_id)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .where(
            _label.c.project_id == project_id,
            _label.c.round_id.is_not(None),
            _label.c.action == "label",
            _pair.c.gold_verdict.is_not(None),
            _rater.c.kind == "annotator",
            STANDS,
        )
    )
    if round_id is not None:
        query = query.where(_label.c.round_id == round_id)
    if rater_id is not None:
        query = query.where(_label.c.rater_id == rater_id)
    return session.execute(query.order_by(_rater.c.name)).all()


# --- what was labelled before ------------------------------------------------------------------------------------


def labelled_by(session: Session, project_id: int, account_id: int) -> Sequence[int]:
    """Pairs, of those that nobody left out, on which the annotator holds a label; oldest label first."""
    query = (
        select(_label.c.pair_id)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .join(_pair, _pair.c.id == _label.c.pair_id)
        .where(
            _label.c.project_id == project_id,
            _rater.c.account_id == account_id,
            ~_pair.c.is_left_out,
            _label.c.round_id.is_not(None),
            _label.c.action == "label",
            STANDS,
        )
        .group_by(_label.c.pair_id)
        .order_by(func.min(_label.c.seq))
    )
    return session.scalars(query).all()


def pairs_of_project(session: Session, project_id: int) -> Sequence[int]:
    """The project's pairs that nobody left out, by id."""
    query = select(_pair.c.id).where(_pair.c.project_id == project_id, ~_pair.c.is_left_out, visible(Pair, project_id))
    return session.scalars(query.order_by(_pair.c.id)).all()


def verdicts_twice(session: Session, round_id: int) -> Sequence[Row[Any]]:
    """For a repeat round: rater, pair, the verdict of the round, and the newest one of any other round."""
    before = _label.alias("before")
    newer = _label.alias("newer")
    superseded = (
        select(newer.c.id)
        .where(
            newer.c.rater_id == before.c.rater_id,
            newer.c.pair_id == before.c.pair_id,
            newer.c.round_id.is_not(None),
            newer.c.round_id != round_id,
            newer.c.seq > before.c.seq,
        )
        .exists()
    )
    query = (
        select(_label.c.rater_id, _rater.c.name, _label.c.pair_id, _label.c.verdict, before.c.verdict.label("earlier"))
        .join(before, (before.c.rater_id == _label.c.rater_id) & (before.c.pair_id == _label.c.pair_id))
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .where(
            _label.c.round_id == round_id,
            _label.c.action == "label",
            STANDS,
            before.c.round_id.is_not(None),
            before.c.round_id != round_id,
            before.c.action == "label",
            ~superseded,
        )
    )
    return session.execute(query.order_by(_rater.c.name)).all()


# --- order -------------------------------------------------------------------------------------------------------


def uncertain_pairs(session: Session, project_id: int) -> set[int]:
    """Pairs that a judge could not decide, or on which the raters' newest verdicts differ."""
    result = core(JudgeResult)
    undecided = select(result.c.pair_id).where(result.c.project_id == project_id, result.c.state != "decided")
    disputed = (
        select(_label.c.pair_id)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .where(
            _label.c.project_id == project_id,
            _label.c.action == "label",
            _rater.c.kind != "rule",
            STANDS,
        )
        .group_by(_label.c.pair_id)
        .having(func.count(_label.c.verdict.distinct()) > 1)
    )
    return set(session.scalars(undecided)) | set(session.scalars(disputed))


def forget_positions(session: Session, round_id: int, after: int, limit: int) -> int | None:
    """Let who was served in the round be served from its beginning: how far they were means nothing in another order.
    A part at a time; return the last row that was changed, None at the end."""
    query = select(_assignment.c.id).where(_assignment.c.round_id == round_id, _assignment.c.id > after)
    found = session.scalars(query.order_by(_assignment.c.id).limit(limit)).all()
    if not found:
        return None
    session.execute(update(_assignment).where(_assignment.c.id.in_(found)).values(position=-1))
    return int(found[-1])


def flagged_pairs(session: Session, project_id: int) -> set[int]:
    """Pairs with a flag that nobody has settled."""
    query = select(_flag.c.pair_id).where(_flag.c.project_id == project_id, _flag.c.settled_at.is_(None))
    return set(session.scalars(query))


def move_places(session: Session, round_id: int, positions: dict[int, int]) -> None:
    session.connection().execute(
        update(_place)
        .where(_place.c.round_id == round_id, _place.c.pair_id == bindparam("of_pair"))
        .values(position=bindparam("to")),
        [{"of_pair": pair_id, "to": position} for pair_id, position in positions.items()],
    )


def texts_of_project(session: Session, project_id: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """The next pairs with both texts, by id: pair_id, a, b."""
    text_a, text_b = core(CompletionText).alias("text_a"), core(CompletionText).alias("text_b")
    query = (
        select(_pair.c.id.label("pair_id"), text_a.c.text.label("a"), text_b.c.text.label("b"))
        .join(text_a, text_a.c.completion_id == _pair.c.a_id)
        .join(text_b, text_b.c.completion_id == _pair.c.b_id)
        .where(_pair.c.project_id == project_id, _pair.c.id > after, visible(Pair, project_id))
    )
    return session.execute(query.order_by(_pair.c.id).limit(limit)).all()
