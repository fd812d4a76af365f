"""Try an endpoint with one tiny call: is it there, does it take the key, does it know the model."""

from dataclasses import dataclass
from difflib import get_close_matches

from labeling.llm.chat import ChatClient
from labeling.llm.faults import Fault, place
from labeling.llm.headers import NO_HEADERS, Headers
from labeling.llm.reply import SANDBOX
from labeling.llm.request import ChatRequest

MODELS_NAMED = 200


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """What a test of an endpoint found, with one sentence to show."""

    ok: bool
    message: str
    models: tuple[str, ...]
    is_sandbox: bool
    milliseconds: int | None


async def probe(
    client: ChatClient, request: ChatRequest, key: str | None, extra: Headers = NO_HEADERS
) -> EndpointCheck:
    """Send `request`, which should be tiny, and ask for the list of models.

    The call itself is the proof: some endpoints show their models to anyone, others list none.
    """
    answered = await client.ask(request, key, extra)
    listed = await client.models(request, key, extra)
    models = [] if isinstance(listed, Fault) else listed
    names = tuple(str(model["id"]) for model in models)[:MODELS_NAMED]
    is_sandbox = any(model.get("owned_by") == SANDBOX for model in models)
    if isinstance(answered, Fault):
        message = answered.message
        if answered.code == "not_found" and names:
            near = get_close_matches(request.model, names, n=3, cutoff=0.4) or names[:3]
            message += f" It lists {len(names)} models, such as {', '.join(near)}."
        return EndpointCheck(ok=False, message=message, models=names, is_sandbox=is_sandbox, milliseconds=None)
    return EndpointCheck(
        ok=True,
        message=f"{place(request)} answered in {answered.milliseconds} ms.",
        models=names,
        is_sandbox=is_sandbox or answered.is_sandbox,
        milliseconds=answered.milliseconds,
    )
