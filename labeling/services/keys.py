"""Which key may go where: a variable is bound to one origin, by an owner, at its first use.

A lead who may run generators could otherwise name any variable of the server and an address of their own, and read
the key there.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

from labeling.domain import Actor, GeneratorSpec, JudgeSpec, Right
from labeling.errors import ForbiddenError, InputError
from labeling.llm.keys import key_state, origin_of
from labeling.services.access import open_project
from labeling.services.sandbox import is_sandbox, sandbox_url
from labeling.services.spec_fields import SANDBOX
from labeling.storage import keys as rows
from labeling.storage.store import IntegrityError, Session, Store

Spec = TypeVar("Spec", GeneratorSpec, JudgeSpec)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key variable on the list: its name, the origin it is bound to, and whether it is set. Never its value."""

    variable: str
    origin: str
    found: bool


def address_of(base_url: str) -> str:
    """Where requests go: the address itself, or the sandbox's own for the word `sandbox`."""
    return sandbox_url() if base_url == SANDBOX else base_url


def is_sandbox_address(base_url: str) -> bool:
    return base_url == SANDBOX or is_sandbox(base_url)


def placed(spec: Spec) -> tuple[Spec, bool]:
    """The spec with the address that its requests go to, and whether that is a sandbox's. Looked up once for many
    requests: the setting behind it is read from a file."""
    return replace(spec, base_url=address_of(spec.base_url)), is_sandbox_address(spec.base_url)


def bind_key(store: Store, actor: Actor, slug: str, variable: str | None, base_url: str) -> None:
    """Make sure that the key may be sent to this endpoint; an owner's first use binds it.

    Raises:
        InputError: it is bound to another origin, or would go out unencrypted.
        ForbiddenError: it is not on the list, and the actor may not put it there.
    """
    if variable is None:
        return
    origin = origin_of(address_of(base_url))
    try:
        with store.writing() as session:
            project = open_project(session, actor, slug, Right.MANAGE)
            if rows.bound_origin(session, variable) is None:
                try:
                    open_project(session, actor, slug, Right.OWN)
                except ForbiddenError:
                    raise ForbiddenError(
                        f"{variable} is not on the list of key variables; ask an owner of {project.name!r} to use it first."
                    ) from None
                rows.add_key_variable(session, variable, origin, actor.account_id)
            check_bound(session, variable, base_url)
    except IntegrityError:  # another one bound it in this moment
        with store.reading() as session:
            check_bound(session, variable, base_url)


def check_bound(session: Session, variable: str, base_url: str) -> None:
    """Refuse to send a key to another origin than its own. Raises InputError."""
    bound, origin = rows.bound_origin(session, variable), origin_of(address_of(base_url))
    if bound != origin:
        raise InputError(
            f"{variable} is bound to {bound or 'no origin yet'} and is not sent to {origin}; name another variable for "
            "this endpoint, or have an owner unbind it on the page Endpoints."
        )


def list_keys(store: Store, actor: Actor, slug: str) -> list[KeyView]:
    """The variables on the list, for owners."""
    with store.reading() as session:
        open_project(session, actor, slug, Right.OWN)
        found = [(row.name, row.origin) for row in rows.key_variables(session)]
    return [KeyView(name, origin, key_state(name, origin).found) for name, origin in found]


def unbind_key(store: Store, actor: Actor, slug: str, variable: str) -> None:
    """Take a variable off the list; an owner's next use binds it again. Keys are the server's, so this needs OWN."""
    with store.writing() as session:
        open_project(session, actor, slug, Right.OWN)
        rows.remove_key_variable(session, variable)
