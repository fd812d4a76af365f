"""Other clients asking the same questions: raw aiohttp, the SDK over aiohttp, and frameworks. None of them stores anything.

    PYTHON benchmarks/engine_peers.py aiohttp|openai|litellm BASE_URL REQUESTS IN_FLIGHT

Prints the CPU seconds (user + system) of asking alone, without start and imports. It imports nothing of this project, so that a
framework can be asked in an environment of its own.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

QUESTION = "item-{:06d} Write a short product description of a kettle for a careful buyer. " + "Be concrete. " * 8


def body(number: int) -> dict[str, Any]:
    return {"model": "mock-a", "messages": [{"role": "user", "content": QUESTION.format(number)}], "temperature": 0.7}


async def gather(ask: Callable[[dict[str, Any]], Awaitable[Any]], requests: int, in_flight: int) -> None:
    room = asyncio.Semaphore(in_flight)

    async def one(number: int) -> None:
        async with room:
            await ask(body(number))

    await asyncio.gather(*(one(number) for number in range(requests)))


async def raw_aiohttp(base_url: str, requests: int, in_flight: int) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def ask(sent: dict[str, Any]) -> None:
            async with session.post(f"{base_url}/chat/completions", json=sent) as response:
                response.raise_for_status()
                assert (await response.json())["choices"][0]["message"]["content"]

        await gather(ask, requests, in_flight)


async def openai_sdk(base_url: str, requests: int, in_flight: int) -> None:
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async with AsyncOpenAI(
        base_url=base_url, api_key="none", http_client=DefaultAioHttpClient(), max_retries=5
    ) as client:

        async def ask(sent: dict[str, Any]) -> None:
            reply = await client.chat.completions.create(**sent)
            assert reply.choices[0].message.content

        await gather(ask, requests, in_flight)


async def litellm(base_url: str, requests: int, in_flight: int) -> None:
    import litellm  # type: ignore[import-not-found, unused-ignore]  # in an environment of its own

    litellm.telemetry = False
    litellm.suppress_debug_info = True

    async def ask(sent: dict[str, Any]) -> None:
        sent = {**sent, "model": f"openai/{sent['model']}"}
        reply = await litellm.acompletion(**sent, api_base=base_url, api_key="none", num_retries=5, timeout=60)
        assert reply.choices[0].message.content

    await gather(ask, requests, in_flight)


CLIENTS = {"aiohttp": raw_aiohttp, "openai": openai_sdk, "litellm": litellm}


def main(name: str, base_url: str, requests: str, in_flight: str) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # nothing is fetched
    client = CLIENTS[name]
    # Two questions before the clock: what a client imports at its first call is not asking.
    asyncio.run(client(base_url, 2, 2))
    begun = time.process_time()
    asyncio.run(client(base_url, int(requests), int(in_flight)))
    print(time.process_time() - begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
