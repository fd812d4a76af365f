"""`README.md` of an export: a data-set card as Hugging Face reads it, with its YAML at the top."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from exporters.formats import Format
from exporters.jsonl import FileFacts
from exporters.written import Written

NAMES = ("people", "judges", "rule_raters", "weights", "name")  # rules that name raters, or may
MARKUP = re.compile(r"[\\*\[\]<>#&|!]")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(
    written: Written, format: Format, facts: Mapping[str, Any], features: Sequence[Mapping[str, Any]] | None = None
) -> str:
    """The card's text. It names neither people nor places: a card is what gets published. `features` are the types of
    the columns, where `datasets` cannot find them by itself."""
    files = [file for file in written.files if file.split != "provenance"]
    lines = yaml_head(written.licence, files, written.rows, ("preference", "dpo", "tiebreak"), features)
    left_out = sum(written.left_out.values())
    lines += [
        "# Preference data",
        "",
        f"{written.rows:,} rows in the format `{format.name}`: {format.title}. {format.description}",
        "",
        f"- {written.train_rows:,} rows to train, {written.validation_rows:,} to validate, split by prompt.",
        f"- {left_out:,} pairs are left out; `manifest.json` says why, by reason, and the numbers add up.",
        "- `provenance.jsonl` has one line for each row: pair, raters, labels, strength, and who wrote each side.",
    ]
    if written.validation_note:
        lines.append(f"- {written.validation_note}")
    if by_rule := written.decided_by.get("rule"):
        lines.append(
            f"- {by_rule:,} rows were decided by a rule, such as one model over another: nobody compared their sides."
        )
    if sandbox := written.sandbox.get("rows"):
        lines.append(f"- {sandbox:,} rows rest on the offline sandbox. They are for trying things out, not for tuning.")
    lines += ["", "## Labels", "", f"- {plural(written.raters, 'rater')}; rows by kind of rater: {_kinds(written)}."]
    if written.agreement.agreed is None:
        lines.append("- Every row rests on one label, so that nothing can be said of how far raters agree.")
    else:
        lines.append(
            f"- {plural(written.agreement.several, 'row')} rest on several labels; of these labels {written.agreement.agreed:.0%} "
            "say what came out. `agreed` in the provenance tells it for each row."
        )
    lines += [f"- `{name}`: {_escaped(value)}" for name, value in _rules(facts).items()]
    lines += ["", "## Limits", ""]
    lines += [f"- {_escaped(finding.message)}." for finding in written.warnings]
    lines.append(f"- {_personal_data(written, facts)}")
    lines.append("- Preferences are those of these raters under their guidelines; others may prefer otherwise.")
    lines += ["", "## Use", "", "```python", "from datasets import load_dataset", "", 'load_dataset("FOLDER")']
    return "\n".join([*lines, "```", ""])


def yaml_head(
    licence: str,
    files: Sequence[FileFacts],
    rows: int,
    tags: Sequence[str],
    features: Sequence[Mapping[str, Any]] | None = None,
) -> list[str]:
    """The YAML that Hugging Face reads; `features` as `card` takes them.

    `datasets` keeps what it has opened under the folder's name and this YAML: without a digest in it, another export in a
    folder of the same name would be opened as the earlier one.
    """
    digest = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    lines = ["---", f"license: {licence}", "configs:", "- config_name: default", f"  description: Files {digest}"]
    lines.append("  data_files:")
    for split, its_files in groupby(files, lambda file: file.split):
        lines += [f"  - split: {split}", "    path:", *(f"    - {file.name}" for file in its_files)]
    if features is not None:
        lines += ["dataset_info:", f"  features: {json.dumps(features)}"]
    size = next((name for limit, name in SIZES if rows < limit), "n>1M")
    return [*lines, "size_categories:", f"- {size}", "tags:", *(f"- {tag}" for tag in tags), "---", ""]


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _escaped(text: str) -> str:
    """What names of models and rounds may stand in, as one line that no Markdown is read in."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _kinds(written: Written) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in written.decided_by.items()) or "not told"


def _personal_data(written: "Written", facts: Mapping[str, Any]) -> str:
    """What was looked for and found; nothing that looks for it finds all."""
    told = facts.get("label_rules")
    rule = told.get("personal_data") if isinstance(told, Mapping) else None
    others = "names, addresses and what is written otherwise are not looked for"
    if rule == "leave_out":
        return f"Pairs in which mail addresses, phone or card numbers or keys were found are left out; {others}."
    if rule != "mask":
        return "Personal data and keys were not looked for."
    if not written.masked:
        return f"No mail address, phone or card number or key was found to be masked; {others}."
    kinds = ", ".join(f"{kind} in {count:,}" for kind, count in written.masked.items() if kind != "rows")
    return f"Found and masked in {plural(written.masked['rows'], 'row')}: {kinds}; {others}."


def _rules(facts: Mapping[str, Any]) -> dict[str, str]:
    """The label rules without names: those of raters are no part of what gets published."""
    told = facts.get("label_rules")
    if not isinstance(told, Mapping):
        return {}
    return {name: json.dumps(value) for name, value in told.items() if name not in NAMES}
