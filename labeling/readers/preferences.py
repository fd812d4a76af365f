"""Rows that say which completion is better by where it stands: chosen and rejected, preferred and non-preferred."""

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from labeling.domain import SYSTEM, Json, Verdict
from labeling.readers.chat import (
    SHAREGPT_ROLES,
    as_messages,
    as_reply,
    json_text,
    plain_text,
    shared_length,
    split_conversations,
    unfolded,
)
from labeling.readers.columns import (
    NO_HISTORY,
    Columns,
    cell,
    listed,
    margin_in,
    needed,
    pair_of,
    prompt_messages,
    prompt_row,
    suggested,
)
from labeling.readers.refusals import RowFault
from labeling.rows import PairRow, Reply

SPEAKER = re.compile(r"(?:\A|\n\n)(Human|Assistant|System):")
ASSISTANT = "\n\nAssistant:"
# A marker inside a text, without the blank line before it that parts turns.
LOOSE = re.compile(r"(?<!\n\n)(?<=\s)(Human|Assistant):")
SPEAKERS = {"Human": "user", "Assistant": "assistant", "System": "system"}
# The columns of a row among transcripts that is none.
PLAIN = ("prompt", "history", "chosen", "rejected", "margin", "chosen_model", "rejected_model")
_SILENT: Json = {"role": "assistant", "content": ""}
NO_PROMPT = '"prompt" is missing, and what both texts begin with is none beside "{name}"'
MAY_BE_PROMPT = (
    "; where this is the prompt, say so with --map prompt={name}, and where it is no part of it, with --map history="
)
SWIFT_REJECTED = {"rejected_response", "rejected_messages"}
SWIFT_ROLES = ("tool_call", "tool_response")  # of messages that are otherwise those of chat completions


def openai(record: dict[str, Any], columns: Columns) -> PairRow:
    """OpenAI's preference lines, by either name of their outputs."""
    given = record["input"]
    if isinstance(given, str):
        given = listed(given)
    if not isinstance(given, dict):
        raise RowFault("missing_field", '"input" is not an object with messages')
    messages = as_messages(given.get("messages"), "input.messages")
    prompt = prompt_row(record, columns, messages, given.get("tools") or [])
    return pair_of(prompt, _output(record, "preferred"), _output(record, "non_preferred"), Verdict.A)


def _output(record: dict[str, Any], side: str) -> Reply:
    name = side + "_output"
    if name not in record and side + "_completion" in record:
        name = side + "_completion"  # what OpenAI called it at first
    return as_reply(record.get(name), name)


def chosen_rejected(record: dict[str, Any], columns: Columns) -> PairRow:
    """TRL and its kin: texts, last messages or whole conversations, with the prompt or with what both begin with."""
    chosen = unfolded(needed(record, columns, "chosen"), "chosen")
    rejected = unfolded(needed(record, columns, "rejected"), "rejected")
    given = unfolded(cell(record, columns, "prompt"), "prompt")
    if isinstance(given, list):
        given = turned(given, columns["prompt"])
    if isinstance(chosen, list) and isinstance(rejected, list) and (len(chosen) > 1 or len(rejected) > 1):
        if isinstance((chosen or rejected)[0], str):
            raise RowFault(
                "not_a_pair",
                f"chosen and rejected hold {len(chosen)} and {len(rejected)} texts; of several replies to one prompt make a row for"
                " each pair",
            )
        messages, chosen, rejected = split_conversations(
            as_messages(chosen, "chosen"), as_messages(rejected, "rejected")
        )
        before = as_messages(given, columns["prompt"]) if isinstance(given, list | dict) and given else []
        messages = joined(before, messages, (chosen, rejected), columns.get("prompt", ""))
    elif given is not None or cell(record, columns, "input"):
        messages = prompt_messages(record, columns, given)
    elif isinstance(chosen, str) and isinstance(rejected, str):
        if history := listed(cell(record, columns, "history")):
            is_of_lists = isinstance(history, list) and isinstance(history[0], list)
            remedy = NO_HISTORY if is_of_lists else MAY_BE_PROMPT
            raise RowFault("missing_field", (NO_PROMPT + remedy).format(name=columns["history"]))
        messages, chosen, rejected = _implicit(chosen, rejected)
    else:
        raise RowFault("missing_field", '"prompt" is missing')
    return pair_of(
        prompt_row(record, columns, messages, record.get("tools") or []),
        as_reply(chosen, columns["chosen"], cell(record, columns, "chosen_model")),
        as_reply(rejected, columns["rejected"], cell(record, columns, "rejected_model")),
        Verdict.A,
        margin=margin_in(record, columns),
    )


def joined(before: list[Json], messages: list[Json], sides: tuple[Json, ...], name: str) -> list[Json]:
    """The prompt of conversations that go on with `sides`: `before`, in the column `name`, precedes it, or is its beginning or a whole one.

    A system prompt is in one of them or the same in both. Raises RowFault where they do not agree.
    """
    if messages[: len(before)] == before:
        return messages
    system, asked = _opened(before)
    own_system, turns = _opened(messages)
    is_system_one = not system or not own_system or system == own_system
    is_begun = any([*turns, side][: len(asked)] == asked for side in sides)
    if is_system_one and is_begun:
        return [*(own_system or system), *turns]
    goes_on = not own_system and not is_begun and asked[-1]["role"] != turns[0]["role"]
    if not goes_on or any(turn in turns for turn in asked):
        raise RowFault(
            "different_prompts",
            f'"{name}" and the conversations beside it are neither alike from the beginning nor one after the other;'
            " where the conversations are whole, say so with --map prompt=",
        )
    return before + messages


def _opened(messages: list[Json]) -> tuple[list[Json], list[Json]]:
    """The system prompt, and the turns after it."""
    begun = next((place for place, one in enumerate(messages) if one["role"] not in SYSTEM), len(messages))
    return messages[:begun], messages[begun:]


def is_swift(record: Mapping[str, Any]) -> bool:
    """Whether a record is of ms-swift's kind: the better reply is where a reply stands anyway, the worse one beside it."""
    roles = suggested(list(record), ("prompt", "chosen", "response"))
    has_reply = "messages" in record or {"prompt", "response"} <= roles.keys()
    is_rejected = not record.keys().isdisjoint(SWIFT_REJECTED) or _is_openpipe(record)
    return has_reply and "chosen" not in roles and is_rejected


def _is_openpipe(record: Mapping[str, Any]) -> bool:
    """Whether `rejected_message` is the worse reply, as OpenPipe has it; beside no reply it is of what was not answered."""
    messages = listed(record.get("messages")) if "rejected_message" in record else None
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("role") == "assistant"


def swift(record: dict[str, Any], columns: Columns) -> PairRow:
    """ms-swift: conversations that end in the better reply, with the worse one or its whole conversation; or query and response.

    The worse one, a text or a list of its messages, takes the place of all that follows the last message of the user: calls of
    tools and their results too.
    """
    rejected = unfolded(cell(record, columns, "rejected"), "rejected_response")
    if isinstance(rejected, list) and rejected and all(isinstance(one, dict) for one in rejected):
        rejected = sharegpt_messages(rejected, columns["rejected"], mark="worse_")
    if "messages" not in record:
        messages = prompt_messages(record, columns, needed(record, columns, "prompt"))
        chosen = needed(record, columns, "response")
    else:
        *messages, chosen = sharegpt_messages(record["messages"], "messages")
        if other := record.get("rejected_messages"):
            whole = sharegpt_messages(other, "rejected_messages")
            messages, chosen, rejected = split_conversations([*messages, chosen], whole)
        elif messages and messages[-1]["role"] == "tool":
            raise RowFault(
                "not_one_reply",
                "the better reply begins with the call of a tool, where the worse one begins too; a completion is one"
                " message. Where both answer the tool, give the worse conversation as rejected_messages",
            )
    return pair_of(
        prompt_row(record, columns, messages, record.get("tools") or []),
        as_reply(chosen, "the better reply"),
        as_reply(rejected, columns.get("rejected", "rejected_response")),
        Verdict.A,
        margin=margin_in(record, columns),
    )


def _implicit(chosen: str, rejected: str) -> tuple[list[Json], str, str]:
    """The text both begin with is the prompt, as TRL takes it: a space before the point where they part is the reply's."""
    shared = shared_length(chosen, rejected)
    if chosen == rejected:
        raise RowFault("identical_sides", "both completions are the same text")
    if shared and chosen[shared - 1] == " ":
        shared -= 1
    if not chosen[:shared].strip():
        raise RowFault("no_common_prompt", "there is no prompt, and the two completions do not begin alike")
    return as_messages(chosen[:shared], "prompt"), chosen[shared:], rejected[shared:]


def is_transcript(record: Mapping[str, Any]) -> bool:
    """Whether a record is of HH-RLHF's kind: turns inside one text, each begun by who speaks."""
    chosen, prompt = record.get("chosen"), record.get("prompt")
    if not isinstance(chosen, str) or not isinstance(record.get("rejected"), str):
        return False
    if isinstance(prompt, str):
        is_begun = prompt.lstrip().startswith("Human:")
        return is_begun and (prompt.rstrip().endswith(ASSISTANT) or _are_marked(chosen, record["rejected"]))
    return prompt is None and chosen.lstrip().startswith("Human:") and ASSISTANT in chosen


def transcripts(record: dict[str, Any], columns: Columns) -> PairRow:
    """HH-RLHF: the turns that both transcripts share are the prompt, the last turn of the assistant is the completion.

    A prompt without any marker is a row of TRL's among them, and stays as it is.
    """
    prompt = record.get("prompt")
    if isinstance(prompt, str) and not _holds_marker("\n\n" + prompt.lstrip()):
        return chosen_rejected(record, suggested(list(record), PLAIN, columns))
    chosen, rejected = plain_text(record["chosen"], "chosen"), plain_text(record.get("rejected"), "rejected")
    if prompt is not None:
        before, sides = _parted(plain_text(prompt, "prompt"), chosen, rejected)
    else:
        if chosen == rejected:
            raise RowFault("identical_sides", "the two transcripts are the same")
        cut = chosen[: shared_length(chosen, rejected)].rfind(ASSISTANT)
        if cut < 0:
            raise RowFault("different_prompts", "the two transcripts part before the assistant's first turn")
        before = chosen[:cut]
        sides = [_said(side[cut + len(ASSISTANT) :]) for side in (chosen, rejected)]
    for name, side in zip(("chosen", "rejected"), sides, strict=True):
        if "\n\nHuman:" in side:
            raise RowFault(
                "different_prompts", f"{name} goes on for several turns after the point where the two transcripts part"
            )
    return pair_of(
        prompt_row(record, columns, turns_of(before, "prompt" if prompt is not None else "chosen")),
        as_reply(sides[0], "chosen"),
        as_reply(sides[1], "rejected"),
        Verdict.A,
    )


def _holds_marker(text: str) -> bool:
    return (SPEAKER.search(text) or LOOSE.search(text)) is not None


def _are_marked(*sides: str) -> bool:
    return all(side.lstrip().startswith("Assistant:") for side in sides)


def _parted(prompt: str, *sides: str) -> tuple[str, list[str]]:
    """A prompt and its replies without the marker between them, at the end of the one or the beginning of the others."""
    before = prompt.rstrip()
    # What stands between the marker and the reply may be at the end of the prompt already.
    replies = [_said(side) for side in sides] if before == prompt else list(sides)
    if before.endswith(ASSISTANT):
        return before.removesuffix(ASSISTANT), replies
    is_ended = before.endswith((" Assistant:", "\nAssistant:"))
    if _are_marked(*sides):
        replies = [_said(side.lstrip().removeprefix("Assistant:")) for side in sides]
    elif not is_ended:
        return before, list(sides)
    if is_ended:
        before = before.removesuffix("Assistant:").rstrip()
    if LOOSE.search(before.lstrip()):
        raise RowFault(
            "not_messages", "prompt has turns that no blank line parts; write one before each Human: and Assistant:"
        )
    return before, replies


def turns_of(text: str, field: str) -> list[Json]:
    """A transcript's turns as messages. Raises RowFault where something stands before the first speaker."""
    before, *parts = SPEAKER.split("\n\n" + text.lstrip())
    if before.strip() or not parts:
        raise RowFault("not_messages", f"{field} is not a transcript that begins with Human:")
    return [
        {"role": SPEAKERS[speaker], "content": _said(said)}
        for speaker, said in zip(parts[::2], parts[1::2], strict=True)
    ]


def _said(text: str) -> str:
    """What follows a speaker's marker, without the one space or line feed that parts them: code may begin with spaces."""
    return text[1:] if text.startswith((" ", "\n")) else text


def sharegpt(record: dict[str, Any], columns: Columns) -> PairRow:
    """LLaMA-Factory's ranking rows: `conversations` up to the reply, `chosen` and `rejected` as one turn each."""
    messages = sharegpt_messages(record["conversations"], "conversations")
    sides = [sharegpt_messages([listed(record.get(side))], side) for side in ("chosen", "rejected")]
    return pair_of(
        prompt_row(record, columns, messages, record.get("tools") or []),
        as_reply(sides[0], "chosen", cell(record, columns, "chosen_model")),
        as_reply(sides[1], "rejected", cell(record, columns, "rejected_model")),
        Verdict.A,
    )


def turned(value: Any, field: str) -> Any:
    """Turns written as `{"from": "human", "value": …}` as messages; anything else as it is."""
    first = value[0] if isinstance(value, list) and value else None
    is_turn = isinstance(first, dict) and "from" in first and "role" not in first
    return sharegpt_messages(value, field) if is_turn else value


def sharegpt_messages(value: object, field: str, *, mark: str = "") -> list[Json]:
    """Turns written as `{"from": "human", "value": …}`, or as messages, in the shape of chat completions.

    A function call is the assistant's, one message with what it said before and with the calls that follow; the
    observations after them answer them in their order. `mark` stands in the ids of calls, which one conversation has once.
    """
    value = listed(value)
    if not isinstance(value, list) or not value:
        raise RowFault("empty_prompt", f"{field} holds no turns")
    messages: list[Json] = []
    for number, turn in enumerate(value):
        where = f"{field}[{number}]"
        if not isinstance(turn, dict):
            raise RowFault("missing_field" if turn is None else "not_messages", f"{where} is not a turn")
        if "from" not in turn and turn.get("role") not in SWIFT_ROLES:
            messages += as_messages([turn], where)
            continue
        speaker = str(turn.get("from", turn.get("role")))
        role = SHAREGPT_ROLES.get(speaker.lower())
        if role is None:
            raise RowFault("not_messages", f"{where} is from {speaker[:40]!r}, which is no known speaker")
        text = plain_text(turn.get("value", turn.get("content")), where)
        if role == "function_call":
            last = messages.pop() if messages and messages[-1]["role"] == "assistant" else _SILENT
            calls = [*last.get("tool_calls", ()), *_calls(text, f"{mark}{number}", where)]
            messages.append({**last, "content": last.get("content", ""), "tool_calls": calls})
        elif role == "tool":
            messages.append({"role": "tool", "content": text, **_answered(messages)})
        else:
            messages.append({"role": role, "content": text})
    return messages


def _answered(messages: list[Json]) -> Json:
    """Which call the next result is of: results stand in the order of their calls."""
    results = len(list(takewhile(lambda message: message["role"] == "tool", reversed(messages))))
    calls = messages[-results - 1].get("tool_calls", ()) if results < len(messages) else ()
    return {"tool_call_id": calls[results]["id"]} if results < len(calls) else {}


def _calls(text: str, place: str, where: str) -> list[Json]:
    found = listed(text)
    calls = found if isinstance(found, list) else [found]
    made = []
    for number, call in enumerate(calls):
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise RowFault("bad_tools", f"{where} is a function call without a name")
        arguments = call.get("arguments", {})
        written = arguments if isinstance(arguments, str) else json_text(arguments, where)
        made.append(
            {
                "id": f"call_{place}_{number}",
                "type": "function",
                "function": {"name": call["name"], "arguments": written},
            }
        )
    return made
