import json

import pytest

from labeling.services.estimate import estimate
from labeling.services.label_rules import LabelRules
from labeling.services.rule_effect import Singles
from tests.services.exporting import done, labelled, lines, make_exporting


def test_what_is_masked_is_counted_by_kind_with_its_rows(store, tmp_path):
    making = labelled(store, 12)
    crowd = making.imported_rater("crowd")
    call = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": '{"card": 4111111111111111}'}}
    turns = (
        {"role": "user", "content": "Pay, please"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "paid by ada@example.org", "tool_call_id": "call_1"},
    )
    for pair in (making.pair("Write to ada@example.org"), making.pair("pay", messages=turns)):
        making.label(crowd, pair)
    view = done(making, tmp_path, rules=LabelRules(personal_data="mask"))
    assert view.masked == {"card": 1, "mail": 2, "rows": 2}
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["masked"] == view.masked
    assert "Found and masked in 2 rows: card in 1, mail in 2" in (tmp_path / "out" / "README.md").read_text()
    told = [row.get("masked") for row in lines(tmp_path / "out" / "provenance.jsonl")]
    assert sorted(map(str, told), key=len)[-2:] == ["['mail']", "['card', 'mail']"]
    text = (tmp_path / "out" / "train.jsonl").read_text()
    assert "ada@example.org" not in text
    assert "4111" not in text
    left_out = done(making, tmp_path, rules=LabelRules(personal_data="leave_out"), out=tmp_path / "other")
    assert left_out.left_out == {"personal_data": 2}
    assert left_out.masked == {}


def test_prompts_that_are_one_when_masked_stay_on_one_side_of_a_split(store, tmp_path):
    others = [f"question {number}" for number in range(140)]
    texts = *(f"Write to x{n * n}@b.com please" for n in range(60)), "Write to [mail] please", *others
    making = make_exporting(store)
    gold = making.imported_rater()
    for text in texts:
        making.label(gold, making.pair(text))
    sides = {}
    for rule in ("keep", "mask"):
        out = tmp_path / rule
        done(making, tmp_path, out=out, rules=LabelRules(personal_data=rule), validation_share=0.2)
        sides[rule] = [
            {line["prompt"][0]["content"] for line in lines(out / f"{name}.jsonl")} for name in ("train", "validation")
        ]
    train, validation = sides["mask"]
    assert ("Write to [mail] please" in train) != ("Write to [mail] please" in validation)
    assert validation & set(others) == sides["keep"][1] & set(others)
    again = done(making, tmp_path, out=tmp_path / "again", rules=LabelRules(personal_data="mask"), validation_share=0.2)
    told = {row["prompt"] for row in lines(tmp_path / "again" / "provenance.jsonl")}
    assert (again.rows, len(told)) == (201, 141)
    # A prompt that comes later joins them, and moves none.
    making.label(making.imported_rater("more"), making.pair("Write to late@b.com please"))
    done(making, tmp_path, out=tmp_path / "later", rules=LabelRules(personal_data="mask"), validation_share=0.2)
    assert {row["prompt"] for row in lines(tmp_path / "later" / "provenance.jsonl")} == told


def test_turns_of_conversations_whose_openings_are_one_when_masked_stay_together(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(4):
        opening = {"role": "user", "content": f"I am x{number}@b.com"}
        turns = opening, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": f"What of {number}?"}
        for messages in ((opening,), turns):
            making.label(gold, making.pair(f"{number}", messages=messages))
    done(making, tmp_path, format="trl", rules=LabelRules(personal_data="mask"), validation_share=0.1)
    assert len({row["prompt"] for row in lines(tmp_path / "out" / "provenance.jsonl")}) == 1


def test_a_completion_is_known_by_its_prompt_as_masked(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    making.label(gold, making.pair("mail a@b.com", a="ok then", b="no"))
    making.label(gold, making.pair("mail c@d.com", a="yes", b="ok then"))
    rules = LabelRules(personal_data="mask")
    done(making, tmp_path, format="trl-kto", rules=rules)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    told = estimate(*making.place, format="trl-kto", rules=rules).singles
    assert (told, manifest["completions"]["conflicting"]) == (Singles(desirable=1, undesirable=1, conflicting=1), 1)
    told = [(row["completion"][0]["content"], row["label"]) for row in lines(tmp_path / "out" / "train.jsonl")]
    assert told == [("no", False), ("yes", True)]


def test_a_completion_is_known_by_its_prompt_as_written(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for role, verdict in (("system", "a"), ("developer", "b")):
        messages = ({"role": role, "content": "Be brief."}, {"role": "user", "content": 'A "developer"?'})
        making.label(gold, making.pair("", a="yes", b="no", messages=messages), verdict)
    making.label(gold, making.pair("other"))
    done(making, tmp_path, format="trl-kto")
    assert len(lines(tmp_path / "out" / "train.jsonl")) == 2


def test_the_manifest_tells_no_more_of_a_system_prompt_than_the_rows(store, tmp_path):
    making = labelled(store, 3)
    done(making, tmp_path, rules=LabelRules(personal_data="mask"), system_prompt="Write to boss@corp.com")
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["system_prompt"] == "Write to [mail]"
    assert not [path for path in (tmp_path / "out").iterdir() if b"boss@corp" in path.read_bytes()]


@pytest.mark.parametrize(("format", "masked"), [("trl", 12), ("trl-kto", 12), ("sft", 0)])
def test_a_completion_counts_as_masked_for_itself_alone(store, tmp_path, format, masked):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(12):
        making.label(gold, making.pair(f"question {number}", b=f"ask bob{number}@x.com"))
    view = done(making, tmp_path, format=format, rules=LabelRules(personal_data="mask"))
    assert view.masked == ({"mail": masked, "rows": masked} if masked else {})
    rows = zip(lines(tmp_path / "out" / "train.jsonl"), lines(tmp_path / "out" / "provenance.jsonl"), strict=True)
    assert all(("[mail]" in str(row)) == ("masked" in told) for row, told in rows)


@pytest.mark.parametrize("format", ["axolotl", "llama-factory", "trl-standard"])
def test_a_format_without_names_drops_them_before_anything_is_masked_or_refused(store, tmp_path, format):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(3):
        messages = ({"role": "user", "content": f"question {number}", "name": "ana@b.com"},)
        making.label(gold, making.pair(f"{number}", messages=messages))
    for file_type in ("jsonl", "parquet"):
        out = tmp_path / file_type
        view = done(
            making, tmp_path, out=out, format=format, file_type=file_type, rules=LabelRules(personal_data="mask")
        )
        assert (view.rows, view.left_out, view.masked) == (3, {}, {})
