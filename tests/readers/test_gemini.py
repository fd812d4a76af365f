"""Preference lines of Gemini, as they are written here and by others."""

import pytest

from labeling.domain import Verdict
from labeling.readers import understand
from tests.readers.reading import (
    BAD,
    GOOD,
    USER,
    format_of,
    group_in,
    pair_in,
    refusal_in,
    rows_in,
    said,
    table,
    write_parquet,
)


def content(role: str, *texts: str) -> dict[str, object]:
    return {"role": role, "parts": [{"text": text} for text in texts]}


LINE = {
    "contents": [content("user", USER["content"])],
    "completions": [
        {"score": 0, "completion": content("model", BAD["content"])},
        {"score": 1, "completion": content("model", GOOD["content"])},
    ],
}


def scored(*scores: object) -> dict[str, object]:
    return LINE | {
        "completions": [one | {"score": score} for one, score in zip(LINE["completions"], scores, strict=True)]
    }


def test_a_line_of_gemini_is_known_by_its_contents():
    assert format_of(LINE) == "gemini"
    row = pair_in(LINE)
    assert (said(row), row.verdict) == ((USER["content"], BAD["content"], GOOD["content"]), Verdict.B)


@pytest.mark.parametrize("name", ["system_instruction", "systemInstruction"])
def test_earlier_turns_and_the_system_instruction_are_of_the_prompt(name):
    turns = [content("user", "Hi"), content("model", "Hello"), content("user", "Why", "?")]
    row = pair_in(LINE | {"contents": turns, name: {"parts": [{"text": "Be brief."}]}})
    assert row.prompt.prompt.messages == (
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Why?"},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["system_instruction", "systemInstruction"])
def test_a_system_instruction_is_found_where_its_other_spelling_is_without_a_value(name, tmp_path):
    system = {"parts": [{"text": "Be brief."}]}
    line = {"systemInstruction": None, "system_instruction": None} | LINE | {name: system}
    (in_parquet,) = rows_in(write_parquet(tmp_path / "gemini.parquet", [line]), "gemini.parquet")
    for row in (pair_in(line), in_parquet):
        assert row.prompt.prompt.messages[0] == {"role": "system", "content": "Be brief."}


def test_a_table_of_gemini_is_known_as_its_lines_are(tmp_path):
    assert understand(write_parquet(tmp_path / "gemini.parquet", [LINE]), "gemini.parquet").format == "gemini"
    assert understand(table(LINE), "gemini.csv").format == "gemini"


def test_what_other_files_call_contents_and_completions_is_not_of_gemini():
    ranked = {"prompt": "Why?", "contents": ["doc 1"], "completions": ["A", "B", "C"], "ranks": [1, 2, 3]}
    assert format_of(ranked) == "ranking"
    assert len(group_in(ranked).pairs) == 3
    record = {"prompt": "Why?", "contents": ["doc 1"], "completions": ["x"], "chosen": "So.", "rejected": "No."}
    assert format_of(record) == "trl"
    assert said(pair_in(record)) == ("Why?", "So.", "No.")


@pytest.mark.parametrize(
    ("scores", "verdict"), [((1, 0), Verdict.A), ((0.5, 1.0), Verdict.B), (("1", "1.0"), Verdict.TIE)]
)
def test_the_greater_score_is_the_better_completion(scores, verdict):
    assert pair_in(scored(*scores)).verdict is verdict


def test_what_the_model_thought_is_no_part_of_its_text():
    thought = {"text": "Hm.", "thought": True, "inlineData": None}
    line = LINE | {
        "contents": [content("user", "Hi"), {"role": "model", "parts": [thought, {"text": "Yes"}]}, *LINE["contents"]]
    }
    assert pair_in(line).prompt.prompt.messages[1]["content"] == "Yes"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"contents": [{"role": "user", "parts": [{"text": "What?"}, {"fileData": {"fileUri": "x"}}]}]}, "has_media"),
        ({"contents": [{"role": "user", "parts": [{"functionCall": {"name": "f"}}]}]}, "bad_tools"),
        ({"tools": [{"functionDeclarations": [{"name": "f"}]}]}, "bad_tools"),
        ({"contents": [content("assistant", "Hi")]}, "not_messages"),
        ({"contents": [content("model", "Hi")]}, "prompt_ends_wrong"),
        ({"contents": [{"role": "user", "parts": []}]}, "not_messages"),
        ({"contents": "Hi"}, "not_messages"),
        ({"completions": LINE["completions"][:1]}, "not_a_pair"),
        ({"completions": [{"completion": one["completion"]} for one in LINE["completions"]]}, "unknown_verdict"),
    ],
)  # fmt: skip
def test_a_line_that_would_lose_something_is_refused(fields, code):
    assert refusal_in(LINE | fields, format="gemini").code == code
