"""Every format against the programs that read it, on public data: one table.

    python -m benchmarks.clients FOLDER [--schemas FOLDER] [--trainers ENVIRONMENT] [--install]

FOLDER holds llama_factory, hh_rlhf and llmbar as their authors publish them. Each row of them is written in every format, or
refused with a reason: none is lost. Then each file is read by our own check, by a JSON Schema of each line where --schemas
names a folder of them, by Together's file check, and by `datasets` as JSON and as Parquet, alone and as a folder; the rows must be as many.

--trainers names a folder with a Python environment of its own for each of TRL, LLaMA-Factory and Axolotl; --install makes them first.
Each brings torch and needs about 6 GB and some minutes. No model is downloaded: the tokenizer is made of the file itself,
the models have two layers of random weights, and TRL's trainers take two steps on the CPU, after which they must hold as
many rows as the file, and so must the loaders of the others, of JSONL and of Parquet. A few rows with tools, odd signs and long texts,
written by hand, come first, as an export puts those with tools. The data has no strengths;
a margin of 1 is written, so that trl-reward can be tried.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from exporters import EXPORTERS, DatasetWriter, PreferenceRow, RowOrigin, RowRefused, check_file
from exporters.parquet import COLUMNS
from labeling.readers import PairRow, Refusal, read, understand
from labeling.services.convert import preference_row
from tests.exporters.samples import AWKWARD, LONG, ONE_CALL, SIGNS, TOOLS, TURNS
from tests.fixtures.together import check_file as together_check

SOURCES = ("llama_factory/*.json", "hh_rlhf/*.jsonl.gz", "llmbar/**/dataset.json")
LLMBAR = {"prompt": "input", "response_a": "output_1", "response_b": "output_2", "verdict": "label"}
SCHEMAS = {
    "trl": "trl_preference_conversational", "trl-reward": "trl_preference_conversational", "trl-standard": "trl_preference_standard",
    "trl-kto": "trl_unpaired", "sft": "openai_sft", "axolotl": "axolotl_chat_template_dpo", "gemini": "gemini_preference",
    "llama-factory": "llamafactory_sharegpt_ranking", "together-dpo": "together_dpo", "fireworks-dpo": "fireworks_dpo",
    "openai-dpo": "openai_dpo", "azure-dpo": "openai_dpo",
}  # fmt: skip
TOGETHER = ("openai-dpo", "azure-dpo", "together-dpo", "fireworks-dpo", "sft")
TRAINERS = {
    "trl": "trl", "trl-standard": "trl", "trl-kto": "trl", "trl-reward": "trl", "sft": "trl",
    "llama-factory": "llama-factory", "axolotl": "axolotl",
}  # fmt: skip
# LLaMA-Factory imports torchaudio and torchvision, which fit one version of torch each.
PACKAGES = {
    "trl": ["trl==1.16.0"],
    "llama-factory": ["llamafactory==0.9.5", "torch==2.11.0", "torchaudio==2.11.0", "torchvision==0.26.0"],
    "axolotl": ["axolotl==0.19.0"],
}
PROGRAM = Path(__file__).with_name("trainers.py")


def pairs(folder: Path) -> tuple[list[tuple[PreferenceRow, RowOrigin]], Counter[str], int]:
    """Every pair of the public files as a row; the reasons of those that can be none; and how many were read."""
    rows: list[tuple[PreferenceRow, RowOrigin]] = []
    refused: Counter[str] = Counter()
    count = 0
    for pattern in SOURCES:
        for path in sorted(folder.glob(pattern)):
            is_bar = path.name == "dataset.json"
            known = understand(
                path, path.name, kind="pairs", mapping=LLMBAR if is_bar else {}, format="pairs" if is_bar else "auto"
            )
            for found in read(path, known):
                count += 1
                if isinstance(found, Refusal):
                    refused[found.code] += 1
                    continue
                _, row = found
                assert isinstance(row, PairRow)
                try:
                    made = replace(preference_row(row), margin=1.0)
                except RowRefused as reason:
                    refused[reason.code] += 1
                else:
                    rows.append((made, RowOrigin(count, row.prompt.prompt.digest)))
    return rows, refused, count


def by_hand(name: str) -> list[tuple[PreferenceRow, RowOrigin]]:
    """Rows that public data has not: signs, turns, tools, length. A file that Together shall take has no messages of tools."""
    tools = () if name in ("openai-dpo", "azure-dpo", "sft") else (TOOLS, ONE_CALL)
    return [
        (replace(row, margin=1.0), RowOrigin(-n, f"by hand {n}"))
        for n, row in enumerate((*tools, AWKWARD, TURNS, SIGNS, LONG), 1)
    ]


def try_format(
    name: str, rows: Sequence[tuple[PreferenceRow, RowOrigin]], folder: Path, asked: argparse.Namespace
) -> list[str]:
    """One line of the table: what each client says of the format."""
    out = folder / name
    with DatasetWriter(out, name) as writer:
        for row, origin in rows:
            writer.add(row, origin)
        written = writer.finish({})
    if written.pairs != len(rows):
        return [name, f"{len(rows) - written.pairs} rows were lost"]
    path = out / "train.jsonl"
    told = f"{written.rows}" + "".join(f", {count} {reason}" for reason, count in written.left_out.items())
    if written.single is not None and written.single.repeated:
        told += f", {written.single.repeated} repeated"
    cells = [name, told, _by_check(path, name), _by_schema(name, path, asked.schemas)]
    if name in TOGETHER:
        report = together_check(path)
        cells.append("ok" if report["is_check_passed"] else f"refused: {str(report['message'])[:50]}")
    else:
        cells.append("")
    cells.append(_by_datasets(path, written.rows))
    trainer = TRAINERS.get(name) if asked.trainers else None
    did = _by_trainer(trainer, name, path, written.rows, asked.trainers) if trainer else ""
    if name in COLUMNS:
        columns, rows_there = _parquet(name, rows, folder)
        checked = _by_check(columns, name)
        cells.append(checked if checked != "ok" else _by_datasets(columns, rows_there))
        if trainer and trainer != "trl":  # whose rows are those of `datasets`
            did += f"; Parquet {_by_trainer(trainer, name, columns, rows_there, asked.trainers)}"
    else:
        cells.append("")
    return [*cells, did]


def _by_check(path: Path, name: str) -> str:
    return next((f"FAULT {one}" for one in check_file(path, name) if one.severity == "error"), "ok")


def _by_schema(name: str, path: Path, schemas: Path | None) -> str:
    if schemas is None:
        return ""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema_of(schemas, name))
    for number, line in enumerate(_lines(path), 1):
        for error in validator.iter_errors(json.loads(line)):
            return f"FAULT line {number}: {error.message[:60]}"
    return "ok"


def schema_of(schemas: Path, name: str) -> dict[str, Any]:
    """The JSON Schema of a format's lines."""
    rules: dict[str, Any] = json.loads((schemas / f"{SCHEMAS[name]}.schema.json").read_text())
    if name == "trl-reward":
        rules.get("properties", {})["margin"] = {"type": "number"}
    return rules


def _lines(path: Path) -> Iterator[bytes]:
    yield from path.read_bytes().rstrip(b"\n").split(b"\n")


def _by_datasets(path: Path, rows: int) -> str:
    """Whether `datasets` reads as many rows of the file, and of its folder, opened as the documentation says."""
    from datasets import load_dataset

    kind = "parquet" if path.suffix == ".parquet" else "json"
    found = len(load_dataset(kind, data_files=str(path), split="train"))
    (opened,) = load_dataset(str(path.parent)).values()
    return "ok" if found == len(opened) == rows else f"FAULT {found} and {len(opened)} rows"


def _parquet(name: str, rows: Sequence[tuple[PreferenceRow, RowOrigin]], folder: Path) -> tuple[Path, int]:
    """The same rows as a Parquet file, and how many of them are in it."""
    out = folder / f"{name} parquet"
    with DatasetWriter(out, name, file_type="parquet") as writer:
        for row, origin in rows:
            writer.add(row, origin)
        written = writer.finish({})
    return out / "train.parquet", written.rows


def _by_trainer(trainer: str, name: str, path: Path, rows: int, environment: Path) -> str:
    command = [environment / trainer / "bin" / "python", PROGRAM, trainer, name, path]
    settings = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": "",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, env=settings)
    if done.returncode:
        return f"FAULT {(done.stderr.strip().splitlines() or ['ended'])[-1][:80]}"
    told = json.loads(done.stdout.splitlines()[-1])
    return f"{trainer}: {told['did']}" if told["rows"] == rows else f"FAULT {told['rows']} rows"


def install(environment: Path) -> None:
    """Make the environments of the trainers; what does not install is told and left out."""
    for trainer, packages in PACKAGES.items():
        venv.create(environment / trainer, with_pip=True)
        command = [str(environment / trainer / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
        if subprocess.run(command, check=False).returncode:
            print(f"{trainer} does not install here")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--schemas", type=Path)
    parser.add_argument("--trainers", type=Path)
    parser.add_argument("--install", action="store_true")
    asked = parser.parse_args()
    if asked.install:
        if asked.trainers is None:
            parser.error("--install needs --trainers: where to install them, outside of the repository")
        install(asked.trainers)
    with tempfile.TemporaryDirectory(prefix="tiebreak-clients-") as temporary:
        os.environ |= {
            "HF_DATASETS_CACHE": f"{temporary}/cache",
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }
        rows, refused, count = pairs(asked.folder)
        reasons = ", ".join(f"{number} {reason}" for reason, number in refused.items()) or "none"
        print(f"{count} rows read, {len(rows)} pairs, and up to 6 by hand; refused: {reasons}")
        heads = ["format", "rows and what is left out", "check", "schema", "together", "datasets", "Parquet", "trainer"]
        table = [heads, *(try_format(name, [*by_hand(name), *rows], Path(temporary), asked) for name in EXPORTERS)]
    table.insert(1, ["---"] * len(heads))
    for line in table:
        print(f"| {' | '.join(line)} |")
    return int(any("FAULT" in cell or "lost" in cell for line in table for cell in line))


if __name__ == "__main__":
    sys.exit(main())
