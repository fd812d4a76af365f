"""What a real client refuses, the check refuses before it: each damaged file is put through both."""

from pathlib import Path

import pytest

from exporters import Finding, check_file
from tests.exporters.damaged import damaged
from tests.exporters.sound import SOUND


@pytest.fixture
def files(tmp_path):
    def written(format: str) -> dict[str, Path]:
        made = {}
        for number, (name, content) in enumerate(damaged(format, SOUND[format]).items()):
            made[name] = tmp_path / f"{number}.jsonl"
            made[name].write_bytes(content)
        return made

    return written


def told(path: Path, format: str) -> list[Finding]:
    """What is found but for the number of rows."""
    return [
        finding for finding in check_file(path, format) if finding.line or finding.severity == "error" or finding.field
    ]


@pytest.mark.parametrize("format", ["openai-dpo", "azure-dpo", "together-dpo", "fireworks-dpo", "sft"])
def test_what_together_refuses_is_an_error_or_a_warning_that_names_it(files, together_check_files, format):
    made = files(format)
    reports = together_check_files(made.values())
    passed = {name: report["is_check_passed"] for name, report in zip(made, reports, strict=True)}
    assert {passed["id is there"], passed["half of a surrogate"]} == {False, True}
    for name, path in made.items():
        found = told(path, format)
        is_error = any(finding.severity == "error" for finding in found)
        if format in ("together-dpo", "fireworks-dpo"):
            assert passed[name] or is_error, name
        elif format == "azure-dpo":
            assert passed[name] or found or name == "mark", name
        else:
            assert passed[name] or is_error or any("Together" in finding.message for finding in found), name


@pytest.mark.parametrize(
    "format", ["openai-dpo", "trl", "trl-standard", "trl-kto", "sft", "axolotl", "llama-factory", "gemini"]
)
def test_what_datasets_cannot_read_is_an_error(files, tmp_path, monkeypatch, format):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    made = {name: path for name, path in files(format).items() if " is " not in name or name.startswith("tools")}
    refused = set()
    for name, path in made.items():
        try:
            load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
        except (DatasetGenerationError, ValueError, StopIteration):  # the last where there is no row
            refused.add(name)
            assert any(finding.severity == "error" for finding in told(path, format)), name
    assert {"same key twice", "half of a surrogate", "single quotes"} <= refused
