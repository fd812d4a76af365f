"""Why a decided pair cannot be written: each code with what it means and what to do about it."""

from dataclasses import dataclass

from exporters.rows import RowRefused


@dataclass(frozen=True, slots=True)
class Refusal:
    """`title` is for a table's first column, `remedy` says what would bring the pair in."""

    title: str
    remedy: str


REFUSALS = {
    # Refused by every format: no row can be made.
    "identical_sides": Refusal("Sides are the same", "Replace one of the two completions"),
    "empty_side": Refusal("A side is empty", "Replace the empty completion"),
    "prompt_end": Refusal("Prompt does not end in a user or tool message", "Mend the prompt and import it again"),
    "unknown_role": Refusal("Unknown role in the prompt", "Use system, developer, user, assistant or tool"),
    "content_not_text": Refusal("Prompt is not all text", "Training files take text only: leave images out"),
    "not_unicode": Refusal("Text is not valid Unicode", "Replace the broken characters and import again"),
    # Refused by some formats.
    "needs_roles": Refusal(
        "Plain strings hold one user message", "Choose trl: it keeps system prompts, several turns and tools"
    ),
    "repeated_role": Refusal(
        "Two neighbouring messages of one role", "Join them in the prompt, or choose trl, which takes them"
    ),
    "empty_message": Refusal("A message of the prompt is empty", "Leave the empty message out of the prompt"),
    "unknown_key": Refusal(
        "A message has a key or a name the service refuses", "Keep role, content, name as text and tool calls only"
    ),
    "tool_message": Refusal("A tool message answers no call", "Give it the tool_call_id of an earlier call"),
    "tool_call": Refusal("A tool call is not complete", "Give it an id, a function's name and arguments as a string"),
    "tool": Refusal(
        "A tool is not complete or not well named", "Give it the type function and a name of letters, digits, _ and -"
    ),
    "no_columns": Refusal("Calls and names have no column in Parquet", "Write JSONL, which keeps them"),
    "too_many_tokens": Refusal("More tokens than the service takes", "Shorten the prompt or the replies"),
    "no_strength": Refusal("No strength was given", "Ask annotators how much better it is, or choose trl"),
    "opposed_strength": Refusal(
        "The strengths speak for the other side", "One more label settles them, or choose trl, which reads none"
    ),
    "no_tools": Refusal("This format holds no tools", "Choose trl or openai-dpo: they keep tools and calls"),
    "tool_turns": Refusal("Together and Fireworks take no tool messages", "Choose openai-dpo for OpenAI and Azure"),
    "several_turns": Refusal("Fireworks takes prompts of one turn", "Choose trl or openai-dpo, which take several"),
    "reply_calls": Refusal("A reply calls a tool, and Fireworks takes text", "Choose trl or openai-dpo"),
    "turns_alternate": Refusal(
        "Turns do not alternate between user and assistant", "Join neighbours of one role, or choose trl"
    ),
    "text_and_calls": Refusal("A message has text and calls at once", "Choose trl or openai-dpo, which keep both"),
    "late_system": Refusal("A system message stands after the first", "Put it first, or choose trl"),
    "calls_without_tools": Refusal(
        "A reply calls tools the prompt does not offer", "Add the tools to the prompt, or choose trl, which takes them"
    ),
}


def refused(code: str) -> RowRefused:
    """Why a row is not written, in a sentence."""
    return RowRefused(code, f"{REFUSALS[code].title}. {REFUSALS[code].remedy}.")
