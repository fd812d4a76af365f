"""How fast `tiebreak convert` is, as a user runs it: from one format to another, without a database.

    python -m benchmarks.rates [ROWS [RUNS]]

The least CPU seconds of RUNS runs (3) for ROWS rows (200,000) of about 1 kB. How files come in: `benchmarks/imports.py`; how they go
out: `benchmarks/export.py`.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import TIEBREAK, Figure, least, show

CONVERTED = 200_000
SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "ké",
    "li",
    "mö",
    "nu",
    "pra",
    "qui",
    "ro",
    "sti",
    "tu",
    "vè",
    "wa",
    "zü",
    "中",
    "文",
)


def write_pairs(path: Path, count: int) -> None:
    """OpenAI preference lines of about 1 kB: prompts of 12 words, completions of 45 to 75, all different."""
    chance = random.Random(0)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(5000)]
    with path.open("w") as file:
        for number in range(count):
            prompt, chosen, rejected = (
                " ".join(chance.choices(words, k=chance.randint(*sizes))) for sizes in ((10, 14), (45, 75), (45, 75))
            )
            record = {
                "input": {"messages": [{"role": "user", "content": f"{number}: {prompt}?"}]},
                "preferred_output": [{"role": "assistant", "content": chosen}],
                "non_preferred_output": [{"role": "assistant", "content": rejected}],
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def figures(rows: int = CONVERTED, runs: int = 3) -> list[Figure]:
    """Reading, writing and digest of rows alone: no store, no check, no provenance."""
    with tempfile.TemporaryDirectory(prefix="tiebreak-rates-") as temporary:
        file = Path(temporary) / "pairs.jsonl"
        write_pairs(file, rows)
        cost = least(
            [TIEBREAK, "convert", str(file), "--to", "trl", "--out", f"{temporary}/{number}.jsonl", "--json"]
            for number in range(runs)
        )
    if (written := json.loads(cost.stdout)["rows"]) != rows:
        raise SystemExit(f"{written:,} of {rows:,} rows were converted")
    return [
        Figure(
            f"convert of {rows:,} rows, openai-dpo to trl",
            f"{cost.cpu_seconds:.1f} CPU s, least of {runs}, {rows / cost.wall_seconds:,.0f} rows a second, {cost.peak_mb:.0f} MB",
            f"≤ {8 * rows / CONVERTED:g} CPU s",
            cost.cpu_seconds <= 8 * rows / CONVERTED,
        )
    ]


if __name__ == "__main__":
    show(figures(*(int(argument) for argument in sys.argv[1:])))
