"""What Axolotl, LLaMA-Factory and Gemini demand of one record. Pure: a parsed line in, its faults out."""

from collections.abc import Iterator
from typing import Any

import orjson

from exporters.check_messages import (
    REPLY_KEYS,
    is_json_list,
    key_faults,
    prompt_faults,
    reply_faults,
    same_sides,
    say_the_same,
)
from exporters.findings import Fault
from exporters.rows import Message

# By its place in a conversation, which turns are taken: first the user's side, then the assistant's, and so on.
SHAREGPT_TURNS = (("human", "observation"), ("gpt", "function_call"))
LEAVE_OUT = "Leave the row out: the trainer skips it with no more than a line in its log"


def axolotl_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `axolotl`."""
    yield from _known_keys(record, ("messages", "chosen", "rejected"))
    if "messages" in record:
        yield from prompt_faults("messages", record["messages"], call_fault=_no_calls)
    for side in ("chosen", "rejected"):
        if side in record:
            yield from reply_faults(side, record[side], keys=REPLY_KEYS, call_fault=_no_calls)
    yield from same_sides(record, "chosen", "rejected", read=("content",))


def llama_factory_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `llama-factory`."""
    asked = {key: value for key, value in record.items() if key not in ("system", "tools")}
    yield from _known_keys(asked, ("conversations", "chosen", "rejected"))
    if "conversations" in record:
        yield from _conversation_faults(record["conversations"])
    for side in ("chosen", "rejected"):
        if side in record:
            yield from _turn_faults(side, record[side], SHAREGPT_TURNS[1])
    if not isinstance(record.get("system", ""), str):
        yield Fault("system", "is not text", 'Write the system prompt, or ""')
    tools = record.get("tools", "")
    if not isinstance(tools, str) or (tools and not is_json_list(tools)):
        yield Fault("tools", "is no string with a JSON list", 'Write the list of tools as a JSON string, or ""')
    yield from same_sides(record, "chosen", "rejected", read=("from", "value"))


def gemini_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `gemini`."""
    for key in record:
        if key not in ("system_instruction", "contents", "completions"):
            yield Fault(str(key), "is not a key of this format", _other_key(key))
    for key in ("contents", "completions"):
        if not isinstance(record.get(key), list) or not record[key]:
            yield Fault(key, "is not a list with at least one entry", f"Write {key}")
    if "system_instruction" in record:
        if isinstance(record["system_instruction"], dict):
            yield from _more_keys("system_instruction", record["system_instruction"], ("role", "parts"))
        yield from _parts_faults("system_instruction", record["system_instruction"])
    before = None
    contents = record.get("contents")
    for place, content in enumerate(contents if isinstance(contents, list) else []):
        yield from _content_faults(f"contents[{place}]", content, ("user", "model"))
        role = content.get("role") if isinstance(content, dict) else None
        if role is not None and role == before:
            yield Fault(f"contents[{place}].role", "is the role of the content before", "Join the two")
        before = role
    if before == "model":
        yield Fault("contents", "ends in the model's turn: it has to end in the user's", "Leave the last one out")
    completions = record.get("completions")
    if isinstance(completions, list) and completions:
        yield from _scored_faults(completions)


def _scored_faults(completions: list[Any]) -> Iterator[Fault]:
    for place, scored in enumerate(completions):
        if not isinstance(scored, dict):
            yield Fault(f"completions[{place}]", "is not an object", 'Write {"score": 1, "completion": {…}}')
            return
        if len(scored) > 2:
            yield from _more_keys(f"completions[{place}]", scored, ("score", "completion"))
        yield from _content_faults(f"completions[{place}].completion", scored.get("completion"), ("model",))
    scores = [scored.get("score") for scored in completions]
    if len(completions) != 2 or any(isinstance(score, bool) for score in scores) or 0 not in scores or 1 not in scores:
        yield Fault(
            "completions", "are not two with the scores 1 and 0", "Write the better one with 1, the other with 0"
        )
    elif say_the_same(*(_said_by(scored.get("completion")) for scored in completions)):
        yield Fault("completions", "are the same: there is nothing to learn from", "Leave the row out")


def _content_faults(field: str, content: Any, roles: tuple[str, ...]) -> Iterator[Fault]:
    if not isinstance(content, dict):
        yield Fault(field, "is not an object", 'Write {"role": "user", "parts": [{"text": "..."}]}')
        return
    role = content.get("role")
    if not isinstance(role, str) or role not in roles:
        yield Fault(f"{field}.role", f"is {role!r}, which is not known", f"Use {' or '.join(roles)}")
    if len(content) > 2:
        yield from _more_keys(field, content, ("role", "parts"))
    yield from _parts_faults(field, content)


def _said_by(content: Any) -> Any:
    return content.get("parts") if isinstance(content, dict) else content


def _more_keys(field: str, value: Message, keys: tuple[str, ...]) -> Iterator[Fault]:
    for key in value:
        if key not in keys:
            yield Fault(f"{field}.{key}", "is not a key of this format", "Leave it out")


def _parts_faults(field: str, content: Any) -> Iterator[Fault]:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        yield Fault(f"{field}.parts", "is not a list with at least one part", 'Write [{"text": "..."}]')
        return
    for place, part in enumerate(parts):
        text = part.get("text") if isinstance(part, dict) and len(part) == 1 else None
        if not isinstance(text, str):
            yield Fault(f"{field}.parts[{place}]", "is not text alone", 'Write {"text": "..."}')
        elif not text.strip():
            yield Fault(f"{field}.parts[{place}].text", "is empty", "Replace the text, or leave the row out")


def _conversation_faults(turns: Any) -> Iterator[Fault]:
    if not isinstance(turns, list) or not turns:
        yield Fault("conversations", "is not a list with at least one turn", "Write the turns of the prompt")
        return
    begin = int(isinstance(turns[0], dict) and turns[0].get("from") == "system")  # it may be the first turn, too
    for place, turn in enumerate(turns):
        speakers = SHAREGPT_TURNS[(place - begin) % 2] if place >= begin else ("system",)
        yield from _turn_faults(f"conversations[{place}]", turn, speakers)
    if (len(turns) - begin) % 2 == 0:
        yield Fault("conversations", "ends in a reply: it has to end in the user's turn", LEAVE_OUT)


def _turn_faults(field: str, turn: Any, speakers: tuple[str, ...]) -> Iterator[Fault]:
    if not isinstance(turn, dict) or not {"from", "value"} <= turn.keys():
        yield Fault(field, "is not an object of from and value", f'Write {{"from": "{speakers[0]}", "value": "..."}}')
        return
    for key in turn.keys() - {"from", "value"}:
        yield Fault(f"{field}.{key}", "is not read by the trainer", "Leave it out", "warning")
    if not isinstance(turn["from"], str) or turn["from"] not in speakers:
        yield Fault(f"{field}.from", f"is {turn['from']!r}; {' or '.join(speakers)} is asked here", LEAVE_OUT)
    if not isinstance(turn["value"], str):
        yield Fault(f"{field}.value", "is not text", "Write the text as one string")
    elif not turn["value"].strip():
        yield Fault(f"{field}.value", "is empty", "Replace the text, or leave the row out")
    elif turn["from"] == "function_call" and not _are_calls(turn["value"]):
        yield Fault(f"{field}.value", "is no call as JSON", 'Write {"name": "...", "arguments": {…}}')


def _are_calls(text: str) -> bool:
    """Whether this is the JSON of a call, or of a list of them."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    calls = found if isinstance(found, list) else [found]
    return bool(calls) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) and "arguments" in one for one in calls
    )


def _no_calls(_call: Any) -> str:
    return "is a tool call, which is dropped in silence"


def _known_keys(record: Message, keys: tuple[str, ...]) -> Iterator[Fault]:
    """As `key_faults`, for trainers that leave other columns alone."""
    for fault in key_faults(record, keys, _other_key):
        yield fault if fault.field in keys else fault._replace(message="is not read by the trainer", severity="warning")


def _other_key(key: str) -> str:
    return f"Leave {key} out; keep ids and notes in a file beside this one"
