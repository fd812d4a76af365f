"""Endpoints asked at once, outside any run: the test button, and generators tried on one prompt side by side."""

import asyncio
from collections.abc import Sequence

from labeling.domain import Actor, Json, Right
from labeling.llm.chat import ChatClient
from labeling.llm.faults import Fault
from labeling.llm.keys import key_value
from labeling.llm.probe import EndpointCheck, probe
from labeling.llm.reply import Reply
from labeling.llm.request import ChatRequest, chat_request
from labeling.services.access import open_project
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
    with store.reading() as session:
        open_project(session, actor, slug, Right.MANAGE)
    messages = [{"role": "user", "content": "Answer with the word OK."}]
    request = chat_request(address_of(base_url), model, messages, parameters=parameters)
    return asyncio.run(_probe(request, key_value(key_env)))


def ask_now(store: Store, actor: Actor, slug: str, planned: Sequence[PlannedRequest]) -> list[Reply | Fault]:
    """Send these calls at once, in order; nothing is stored and nothing tried again."""
    with store.reading() as session:
        open_project(session, actor, slug, Right.MANAGE)
        for one in planned:
            if one.key_env is not None:
                check_bound(session, one.key_env, one.request.base_url)
    return asyncio.run(_ask([(one.request, key_value(one.key_env)) for one in planned]))


async def _probe(request: ChatRequest, key: str | None) -> EndpointCheck:
    async with ChatClient(CHECK_SECONDS) as client:
        return await probe(client, request, key)


async def _ask(asked: Sequence[tuple[ChatRequest, str | None]]) -> list[Reply | Fault]:
    async with ChatClient(TRIAL_SECONDS) as client:
        return list(await asyncio.gather(*(client.ask(request, key) for request, key in asked)))
