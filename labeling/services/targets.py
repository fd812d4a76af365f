"""What each target of a project pre-fills: endpoint, key variable, models, export format.

Model ids are those of the SDK this was written with; any other can be typed. A hosted target's own models are the
best generators: preference data teaches most about what the model to be tuned itself writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labeling.domain import Target


@dataclass(frozen=True, slots=True)
class TargetDefaults:
    """What stands in the form. `models` are for generating, `judge_models` for judging, the sensible one first. What is empty must be typed:
    hosts change their open models too often to name one here."""

    title: str
    base_url: str
    key_env: str
    models: tuple[str, ...]
    judge_models: tuple[str, ...]
    export_format: str
    remark: str


OPENAI_MODELS = ("gpt-4.1-mini", "gpt-4.1", "gpt-4o", "gpt-6-luna", "gpt-6-sol", "gpt-5.6-luna", "gpt-5.4-mini")
OPENAI_JUDGES = ("gpt-6-sol", "gpt-6.1-sol", "gpt-6-astra", "gpt-6-luna")

TARGETS: Mapping[Target, TargetDefaults] = {
    Target.OPENAI: TargetDefaults(
        "OpenAI",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        OPENAI_MODELS,
        OPENAI_JUDGES,
        "openai-dpo",
        "OpenAI takes new fine-tuning jobs from earlier customers only, until 6 January 2027, and shuts the tuned models "
        "down on 14 January; Azure, Together and Fireworks read the same file.",
    ),
    Target.AZURE: TargetDefaults(
        "Azure OpenAI",
        "",
        "AZURE_OPENAI_API_KEY",
        ("gpt-4.1-mini", "gpt-4.1", "gpt-4o"),
        OPENAI_JUDGES,
        "azure-dpo",
        "The endpoint is https://RESOURCE.openai.azure.com/openai/v1, the model is the name of your deployment.",
    ),
    Target.TOGETHER: TargetDefaults(
        "Together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        (),
        (),
        "together-dpo",
        "Together reads the OpenAI preference file; two messages of one role in a row are refused there.",
    ),
    Target.FIREWORKS: TargetDefaults(
        "Fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        (),
        (),
        "fireworks-dpo",
        "Fireworks reads the OpenAI preference file; only the last reply may differ.",
    ),
    Target.OWN: TargetDefaults(
        "Own trainer",
        "http://localhost:8000/v1",
        "",
        (),
        (),
        "trl",
        "Any OpenAI-compatible server does, such as vLLM or llama.cpp; most need no key.",
    ),
}
