"""Further headers that go with every request of a project to an endpoint: checked, kept, filled in.

A secret is written as `${VARIABLE}`. Its variable is bound to the endpoint's origin as a key's is; its value is read when
a request is sent, and stands nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from labeling.domain import Actor, GeneratorSpec, JudgeSpec
from labeling.errors import InputError
from labeling.llm.headers import NO_HEADERS, PLACE, Headers, filled, variables_in
from labeling.llm.keys import key_state
from labeling.llm.request import endpoint_address
from labeling.services.access import managed_project
from labeling.services.keys import bind_key, check_bound
from labeling.services.spec_fields import KEY_LIKE, SANDBOX, VARIABLE, looks_like_key
from labeling.storage import headers as rows
from labeling.storage.store import Session, Store

Spec = TypeVar("Spec", GeneratorSpec, JudgeSpec)

MOST = 20
LONGEST = 2000  # characters of a value
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
SECRET_NAME = re.compile(r"(?i)auth|key|token|secret|passw|cookie|credential|session")
OURS = re.compile(
    r"(?i)host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|accept-encoding|proxy-.*"
)


def checked_headers(value: object, where: str) -> dict[str, str]:
    """Headers as a file or a form has them, names in lower case. Raises InputError, which repeats no value."""
    if not isinstance(value, Mapping):
        raise InputError(
            f'{where}: headers must be a table, such as {{ "X-Team" = "red", "X-Auth" = "${{TEAM_KEY}}" }}.'
        )
    if len(value) > MOST:
        raise InputError(f"{where}: there are {len(value)} headers; at most {MOST} go with a request.")
    found: dict[str, str] = {}
    for name, text in value.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InputError(f"{where}: a header has a name that is none; write letters, digits and dashes.")
        if OURS.fullmatch(name):
            raise InputError(f"{where}: the header {name} is set by Tiebreak itself; leave it out.")
        if name.lower() in found:
            raise InputError(f"{where}: the header {name} is written twice; keep one.")
        found[name.lower()] = _checked_value(name, text, where)
    return found


def headers_in(text: str, where: str) -> dict[str, str]:
    """Headers as they are written out, `Name: value` on a line each. Raises InputError, which repeats no value."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise InputError(f"{where}: a line has no colon; write each header as Name: value.")
        if name.strip() in found:
            raise InputError(f"{where}: the header {name.strip()[:100]} is written twice; keep one.")
        found[name.strip()] = value
    return checked_headers(found, where)


def kept_headers(store: Store, actor: Actor, slug: str, base_url: str) -> dict[str, str]:
    """What goes with this project's requests to an endpoint, as it was written."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return {} if base_url == SANDBOX else rows.headers_of(session, project_id, endpoint_address(base_url))


def set_headers(store: Store, actor: Actor, slug: str, base_url: str, headers: Mapping[str, str]) -> None:
    """Make `headers` all that goes with this project's requests to an endpoint, from the next request on.

    Raises:
        InputError: a header cannot be sent, holds a secret in the open, or its variable is bound elsewhere.
        ForbiddenError: a variable is not on the list, and the actor may not put it there.
    """
    kept = checked_headers(headers, "The headers")
    if base_url == SANDBOX:
        if kept:
            raise InputError("The sandbox reads no headers; leave them out.")
        return
    address = endpoint_address(base_url)
    for variable in dict.fromkeys(name for value in kept.values() for name in variables_in(value)):
        key_state(variable, address)  # refuses what is no variable for endpoints
        bind_key(store, actor, slug, variable, address)
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        rows.put_headers(session, project_id, address, kept)


def keep_headers(store: Store, actor: Actor, slug: str, spec: GeneratorSpec | JudgeSpec) -> None:
    """Set the headers of a spec's endpoint where it writes some. Raises as `set_headers`."""
    if spec.headers is not None:
        set_headers(store, actor, slug, spec.base_url, spec.headers)


def with_headers(store: Store, actor: Actor, slug: str, specs: Sequence[Spec]) -> list[Spec]:
    """The specs with the headers of their endpoints, as a file of them is to have them."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        kept = rows.headers_by_address(session, project_id)
    known = {spec.base_url: kept.get(endpoint_address(spec.base_url)) for spec in specs if spec.base_url != SANDBOX}
    return [replace(spec, headers=known.get(spec.base_url)) for spec in specs]


def headers_to_send(session: Session, project_id: int, base_url: str) -> Headers:
    """What goes with requests to this address, filled in.

    Raises:
        InputError: a variable is not set, or may not be sent there.
    """
    return _filled(session, rows.headers_of(session, project_id, base_url), base_url)


def headers_of_run(session: Session, run_id: int, base_url: str) -> Headers:
    """What goes with a run's requests to this address, filled in. Raises as `headers_to_send`."""
    return _filled(session, rows.headers_of_run(session, run_id, base_url), base_url)


def _filled(session: Session, written: Mapping[str, str], base_url: str) -> Headers:
    if not written:
        return NO_HEADERS
    for value in written.values():
        for variable in variables_in(value):
            check_bound(session, variable, base_url)
    return filled(written)


def _checked_value(name: str, text: object, where: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: the header {name} has no text; write one in quotes, or leave it out.")
    value = text.strip()
    if not value.isascii() or not value.isprintable() or len(value) > LONGEST:
        raise InputError(
            f"{where}: the header {name} must be one line of at most {LONGEST:,} letters, digits and signs without accents."
        )
    variables = variables_in(value)
    if "${" in PLACE.sub("", value) or not all(
        VARIABLE.fullmatch(one) and not looks_like_key(one) for one in variables
    ):
        raise InputError(
            f"{where}: the header {name} names its variable in no way that is known (it may hold a key, so it is not shown "
            "here); write it as ${NAME}, with the name of a variable of the environment or .env."
        )
    if not variables and (SECRET_NAME.search(name) or any(map(KEY_LIKE.fullmatch, value.split()))):
        raise InputError(
            f"{where}: the header {name} looks like a secret, which would be stored; put it into the environment or .env "
            "and write ${NAME} in its place."
        )
    return value
