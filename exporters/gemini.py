"""Gemini preference tuning (Vertex AI): contents, and two completions with the scores 1 and 0. Text only.

Format: https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-preference-tuning-prepare
"""

from exporters.messages import repeated_role
from exporters.rows import PreferenceRow


def gemini_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `contents` and `completions`, and `system_instruction` where it has a system prompt."""
    record: dict[str, object] = {}
    turns = row.prompt
    if turns[0]["role"] in ("system", "developer"):
        record["system_instruction"] = {"parts": [{"text": turns[0]["content"]}]}
        turns = turns[1:]
    return record | {
        "contents": [_content("model" if turn["role"] == "assistant" else "user", turn["content"]) for turn in turns],
        "completions": [
            {"score": 1, "completion": _content("model", row.chosen)},
            {"score": 0, "completion": _content("model", row.rejected)},
        ],
    }


def gemini_refusal(row: PreferenceRow) -> str | None:
    """Why `row` cannot be written here, as a key of `REFUSALS`; None where it can."""
    if row.has_tools:
        return "no_tools"
    if not all(message["content"].strip() for message in row.prompt):
        return "empty_message"
    if any(message["role"] in ("system", "developer") for message in row.prompt[1:]):
        return "late_system"
    return "repeated_role" if repeated_role(row.prompt) else None


def _content(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"text": text}]}
