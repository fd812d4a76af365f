import pytest

from labeling.judging.families import family_of, of_same_family


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-6-sol", "GPT"),
        ("ft:gpt-4.1-mini-2025-04-14:acme::abc", "GPT"),
        ("o3", "GPT"),
        ("openai/gpt-oss-120b", "GPT"),
        ("claude-opus-5", "Claude"),
        ("Qwen/Qwen3-14B", "Qwen"),
        ("qwen3-14b-support", "Qwen"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "Llama"),
        ("accounts/fireworks/models/deepseek-v3", "DeepSeek"),
        ("gemma-3-27b", "Gemini"),
        ("my-model", None),
        ("phoenix", None),
        ("novabrain", None),
        ("", None),
    ],
)
def test_a_family_is_read_from_the_name_and_never_made_up(model, family):
    assert family_of(model) == family


def test_generators_of_the_judges_family_are_named():
    generators = [("concise", "gpt-6-luna"), ("plain", "qwen3"), ("odd", "my-model")]
    assert of_same_family("gpt-6-sol", generators) == ["concise"]
    assert of_same_family("unknown", generators) == []
