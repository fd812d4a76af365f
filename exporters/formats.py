"""The formats an export can have. A new one is one module, one line here and one golden file."""

from collections.abc import Callable
from dataclasses import dataclass

from exporters.openai_dpo import openai_dpo_record, openai_dpo_refusal
from exporters.rows import PreferenceRow
from exporters.trl import trl_record, trl_refusal, trl_standard_record, trl_standard_refusal

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    `title` names it for people, `description` says who reads it. `record` turns a row into a line's object; `refusal`
    says first whether it may (a key of `REFUSALS`). A file has at least `least_rows` rows and at most `most_bytes`
    bytes, where the service that reads it says so.
    """

    name: str
    title: str
    description: str
    record: Callable[[PreferenceRow], dict[str, object]]
    refusal: Callable[[PreferenceRow], str | None]
    extension: str = "jsonl"
    least_rows: int = 1
    most_bytes: int | None = None


EXPORTERS = {
    format.name: format
    for format in (
        Format(
            "openai-dpo",
            "OpenAI preference JSONL (PFT, DPO)",
            "Preference fine-tuning (PFT), also called direct preference optimization (DPO), at OpenAI, Azure, "
            "Together and Fireworks.",
            openai_dpo_record,
            openai_dpo_refusal,
            least_rows=10,
            most_bytes=512 * MEGABYTE,
        ),
        Format(
            "trl",
            "TRL, conversational",
            "Hugging Face TRL's DPOTrainer and trainers built on it: prompt, chosen and rejected as chat messages.",
            trl_record,
            trl_refusal,
        ),
        Format(
            "trl-standard",
            "TRL, standard",
            "Hugging Face TRL with plain strings, for prompts of one user message.",
            trl_standard_record,
            trl_standard_refusal,
        ),
    )
}
