"""The formats that are read. A new one is one entry here: how it is recognised, and how one record becomes a row."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from labeling.readers import annotations, answers, battles, gemini, preferences, rankings, scored, unpaired
from labeling.readers.columns import ABOUT_PROMPT, PROMPT, Columns, plain_name, suggested
from labeling.readers.refusals import Refusal
from labeling.rows import Row

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """`fits` tells from a record's fields; `read` makes the row or raises RowFault. `columns`: roles a mapping may name.

    `fields` lays a record out flat, where what counts lies deeper. `collect` makes rows of what `read` gives, where one
    record alone is no row. `spelled` puts our words for verdicts in the place of a file's own, where the answers to a question,
    which the role `verdict` then names, hold them and no column.
    A format of which `is_found` is false is read only when asked for.
    """

    kind: str
    title: str
    fits: Callable[[Record], bool]
    read: Callable[[Record, Columns], Any]
    columns: tuple[str, ...] = ()
    fields: Callable[[Record], Record] = lambda record: record
    collect: Callable[[Iterable[Any]], Iterator[tuple[int, Row] | Refusal]] | None = None
    spelled: Callable[[Record, Mapping[str, str], str | None], Record] | None = None
    is_found: bool = True


def _has(*roles: str) -> Callable[[Record], bool]:
    return lambda record: all(suggested(list(record), roles).get(role) for role in roles)


def _is_openai(record: Record) -> bool:
    return "input" in record and ("preferred_output" in record or "preferred_completion" in record)


def _is_sharegpt_ranking(record: Record) -> bool:
    return isinstance(record.get("conversations"), list | str) and "chosen" in record and "rejected" in record


_SIDES = (*PROMPT, "response_a", "response_b", "model_a", "model_b")
_TABLE = ("response_a", "response_b", *PROMPT, "verdict", "strength", "rater", "model_a", "model_b", *ABOUT_PROMPT)
_RANKING = (*PROMPT, "responses", "ranks", "scores", *ABOUT_PROMPT)
_MODELS = ("chosen_model", "rejected_model")

# In the order in which a file is tried: the most particular first.
FORMATS: dict[str, Format] = {
    "openai-dpo": Format("pairs", "OpenAI preference JSONL (PFT, DPO)", _is_openai, preferences.openai, ABOUT_PROMPT),
    "gemini": Format(
        "pairs", "Gemini preference tuning (Vertex AI)", gemini.is_gemini, gemini.gemini, ("id", "tags", "reference", "language"),
    ),
    "label-studio": Format(
        "pairs", "Label Studio, pairwise", annotations.is_label_studio, annotations.label_studio,
        (*_SIDES, "verdict", *ABOUT_PROMPT), fields=annotations.label_studio_fields, spelled=annotations.spelled,
    ),
    "argilla": Format(
        "pairs", "Argilla, two responses compared", annotations.is_argilla, annotations.argilla,
        (*_SIDES, "verdict", *ABOUT_PROMPT), fields=annotations.argilla_fields, spelled=annotations.spelled,
    ),
    "arena-battles": Format(
        "pairs", "arena battles: two models and a winner", battles.is_battle, battles.battle,
        (*PROMPT, "response_a", "response_b", "verdict", "rater", *ABOUT_PROMPT),
    ),
    "llmbar": Format("pairs", "LLMBar: input, output_1, output_2, label", battles.is_llmbar, battles.pair_table, _TABLE),
    "hh-rlhf": Format(
        "pairs", "HH-RLHF transcripts", preferences.is_transcript, preferences.transcripts, ABOUT_PROMPT,
    ),
    "sharegpt-ranking": Format(
        "pairs", "ShareGPT ranking (LLaMA-Factory)", _is_sharegpt_ranking, preferences.sharegpt,
        (*_MODELS, "id", "tags", "system", "language"),
    ),
    "trl": Format(
        "pairs", "chosen and rejected (TRL, UltraFeedback, Alpaca)", _has("chosen", "rejected"), preferences.chosen_rejected,
        (*PROMPT, "chosen", "rejected", "margin", *_MODELS, *ABOUT_PROMPT),
    ),
    "ms-swift": Format(
        "pairs", "ms-swift: a reply and the rejected one", preferences.is_swift, preferences.swift,
        (*PROMPT, "response", "rejected", "margin", *ABOUT_PROMPT),
    ),
    "kto": Format(
        "pairs", "KTO: single completions, desirable or not", unpaired.is_rated, unpaired.rated,
        (*PROMPT, "response", "desirable", "model", *ABOUT_PROMPT), collect=unpaired.paired,
    ),
    "ranking": Format("pairs", "rankings, every two answers a pair", rankings.is_ranking, rankings.all_pairs, _RANKING),
    "ranking-best-worst": Format(
        "pairs", "rankings, the best answer against the worst", rankings.is_ranking, rankings.best_and_worst, _RANKING,
        is_found=False,
    ),
    "helpsteer": Format(
        "pairs", "HelpSteer: two responses and a preference from -3 to 3", scored.is_helpsteer, scored.helpsteer,
        (*PROMPT, "response_a", "response_b", "preference", "model_a", "model_b", *ABOUT_PROMPT),
    ),
    "webgpt": Format(
        "pairs", "WebGPT: two answers with a score each", scored.is_webgpt, scored.webgpt,
        (*_SIDES, *ABOUT_PROMPT), fields=scored.webgpt_fields,
    ),
    "shp": Format(
        "pairs", "SHP: two comments and which is preferred", scored.is_shp, scored.shp, (*_SIDES, *ABOUT_PROMPT),
        fields=scored.shp_fields,
    ),
    "pairs": Format("pairs", "table with a prompt and two responses", _has("prompt", "response_a", "response_b"), battles.pair_table, _TABLE),
    "mt-bench": Format("prompts", "MT-bench questions", lambda r: isinstance(r.get("turns"), list), answers.questions, ("id", "tags")),
    "arena-answers": Format(
        "completions", "arena-hard answers",
        lambda r: "messages" in r and "model" in r and "uid" in r, answers.arena_answer, ("id",),
    ),
    "fastchat-answers": Format("completions", "FastChat answers", lambda r: "choices" in r and "question_id" in r, answers.fastchat_answer, ("id",)),
    "completions": Format(
        "completions", "table with responses to prompts",
        lambda r: _has("response")(r) and (_has("id")(r) or _has("prompt")(r)), answers.completion_table,
        (*PROMPT, "response", "model", *ABOUT_PROMPT),
    ),
    "prompts": Format("prompts", "prompts: texts or chat messages", _has("prompt"), answers.prompt_alone, (*PROMPT, *ABOUT_PROMPT)),
}  # fmt: skip

TWO_SIDES = ({"response_a", "response_b"}, {"chosen", "rejected"})  # roles, of either kind of pairs
# What a mapping says of a file that no format fits: the format that needs those roles.
_BY_ROLES = (
    ({"preference"}, "helpsteer"),
    (TWO_SIDES[0], "pairs"),
    (TWO_SIDES[1], "trl"),
    ({"responses"}, "ranking"),
    ({"response", "desirable"}, "kto"),
    ({"response"}, "completions"),
    ({"prompt"}, "prompts"),
)


def found_format(records: list[Record], kind: str, mapping: Columns) -> str | None:
    """The first format that fits one of the records and has the roles that are mapped; None where none does."""
    mapping = {role: column for role, column in mapping.items() if column}
    for name, one in FORMATS.items():
        is_possible = one.is_found and kind in ("auto", one.kind) and mapping.keys() <= set(one.columns)
        if is_possible and any(one.fits(record) for record in records):
            return name
    columns = [column for column in dict.fromkeys(chain(*records)) if column not in mapping.values()]
    return _by_roles(kind, mapping, columns)


def _by_roles(kind: str, mapping: Columns, columns: list[str]) -> str | None:
    for roles, name in _BY_ROLES:
        known = mapping.keys()
        if roles in TWO_SIDES and roles & known:  # the other side may go by a name that is known
            known = suggested(columns, [role for role in sorted(roles) if role not in mapping], mapping).keys()
        if roles <= known and mapping.keys() <= set(FORMATS[name].columns) and kind in ("auto", FORMATS[name].kind):
            return name
    return None


def other_side(mapping: Columns) -> str | None:
    """The role of the second reply where that of the first alone is mapped, whichever is first."""
    left = [roles - mapping.keys() for roles in TWO_SIDES]
    return next((role for roles in left if len(roles) == 1 for role in roles), None)


def columns_of(format: Format, records: Iterable[Record]) -> tuple[str, ...]:
    """The columns of the records as the format lays them out, in order of appearance."""
    return tuple(dict.fromkeys(key for record in records for key in format.fields(record)))


def mapped(format: Format, columns: tuple[str, ...], given: Columns, *, of_first: int) -> dict[str, str]:
    """Role to column: by name, and as given. Columns after the `of_first` that the first rows have play only what is left."""
    roles = format.columns if format.spelled is None else [role for role in format.columns if role != "verdict"]
    # A column that is one side by hand is not the other one by its name.
    sides = {column for role, column in given.items() if role in set().union(*TWO_SIDES)}
    free = [column for column in columns if column not in sides]
    of_first -= len(sides.intersection(columns[:of_first]))
    found = suggested(free[:of_first], roles)
    left = [role for role in roles if role not in found]
    found = suggested(free[of_first:], left, found) | dict(given)
    prompt = plain_name(found.get("prompt", ""))
    for role in ("input", "history"):
        # Beside a question a context may be anything; what plays another role by hand is no part of the prompt.
        if role not in given and (found.get(role) in given.values() or (role == "input" and prompt != "instruction")):
            found.pop(role, None)
    return {role: column for role, column in found.items() if column}
