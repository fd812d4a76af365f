"""Key variables and the origin each may be sent to; what was learnt of an endpoint's structured output."""

import json
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlmodel import Session, col

from labeling.storage.tables import Endpoint, KeyVariable, now

FORMAT_QUIRK = "response_format"


def bound_origin(session: Session, variable: str) -> str | None:
    """The origin a variable's key may be sent to; None where it is not on the list."""
    return session.scalar(select(col(KeyVariable.origin)).where(col(KeyVariable.name) == variable))


def key_variables(session: Session) -> Sequence[KeyVariable]:
    return session.scalars(select(KeyVariable).order_by(col(KeyVariable.name))).all()


def add_key_variable(session: Session, variable: str, origin: str, account_id: int) -> None:
    session.add(KeyVariable(name=variable, origin=origin, created_by=account_id))
    session.flush()


def remove_key_variable(session: Session, variable: str) -> None:
    session.execute(delete(KeyVariable).where(col(KeyVariable.name) == variable))


def known_format(session: Session, base_url: str, model: str) -> str | None:
    """How a model at an endpoint gives structured output, as remembered; None where it was not tried."""
    found = session.get(Endpoint, (base_url, model))
    return json.loads(found.quirks).get(FORMAT_QUIRK) if found else None


def remember_format(session: Session, base_url: str, model: str, name: str) -> None:
    found = session.get(Endpoint, (base_url, model)) or Endpoint(base_url=base_url, model=model)
    found.quirks = json.dumps(json.loads(found.quirks) | {FORMAT_QUIRK: name}, sort_keys=True)
    found.checked_at = now()
    session.add(found)
