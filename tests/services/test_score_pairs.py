"""Best of n: pairs of scores, labelled by the judge who gave them, and marked as such."""

import json

import pytest

from labeling.best_of import FromScores, Rejected
from labeling.errors import InputError, NotFoundError
from labeling.preferring import Over
from labeling.services.export import export, usable
from labeling.services.export_choices import ExportChoices
from labeling.services.label_rules import LabelRules
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.score import start_scoring
from labeling.services.worker import work
from labeling.storage.tables import Label, Pair, Rater, RoundPair
from tests.services.making import make_project
from tests.services.scoring import judge, points_by_length

WORST = PairPlan(scores=FromScores("strict", Rejected.WORST))


@pytest.fixture
def making(store, chat_endpoint):
    chat_endpoint.reply = points_by_length
    made = make_project(store, prompts=4)
    made.add_completions(made.prompts[0], ["b", "d" * 3, "f" * 9], source="file")
    made.add_completions(made.prompts[1], ["k" * 5, "l" * 6], source="file")
    made.add_completions(made.prompts[2], ["alone"])
    start_scoring(*made.place, judge(chat_endpoint), idempotency_key="once")
    work(store, once=True)
    made.add_completions(made.prompts[3], ["not scored", "nor this"])
    return made


def test_what_comes_out_is_told_before_and_is_what_is_made(making):
    told = make_pairs(*making.place, WORST, dry_run=True)
    assert making.rows(Pair) == []
    assert make_pairs(*making.place, WORST) == told
    assert (told.pairs, told.labels, told.with_pairs, told.unscored, told.too_few) == (2, 2, 2, 1, 1)
    texts = making.texts()
    said = {}
    for label, pair in zip(making.rows(Label), making.rows(Pair), strict=True):
        chosen, rejected = (pair.a_id, pair.b_id) if label.verdict == "a" else (pair.b_id, pair.a_id)
        said[pair.prompt_id] = (texts[chosen], texts[rejected], label.strength)
    assert said == {making.prompts[0]: ("f" * 9, "b", 3), making.prompts[1]: ("l" * 6, "k" * 5, 1)}
    again = make_pairs(*making.place, WORST)
    assert (again.pairs, again.labels, again.has_pairs) == (0, 0, 2)


def test_the_margin_leaves_close_ones_out(making):
    told = make_pairs(*making.place, PairPlan(scores=FromScores("strict", Rejected.WORST, margin=2)))
    assert (told.pairs, told.close) == (1, 1)


def test_a_pair_that_is_there_is_labelled(making):
    make_pairs(*making.place)
    before = len(making.rows(Pair))
    told = make_pairs(*making.place, WORST)
    assert told.labels == 2
    assert len(making.rows(Pair)) == before + told.pairs
    # the prompt with two completions has its only pair already
    assert told.pairs <= 1


def test_the_labels_are_the_scoring_judges_and_count_as_a_judges(making, tmp_path):
    make_pairs(*making.place, WORST)
    rater = next(row for row in making.rows(Rater) if row.kind == "judge")
    assert {label.rater_id for label in making.rows(Label)} == {rater.id}
    assert usable(*making.place).rows == 2
    assert usable(*making.place, LabelRules(who="people")).rows == 0
    assert len(making.rows(RoundPair)) == 2
    export(*making.place, ExportChoices("trl", validation_share=0), out=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/provenance.jsonl").read_text().splitlines()]
    assert {tuple(line["raters"]) for line in lines} == {("strict, version 1, scoring",)}
    assert {tuple(line["decided_by"]) for line in lines} == {("judge",)}


def test_refusals_are_no_side_of_a_pair(making, chat_endpoint):
    making.add_completions(making.prompts[1], ["I'm sorry, but I can't help with that."])
    start_scoring(*making.place, judge(chat_endpoint), idempotency_key="again")
    work(making.store, once=True)
    told = make_pairs(*making.place, WORST)
    assert told.dropped == {"refusal": 1}
    refusal = [id_ for id_, text in making.texts().items() if text.startswith("I'm sorry")]
    assert not {pair.a_id for pair in making.rows(Pair)} & set(refusal)
    assert not {pair.b_id for pair in making.rows(Pair)} & set(refusal)


def test_an_unknown_scoring_judge_is_told_and_a_rule_beside_it_refused(making):
    with pytest.raises(NotFoundError, match="no scoring judge called 'kind'"):
        make_pairs(*making.place, PairPlan(scores=FromScores("kind")))
    with pytest.raises(InputError, match="not by both"):
        PairPlan(scores=FromScores("strict"), over=Over("a", "b"))
