"""The formats an export can have. A new one is one module, one line here and one golden file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from exporters.axolotl import axolotl_record, axolotl_refusal
from exporters.check_openai import fireworks_dpo_faults, openai_dpo_faults, sft_faults, together_dpo_faults
from exporters.check_trainers import axolotl_faults, gemini_faults, llama_factory_faults
from exporters.check_trl import trl_faults, trl_kto_faults, trl_reward_faults, trl_standard_faults
from exporters.completions import better_side, both_sides
from exporters.findings import Fault
from exporters.gemini import gemini_record, gemini_refusal
from exporters.llama_factory import llama_factory_record, llama_factory_refusal
from exporters.openai_dpo import openai_dpo_record, openai_dpo_refusal
from exporters.openai_sft import sft_record
from exporters.plain import (
    Parts,
    axolotl_parts,
    gemini_parts,
    kto_parts,
    llama_factory_parts,
    openai_parts,
    plain_kto,
    plain_openai,
    plain_strings,
    plain_trl,
    sft_parts,
    trl_parts,
)
from exporters.rows import CompletionRow, Message, Outcome, PreferenceRow
from exporters.services import fireworks_dpo_record, fireworks_dpo_refusal, together_dpo_refusal
from exporters.shape import Shape, shape_of
from exporters.trl import (
    trl_kto_record,
    trl_record,
    trl_refusal,
    trl_reward_record,
    trl_reward_refusal,
    trl_standard_record,
    trl_standard_refusal,
)

MEGABYTE = 1_000_000
ONLY_BETTER: frozenset[Outcome] = frozenset({"better"})
ANY_OUTCOME: frozenset[Outcome] = frozenset({"better", "tie", "both_bad"})


def _never_plain(_record: Message) -> None:
    """For formats without a quick look: every record goes through the full rules."""


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    `title` names it for people, `description` says who reads it. `record` turns a row into a line's object; `refusal`
    says first whether it may (a key of `REFUSALS`). Formats of single completions have `pieces`, which takes a row apart;
    `record` then takes a piece. `takes` says which outcomes are rows at all, and `shape` how the
    line of an ordinary pair is put together, where that is known.

    `faults` are the rules for one record of a file, `parts` finds its prompt and texts, and `plain` knows a sound
    ordinary record at a glance. A file has at least `least_rows` rows and at most `most_bytes` bytes, and a row about
    `most_tokens` tokens, where the service that reads it says so. `takes_mark` says that a byte-order mark is no fault,
    `keeps_names` that a record has a place for the names of speakers: elsewhere they are dropped.
    """

    name: str
    title: str
    description: str
    record: Callable[[Any], dict[str, object]]
    refusal: Callable[[PreferenceRow], str | None]
    faults: Callable[[Message], Iterator[Fault]]
    parts: Callable[[Message], Parts]
    plain: Callable[[Message], Parts | None] = _never_plain
    pieces: Callable[[PreferenceRow], tuple[CompletionRow, ...]] | None = None
    takes: frozenset[Outcome] = ONLY_BETTER
    shape: Shape | None = None
    least_rows: int = 1
    most_bytes: int | None = None
    most_tokens: int | None = None
    takes_mark: bool = False
    keeps_names: bool = True

    def records(self, row: PreferenceRow) -> list[dict[str, object]]:
        """The objects of all lines that `row` becomes: one, or one for each of its completions."""
        return [self.record(row)] if self.pieces is None else [self.record(piece) for piece in self.pieces(row)]


EXPORTERS = {
    format.name: format
    for format in (
        Format(
            "openai-dpo",
            "OpenAI preference JSONL (PFT, DPO)",
            "Preference fine-tuning (PFT), also called direct preference optimization (DPO), at OpenAI, Azure, "
            "Together and Fireworks.",
            openai_dpo_record, openai_dpo_refusal, openai_dpo_faults, openai_parts, plain_openai, shape=shape_of(openai_dpo_record),
            least_rows=10, most_bytes=512 * MEGABYTE, most_tokens=65_536,
        ),
        Format(
            "azure-dpo",
            "Azure OpenAI preference JSONL",
            "Preference fine-tuning at Azure OpenAI (Foundry); a byte-order mark is written where it is asked for.",
            openai_dpo_record, openai_dpo_refusal, openai_dpo_faults, openai_parts, plain_openai, shape=shape_of(openai_dpo_record),
            least_rows=10, most_bytes=512 * MEGABYTE, most_tokens=65_536, takes_mark=True,
        ),
        Format(
            "together-dpo",
            "Together preference JSONL",
            "Preference fine-tuning at Together: prompts without tool messages.",
            openai_dpo_record, together_dpo_refusal, together_dpo_faults, openai_parts, plain_openai, shape=shape_of(openai_dpo_record),
            most_bytes=50_100 * MEGABYTE,
        ),
        Format(
            "fireworks-dpo",
            "Fireworks preference JSONL",
            "Preference fine-tuning at Fireworks: prompts of one turn, without tool messages.",
            fireworks_dpo_record, fireworks_dpo_refusal, fireworks_dpo_faults, openai_parts,
            least_rows=3,
        ),
        Format(
            "trl",
            "TRL, conversational",
            "Hugging Face TRL's DPOTrainer and trainers built on it: prompt, chosen and rejected as chat messages.",
            trl_record, trl_refusal, trl_faults, trl_parts, plain_trl, shape=shape_of(trl_record),
        ),
        Format(
            "trl-standard",
            "TRL, standard",
            "Hugging Face TRL with plain strings, for prompts of one user message.",
            trl_standard_record, trl_standard_refusal, trl_standard_faults, trl_parts, plain_strings,
            keeps_names=False,
        ),
        Format(
            "trl-kto",
            "TRL, single completions (KTO)",
            "Hugging Face TRL's KTOTrainer: each completion on its own, desirable or not. Pairs of two bad completions count too.",
            trl_kto_record, trl_refusal, trl_kto_faults, kto_parts, plain_kto, both_sides, ANY_OUTCOME,
        ),
        Format(
            "trl-reward",
            "TRL, reward model with margin",
            "Hugging Face TRL's RewardTrainer: as conversational, with the strength of the preference as margin.",
            trl_reward_record, trl_reward_refusal, trl_reward_faults, trl_parts,
        ),
        Format(
            "sft",
            "Chosen replies (supervised)",
            "Supervised tuning before preference tuning, at OpenAI, Azure, Together, Fireworks or by TRL: the chosen replies as chats.",
            sft_record, openai_dpo_refusal, sft_faults, sft_parts, pieces=better_side,
            least_rows=10, most_bytes=512 * MEGABYTE, most_tokens=65_536,
        ),
        Format(
            "axolotl",
            "Axolotl",
            "Axolotl with rl: dpo and type: chat_template.default.",
            axolotl_record, axolotl_refusal, axolotl_faults, axolotl_parts, keeps_names=False,
        ),
        Format(
            "llama-factory",
            "LLaMA-Factory",
            "LLaMA-Factory, ShareGPT ranking, with its dataset_info.json.",
            llama_factory_record, llama_factory_refusal, llama_factory_faults, llama_factory_parts,
            keeps_names=False,
        ),
        Format(
            "gemini",
            "Gemini preference tuning",
            "Preference tuning of Gemini models on Vertex AI. Text only.",
            gemini_record, gemini_refusal, gemini_faults, gemini_parts,
            most_bytes=1_000 * MEGABYTE, most_tokens=131_072, keeps_names=False,
        ),
    )
}  # fmt: skip


def format_title(name: str) -> str:
    """What a format is called for people; also `votes`, which are no rows to train on."""
    return EXPORTERS[name].title if name in EXPORTERS else "Votes: every label"
