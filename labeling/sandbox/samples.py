"""The texts of the sample project (data/sample), and which completion of each prompt is the better one.

The better side is known to the sandbox and to tests only: an import does not read better.json.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labeling.domain import json_digest

SAMPLE_FOLDER = Path(__file__).resolve().parents[2] / "data" / "sample"
PAIRS_FILE = SAMPLE_FOLDER / "pairs.jsonl"
BETTER_FILE = SAMPLE_FOLDER / "better.json"

GRAM = 5  # characters; short enough for scripts without spaces


@dataclass(frozen=True, slots=True)
class SampleText:
    """The two completions of one prompt."""

    better: str
    worse: str


def sample_for(user_texts: Iterable[str]) -> SampleText | None:
    """The sample's completions for a prompt with these user messages; None for any other prompt."""
    return _samples().get(_key(user_texts))


def likeness(text: str, other: str) -> float:
    """How much of `text` stands in `other`, 0 to 1, whatever was added, cut or moved."""
    grams = _grams(text)
    return len(grams & _grams(other)) / len(grams) if grams else 0.0


@cache
def _samples() -> Mapping[str, SampleText]:
    """By digest of the user messages. Empty where the program was installed without its data folder."""
    try:
        better = json.loads(BETTER_FILE.read_text("utf-8"))
        lines = PAIRS_FILE.read_text("utf-8").split("\n")
    except FileNotFoundError:
        return {}
    found = {}
    for row in (json.loads(line) for line in lines if line):
        sides = {"a": row["response_a"], "b": row["response_b"]}
        best = sides.pop(better[row["id"]])
        key = _key(message["content"] for message in row["prompt"] if message["role"] == "user")
        found[key] = SampleText(better=best, worse=sides.popitem()[1])
    return found


def _key(user_texts: Iterable[str]) -> str:
    return json_digest([text.strip() for text in user_texts])


def _grams(text: str) -> frozenset[str]:
    flat = " ".join(text.casefold().split())
    return frozenset(flat[at : at + GRAM] for at in range(max(1, len(flat) - GRAM + 1))) if flat else frozenset()
