"""Which column of a record plays which role, and what stands in it."""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from labeling.domain import SYSTEM, Json, Verdict
from labeling.readers.chat import as_messages, as_prompt, as_reply, plain_text
from labeling.readers.refusals import RowFault
from labeling.rows import NamedVerdict, PairRow, PromptRow, Reply

Columns = Mapping[str, str]

# By which names a column is known, in order of preference; case, hyphens and spaces do not count.
KNOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "messages", "instruction", "question", "input", "query", "context"),
    "input": ("input", "context"),
    "history": ("history",),
    "system": ("system", "system_prompt"),
    "response_a": (
        "response_0", "answer_0", "output_0", "completion_0",
        "response_a", "output_1", "completion_a", "answer_a", "response_1", "completion_1", "output_a", "answer_1",
        "reply_a", "reply_1", "response1", "answer1", "reply1", "output1", "completion1", "text1", "left", "a",
    ),
    "response_b": (
        "response_b", "output_2", "completion_b", "answer_b", "response_2", "completion_2", "output_b", "answer_2",
        "reply_b", "reply_2", "response2", "answer2", "reply2", "output2", "completion2", "text2", "right", "b",
    ),
    "chosen": ("chosen", "chosen_response", "response_chosen", "chosen_conversations", "accepted", "preferred"),
    "rejected": (
        "rejected", "rejected_response", "response_rejected", "rejected_conversations", "dispreferred", "rejected_message",
    ),
    "chosen_model": ("chosen_model", "model_chosen"),
    "rejected_model": ("rejected_model", "model_rejected"),
    "verdict": ("verdict", "label", "winner", "preference", "comparison", "better", "preferred", "better_response_id"),
    "strength": ("strength",),
    "margin": ("margin",),
    "preference": ("overall_preference", "preference_strength"),
    "rater": ("rater", "annotator", "annotator_id", "judge", "labeler", "worker"),
    "response": ("response", "completion", "answer", "output", "reply"),
    "desirable": ("label", "kto_tag", "desirable", "is_desirable"),
    "responses": ("responses", "completions", "answers", "candidates", "replies", "generations"),
    "ranks": ("ranks", "rank"),
    "scores": ("scores", "ratings", "rewards"),
    "model": ("model", "model_id", "model_name", "generator", "source"),
    "model_a": ("model_a", "model_1"),
    "model_b": ("model_b", "model_2"),
    "id": ("id", "uid", "question_id", "prompt_id", "example_id"),
    "tags": ("tags", "tag", "category", "topic"),
    "reference": ("reference", "reference_answer", "gold_answer"),
    "tools": ("tools",),
    "language": ("language", "lang"),
}  # fmt: skip

# How the names of the two responses end, the first and what follows it.
FOLLOWING = {"0": "1", "1": "2", "a": "b"}
COUNTED = {*FOLLOWING, *FOLLOWING.values()}

# Numbers are not among them: what a 1 says, the others in its column tell (`verdicts.numbers_meant`).
VERDICTS: dict[str, Verdict] = {
    **dict.fromkeys(("a", "model_a", "response_a", "output_1", "first", "left", "a>b", "[[a]]"), Verdict.A),
    **dict.fromkeys(("b", "model_b", "response_b", "output_2", "second", "right", "b>a", "[[b]]"), Verdict.B),
    **dict.fromkeys(("tie", "equal", "same", "a=b", "[[c]]"), Verdict.TIE),
    **dict.fromkeys(("both_bad", "bothbad", "tie (bothbad)", "tie(bothbad)", "both bad", "neither"), Verdict.BOTH_BAD),
}
# Columns in which trainers of models that see or hear look for what a prompt shows.
MEDIA = ("image", "images", "video", "videos", "audio", "audios")

EXACT = 1 << 53  # from here on a float does not say which whole number it was

# What a prompt is put together from: its own column, the second part of an instruction, and earlier turns.
PROMPT = ("prompt", "input", "history")
# What a file may say about a prompt beside it.
ABOUT_PROMPT = ("id", "tags", "reference", "system", "tools", "language")


def suggested(names: Sequence[str], roles: Sequence[str], known: Columns | None = None) -> dict[str, str]:
    """Which column plays which role, by their names, each column once; with those that are `known`."""
    known_as = {plain_name(name): name for name in reversed(names)}
    mapping = dict(known or {})
    for role in roles:
        names_of = KNOWN_COLUMNS[role]
        if role == "response_b" and "response_a" in mapping:
            names_of = (_second(plain_name(mapping["response_a"])), *names_of)
        for name in names_of:
            if name in known_as and known_as[name] not in mapping.values():
                mapping[role] = known_as[name]
                break
    return mapping


def _second(name: str) -> str:
    """The name of the second response where the first is called so; the same where the name does not count."""
    return name[:-1] + FOLLOWING.get(name[-1:], name[-1:])


def further_responses(names: Sequence[str], columns: Columns) -> list[str]:
    """The columns of a third response and more: those called as the two that play a role, with another number or letter."""
    alike = [
        re.escape(side[:-1]) + (r"\d{1,2}" if side[-1].isdigit() else "[c-h]")
        for role in ("response_a", "response_b")
        if (side := plain_name(columns[role])) and side[-1] in COUNTED
    ]
    others = [name for name in names if name not in columns.values()]
    return [name for name in others if any(re.fullmatch(one, plain_name(name)) for one in alike)]


def plain_name(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def cell(record: Mapping[str, Any], columns: Columns, role: str) -> Any:
    """What the record holds in the column of that role; None where there is none."""
    return record.get(columns[role]) if role in columns else None


def needed(record: Mapping[str, Any], columns: Columns, role: str) -> Any:
    """The same, refused where the column is not mapped or the record has none."""
    name = columns.get(role)
    if name is None:
        raise RowFault("missing_field", f"no column is mapped to {role}: say which with --map {role}=COLUMN")
    if name not in record:
        raise RowFault("missing_field", f'"{name}" is missing')
    return record[name]


def listed(value: Any) -> Any:
    """A list or an object that a table holds as its JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def prompt_row(
    record: Mapping[str, Any], columns: Columns, messages: list[dict[str, Any]] | None = None, tools: object = None
) -> PromptRow:
    """The prompt of a record with what the file says about it; `messages` and `tools` where a format finds them itself."""
    if not record.keys().isdisjoint(MEDIA) and (fault := media_fault(record, columns)):
        raise fault
    if messages is None:
        messages = prompt_messages(record, columns, needed(record, columns, "prompt"))
    if columns.keys().isdisjoint(ABOUT_PROMPT):
        return PromptRow(as_prompt(messages, tools))
    system = cell(record, columns, "system")
    if isinstance(system, str) and system.strip() and messages[:1] and messages[0]["role"] not in SYSTEM:
        messages = [{"role": "system", "content": plain_text(system, columns["system"])}, *messages]
    reference, language = cell(record, columns, "reference"), cell(record, columns, "language")
    return PromptRow(
        as_prompt(messages, tools if tools is not None else cell(record, columns, "tools")),
        external_id=identifier(cell(record, columns, "id")),
        tags=_tags(cell(record, columns, "tags")),
        reference=plain_text(reference, columns["reference"]) if isinstance(reference, str) and reference else None,
        language=plain_text(language, columns["language"]).strip() or None if isinstance(language, str) else None,
    )


NO_HISTORY = "; where it is no part of the prompt, say so with --map history="


def prompt_messages(record: Mapping[str, Any], columns: Columns, given: object) -> list[Json]:
    """The messages of a prompt with what stands beside it: the second part of Alpaca's instructions, and earlier turns."""
    more = _input(record, columns) if "input" in columns else ""
    if more and is_blank(given) and plain_name(columns["input"]) == "input":  # a context alone asks nothing
        messages = [{"role": "user", "content": more}]
    else:
        messages = as_messages(given, columns.get("prompt", "prompt"))
        if more:
            messages[-1] = {**messages[-1], "content": f"{messages[-1].get('content') or ''}\n{more}"}
    if "history" not in columns:
        return messages
    begun = 1 if messages[0]["role"] in SYSTEM else 0
    return [*messages[:begun], *_history(record, columns), *messages[begun:]]


def _input(record: Mapping[str, Any], columns: Columns) -> str:
    """The second part of an instruction; empty where it has none."""
    value, name = cell(record, columns, "input"), columns["input"]
    if value in (None, "", []):
        return ""
    if not isinstance(value, str):
        raise RowFault("not_text", f"{name} is not text; where it is no part of the prompt, say so with --map input=")
    return plain_text(value, name) if value.strip() else ""


def _history(record: Mapping[str, Any], columns: Columns) -> list[Json]:
    """Earlier turns, as messages or as Alpaca's rows hold them: pairs of a question and its answer."""
    history, name = listed(cell(record, columns, "history")) or [], columns["history"]
    if isinstance(history, list) and history and all(isinstance(turn, dict) for turn in history):
        return as_messages(history, name)
    if not isinstance(history, list) or not all(isinstance(turn, list) and len(turn) == 2 for turn in history):
        raise RowFault("not_messages", f"{name} is no list of messages, or of questions with their answers{NO_HISTORY}")
    turns = [(role, text) for turn in history for role, text in zip(("user", "assistant"), turn, strict=True)]
    if not all(isinstance(text, str) for _, text in turns):
        raise RowFault("not_text", f"{name} holds a turn that is not text{NO_HISTORY}")
    return [{"role": role, "content": plain_text(text, name)} for role, text in turns]


def media_fault(record: Mapping[str, Any], columns: Columns) -> RowFault | None:
    """What speaks against a record with pictures, sounds or films beside its texts; None where it has none."""
    if record.keys().isdisjoint(MEDIA):  # nearly every record
        return None
    found = [name for name in MEDIA if name not in columns.values() and _holds(listed(record.get(name)))]
    if not found:
        return None
    return RowFault(
        "has_media",
        f'"{found[0]}" holds what no text says, and is not kept; where the text can be judged without it, leave the column out',
    )


def is_blank(value: object) -> bool:
    """Whether a cell holds nothing: no value, spaces, or an empty list or object."""
    return not value.strip() if isinstance(value, str) else value in (None, [], {})


def _holds(value: Any) -> bool:
    """Whether there is anything in it: a table writes an empty list of its own, or an object of nulls."""
    if isinstance(value, dict):
        value = list(value.values())
    return any(map(_holds, value)) if isinstance(value, list) else value is not None and bool(str(value).strip())


def identifier(value: object) -> str | None:
    """An id as text, None where there is none, or none that is whole. Whole numbers of a column with gaps come with a point,
    which is no part of them."""
    if isinstance(value, float | Decimal) and math.isfinite(value) and not _has_lost_digits(value):
        value = str(int(value) if value == int(value) else value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return plain_text(str(value), "the id").strip() or None


def expect_whole_id(record: Mapping[str, Any], columns: Columns) -> None:
    """Raise RowFault where the id of a row that others join by it is not whole: they would be mixed up."""
    value = cell(record, columns, "id")
    if _has_lost_digits(value):
        raise RowFault(
            "bad_id",
            f"the id {value} is too large for a number and has lost its last digits; write it in quotes, or leave it out with --map id=",
        )


def _has_lost_digits(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value) and abs(value) >= EXACT


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = found if isinstance(found := listed(value), list) else value.split(",")
    if not isinstance(value, list):
        return ()
    return tuple(tag for tag in (plain_text(str(one), "a tag").strip() for one in value) if tag)


def verdict_word(value: object) -> str:
    """A verdict as its file writes it, alone in a list or as Label Studio's comparison too; empty where there is none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("selected")
    return "" if value is None else str(value).strip()


def verdict_of(value: object) -> Verdict | None:
    """A verdict as files write it; None where there is none. Raises RowFault for one that is not known."""
    word = verdict_word(value)
    if not word:
        return None
    found = verdict_called(word)
    if found is None:
        known = "a, b, tie and both_bad, and 1 and 2 in a column without other numbers, beside responses that count so"
        raise RowFault(
            "unknown_verdict",
            f"the verdict says {word[:60]!r}; known are {known}; say what it means with --verdict VERDICT=WORD",
            word,
        )
    return found


def verdict_called(word: str) -> Verdict | None:
    """The verdict that goes by that name, "Response A" as well as response_a; None for any other word."""
    return VERDICTS.get(word.strip().lower()) or VERDICTS.get(plain_name(word))


def strength_of(value: object) -> int | None:
    if value in (None, ""):
        return None
    said = str(value).strip().removesuffix(".0")
    if said not in ("1", "2", "3"):
        raise RowFault("unknown_strength", f"the strength says {str(value)[:60]!r}; known are 1, 2 and 3")
    return int(said)


def number_of(value: object) -> float | None:
    """A number, also one that a table holds as text; None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return None if math.isnan(number) else number  # which is neither more nor less than any other


def margin_in(record: Mapping[str, Any], columns: Columns) -> float | None:
    """By how much the chosen side is better, as the file writes the number; None where it tells none."""
    value = cell(record, columns, "margin")
    if value is None:
        return None
    number: float | None = value if type(value) in (int, float) else number_of(value)
    return number if number is not None and math.isfinite(number) else None


def rater_of(value: object) -> str | None:
    """The name a file gives to who gave a verdict: a name, a number, or a list of parts."""
    if isinstance(value, list):
        value = " ".join(str(part) for part in value)
    if value is None or isinstance(value, dict) or not str(value).strip():
        return None
    return plain_text(str(value), "the rater").strip()[:200]


def side_by_side(
    record: Mapping[str, Any],
    columns: Columns,
    verdict: Verdict | None,
    strength: int | None = None,
    labels: tuple[NamedVerdict, ...] = (),
    messages: list[dict[str, Any]] | None = None,
) -> PairRow:
    """The two responses of a record as a pair; `messages` where a format finds the prompt itself."""
    return pair_of(
        prompt_row(record, columns, messages),
        as_reply(needed(record, columns, "response_a"), columns["response_a"], cell(record, columns, "model_a")),
        as_reply(needed(record, columns, "response_b"), columns["response_b"], cell(record, columns, "model_b")),
        verdict,
        strength,
        labels,
    )


def pair_of(
    prompt: PromptRow,
    a: Reply,
    b: Reply,
    verdict: Verdict | None,
    strength: int | None = None,
    labels: tuple[NamedVerdict, ...] = (),
    margin: float | None = None,
) -> PairRow:
    if a.text == b.text and a.tool_calls == b.tool_calls:
        raise RowFault("identical_sides", "both completions are the same text")
    return PairRow(prompt, a, b, verdict, strength if verdict in (Verdict.A, Verdict.B) else None, labels, margin)
