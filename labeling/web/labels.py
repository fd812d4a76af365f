"""The labelling route: events in, acknowledgements and the next pairs out; for the screen and for scripts.

    POST /api/v1/projects/{slug}/labels      Authorization: Bearer …      application/json
    GET /api/v1/projects/{slug}/guidelines?since=N      the guidelines, and what changed since version N

`want` is how many pairs the client wants to hold, `have` those that it holds: the answer brings the difference, and
keeps their reservations alive. `open` asks for a pair that the annotator has had before, `recent` for what can be
undone, `guidelines` says which version was shown. A refusal of the whole request is `{"error": …}`; of one event, an
entry of `refused`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labeling.domain import Prompt
from labeling.errors import ConflictError, ForbiddenError, NotFoundError, StoreError, TiebreakError, TokenError
from labeling.render.turns import raw_completion, raw_prompt, render_completion, render_prompt
from labeling.services.desk import desk_of_token
from labeling.services.guidelines import guideline_change
from labeling.services.label_events import sent_id
from labeling.services.labels import Refusal, last_decided, record_at
from labeling.services.practice import feedback_of, must_practise, practice_state
from labeling.services.progress import progress_at
from labeling.services.queue import MOST_WANTED, next_pairs_at
from labeling.services.served import ServedPair
from labeling.services.sessions import COOKIE
from labeling.services.tokens import actor_of_token
from labeling.storage.served import Reply
from labeling.storage.store import Store

PATH: Final = "/api/v1/projects/{slug}/labels"
GUIDELINES_PATH: Final = "/api/v1/projects/{slug}/guidelines"
MOST_EVENTS: Final = 200
MOST_RECENT: Final = 50
MOST_SENT_EVENTS: Final = 10_000
# More threads answer fewer requests: they take the interpreter from each other. A label of fifty annotators on PostgreSQL took
# 6.5 ms of CPU with two, 7.5 with four.
ANSWERED_AT_ONCE: Final = 2
LARGEST_BODY: Final = 4 * 2**20
LARGEST_ANSWER: Final = 2 * 10**6
LARGEST_KEY: Final = 2**63 - 1


class RequestFault(Exception):
    """The request as a whole is refused: HTTP status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def label_routes(store: Callable[[], Store]) -> list[Route]:
    """The route; `store` is called for each request, in a thread (the first call may open the database)."""

    at_once = CapacityLimiter(ANSWERED_AT_ONCE)

    async def labels(request: Request) -> Response:
        try:
            body = await _body(request)
            answer = await run_sync(
                answer_labels,
                store,
                _bearer(request),
                request.cookies.get(COOKIE),
                str(request.path_params["slug"]),
                body,
                limiter=at_once,
            )
        except RequestFault as fault:
            return JSONResponse({"error": str(fault)}, status_code=fault.status)
        return Response(answer, media_type="application/json", headers={"cache-control": "no-store"})

    async def guidelines(request: Request) -> Response:
        try:
            answer = await run_sync(
                answer_guidelines,
                store,
                _bearer(request),
                request.cookies.get(COOKIE),
                str(request.path_params["slug"]),
                request.query_params,
            )
        except RequestFault as fault:
            return JSONResponse({"error": str(fault)}, status_code=fault.status)
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    return [Route(PATH, labels, methods=["POST"]), Route(GUIDELINES_PATH, guidelines, methods=["GET"])]


def answer_guidelines(
    store: Callable[[], Store], secret: str, session_secret: str | None, slug: str, asked: Mapping[str, str]
) -> dict[str, Any]:
    """The round's guidelines, and what changed in them since the version that `since` names. Raises RequestFault."""
    since, round_ = asked.get("since"), asked.get("round")
    if since is not None and not (since.isascii() and since.isdigit() and len(since) < 9):
        raise RequestFault(400, '"since" is the number of a version.')
    if not _is_storable(slug + (round_ or "")):
        raise RequestFault(404, "There is no such project or round.")
    try:
        opened = store()
        actor = actor_of_token(opened, secret, session_secret)
        return asdict(guideline_change(opened, actor, slug, None if since is None else int(since), round_))
    except TiebreakError as error:
        raise RequestFault(_status(error), str(error)) from error


def answer_labels(store: Callable[[], Store], secret: str, session_secret: str | None, slug: str, body: bytes) -> bytes:
    """Do what a request asks, and return the answer's JSON. Raises RequestFault."""
    if not _is_storable(slug):
        raise RequestFault(404, "There is no such project.")
    asked = _asked(body)
    events = asked["events"]
    try:
        opened = store()
        desk = desk_of_token(opened, secret, session_secret, slug, asked["round"])
        recorded = record_at(opened, desk, events[:MOST_EVENTS], asked["guidelines"])
        wants = asked["want"] or asked["have"] or asked["open"]
        pairs = next_pairs_at(opened, desk, asked["have"], asked["want"], asked["open"]) if wants else []
        done = recorded.progress or progress_at(opened, desk)
        recent = last_decided(opened, desk, asked["recent"]) if asked["recent"] else None
        practice = practice_state(opened, desk, desk.round_id) if desk.is_practice else None
        feedback = feedback_of(opened, desk, recorded.acked) if practice and recorded.acked else []
        gated = must_practise(opened, desk)
    except TiebreakError as error:
        raise RequestFault(_status(error), str(error)) from error
    late = [
        Refusal(sent_id(event), "too_many", f"At most {MOST_EVENTS} events are taken at once; send this one again.", retry=True)
        for event in events[MOST_EVENTS:]
    ]  # fmt: skip
    answer = {
        "acked": recorded.acked,
        "refused": [
            {"event_id": one.event_id, "code": one.code, "reason": one.reason, "retry": one.retry}
            for one in (*recorded.refused, *late)
        ],
        "done": done.done,
        "total": done.total,
        "mine": done.mine,
        "skipped": done.skipped,
        "state": "closed" if desk.is_closed else "practice_first" if gated else "open",
        "round": {"name": desk.round_name, "purpose": desk.purpose},
        "guidelines": desk.guidelines,
    }
    if practice is not None:
        answer["practice"] = asdict(practice) | {"passed": practice.passed}
        answer["feedback"] = [asdict(one) for one in feedback]
    if recent is not None:
        answer["recent"] = [{"pair_id": one.pair_id, "event_id": one.event_id, "action": one.action} for one in recent]
    return _with_pairs(answer, pairs)


def pair_as_json(pair: ServedPair) -> dict[str, Any]:
    """A pair as the screen gets it: each text as safe HTML and as it is."""
    return {
        "pair_id": pair.pair_id,
        "after": pair.after,
        "prompt": _prompt(pair.prompt),
        "left": _reply(pair.left),
        "right": _reply(pair.right),
        "mine": None if pair.mine is None else asdict(pair.mine),
        "language": pair.language,
        "sensitive": pair.is_sensitive,
    }


def _prompt(prompt: Prompt) -> dict[str, str]:
    return {"html": render_prompt(prompt), "raw": raw_prompt(prompt)}


def _reply(reply: Reply) -> dict[str, str]:
    return {
        "html": render_completion(reply.text, reply.tool_calls),
        "raw": raw_completion(reply.text, reply.tool_calls),
    }


def _with_pairs(answer: dict[str, Any], pairs: Iterable[ServedPair]) -> bytes:
    """The answer with as many pairs as fit; the others stay reserved and come with the next one.

    The first pair always goes: one that is larger than an answer may be would otherwise never be seen.
    """
    head = _json(answer | {"pairs": []}).removesuffix(b"[]}")
    written: list[bytes] = []
    size = len(head) + 2
    for pair in pairs:
        one = _json(pair_as_json(pair))
        size += len(one) + 1
        if written and size > LARGEST_ANSWER:
            break
        written.append(one)
    return head + b"[" + b",".join(written) + b"]}"


def _json(value: object) -> bytes:
    # A lone half of a character cannot come from the database; the client's own words are not repeated.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _asked(body: bytes) -> dict[str, Any]:
    """The request's parts, each of the right type. Single events are checked one by one later."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestFault(400, "The body is not JSON.") from None
    if not isinstance(asked, dict):
        raise RequestFault(400, "The body must be a JSON object.")
    round_, events = asked.get("round"), asked.get("events", [])
    have, want = asked.get("have", []), asked.get("want", 0)
    if round_ is not None and not (isinstance(round_, str) and _is_storable(round_)):
        raise RequestFault(400, '"round" is the name of a round; leave it out for the work round.')
    if not isinstance(events, list) or len(events) > MOST_SENT_EVENTS:
        raise RequestFault(
            400, f'"events" is a list of at most {MOST_SENT_EVENTS:,} events, of which {MOST_EVENTS} are taken at once.'
        )
    if not isinstance(have, list) or len(have) > 1_000 or not all(_is_key(pair_id) for pair_id in have):
        raise RequestFault(400, '"have" is a list of at most 1,000 pair ids.')
    if isinstance(want, bool) or not isinstance(want, int) or not 0 <= want <= MOST_WANTED:
        raise RequestFault(400, f'"want" is the number of pairs to hold, 0 to {MOST_WANTED}.')
    opened, recent, guidelines = asked.get("open"), asked.get("recent", 0), asked.get("guidelines")
    if opened is not None and not _is_key(opened):
        raise RequestFault(400, '"open" is the id of a pair that you have had before.')
    if isinstance(recent, bool) or not isinstance(recent, int) or not 0 <= recent <= MOST_RECENT:
        raise RequestFault(400, f'"recent" is the number of labels to tell again, 0 to {MOST_RECENT}.')
    if guidelines is not None and not _is_key(guidelines):
        raise RequestFault(400, '"guidelines" is the number of the version that was shown.')
    return {
        "round": round_,
        "events": events,
        "have": have,
        "want": want,
        "open": opened,
        "recent": recent,
        "guidelines": guidelines,
    }


def _is_key(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_KEY


def _is_storable(text: str) -> bool:
    return not any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text)


def _status(error: TiebreakError) -> int:
    for kind, status in (
        (NotFoundError, 404),
        (TokenError, 401),
        (ForbiddenError, 403),
        (ConflictError, 409),
        (StoreError, 503),
    ):
        if isinstance(error, kind):
            return status
    return 400


def _bearer(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise RequestFault(401, "Send a personal token: Authorization: Bearer … (made with: tiebreak token create).")
    return secret.strip()


async def _body(request: Request) -> bytes:
    """The body, read only as far as it may go."""
    # A browser's form cannot send this type to another origin without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestFault(415, "Send application/json.")
    _bearer(request)
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                raise RequestFault(413, f"The body is over {LARGEST_BODY // 2**20} MB. Send fewer events at once.")
    except ClientDisconnect:
        raise RequestFault(400, "The body ended early.") from None
    return bytes(body)
