"""Further headers of a project's endpoints, as they were written."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session, col

from labeling.storage.tables import EndpointHeader, Run, core

HEADER = core(EndpointHeader).c
# Asked again with every claim: put together once.
OF_RUN = select(HEADER.name, HEADER.value).where(
    HEADER.project_id == select(core(Run).c.project_id).where(core(Run).c.id == bindparam("run")).scalar_subquery(),
    HEADER.base_url == bindparam("base_url"),
)


def headers_of_run(session: Session, run_id: int, base_url: str) -> dict[str, str]:
    """What goes with a run's requests to this address."""
    found = session.connection().execute(OF_RUN, {"run": run_id, "base_url": base_url})
    return dict(found.all())


def headers_of(session: Session, project_id: int, base_url: str) -> dict[str, str]:
    return headers_by_address(session, project_id).get(base_url, {})


def headers_by_address(session: Session, project_id: int) -> dict[str, dict[str, str]]:
    """Address -> its headers, by name."""
    query = (
        select(EndpointHeader).where(col(EndpointHeader.project_id) == project_id).order_by(col(EndpointHeader.name))
    )
    found: dict[str, dict[str, str]] = {}
    for row in session.scalars(query):
        found.setdefault(row.base_url, {})[row.name] = row.value
    return found


def put_headers(session: Session, project_id: int, base_url: str, headers: Mapping[str, str]) -> None:
    """Make these the headers of an address: others that it had are gone."""
    session.execute(
        delete(EndpointHeader).where(
            col(EndpointHeader.project_id) == project_id, col(EndpointHeader.base_url) == base_url
        )
    )
    session.add_all(
        EndpointHeader(project_id=project_id, base_url=base_url, name=name, value=value)
        for name, value in headers.items()
    )
    session.flush()
