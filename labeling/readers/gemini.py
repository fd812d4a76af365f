"""Gemini preference tuning (Vertex AI): contents, and two completions with a score each."""

from collections.abc import Mapping
from typing import Any

from labeling.domain import Json, Verdict
from labeling.readers.chat import as_reply, plain_text
from labeling.readers.columns import Columns, listed, number_of, pair_of, prompt_row
from labeling.readers.refusals import RowFault
from labeling.rows import PairRow

ROLES = {"user": "user", "model": "assistant"}
CALLS = {"functionCall", "function_call", "functionResponse", "function_response"}
# What a part has beside its text that changes nothing in it.
ABOUT_TEXT = {"text", "thought", "thoughtSignature", "thought_signature"}


def is_gemini(record: Mapping[str, Any]) -> bool:
    """Whether a record has both lists with what Gemini has in them: other files call theirs so, too."""
    contents, scored = (listed(record.get(name)) for name in ("contents", "completions"))
    if not isinstance(contents, list) or not isinstance(scored, list) or not contents:
        return False
    is_content = isinstance(contents[0], dict) and "parts" in contents[0]
    return is_content and any(isinstance(one, dict) and "completion" in one for one in scored)


def gemini(record: dict[str, Any], columns: Columns) -> PairRow:
    """The better completion is that with the greater score; equal ones are a tie."""
    if record.get("tools"):
        raise RowFault(
            "bad_tools", "tools of Gemini are not read; where the prompt is the same without them, leave them out"
        )
    contents, scored = listed(record["contents"]), listed(record.get("completions"))
    if not isinstance(contents, list):
        raise RowFault("not_messages", "contents is not a list")
    messages = _system(record) + [_message(content, f"contents[{place}]") for place, content in enumerate(contents)]
    if not isinstance(scored, list) or len(scored) != 2 or not all(isinstance(one, dict) for one in scored):
        raise RowFault("not_a_pair", "completions are not two, each with its score")
    a, b = (_message(one.get("completion"), f"completions[{place}]") for place, one in enumerate(scored))
    first, second = (number_of(one.get("score")) for one in scored)
    if first is None or second is None:
        raise RowFault("unknown_verdict", "a completion has no score")
    verdict = Verdict.TIE if first == second else Verdict.A if first > second else Verdict.B
    return pair_of(
        prompt_row(record, columns, messages),
        as_reply(a, "completions[0]"),
        as_reply(b, "completions[1]"),
        verdict,
    )


def _system(record: Mapping[str, Any]) -> list[Json]:
    for name in ("systemInstruction", "system_instruction"):  # a table may have both, one of them without a value
        if content := listed(record.get(name)):
            return [{"role": "system", "content": _text(content, name)}]
    return []


def _message(content: Any, field: str) -> Json:
    role = ROLES.get(str(content.get("role"))) if isinstance(content, dict) else None
    if role is None:
        raise RowFault("not_messages", f"{field} is not a content of the user or the model")
    return {"role": role, "content": _text(content, field)}


def _text(content: Any, field: str) -> str:
    """What the parts say together, without what the model thought."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise RowFault("not_messages", f"{field} has no parts")
    # A table writes what a part has not as null.
    if kinds := {key for part in parts for key, value in part.items() if value is not None} - ABOUT_TEXT:
        kind = min(kinds)
        if kind in CALLS:
            raise RowFault(
                "bad_tools", f"{field} has a part {kind!r}; calls of tools as Gemini writes them are not read"
            )
        raise RowFault(
            "has_media",
            f"{field} has a part {kind!r}, which no text says; where the text can be judged without it, leave it out",
        )
    return "".join(plain_text(part.get("text"), field) for part in parts if not part.get("thought"))
