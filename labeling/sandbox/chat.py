"""One chat completion: the answer to a request, in OpenAI's form.

Tokens are counted as four characters each: an estimate, as the sandbox has no tokenizer.
"""

import json
import secrets
import time
from random import Random

from labeling.domain import Json, canonical_json, json_digest
from labeling.sandbox import judge
from labeling.sandbox.replies import Voice
from labeling.sandbox.request import MODELS, REASONER, RequestFault, checked
from labeling.sandbox.schema import SchemaError, fill

FINGERPRINT = "tiebreak-sandbox"
CHARACTERS_PER_TOKEN = 4


def complete(body: object) -> Json:
    """Answer the body of `POST /chat/completions`. Raises RequestFault for one that OpenAI would refuse."""
    request = checked(body)
    prompt_tokens = 3 + sum(3 + tokens(canonical_json(message)) for message in request["messages"])
    choices = [_choice(request, index) for index in range(request["n"])]
    written = sum(tokens(canonical_json(choice["message"])) - 8 for choice in choices)
    thinking = 64 * len(choices) if request["model"] == REASONER else 0
    return {
        "id": f"chatcmpl-sandbox-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": written + thinking,
            "total_tokens": prompt_tokens + written + thinking,
            "completion_tokens_details": {"reasoning_tokens": thinking},
        },
    }


def models() -> Json:
    """The answer to `GET /models`."""
    entries = [{"id": name, "object": "model", "created": 0, "owned_by": FINGERPRINT} for name in MODELS]
    return {"object": "list", "data": entries}


def tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _choice(request: Json, index: int) -> Json:
    rng = _chance(request, index)
    forced = _forced_tool(request)
    if forced is not None:
        call = {"name": forced["name"], "arguments": json.dumps(_fitting(request, forced.get("parameters") or {}, rng))}
        calls = [{"id": f"call_{rng.getrandbits(64):016x}", "type": "function", "function": call}]
        return _message(index, None, "tool_calls", calls)
    text, reason = _within(request, _text(request, rng))
    return _message(index, text, reason)


def _message(index: int, text: str | None, reason: str, calls: list[Json] | None = None) -> Json:
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _text(request: Json, rng: Random) -> str:
    form = request.get("response_format") or {"type": "text"}
    if form["type"] == "json_schema":
        return json.dumps(_fitting(request, form["json_schema"].get("schema") or {}, rng), ensure_ascii=False)
    comparison = judge.comparison_in(request["messages"])
    if comparison is not None:
        finding = judge.judge(comparison, request.get("seed") or 0)
        return json.dumps(_judgement(finding), ensure_ascii=False)
    single = judge.single_in(request["messages"])
    if single is not None:
        scored = judge.score(single, request.get("seed") or 0)
        return json.dumps({"reasoning": scored.reasoning, "score": scored.points}, ensure_ascii=False)
    reply = Voice(request["model"], request["messages"], request["temperature"], rng).reply()
    return json.dumps({"answer": reply}, ensure_ascii=False) if form["type"] == "json_object" else reply


def _judgement(finding: judge.Finding) -> Json:
    first, second = finding.scores
    return {
        "reasoning": finding.reasoning,
        "scores": {"first": first, "second": second},
        "verdict": finding.level,
    }


def _fitting(request: Json, schema: Json, rng: Random) -> object:
    """A value that fits the schema: a judgement where two replies are to be compared, a score where there is one, else text
    on the prompt."""
    comparison = judge.comparison_in(request["messages"])
    finding = judge.judge(comparison, request.get("seed") or 0) if comparison else None

    single = judge.single_in(request["messages"]) if finding is None else None
    scored = judge.score(single, request.get("seed") or 0) if single else None

    def wish(path: tuple[str, ...], node: Json) -> object:
        if finding is not None:
            return judge.wished(finding, path, node)
        if scored is not None:
            return judge.wished_score(scored, node)
        if node.get("type") == "string":
            return Voice(request["model"], request["messages"], request["temperature"], rng).reply()
        return None

    try:
        return fill(schema, wish, rng)
    except SchemaError as fault:
        place = "response_format" if request.get("response_format") else "tools"
        raise RequestFault(f"Invalid schema for {place}: {fault}.", place, "invalid_json_schema") from None


def _within(request: Json, text: str) -> tuple[str, str]:
    """Cut at the first stop text, then at the token limit; with the reason why the reply ended."""
    stops = request.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.split(stop, 1)[0]
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    if limit and tokens(text) > limit:
        return text[: limit * CHARACTERS_PER_TOKEN], "length"
    return text, "stop"


def _chance(request: Json, index: int) -> Random:
    """The same for the same request where a seed is sent or nothing is left to chance, else new at each arrival."""
    seed = request.get("seed")
    if seed is None and request["temperature"] > 0:
        return Random(secrets.randbits(128))
    decisive = {key: request.get(key) for key in ("model", "messages", "temperature", "tools", "response_format")}
    return Random(json_digest([decisive, seed, index]))


def _forced_tool(request: Json) -> Json | None:
    """The function that `tool_choice` demands; None where the model may answer in words, which it then does."""
    functions: list[Json] = [tool["function"] for tool in request.get("tools") or []]
    choice = request.get("tool_choice")
    if choice == "required":
        return functions[0] if functions else None
    if isinstance(choice, dict):
        named = choice.get("function")
        name = named.get("name") if isinstance(named, dict) else None
        for function in functions:
            if function["name"] == name:
                return function
        raise RequestFault(f"Tool choice {name!r} not found in 'tools' parameter.", "tool_choice")
    return None
