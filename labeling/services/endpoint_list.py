"""The endpoints of a project: who uses them, keys by name, headers, and what each model costs and takes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from labeling.domain import Actor, GeneratorSpec, JudgeSpec
from labeling.llm.keys import KeyState, key_state
from labeling.llm.request import endpoint_address
from labeling.services.access import managed_project
from labeling.services.keys import address_of, is_sandbox_address
from labeling.services.prices import Price, price_of
from labeling.storage import completions, headers, judging, keys
from labeling.storage.store import Session, Store


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model at an endpoint. `response_format`: how it gives structured output, None where that was not tried."""

    model: str
    used_by: tuple[str, ...]
    price: Price | None
    response_format: str | None
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class EndpointView:
    """`headers` as they were written: of a secret there is the variable alone."""

    base_url: str
    is_sandbox: bool
    keys: tuple[KeyState, ...]
    headers: dict[str, str]
    models: tuple[ModelView, ...]


@dataclass
class _Found:
    variables: list[str] = field(default_factory=list)
    users: dict[str, list[str]] = field(default_factory=dict)  # by model


def list_endpoints(store: Store, actor: Actor, slug: str) -> list[EndpointView]:
    """Every endpoint that a generator in use or a judge is at, or that has headers; the one used first on top."""
    found: dict[str, _Found] = {}
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        kept = headers.headers_by_address(session, project_id)
        for user, spec in _users(session, project_id):
            one = found.setdefault(spec.base_url, _Found())
            if spec.key_env and spec.key_env not in one.variables:
                one.variables.append(spec.key_env)
            users = one.users.setdefault(spec.model, [])
            if user not in users:
                users.append(user)
        known = {endpoint_address(address_of(base_url)) for base_url in found}
        found |= {address: _Found() for address in kept if address not in known}
        return [_view(session, base_url, one, kept) for base_url, one in found.items()]


def _users(session: Session, project_id: int) -> Iterator[tuple[str, GeneratorSpec | JudgeSpec]]:
    for row in completions.generators_of(session, project_id):
        yield f"generator {row.name}", completions.spec_of(row)
    for judge, _ in [*judging.judges_of(session, project_id), *judging.judges_of(session, project_id, alone=True)]:
        yield f"judge {judge.name}", judging.judge_spec_of(judge)


def _view(session: Session, base_url: str, one: _Found, kept: dict[str, dict[str, str]]) -> EndpointView:
    address, is_sandbox = endpoint_address(address_of(base_url)), is_sandbox_address(base_url)
    return EndpointView(
        base_url=base_url,
        is_sandbox=is_sandbox,
        keys=tuple(key_state(variable, address) for variable in one.variables),
        headers=kept.get(address, {}),
        models=tuple(
            ModelView(
                model,
                tuple(users),
                None if is_sandbox else price_of(address, model),
                keys.known_format(session, address, model),
                is_sandbox,
            )
            for model, users in one.users.items()
        ),
    )
