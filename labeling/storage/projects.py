"""Projects, accounts and members: single rows, and the counts that the lists show."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import Session, col

from labeling.domain import Role
from labeling.storage.tables import (
    Account,
    Assignment,
    Completion,
    Erasure,
    Export,
    GuidelineVersion,
    Import,
    Label,
    Member,
    Pair,
    Project,
    ProjectCounter,
    PromptRow,
    Rater,
    Round,
    RoundPair,
    Run,
)

WORK_ROUND = "work"


def account_named(session: Session, name: str) -> Account | None:
    return session.scalars(select(Account).where(col(Account.name) == name)).first()


def add_account(session: Session, name: str, *, is_admin: bool = False) -> Account:
    account = Account(name=name, is_admin=is_admin)
    session.add(account)
    session.flush()
    return account


def annotator_of(session: Session, account_id: int) -> int:
    """The rater that an account is, made at first need."""
    found = session.scalar(select(col(Rater.id)).where(col(Rater.account_id) == account_id))
    if found is not None:
        return found
    account = session.get_one(Account, account_id)
    rater = Rater(kind="annotator", name=account.name, account_id=account_id)
    session.add(rater)
    session.flush()
    return _id(rater.id)


def project_with_slug(session: Session, slug: str) -> Project | None:
    return session.scalars(select(Project).where(col(Project.slug) == slug)).first()


def projects_of(session: Session, account_id: int | None) -> Sequence[Project]:
    """All projects, or those that the account is a member of; newest first."""
    query = select(Project).order_by(col(Project.created_at).desc(), col(Project.id).desc())
    if account_id is not None:
        query = query.join(Member, col(Member.project_id) == col(Project.id)).where(
            col(Member.account_id) == account_id
        )
    return session.scalars(query).all()


def role_in(session: Session, project_id: int, account_id: int) -> Role | None:
    role = session.scalar(
        select(col(Member.role)).where(col(Member.project_id) == project_id, col(Member.account_id) == account_id)
    )
    return Role(role) if role else None


def set_role(session: Session, project_id: int, account_id: int, role: Role) -> None:
    member = session.get(Member, (project_id, account_id)) or Member(
        project_id=project_id, account_id=account_id, role=""
    )
    member.role = role.value
    session.add(member)
    session.flush()


def add_project(session: Session, project: Project, guidelines: str, overlap: int) -> Project:
    """A project with its counter, its first guidelines, its owner and its one work round."""
    session.add(project)
    session.flush()
    project_id = _id(project.id)
    version = GuidelineVersion(project_id=project_id, number=1, text=guidelines, created_by=project.created_by)
    session.add_all([ProjectCounter(project_id=project_id), version])
    session.flush()
    work = Round(
        project_id=project_id, name=WORK_ROUND, purpose="work", guideline_version_id=_id(version.id), overlap=overlap,
        takes_all_pairs=True, created_by=project.created_by,
    )  # fmt: skip
    session.add(work)
    set_role(session, project_id, project.created_by, Role.OWNER)
    return project


def round_named(session: Session, project_id: int, name: str = WORK_ROUND) -> Round | None:
    return session.scalars(select(Round).where(col(Round.project_id) == project_id, col(Round.name) == name)).first()


def guidelines_of(session: Session, round_: Round) -> GuidelineVersion:
    return session.get_one(GuidelineVersion, round_.guideline_version_id)


def add_guidelines(session: Session, project_id: int, text: str, created_by: int) -> GuidelineVersion:
    """The next version, and the work round points to it."""
    last = session.scalar(
        select(func.max(GuidelineVersion.number)).where(col(GuidelineVersion.project_id) == project_id)
    )
    version = GuidelineVersion(project_id=project_id, number=(last or 0) + 1, text=text, created_by=created_by)
    session.add(version)
    session.flush()
    session.execute(
        update(Round)
        .where(col(Round.project_id) == project_id, col(Round.name) == WORK_ROUND)
        .values(guideline_version_id=version.id)
    )
    return version


def unfinished_imports(project_id: int):  # type: ignore[no-untyped-def]  # SQLAlchemy's own generic is longer than it says
    """Imports whose rows nobody may see yet: still being written, or removed."""
    return select(col(Import.id)).where(col(Import.project_id) == project_id, col(Import.state) == "writing")


def visible(table: type[PromptRow] | type[Pair] | type[Completion] | type[Label], project_id: int):  # type: ignore[no-untyped-def]  # as above
    """The condition that leaves out the rows of an import that is still being written."""
    return col(table.import_id).is_(None) | col(table.import_id).not_in(unfinished_imports(project_id))


def count_prompts(session: Session, project_id: int) -> int:
    return count_visible(session, PromptRow, project_id)


def count_pairs(session: Session, project_id: int) -> int:
    return count_visible(session, Pair, project_id)


def count_visible(
    session: Session, table: type[PromptRow] | type[Pair], project_id: int, *also: ColumnElement[bool]
) -> int:
    """As `visible` says; but every page counts, and nearly always no import is being written that it would have to look for."""
    query = select(func.count()).select_from(table).where(col(table.project_id) == project_id, *also)
    hidden = session.scalars(unfinished_imports(project_id)).all()
    if hidden:
        query = query.where(col(table.import_id).is_(None) | col(table.import_id).not_in(hidden))
    return session.scalar(query) or 0


def has_sandbox_pairs(session: Session, project_id: int) -> bool:
    query = select(col(Pair.id)).where(col(Pair.project_id) == project_id, col(Pair.is_sandbox)).limit(1)
    return session.execute(query).first() is not None


def labels_stamp(session: Session, project_id: int) -> tuple[object, ...]:
    """Changes whenever labels of the project are added, deleted or become visible."""
    counter = select(col(ProjectCounter.label_seq)).where(col(ProjectCounter.project_id) == project_id)
    hidden = session.scalars(unfinished_imports(project_id)).all()
    return session.scalar(counter), session.scalar(select(func.max(col(Erasure.id)))), tuple(hidden)


def count_open_in_round(session: Session, round_id: int) -> int:
    return session.scalar(
        select(func.count())
        .select_from(RoundPair)
        .where(col(RoundPair.round_id) == round_id, ~col(RoundPair.is_done), ~col(RoundPair.is_out))
    ) or 0  # fmt: skip


def is_begun(session: Session, project_id: int) -> bool:
    """Whether anybody was ever given a pair to label."""
    query = select(col(Assignment.id)).join(Round, col(Round.id) == col(Assignment.round_id))
    return session.execute(query.where(col(Round.project_id) == project_id).limit(1)).first() is not None


def active_run(session: Session, project_id: int) -> Run | None:
    return session.scalars(
        select(Run)
        .where(col(Run.project_id) == project_id, col(Run.state).in_(("preparing", "running")))
        .order_by(col(Run.id).desc())
        .limit(1)
    ).first()


def latest(session: Session, project_ids: Sequence[int], limit: int) -> list[Run | Import | Export]:
    """The newest runs, imports and exports of the projects, newest first."""
    found: list[Run | Import | Export] = []
    for table in (Run, Import, Export):
        query = select(table).where(col(table.project_id).in_(project_ids))
        found += session.scalars(query.order_by(col(table.created_at).desc()).limit(limit))
    return sorted(found, key=lambda row: row.created_at, reverse=True)[:limit]


def _id(value: int | None) -> int:
    """The key of a row that was flushed."""
    assert value is not None
    return value
