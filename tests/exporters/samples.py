"""Rows for the tests: a few written by hand for the golden files, and a strategy for all others."""

from hypothesis import reject
from hypothesis import strategies as st

from exporters.rows import PreferenceRow, RowOrigin, RowRefused

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Today's weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def call(city: str, number: int = 1) -> dict[str, object]:
    return {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'},
    }


def ask(text: str) -> tuple[dict[str, object], ...]:
    return ({"role": "user", "content": text},)


PLAIN = PreferenceRow(ask("What is 2 + 2?"), "4", "5")
AWKWARD = PreferenceRow(
    ask('Two lines\u2028and \u0085 one 🙂\r\nwith a return, \u200fשלום and a \\ "quote"\tand </script>'),
    "Begins the same",
    "Begins the same, but goes on\n",
)
TURNS = PreferenceRow(
    (
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Who are you?"},
    ),
    "A model.",
    "As a large language model, I am a large language model.",
    margin=2.5,
)
TOOLS = PreferenceRow(
    (
        {"role": "user", "content": "Oslo and Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call("Oslo", 1), call("Rome", 2)]},
        {"role": "tool", "content": "3 °C", "tool_call_id": "call_1"},
        {"role": "tool", "content": "19 °C", "tool_call_id": "call_2"},
    ),
    "Oslo 3 °C, Rome 19 °C.",
    "",
    tools=(WEATHER,),
    rejected_tool_calls=(call("Oslo", 3),),
)
ONE_CALL = PreferenceRow(
    (
        {"role": "user", "content": "Oslo?"},
        {"role": "assistant", "content": "", "tool_calls": [call("Oslo", 1)]},
        {"role": "tool", "content": "3 °C", "tool_call_id": "call_1"},
    ),
    "3 °C.",
    "",
    tools=(WEATHER,),
    rejected_tool_calls=(call("Oslo", 2), call("Rome", 3)),
    margin=1.0,
)
SIGNS = PreferenceRow(
    (
        {"role": "system", "content": "Grüße, 你好, مرحبا \U0001d518"},
        *ask("👩‍👩‍👧‍👦 🏳️‍🌈 \u202eabc\u202c \x01\x1b[31m\x7f\ufeff e\u0301 \uffff?"),
    ),
    "שלום \u200f👋🏽",
    "\x02\x1f",
)
LONG = PreferenceRow(ask("Tell it all. " * 500), "A long story. " * 4000, "A longer story. " * 4500)
ROWS = (PLAIN, AWKWARD, TURNS, TOOLS, ONE_CALL)


def many(count: int, text: str = "Question") -> list[tuple[PreferenceRow, RowOrigin]]:
    """`count` plain rows, each with a prompt of its own."""
    return [
        (
            PreferenceRow(ask(f"{text} {n}?"), f"Good {n}", f"Poor answer {n}", margin=1.0),
            RowOrigin(n, f"group {n}", ("Ana",), (n,)),
        )
        for n in range(count)
    ]


texts = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))


@st.composite
def preference_rows(draw: st.DrawFn) -> PreferenceRow:
    """Any row that may be made: with or without a system turn, earlier turns, tools and tool calls."""
    prompt: list[dict[str, object]] = []
    if draw(st.booleans()):
        prompt.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(texts)})
    for _ in range(draw(st.integers(0, 2))):
        prompt += [{"role": "user", "content": draw(texts)}, {"role": "assistant", "content": draw(texts)}]
    prompt.append({"role": "user", "content": draw(texts)})
    has_tools = draw(st.booleans())
    if has_tools and draw(st.booleans()):
        prompt.append(
            {"role": "assistant", "content": draw(st.sampled_from([None, "", "Wait"])), "tool_calls": [call("Oslo")]}
        )
        prompt.append({"role": "tool", "content": draw(texts), "tool_call_id": "call_1"})
    chosen, rejected = draw(st.tuples(texts, texts).filter(lambda sides: sides[0] != sides[1]))
    return PreferenceRow(
        tuple(prompt),
        chosen,
        rejected,
        tools=(WEATHER,) if has_tools else (),
        rejected_tool_calls=(call("Rome", 2),) if has_tools and draw(st.booleans()) else (),
        margin=draw(st.none() | st.floats(0, 3)),
    )


ODD_CALLS: tuple[list[object], ...] = (
    [],
    [call("Oslo")],
    [call("Oslo"), {}],
    [{"id": "call_1", "type": "function"}],
    [{"id": "call_1", "type": "function", "function": {"name": "", "arguments": "{}"}}],
    [{"id": "", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
    [{"id": "call_1", "function": {"name": "weather", "arguments": "{}"}}],
    [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "no JSON"}}],
    [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "[1]"}}],
    [{"id": "call_1", "type": "function", "function": {"name": "weather"}}],
)
ODD_TOOLS: tuple[dict[str, object], ...] = (
    WEATHER,
    {},
    {"type": "function"},
    {"type": "function", "function": {"name": ""}},
)


@st.composite
def odd_rows(draw: st.DrawFn) -> PreferenceRow:
    """A row as a careless file may make it: empty messages, calls and tools that are none, results of no call."""
    prompt: list[dict[str, object]] = []
    for _ in range(draw(st.integers(1, 4))):
        message: dict[str, object] = {
            "role": draw(st.sampled_from(["system", "developer", "user", "assistant", "tool"])),
            "content": draw(st.sampled_from(["", " ", "Hi", None])),
        }
        for key, values in (
            ("tool_calls", ODD_CALLS),
            ("tool_call_id", ("call_1", "call_2", "")),
            ("name", ("Ana", "")),
            ("weight", (0, 1)),
            ("refusal", ("No.",)),
        ):
            if draw(st.integers(0, 2)) == 0:
                message[key] = draw(st.sampled_from(values))
        prompt.append(message)
    prompt.append({"role": draw(st.sampled_from(["user", "tool"])), "content": draw(st.sampled_from(["Why?", ""]))})
    tools = draw(st.lists(st.sampled_from(ODD_TOOLS), max_size=2))
    calls = tuple(draw(st.sampled_from(ODD_CALLS)))
    try:
        return PreferenceRow(tuple(prompt), "Good", "Poor", tuple(tools), (), calls, margin=1.0)  # type: ignore[arg-type]  # odd
    except RowRefused:
        reject()
