"""All that must be known of an annotator's place of work before a label is taken there, in one look."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, FromClause, Integer, Row, Select, bindparam, exists, select, true
from sqlmodel import Session

from labeling.storage.tables import Account, GuidelineVersion, Label, Member, Project, Rater, Round, RoundMember, core
from labeling.storage.tokens import OF_LIVE_TOKEN, OWNER, TOKEN_OWNERS

_project, _round, _member = core(Project), core(Round), core(Member)
_rater, _version, _round_member = core(Rater), core(GuidelineVersion), core(RoundMember)
_label, _practice = core(Label), core(Round).alias("practice")
_of_round = exists().where(_round_member.c.round_id == _round.c.id)

_practice_of_project = (
    select(_practice.c.id)
    .where(
        _practice.c.project_id == _project.c.id,
        _practice.c.purpose == "practice",
        _practice.c.pass_mark.is_not(None),
        _practice.c.closed_at.is_(None),
    )
    .order_by(_practice.c.id.desc())
    .limit(1)
    .scalar_subquery()
)


def _desk(account_id: ColumnElement[int], project: FromClause) -> Select[Any]:
    """What is to be known of an account in a round; `project` brings the project."""
    return (
        select(
            _project.c.id.label("project_id"),
            _project.c.name.label("project_name"),
            _project.c.settings,
            _project.c.closed_at.label("project_closed_at"),
            _member.c.role,
            _member.c.languages,
            _member.c.takes_sensitive,
            _round.c.id.label("round_id"),
            _round.c.name.label("round_name"),
            _round.c.purpose,
            _round.c.overlap,
            _round.c.closed_at.label("round_closed_at"),
            _version.c.id.label("version_id"),
            _version.c.number.label("version_number"),
            _rater.c.id.label("rater_id"),
            _practice_of_project.label("practice_id"),
            (~_of_round | _of_round.where(_round_member.c.account_id == account_id)).label("may_enter"),
        )
        .select_from(
            project.join(_round, _round.c.project_id == _project.c.id)
            .join(_version, _version.c.id == _round.c.guideline_version_id)
            .outerjoin(_member, (_member.c.project_id == _project.c.id) & (_member.c.account_id == account_id))
            .outerjoin(_rater, _rater.c.account_id == account_id)
        )
        .where(_project.c.slug == bindparam("slug"), _round.c.name == bindparam("round_name"))
    )


_DESK: Executable = _desk(bindparam("account_id", type_=Integer), _project)
_DESK_OF_TOKEN: Executable = (
    _desk(core(Account).c.id, TOKEN_OWNERS.join(_project, true())).add_columns(*OWNER).where(OF_LIVE_TOKEN)
)
_HELD_ROUND: Executable = (
    select(
        _round.c.overlap,
        _round.c.closed_at.label("round_closed_at"),
        _project.c.closed_at.label("project_closed_at"),
    )
    .join(_project, _project.c.id == _round.c.project_id)
    .where(_round.c.id == bindparam("round_id"))
    .with_for_update(read=True, of=_round)
)
_VERSION = select(_version.c.id).where(
    _version.c.project_id == bindparam("project_id"), _version.c.number == bindparam("number")
)


def desk_row(session: Session, slug: str, round_name: str, account_id: int) -> Row[Any] | None:
    """The project and the round of these names, and the account's role and rater there (None where it has none)."""
    values = {"slug": slug, "round_name": round_name, "account_id": account_id}
    return session.connection().execute(_DESK, values).first()


def desk_row_of_token(session: Session, slug: str, round_name: str, secret_hash: str, at: datetime) -> Row[Any] | None:
    """`desk_row` for whoever a token speaks for that is good now, with the columns of `owner_of_token`."""
    values = {"slug": slug, "round_name": round_name, "secret_hash": secret_hash, "at": at}
    return session.connection().execute(_DESK_OF_TOKEN, values).first()


def hold_round(session: Session, round_id: int) -> Row[Any]:
    """The round's overlap and whether it is closed, as they stay until the transaction ends."""
    return session.connection().execute(_HELD_ROUND, {"round_id": round_id}).one()


def version_with(session: Session, project_id: int, number: int) -> int | None:
    """The key of the project's guideline version of that number."""
    return session.connection().execute(_VERSION, {"project_id": project_id, "number": number}).scalar()


def newest_version_seen(session: Session, project_id: int, rater_id: int) -> int | None:
    """The newest guideline version of the project by which the rater gave a label."""
    used = exists().where(_label.c.rater_id == rater_id, _label.c.guideline_version_id == _version.c.id)
    query = select(_version.c.number).where(_version.c.project_id == project_id, used)
    return session.connection().execute(query.order_by(_version.c.number.desc()).limit(1)).scalar()


def guideline_text(session: Session, project_id: int, number: int) -> str | None:
    """The project's guidelines of that version; None where there is none."""
    query = select(_version.c.text).where(_version.c.project_id == project_id, _version.c.number == number)
    return session.connection().execute(query).scalar()
