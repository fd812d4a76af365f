"""Rows with two completions side by side: tables of pairs, and battles of an arena."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from labeling.domain import SYSTEM, Json, Verdict
from labeling.readers.chat import as_messages, as_reply, plain_text
from labeling.readers.columns import (
    Columns,
    cell,
    listed,
    needed,
    number_of,
    pair_of,
    prompt_messages,
    prompt_row,
    rater_of,
    side_by_side,
    strength_of,
    suggested,
    verdict_of,
)
from labeling.readers.refusals import RowFault
from labeling.rows import NamedVerdict, PairRow

WINNERS = {"winner_model_a": Verdict.A, "winner_model_b": Verdict.B, "winner_tie": Verdict.TIE}
# How a list of turns begins in a cell, in JSON or as Python prints it.
_TURNS = re.compile(r"\s*\[\s*(\"|'|null|None)")


def pair_table(record: dict[str, Any], columns: Columns) -> PairRow:
    """A prompt with two responses, with or without a verdict; several rows may hold several raters' verdicts on one pair."""
    verdict, strength = verdict_of(cell(record, columns, "verdict")), strength_of(cell(record, columns, "strength"))
    labels = _named(rater_of(cell(record, columns, "rater")), verdict, strength)
    return side_by_side(record, columns, verdict, strength, labels)


def _named(rater: str | None, verdict: Verdict | None, strength: int | None = None) -> tuple[NamedVerdict, ...]:
    if rater is None or verdict is None:
        return ()
    return (NamedVerdict(rater, verdict, strength if verdict in (Verdict.A, Verdict.B) else None),)


def is_llmbar(record: Mapping[str, Any]) -> bool:
    return {"input", "output_1", "output_2", "label"} <= record.keys() and record["label"] in (1, 2)


def is_battle(record: Mapping[str, Any]) -> bool:
    """Whether two models fought over a prompt: two conversations, or two responses with both models and a winner."""
    if "conversation_a" in record and "conversation_b" in record:
        return True
    has_sides = suggested(list(record), ("prompt", "response_a", "response_b")).keys() >= {"response_a", "response_b"}
    has_winner = "winner" in record or "winner_model_a" in record
    return has_sides and has_winner and "model_a" in record and "model_b" in record


def battle(record: dict[str, Any], columns: Columns) -> PairRow:
    """Two models' answers to the same turns, and who won; `judge` is whose label it is."""
    if "conversation_a" in record:
        asked, a = _conversation(record, "conversation_a")
        asked_b, b = _conversation(record, "conversation_b")
        if asked != asked_b:
            raise RowFault(
                "different_prompts",
                "the two conversations differ before their last message: after the first turn each model answered to a history of its own",
            )
        prompt = prompt_row(record, columns, asked)
    else:
        given = [needed(record, columns, role) for role in ("prompt", "response_a", "response_b")]
        lists = [listed(one) for one in given]
        # A reply may be a list by itself: turns stand in all three.
        turns = lists if all(isinstance(one, list) for one in lists) else given
        if turns is given and all(isinstance(one, list) or _is_of_turns(str(one)) for one in lists):
            raise RowFault(
                "not_json",
                "the prompt and both answers are lists of turns, and not all of them are JSON; write them as JSON, whole, with double"
                " quotes and both halves of a surrogate pair, or save the table as Parquet",
            )
        if all(isinstance(turn, list) and len(turn) > 1 for turn in turns):
            raise RowFault("different_prompts", "several turns: each model answered to a history of its own")
        said, a, b = (turn[0] if isinstance(turn, list) and len(turn) == 1 else turn for turn in turns)
        prompt = prompt_row(record, columns, prompt_messages(record, columns, said))
    verdict = _winner(record, columns)
    return pair_of(
        prompt,
        as_reply(a, "the answer of model_a", record.get("model_a")),
        as_reply(b, "the answer of model_b", record.get("model_b")),
        verdict,
        labels=_named(rater_of(cell(record, columns, "rater")), verdict),
    )


def _conversation(record: Mapping[str, Any], field: str) -> tuple[list[Json], Json]:
    """The messages of a conversation up to the judged reply, and that reply: the one of turn `turn`, where one is named."""
    messages = as_messages(listed(record.get(field)), field)
    begun = 1 if messages[0]["role"] in SYSTEM else 0
    before = _said_before(record, field, messages[begun:])
    turn = record.get("turn")
    if isinstance(turn, int):
        replies = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
        messages = messages[: replies[turn - 1] + 1] if 0 < turn <= len(replies) else messages
    if len(messages) < 2:
        raise RowFault("not_one_reply", f"{field} holds no prompt with its reply")
    return [*messages[:begun], *before, *messages[begun:-1]], messages[-1]


def _said_before(record: Mapping[str, Any], field: str, messages: list[Json]) -> list[Json]:
    """What was said before a conversation that is one of several of a session, which `full_conversation` holds whole.

    Raises:
        RowFault: `evaluation_order` says that there is something, and it is not known what.
    """
    turns, order = listed(record.get("full_conversation")), number_of(record.get("evaluation_order"))
    if order == 1:
        return []
    side = field.replace("conversation", "model_side")
    whole = _one_side(turns, side) if turns and isinstance(turns, list) else []
    if whole[-len(messages) :] != messages:
        if (order or 1) <= 1:
            return []
        raise RowFault(
            "missing_field",
            f"{field} goes on from earlier turns, and full_conversation does not hold these, with {field} as its end;"
            " add what was said before",
        )
    return whole[: -len(messages)]


def _one_side(turns: list[Any], side: str) -> list[Json]:
    """The messages of one side of turns that hold the user's and both models'; empty where there are other things in them."""
    if not all(isinstance(turn, dict) and turn.get("user") and turn.get(side) for turn in turns):
        return []
    said = [(role, turn[name]) for turn in turns for role, name in (("user", "user"), ("assistant", side))]
    return as_messages(
        [one if isinstance(one, dict) else {"role": role, "content": one} for role, one in said], "full_conversation"
    )


def _is_of_turns(text: str) -> bool:
    """Whether a text is a list of turns, whole or cut off; one with words behind it is a text."""
    if not _TURNS.match(text):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error.pos >= len(text) or text.rstrip().endswith("]")
    return True


def _winner(record: Mapping[str, Any], columns: Columns) -> Verdict | None:
    if "winner_model_a" in record:
        said = [
            verdict
            for name, verdict in WINNERS.items()
            if str(record.get(name)).strip().lower() in ("1", "1.0", "true")
        ]
        if len(said) > 1:
            raise RowFault("unknown_verdict", "more than one of winner_model_a, winner_model_b and winner_tie is set")
        return said[0] if said else None
    winner = cell(record, columns, "verdict")
    if isinstance(winner, str):
        models = [plain_text(str(record.get(name)), name) for name in ("model_a", "model_b")]
        if winner in models and models[0] != models[1]:
            return Verdict.A if winner == models[0] else Verdict.B
    return verdict_of(winner)
