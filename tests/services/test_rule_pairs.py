"""One model over another: labels without a judge, marked as such and counted only where the label rules say so."""

import json

import pytest

from labeling.errors import InputError
from labeling.preferring import Over
from labeling.services.export import export, usable
from labeling.services.export_choices import ExportChoices
from labeling.services.generate import GenerationPlan, start_generation
from labeling.services.judge_pairs import pair_counts
from labeling.services.label_rules import LabelRules
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.specs import generator_spec
from labeling.services.worker import work
from labeling.storage.tables import Label, Pair, Rater, RoundPair
from tests.services.making import make_project

BIG_OVER_SMALL = PairPlan(over=Over("big", "small"))


@pytest.fixture
def making(store):
    made = make_project(store, prompts=3)
    for prompt in made.prompts[:2]:
        made.add_completions(prompt, [f"short {prompt}"], source="small")
        made.add_completions(prompt, [f"a longer one {prompt}"], source="big")
    return made


def test_what_comes_out_is_told_before_and_is_what_is_made(making):
    told = make_pairs(*making.place, BIG_OVER_SMALL, dry_run=True)
    assert making.rows(Label) == []
    assert make_pairs(*making.place, BIG_OVER_SMALL) == told
    assert (told.pairs, told.labels, told.with_pairs, told.too_few) == (2, 2, 2, 1)
    texts = making.texts()
    for label, pair in zip(making.rows(Label), making.rows(Pair), strict=True):
        better = pair.a_id if label.verdict == "a" else pair.b_id
        assert texts[better].startswith("a longer one")
    (rater,) = [row for row in making.rows(Rater) if row.kind == "rule"]
    assert rater.name == "rule: big over small"
    again = make_pairs(*making.place, BIG_OVER_SMALL)
    assert (again.pairs, again.labels, again.has_pairs) == (0, 0, 2)
    assert len(making.rows(Label)) == 2


def test_pairs_that_are_there_are_labelled_and_none_is_made_beside_them(making):
    make_pairs(*making.place)
    told = make_pairs(*making.place, BIG_OVER_SMALL)
    assert (told.pairs, told.labels) == (0, 2)
    assert len(making.rows(Pair)) == 2


def test_people_are_still_asked_and_judges_find_the_pairs_unlabelled(making):
    make_pairs(*making.place, BIG_OVER_SMALL)
    assert len(making.rows(RoundPair)) == 2
    assert pair_counts(*making.place).unlabelled == 2


def test_an_export_takes_them_only_where_its_rules_say_so_and_marks_them(making, tmp_path):
    make_pairs(*making.place, BIG_OVER_SMALL)
    found = usable(*making.place)
    assert (found.rows, found.left_out) == (0, {"not_counted": 2})
    rules = LabelRules(rule_raters=("rule: big over small",))
    assert usable(*making.place, rules).rows == 2
    export(*making.place, ExportChoices("trl", rules=rules, validation_share=0), out=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/provenance.jsonl").read_text().splitlines()]
    assert [(line["raters"], line["decided_by"]) for line in lines] == [(["rule: big over small"], ["rule"])] * 2
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["decided_by"] == {"rule": 2}
    assert "2 rows were decided by a rule" in (tmp_path / "out/README.md").read_text()


def test_a_generator_may_be_named_by_its_name_or_its_model_and_a_run_labels_as_it_goes(store, chat_endpoint):
    making = make_project(store, prompts=2)
    specs = tuple(
        generator_spec({"name": name, "base_url": chat_endpoint.url, "model": f"gpt-{name}"}, "here")
        for name in ("large", "tiny")
    )
    plan = GenerationPlan(specs, pairs=PairPlan(over=Over("large", "gpt-tiny")))
    start_generation(*making.place, plan, idempotency_key="once")
    work(store, once=True)
    assert [label.verdict for label in making.rows(Label)]
    texts = making.texts()
    for label, pair in zip(making.rows(Label), making.rows(Pair), strict=True):
        assert texts[pair.a_id if label.verdict == "a" else pair.b_id].startswith("gpt-large on")
    assert len(making.rows(Label)) == 2


def test_a_name_that_leads_nowhere_is_told_before_anything_is_paid_for(making, chat_endpoint):
    with pytest.raises(InputError, match="is called 'huge'"):
        make_pairs(*making.place, PairPlan(over=Over("huge", "small")))
    spec = generator_spec({"name": "x", "base_url": chat_endpoint.url, "model": "x"}, "here")
    plan = GenerationPlan((spec,), pairs=PairPlan(over=Over("x", "nobody")))
    with pytest.raises(InputError, match="is called 'nobody'"):
        start_generation(*making.place, plan, idempotency_key="once")
    assert chat_endpoint.bodies == []


def test_a_model_is_not_better_than_itself():
    with pytest.raises(InputError, match="are the same"):
        PairPlan(over=Over("big", "big"))
