"""How fast files go out: the commands, as a user runs them.

    python -m benchmarks.rates [PAIRS]

Exports PAIRS pairs (100,000) of about 1 kB of text each, beside `datasets` writing the same records from the file they came from, which
spares it the database. Converts 200,000 rows from one format to another, without a database. How files come in: `benchmarks/imports.py`.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import TIEBREAK, Figure, run, show

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
PEER = """
import sys, orjson
from datasets import Dataset

def rows():
    with open(sys.argv[1], "rb") as file:
        for line in file:
            yield orjson.loads(line)

Dataset.from_generator(rows, cache_dir=sys.argv[3]).to_json(sys.argv[2])
"""


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


def export_figures(url: str, folder: Path, pairs: int) -> list[Figure]:
    file = folder / "pairs.jsonl"
    write_pairs(file, pairs)
    run([TIEBREAK, "--database", url, "project", "create", "Export"])
    run([TIEBREAK, "--database", url, "import", str(file), "--project", "export", "--labels-as", "their authors"])
    out = folder / "out"
    command = ["export", "--project", "export", "--format", "openai-dpo", "--validation-share", "0"]
    ours = run([TIEBREAK, "--database", url, *command, "--out", str(out), "--json"])
    rows = json.loads(ours.stdout)["rows"]
    if rows != pairs:
        raise SystemExit(f"{rows:,} of {pairs:,} pairs were exported")
    theirs = run(
        [sys.executable, "-c", PEER, str(out / "train.jsonl"), str(folder / "theirs.jsonl"), str(folder / "cache")]
    )
    least = run([TIEBREAK, "--help"])
    per_million = (ours.cpu_seconds - least.cpu_seconds) / rows * 1_000_000 + least.cpu_seconds
    times = theirs.cpu_seconds / ours.cpu_seconds
    return [
        Figure(
            f"export of {rows:,} pairs, checked, with provenance",
            f"{ours.cpu_seconds:.1f} CPU s, {rows / ours.wall_seconds:,.0f} rows a second; {per_million:.0f} CPU s a million",
            "≤ 25 CPU s a million",
            per_million <= 25,
        ),
        Figure("  its peak memory", f"{ours.peak_mb:.0f} MB", "< 150 MB", ours.peak_mb < 150),
        Figure(
            "  datasets, records alone, unchecked",
            f"{theirs.cpu_seconds:.1f} CPU s, {theirs.peak_mb:.0f} MB: {times:.1f} times our CPU",
            "≥ 5 times",
            times >= 5,
        ),
    ]


def convert_figure(folder: Path) -> Figure:
    """Reading, writing and digest of rows alone: no store, no check, no provenance."""
    file, out = folder / "convert.jsonl", folder / "converted.jsonl"
    write_pairs(file, CONVERTED)
    cost = run([TIEBREAK, "convert", str(file), "--to", "trl", "--out", str(out), "--json"])
    if (rows := json.loads(cost.stdout)["rows"]) != CONVERTED:
        raise SystemExit(f"{rows:,} of {CONVERTED:,} rows were converted")
    return Figure(
        f"convert of {CONVERTED:,} rows, openai-dpo to trl",
        f"{cost.cpu_seconds:.1f} CPU s, {CONVERTED / cost.wall_seconds:,.0f} rows a second, {cost.peak_mb:.0f} MB",
        "≤ 8 CPU s",
        cost.cpu_seconds <= 8,
    )


def figures(pairs: int = 100_000) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="tiebreak-rates-") as temporary:
        folder = Path(temporary)
        return [convert_figure(folder), *export_figures(f"sqlite:///{folder / 'tiebreak.db'}", folder, pairs)]


if __name__ == "__main__":
    show(figures(*(int(argument) for argument in sys.argv[1:])))
