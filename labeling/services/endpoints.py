"""Endpoints asked at once, outside any run: the test button, and generators tried on one prompt side by side."""

import asyncio
from collections.abc import Sequence

from labeling.domain import Actor, GeneratorSpec, Json, JudgeSpec, RunMode
from labeling.errors import EndpointError
from labeling.llm.chat import ChatClient
from labeling.llm.faults import Fault
from labeling.llm.headers import Headers
from labeling.llm.keys import key_state, key_value
from labeling.llm.probe import EndpointCheck, probe
from labeling.llm.reply import Reply
from labeling.llm.request import ChatRequest, chat_request
from labeling.services.access import managed_project
from labeling.services.headers import headers_to_send, keep_headers
from labeling.services.keys import address_of, bind_key, check_bound
from labeling.services.planning import PlannedRequest
from labeling.storage.store import Store

CHECK_SECONDS = 60.0
TRIAL_SECONDS = 180.0


def check_endpoint(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    base_url: str,
    model: str,
    key_env: str | None,
    parameters: Json | None = None,
) -> EndpointCheck:
    """Ask an endpoint one tiny question: does it answer, with this key, for this model, with these parameters.

    Raises:
        InputError: the address is none, the key is not set or is bound elsewhere.
        ForbiddenError: the key is not on the list, and the actor may not put it there.
    """
    bind_key(store, actor, slug, key_env, base_url)
    messages = [{"role": "user", "content": "Answer with the word OK."}]
    request = chat_request(address_of(base_url), model, messages, parameters=parameters)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        extra = headers_to_send(session, project_id, request.base_url)
    return asyncio.run(_probe(request, key_value(key_env), extra))


def make_ready(
    store: Store, actor: Actor, slug: str, spec: GeneratorSpec | JudgeSpec, mode: RunMode = RunMode.LIVE
) -> None:
    """Bind the key variable of `spec` to its endpoint, and keep the headers that it writes, before anything is sent.

    Raises:
        InputError: a variable is bound elsewhere, or a header cannot be sent.
        EndpointError: the key is not set, though requests are to be sent.
    """
    bind_key(store, actor, slug, spec.key_env, spec.base_url)
    keep_headers(store, actor, slug, spec)
    state = key_state(spec.key_env, address_of(spec.base_url))
    if mode is not RunMode.FILE and spec.key_env and not state.found:
        noun = "generator" if isinstance(spec, GeneratorSpec) else "judge"
        raise EndpointError(f"The key of {noun} {spec.name} is missing: {state.sentence}")


def ask_now(store: Store, actor: Actor, slug: str, planned: Sequence[PlannedRequest]) -> list[Reply | Fault]:
    """Send these calls at once, in order; nothing is stored and nothing tried again."""
    asked: list[tuple[ChatRequest, str | None, Headers]] = []
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        for one in planned:
            if one.key_env is not None:
                check_bound(session, one.key_env, one.request.base_url)
            extra = headers_to_send(session, project_id, one.request.base_url)
            asked.append((one.request, key_value(one.key_env), extra))
    return asyncio.run(_ask(asked))


async def _probe(request: ChatRequest, key: str | None, extra: Headers) -> EndpointCheck:
    async with ChatClient(CHECK_SECONDS) as client:
        return await probe(client, request, key, extra)


async def _ask(asked: Sequence[tuple[ChatRequest, str | None, Headers]]) -> list[Reply | Fault]:
    async with ChatClient(TRIAL_SECONDS) as client:
        return list(await asyncio.gather(*(client.ask(*one) for one in asked)))
