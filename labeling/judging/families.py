"""Which family a model is of, by its name: judges favour replies of their own family (Panickssery et al. 2024,
arXiv:2404.13076). A name that tells nothing has no family, and no warning is made up for it.
"""

import re
from collections.abc import Iterable

FAMILIES = {
    "GPT": r"gpt|chatgpt|o[134]|davinci",
    "Claude": r"claude",
    "Gemini": r"gemini|gemma",
    "Llama": r"(meta-)?llama|vicuna|alpaca",
    "Qwen": r"qwen|qwq",
    "Mistral": r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral",
    "DeepSeek": r"deepseek",
    "Grok": r"grok",
    "Phi": r"phi",
    "Command": r"command|c4ai|aya",
    "Kimi": r"kimi|moonshot",
    "GLM": r"glm|chatglm",
    "Nova": r"nova|amazon\.nova",
}


def family_of(model: str) -> str | None:
    """The family of a model's id such as `gpt-6-sol`, `ft:gpt-4.1-mini:acme` or `Qwen/Qwen3-14B`."""
    name = model.casefold().removeprefix("ft:")
    for part in reversed(name.split("/")):
        for family, pattern in FAMILIES.items():
            if re.match(rf"({pattern})(?![a-z])", part):
                return family
    return None


def of_same_family(judge_model: str, generators: Iterable[tuple[str, str]]) -> list[str]:
    """The names of the generators, given as (name, model), that are of the judge's family."""
    family = family_of(judge_model)
    return [name for name, model in generators if family is not None and family_of(model) == family]
