"""What stands beside an instruction is part of its prompt, whatever the rest of the row is."""

import shlex
from decimal import Decimal

import pytest

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.readers import understand
from labeling.readers.columns import identifier
from labeling.rows import CompletionRow, PairGroup, PromptRow
from tests.readers.reading import USER, format_of, jsonl, pair_in, refusal_in, rows_in, said, write_parquet

ALPACA = {"instruction": "Translate to French.", "input": "Good morning"}
HISTORY = {"history": [["Hi", "Hello."]]}
ANSWERS = [{"text": "Bonjour", "rank": 1}, {"text": "Hola", "rank": 2}]


def prompts_in(*records: object, **options: str) -> list[list[str]]:
    """What the messages of each row's prompt say."""
    found = []
    for row in rows_in(jsonl(*records), **options):
        one = row.pairs[0] if isinstance(row, PairGroup) else row
        prompt = one if isinstance(one, PromptRow) else one.prompt
        found.append([message["content"] for message in prompt.prompt.messages])
    return found


@pytest.mark.parametrize(
    ("format", "fields"),
    [
        ("prompts", {}),
        ("completions", {"output": "Bonjour"}),
        ("pairs", {"output_1": "Bonjour", "output_2": "Hola", "preference": 1}),
        ("llmbar", {"output_1": "Bonjour", "output_2": "Hola", "label": 1}),
        ("arena-battles", {"response_a": "x", "response_b": "y", "model_a": "m", "model_b": "n", "winner": "tie"}),
        ("helpsteer", {"response_1": "x", "response_2": "y", "prompt": None, "preference_strength": 1}),
        ("ranking", {"responses": ANSWERS}),
        ("trl", {"chosen": "Bonjour", "rejected": "Hola"}),
        ("ms-swift", {"response": "Bonjour", "rejected_response": "Hola"}),
        ("label-studio", {"data": ALPACA | HISTORY | {"answer1": "Bonjour", "answer2": "Hola"}, "annotations": []}),
    ],
)
def test_the_input_and_the_history_of_an_instruction_are_part_of_its_prompt(format, fields):
    record = ALPACA | HISTORY | fields
    mapping = {"prompt": "instruction"} if format == "helpsteer" else {}
    assert understand(jsonl(record), "file.jsonl", mapping=mapping).format == format
    assert prompts_in(record, mapping=mapping) == [["Hi", "Hello.", "Translate to French.\nGood morning"]]


def test_answers_to_two_inputs_of_one_instruction_are_no_pair():
    rows = [
        ALPACA | {"output": "Bonjour", "kto_tag": True},
        ALPACA | {"input": "Good night", "output": "Hola", "kto_tag": False},
    ]
    assert format_of(*rows) == "kto"
    assert [row.code for row in rows_in(jsonl(*rows))] == ["no_counterpart", "no_counterpart"]
    rows = [row | ALPACA | HISTORY for row in rows]
    assert prompts_in(*rows) == [["Hi", "Hello.", "Translate to French.\nGood morning"]]


def test_headers_of_a_table_are_known_without_case():
    table = b'Instruction,Input,History,Chosen,Rejected\nAdd.,1 + 1,"[[""Hi"", ""Hello.""]]",2,3\n'
    (row,) = rows_in(table, "alpaca.csv")
    assert said(row) == ("Add.\n1 + 1", "2", "3")
    assert len(row.prompt.prompt.messages) == 3


def test_the_context_of_an_instruction_is_part_of_it_and_that_of_a_question_is_not():
    dolly = {"instruction": "Who is it?", "context": "Ann is.", "response": "Ann", "category": "qa"}
    assert prompts_in(dolly) == [["Who is it?\nAnn is."]]
    asked = {"question": "Who is it?", "context": "Ann is.", "response": "Ann"}
    assert prompts_in(asked) == [["Who is it?"]]
    assert prompts_in(asked, mapping={"input": "context"}) == [["Who is it?\nAnn is."]]


@pytest.mark.parametrize(
    ("mapping", "prompt"),
    [
        ({"input": ""}, "Translate to French."),
        ({"prompt": "text"}, "### Translate"),
        ({"prompt": "input"}, "Good morning"),
        ({"reference": "input"}, "Translate to French."),
    ],
)
def test_what_is_mapped_otherwise_by_hand_is_no_second_part(mapping, prompt):
    assert prompts_in(ALPACA | {"text": "### Translate"}, mapping=mapping, format="prompts") == [[prompt]]


def test_a_history_that_is_the_prompt_is_not_taken_for_earlier_turns():
    record = {"history": "Why?", "chosen": "So.", "rejected": "No."}
    assert said(pair_in(record, mapping={"prompt": "history"})) == ("Why?", "So.", "No.")


@pytest.mark.parametrize("nothing", [None, "", " ", []])
def test_an_instruction_without_an_input_stands_alone(nothing):
    assert prompts_in(ALPACA | {"input": nothing}) == [["Translate to French."]]


@pytest.mark.parametrize("nothing", [None, "", " "])
@pytest.mark.parametrize(
    "fields",
    [
        {"chosen": "So good", "rejected": "So bad"},
        {"responses": ANSWERS},
        {"output_1": "Bonjour", "output_2": "Hola", "preference": 1},
    ],
)
def test_an_input_without_an_instruction_is_the_prompt(fields, nothing):
    other = ALPACA | fields
    record = other | {"instruction": nothing}
    assert prompts_in(other, record) == [["Translate to French.\nGood morning"], ["Good morning"]]
    assert prompts_in(other | HISTORY, record | HISTORY)[1] == ["Hi", "Hello.", "Good morning"]


@pytest.mark.parametrize("nothing", ["", " ", None])
def test_an_input_without_an_instruction_is_the_prompt_of_a_completion(nothing):
    record = {"instruction": nothing, "input": "Why?", "output": "So."}
    (row,) = rows_in(jsonl(record))
    assert isinstance(row, CompletionRow), row
    assert list(row.prompt.prompt.messages) == [{"role": "user", "content": "Why?"}]


def test_a_completion_without_a_question_joins_its_prompt_by_id():
    for beside in ({"context": "Ann is."}, {"input": " "}):
        (row,) = rows_in(jsonl({"id": "q1", "instruction": "", "output": "So."} | beside))
        assert isinstance(row, CompletionRow), row
        assert (row.prompt, row.external_id) == (None, "q1")


def test_a_context_without_an_instruction_is_no_prompt():
    record = {"instruction": "", "context": "Ann is.", "chosen": "So good", "rejected": "So bad"}
    assert [refusal_in(record | {"instruction": one}).code for one in ("", None)] == ["empty_prompt"] * 2


@pytest.mark.parametrize(
    ("fields", "code", "remedy"),
    [
        ({"input": ["Good", "morning"]}, "not_text", "--map input="),
        ({"input": 0}, "not_text", "--map input="),
        ({"history": "Hi"}, "not_messages", "--map history="),
    ],
)
def test_what_cannot_be_joined_is_refused_and_not_left_out(fields, code, remedy):
    found = refusal_in(ALPACA | fields)
    assert (found.code, remedy in found.reason) == (code, True)


@pytest.mark.parametrize(
    ("columns", "pair"),
    [
        (("response_1", "response_0"), ("response_0", "response_1")),
        (("response_0", "response_1", "output_2"), ("response_0", "response_1")),
        (("output_2", "response_2", "response_1"), ("response_1", "response_2")),
        (("Answer 1", "Answer 2", "answer_1_model"), ("Answer 1", "Answer 2")),
        (("right", "left", "third"), ("left", "right")),
    ],
)
def test_two_responses_are_those_that_are_called_alike(columns, pair):
    seen = understand(jsonl({"prompt": "Q"} | dict.fromkeys(columns, "x")), "file.jsonl")
    assert (seen.format, seen.mapping["response_a"], seen.mapping["response_b"]) == ("pairs", *pair)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("response_0", "response_1", "response_2"), "response_0 and response_1: also response_2."),
        (("Output 1", "Output 2", "Output 3", "Output 10"), "Output 1 and Output 2: also Output 3, Output 10."),
        (("completion_a", "completion_b", "completion_c"), "completion_a and completion_b: also completion_c."),
        (("reply1", "reply2", "reply3"), "reply1 and reply2: also reply3."),
        (("answer_0", "answer_2", "answer_3"), "answer_0 and answer_2: also answer_3."),
    ],
)
@pytest.mark.parametrize("more", [{}, {"model_a": "m", "model_b": "n", "winner": "tie"}])
def test_a_third_response_is_not_lost_without_a_word(columns, told, more):
    record = {"prompt": "Q"} | {name: name for name in columns} | more
    with pytest.raises(InputError) as raised:
        understand(jsonl(record), "file.jsonl")
    assert told in str(raised.value)
    said_so = (shlex.quote(f"response_{side}={name}") for side, name in zip("ab", columns[:2], strict=True))
    assert " ".join(f"--map {one}" for one in said_so) in str(raised.value)
    first, second = columns[1], columns[-1]
    assert said(pair_in(record, mapping={"response_a": first, "response_b": second})) == ("Q", first, second)


def test_where_a_second_response_is_missing_each_row_tells_it():
    found = refusal_in({"prompt": "Q", "answer_1": "x", "answer_3": "z"}, format="pairs")
    assert found.reason == "no column is mapped to response_b: say which with --map response_b=COLUMN"


@pytest.mark.parametrize(
    ("record", "format", "mapping"),
    [
        ({"input": "Q", "taken": "x", "rejected": "y", "ID": 1}, "trl", {"chosen": "taken"}),
        ({"input": "Q", "chosen": "x", "refused": "y"}, "trl", {"rejected": "refused"}),
        ({"prompt": "Q", "one": "x", "response_b": "y"}, "pairs", {"response_a": "one"}),
    ],
)
def test_one_side_that_is_mapped_joins_the_other_that_is_known_by_name(record, format, mapping):
    assert understand(jsonl(record), "file.jsonl", mapping=mapping).format == format
    assert said(pair_in(record, mapping=mapping)) == ("Q", "x", "y")


@pytest.mark.parametrize(
    ("record", "mapping", "told"),
    [
        ({"one": "x", "two": "y"}, {"chosen": "one"}, "Say also which one is rejected (--map rejected=COLUMN)"),
        ({"conv_A": "x"}, {"conversation_a": "conv_A"}, "A column can be one of: prompt, input, history"),
        ({"info": {"post": "p"}, "summaries": [{"text": "s"}], "choice": 1, "talk": [USER]}, {}, "inside info, summaries cannot be mapped"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_work_tells_what_can(record, mapping, told):
    with pytest.raises(InputError) as raised:
        understand(jsonl(record), "file.jsonl", mapping=mapping)
    assert told in str(raised.value)


def test_a_third_response_that_plays_a_role_is_not_lost():
    record = {"prompt": "Q", "answer_1": "x", "answer_2": "y", "answer_3": "z"}
    assert pair_in(record, mapping={"reference": "answer_3"}).prompt.reference == "z"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1.0, "1"), (-2.0, "-2"), (1.5, "1.5"), ("1.0", "1.0"), (2**64 - 1, str(2**64 - 1)), (Decimal(10**30), str(10**30)),
        (float("nan"), None), (None, None), (True, None),
    ],
)  # fmt: skip
def test_an_id_that_a_table_holds_as_a_number_with_a_point_is_the_whole_number(given, kept):
    assert identifier(given) == kept


def test_completions_find_their_prompts_by_ids_of_a_column_with_gaps(tmp_path):
    path = write_parquet(tmp_path / "p.parquet", [{"id": 1.0, "response": "So."}, {"id": None, "response": "No."}])
    found, refused = rows_in(path, "p.parquet")
    assert found.external_id == "1"
    assert refused.code == "missing_field"


@pytest.mark.parametrize("record", [{"prompt": "Why?"}, {"response": "So."}])
def test_an_id_over_64_bits_that_has_lost_its_last_digits_is_refused_and_not_forgotten(record):
    assert refusal_in(record | {"id": 2**64 + 1}).code == "bad_id"
    assert rows_in(jsonl(record | {"id": str(2**64 + 1)}))[0].external_id == str(2**64 + 1)


def test_a_pair_needs_no_id_that_is_whole():
    row = pair_in({"prompt": "Why?", "chosen": "So.", "rejected": "No.", "id": 2**64 + 1})
    assert row.prompt.external_id is None


def test_a_second_response_that_comes_late_is_that_of_the_first():
    late = [{"prompt": "Q", "output_0": "x"}] * 25 + [{"prompt": "Q", "output_0": "x", "output_1": "y"}]
    mapping = understand(jsonl(*late), "file.jsonl", format="pairs").mapping
    assert (mapping["response_a"], mapping["response_b"]) == ("output_0", "output_1")


def test_a_verdict_on_several_responses_is_none_on_two_of_them_until_it_is_said_to_be():
    record = {"prompt": "Q", "answer_a": "x", "answer_b": "y", "answer_c": "z", "winner": "b"}
    chosen = {"response_a": "answer_a", "response_b": "answer_b"}
    assert pair_in(record, mapping=chosen).verdict is None
    assert pair_in(record, mapping=chosen | {"verdict": "winner"}).verdict is Verdict.B
    with pytest.raises(InputError, match="and --map verdict=winner where it is of these two"):
        understand(jsonl(record), "file.jsonl")


@pytest.mark.parametrize("empty", [None, "", "  "])
@pytest.mark.parametrize("more", [{}, {"verdict": "a"}, {"model_a": "m", "model_b": "n", "winner": "tie"}])
def test_a_column_for_a_third_response_that_is_empty_does_no_harm(empty, more):
    record = {"prompt": "Q", "response_1": "x", "response_2": "y", "response_3": empty} | more
    row = pair_in(record)
    assert (said(row), row.verdict is None) == (("Q", "x", "y"), not more)
    with pytest.raises(InputError, match="response_1 and response_2: also response_3"):
        understand(jsonl(record, record | {"response_3": "z"}), "file.jsonl")


@pytest.mark.parametrize("mapping", [{}, {"response_a": "response_1", "response_b": "response_2"}])
def test_a_third_response_that_comes_after_many_rows_without_is_refused_and_not_lost(mapping):
    rows = "".join(f"Q{number},x,y, \n" for number in range(10_000))
    table = f"prompt,response_1,response_2,response_3\n{rows}Q,x,y,z\nP,x,y,\n".encode()
    *_, last, refused, after = rows_in(table, "file.csv", mapping=mapping)
    assert (said(last), said(after)) == (("Q9999", "x", "y"), ("P", "x", "y"))
    assert (refused.line, refused.code) == (10_002, "third_response")
    assert "put such rows in a file of their own" in refused.reason


@pytest.mark.parametrize(
    ("record", "mapping", "roles"),
    [
        ({"prompt": "Q", "left": "x", "right": "y"}, {"response_a": "right"}, {"response_a": "right"}),
        (
            {"prompt": "Q", "response_1": "x", "response_2": "y"},
            {"response_a": "response_2"},
            {"response_a": "response_2"},
        ),
        (
            {"prompt": "Q", "chosen": "x", "preferred": "y"},
            {"rejected": "chosen"},
            {"chosen": "preferred", "rejected": "chosen"},
        ),
    ],
)
def test_a_column_that_is_one_side_by_hand_is_not_the_other_by_its_name(record, mapping, roles):
    format = "trl" if "chosen" in record else "pairs"
    found = understand(jsonl(record), "file.jsonl", format=format, mapping=mapping).mapping
    assert {role: column for role, column in found.items() if role != "prompt"} == roles


@pytest.mark.parametrize("role", ["chosen", "response_a"])
def test_one_side_and_a_prompt_that_are_mapped_lead_to_the_other_side(role):
    with pytest.raises(InputError, match=f"Say also which one is {'rejected' if role == 'chosen' else 'response_b'}"):
        understand(jsonl({"q": "Q", "good": "x", "bad": "y"}), "file.jsonl", mapping={"prompt": "q", role: "good"})


def test_a_preference_of_several_responses_is_none_on_two_of_them_until_it_is_said_to_be():
    record = {"prompt": "Q", "response_1": "x", "response_2": "y", "response_3": "z", "preference_strength": 1}
    mapping = {"response_a": "response_2", "response_b": "response_3"}
    assert pair_in(record, mapping=mapping).verdict is None
    assert pair_in(record, mapping=mapping | {"preference": "preference_strength"}).verdict is Verdict.B
