"""Public preference data through the whole program, and back.

    python -m benchmarks.real_data FOLDER [SCHEMAS]

FOLDER holds arena_hard, fastchat, llmbar, hh_rlhf and llama_factory as their authors publish them. The latter two are imported and
converted to every format, each row taken or refused. Each of the others becomes a project: imported, labelled where it
has no labels, exported in every format, as votes and in columns too, checked by the training services' own code and, where SCHEMAS is given, by a JSON
Schema of each line, read by `datasets`, and imported again: prompts, chosen and rejected must come back the same.
"""

import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import jsonschema

from benchmarks.clients import TOGETHER, schema_of
from exporters import EXPORTERS
from exporters import check_file as find_faults
from exporters.parquet import COLUMNS
from exporters.votes import VOTES
from labeling.domain import Actor
from labeling.errors import ExportError
from labeling.services.access import local_actor
from labeling.services.convert import convert
from labeling.services.export import ExportView, export
from labeling.services.export_choices import ExportChoices
from labeling.services.import_list import ImportView
from labeling.services.imports import ImportOptions, run_import
from labeling.services.labels import record
from labeling.services.projects import create_project
from labeling.services.queue import next_pairs
from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.fixtures.together import check_file

# Formats that come back as the pairs they were.
BACK = ("openai-dpo", "azure-dpo", "together-dpo", "trl", "trl-standard")


class Walk:
    """One database in a temporary folder, and what was found on the way."""

    def __init__(self, store: Store, actor: Actor, folder: Path, schemas: Path | None) -> None:
        self.store, self.actor, self.folder, self.schemas = store, actor, folder, schemas
        self.faults: list[str] = []

    def project(self, name: str) -> str:
        return create_project(self.store, self.actor, name=name).slug

    def take(self, slug: str, path: Path, **options: object) -> ImportView:
        view = run_import(self.store, self.actor, slug, path, path.name, ImportOptions(**options))  # type: ignore[arg-type]  # options by name
        self.expect(view.read == view.taken + view.known + view.refused, f"{path.name}: the counts do not add up")
        again = run_import(self.store, self.actor, slug, path, path.name, ImportOptions(**options))  # type: ignore[arg-type]  # as above
        added = again.prompts + again.completions + again.pairs + again.labels + again.paired_up
        self.expect(added == 0, f"{path.name}: a second import added {added}")
        refused = "".join(f"; {count} {reason}" for reason, count in view.refused_by_reason.items())
        print(
            f"  {path.parent.name}/{path.name}: {view.format}, {view.read} read, {view.taken} taken, {view.known} known, "
            f"{view.refused} refused{refused}; {view.prompts} prompts, {view.completions} completions, "
            f"{view.pairs + view.paired_up} pairs, {view.labels} labels"
        )
        return view

    def label_all(self, slug: str) -> int:
        """Every pair by one annotator: the longer completion, a rule that anyone can check afterwards."""
        done = 0
        while served := next_pairs(self.store, self.actor, slug, (), 100):
            events = [
                {
                    "event_id": str(uuid.uuid4()),
                    "pair_id": pair.pair_id,
                    "action": "label",
                    "verdict": "left" if len(pair.left.text) >= len(pair.right.text) else "right",
                    "milliseconds": 1,
                    "after": pair.after,
                }
                for pair in served
            ]
            outcome = record(self.store, self.actor, slug, events)
            self.expect(not outcome.refused, f"{slug}: labels were refused: {outcome.refused[:1]}")
            done += len(outcome.acked)
        return done

    def leave(self, slug: str, labels: int) -> None:
        """Export in every format and kind of file, have each checked, and bring pairs back; votes hold all `labels`."""
        for name in EXPORTERS:
            try:
                view = export(self.store, self.actor, slug, ExportChoices(name), out=self.folder / slug / name)
            except ExportError as error:  # a margin is asked for, and the labels tell none
                self.expect(name == "trl-reward" and "no strength" in str(error), f"{slug}/{name}: {error}")
                print(f"  {name}: {error}")
                continue
            facts = json.loads((self.folder / slug / name / "manifest.json").read_bytes())
            used = view.pairs - sum(view.left_out.values())
            # Of a pair come one or two completions; each is a row once, or is repeated, or was found good and bad.
            singles = facts.get("completions", {"repeated": 0, "conflicting": 0})
            made = view.rows + singles["repeated"] + singles["conflicting"]
            each = 2 if name == "trl-kto" else 1
            self.expect(made == each * used, f"{slug}/{name}: {made} rows come of {used} pairs")
            for file in _files(view):
                self._check(file, name)
            told = ", ".join(f"{count} {reason}" for reason, count in view.left_out.items()) or "none"
            print(f"  {name}: {view.rows} rows of {view.pairs} pairs; left out: {told}")
            if name in BACK:
                self._bring_back(slug, name, view)
            if name in COLUMNS:
                self._other(slug, ExportChoices(name, file_type="parquet"), view.rows)
        for kind in ("csv", "parquet"):
            self._other(slug, ExportChoices(VOTES, validation_share=0.0, file_type=kind), labels)

    def _other(self, slug: str, asked: ExportChoices, rows: int) -> None:
        """Export votes, or in columns: as many rows as there are labels, or lines in the other kind of file."""
        out = self.folder / slug / f"{asked.format} {asked.file_type}"
        view = export(self.store, self.actor, slug, asked, out=out)
        self.expect(view.rows == rows, f"{out}: {view.rows} rows, not {rows}")
        files = [path for path in sorted(out.iterdir()) if path.suffix in (".csv", ".parquet")]
        faults = [fault for file in files for fault in find_faults(file, asked.format) if fault.severity == "error"]
        self.expect(not faults, f"{out}: {faults[:1]}")
        from datasets import load_dataset

        loaded = sum(len(split) for split in load_dataset(str(out)).values())
        self.expect(loaded == rows, f"{out}: datasets reads {loaded} of {rows} rows")
        print(f"  {asked.format} as {asked.file_type}: {view.rows} rows")

    def _check(self, file: Path, name: str) -> None:
        records = _records(file)
        if name in TOGETHER:
            report = check_file(file)
            self.expect(report["is_check_passed"] is True, f"{file}: together says {report.get('message')}")
        if self.schemas is not None:
            validator = jsonschema.Draft202012Validator(schema_of(self.schemas, name))
            for line, content in enumerate(records, 1):
                for error in validator.iter_errors(content):
                    self.tell(f"{file}:{line}: {error.message[:200]}")
        from datasets import load_dataset

        loaded = load_dataset("json", data_files=str(file), split="train")
        self.expect(len(loaded) == len(records), f"{file}: datasets reads {len(loaded)} of {len(records)} rows")

    def _bring_back(self, slug: str, name: str, view: ExportView) -> None:
        back = self.project(f"{slug} {name} again")
        for file in _files(view):
            taken = run_import(self.store, self.actor, back, file, file.name, ImportOptions(labels_as="brought back"))
            self.expect(taken.refused == 0, f"{file}: {taken.refused} of our own rows were refused")
        twice = export(self.store, self.actor, back, ExportChoices(name), out=self.folder / back)
        # Two pairs of the same texts, by different models, are two rows; a file cannot tell them apart again.
        before, after = set(_lines(view)), set(_lines(twice))
        self.expect(before == after, f"{slug}/{name}: {len(before ^ after)} rows changed on the way back")
        self.expect(twice.rows == len(before), f"{slug}/{name}: {twice.rows} rows came back of {len(before)}")

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.tell(fault)

    def tell(self, fault: str) -> None:
        self.faults.append(fault)
        print(f"  FAULT {fault}")


def _files(view: ExportView) -> list[Path]:
    assert view.folder is not None
    return [path for path in sorted(view.folder.glob("*.jsonl")) if path.name != "provenance.jsonl"]


def _lines(view: ExportView) -> Iterator[bytes]:
    for path in _files(view):
        yield from path.read_bytes().rstrip(b"\n").split(b"\n")


def _records(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_bytes().rstrip(b"\n").split(b"\n")]


def arena_hard(walk: Walk, folder: Path) -> None:
    slug = walk.project("arena-hard")
    walk.take(slug, folder / "v0.1/question_rows_1-200.jsonl")
    answers = sorted((folder / "v0.1/model_answer").glob("*.jsonl"))
    views = [walk.take(slug, path, is_joined_up=path == answers[-1]) for path in answers]
    pairs = sum(view.paired_up for view in views)
    same = _same_answers(answers)
    print(f"  {pairs} pairs and {same} with the same text on both sides, which make none")
    walk.expect(pairs + same == 600, f"arena-hard: {pairs} pairs and {same} of the same text are not 600")
    labelled = walk.label_all(slug)
    walk.expect(labelled == pairs, f"arena-hard: {labelled} of {pairs} pairs were served and labelled")
    walk.leave(slug, labelled)
    messy = walk.take(walk.project("arena-hard messy"), folder / "v2.0/question_messy_slice.jsonl")
    walk.expect(
        messy.read == 115, f"arena-hard 2.0: {messy.read} rows, not 115; a line separator was taken for a line's end"
    )


def _same_answers(files: Sequence[Path]) -> int:
    """How often two models gave the same answer to one prompt."""
    texts: dict[str, list[str]] = {}
    for path in files:
        for line in path.read_bytes().splitlines():
            answer = json.loads(line)
            texts.setdefault(answer["uid"], []).append(answer["messages"][-1]["content"]["answer"])
    return sum(one == other for given in texts.values() for one, other in combinations(given, 2))


def mt_bench(walk: Walk, folder: Path) -> None:
    slug = walk.project("mt-bench")
    questions = walk.take(slug, folder / "mt_bench/question.jsonl")
    walk.expect(questions.prompts == 80, f"mt-bench: {questions.prompts} prompts, not 80")
    walk.take(slug, folder / "mt_bench/reference_answer/gpt-4.jsonl")
    vicuna = walk.project("vicuna-bench")
    walk.take(vicuna, folder / "vicuna_bench/question.jsonl")
    walk.take(vicuna, folder / "vicuna_bench/reference_answer/gpt-4.jsonl")


def llmbar(walk: Walk, folder: Path) -> None:
    for path in sorted(folder.glob("**/dataset.json")):
        slug = walk.project(f"llmbar {path.parent.name}")
        view = walk.take(slug, path, labels_as="gold")
        walk.expect(view.format == "llmbar", f"{path.name} was read as {view.format}")
        walk.leave(slug, view.labels)
        wanted = sorted(
            {
                (row["input"], *_in_order(row))
                for row in json.loads(path.read_text())
                if row["output_1"] != row["output_2"]
            }
        )
        exported = sorted(
            (record["prompt"], record["chosen"], record["rejected"])
            for part in sorted((walk.folder / slug / "trl-standard").glob("*.jsonl"))
            if part.name != "provenance.jsonl"
            for record in _records(part)
            if isinstance(record, dict)
        )
        walk.expect(len(exported) == view.labels, f"{slug}: {len(exported)} rows from {view.labels} gold labels")
        walk.expect(exported == wanted, f"{slug}: {len(set(exported) ^ set(wanted))} gold sides differ from the source")


def straight_through(walk: Walk, path: Path, format: str, rows: int) -> None:
    """Import a file of pairs, and convert it to every format: no row is lost on the way."""
    view = walk.take(walk.project(f"{path.parent.name} {path.name}"), path, labels_as="published")
    walk.expect(view.format == format, f"{path.name} was read as {view.format}, not as {format}")
    walk.expect(view.read == rows, f"{path.name}: {view.read} rows read, not {rows}")
    for name in EXPORTERS:
        try:
            done = convert(path, path.name, to=name, out=walk.folder / "converted" / f"{path.name}.{name}.jsonl")
        except ExportError as error:  # a margin is asked for, and the file tells none
            walk.expect("no_strength" in str(error), f"{path.name} to {name}: {error}")
            print(f"    to {name}: no row, as the file tells no strength")
            continue
        told = "".join(f"; {count} {reason}" for reason, count in done.refused_by_reason.items())
        walk.expect(done.read == rows == done.converted + done.refused, f"{path.name} to {name}: rows do not add up")
        print(f"    to {name}: {done.converted} of {done.read} rows, {done.rows} lines{told}")


def hh_rlhf(walk: Walk, folder: Path) -> None:
    for path in sorted(folder.glob("*.jsonl.gz")):
        straight_through(walk, path, "hh-rlhf", 300)


def llama_factory(walk: Walk, folder: Path) -> None:
    for path in sorted(folder.glob("dpo_*.json")):
        straight_through(walk, path, "sharegpt-ranking", 300)


def _in_order(row: dict[str, object]) -> tuple[object, object]:
    """Chosen and rejected by the gold label, which is 1 or 2."""
    first, second = row["output_1"], row["output_2"]
    return (first, second) if row["label"] == 1 else (second, first)


def main(arguments: Sequence[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    folder, schemas = Path(arguments[0]), Path(arguments[1]) if len(arguments) == 2 else None
    with tempfile.TemporaryDirectory(prefix="tiebreak-real-data-") as temporary:
        os.environ["HF_DATASETS_CACHE"] = f"{temporary}/cache"
        os.environ["HF_HUB_OFFLINE"] = "1"
        store = open_store(f"sqlite:///{temporary}/tiebreak.db")
        walk = Walk(store, local_actor(store), Path(temporary), schemas)
        for name, part, source in (
            ("arena-hard", arena_hard, "arena_hard"),
            ("MT-bench", mt_bench, "fastchat"),
            ("LLMBar", llmbar, "llmbar"),
            ("HH-RLHF", hh_rlhf, "hh_rlhf"),
            ("LLaMA-Factory", llama_factory, "llama_factory"),
        ):
            print(name)
            part(walk, folder / source)
        store.close()
    print(f"{len(walk.faults)} faults")
    return 1 if walk.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
