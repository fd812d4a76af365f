import pytest

from labeling.errors import InputError
from labeling.services.judge import estimate_judging, list_judges, start_judging
from labeling.services.judge_pairs import choose, count_unsure, pair_counts
from labeling.storage.tables import JudgeResult, Pair
from tests.services.judging import is_good_first, judge_by, make_judging, prefers_good, run_to_the_end, spec, verdict


def test_pairs_are_chosen_by_what_is_known_of_them(store, chat_endpoint):
    making = make_judging(store, pairs=3)
    with store.writing() as session:
        first = session.get_one(Pair, making.rows(Pair)[0].id)
        first.gold_verdict = "a"
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, spec(chat_endpoint), "gold")
    assert run.asked == 2
    counts = pair_counts(*making.place)
    assert (counts.unlabelled, counts.disputed, counts.gold, counts.all) == (2, 0, 1, 3)
    assert estimate_judging(*making.place, spec(chat_endpoint, rubric="honest"), "sample:2").requests == 4
    for choice in ("sample:0", "sample:x", "everything"):
        with pytest.raises(InputError, match="no choice of pairs"):
            start_judging(*making.place, spec(chat_endpoint), choice, idempotency_key="other")


def test_a_sample_is_the_same_for_its_seed_and_hardly_changes_when_pairs_are_added(store):
    making = make_judging(store, pairs=30)
    with store.reading() as session:
        first = choose(session, making.project_id, "sample:10")
        assert choose(session, making.project_id, "sample:10:0") == first
        assert choose(session, making.project_id, "sample:10:1") != first
        assert set(choose(session, making.project_id, "sample:5")) < set(first)
        assert len(choose(session, making.project_id, "sample:99")) == 30


def test_a_strong_judge_reads_what_a_cheap_one_was_unsure_of(store, chat_endpoint):
    making = make_judging(store, pairs=4)

    def cheap(body):
        text = str(body)
        if "question 0" in text:
            return prefers_good(body)  # much and slightly: clearly
        if "question 1" in text:
            return verdict("first_slightly", 6, 6) if is_good_first(body) else verdict("second_slightly", 6, 6)
        return verdict("first_much") if "question 2" in text else "no"

    judge_by(chat_endpoint, cheap)
    run_to_the_end(making, spec(chat_endpoint, name="cheap", model="small"), "all")
    _, slight, turned, unreadable = (row.id for row in making.rows(Pair))
    (view,) = list_judges(*making.place)
    assert count_unsure(*making.place, view.rater_id) == 3
    strong = spec(chat_endpoint, name="strong", model="large")
    for name in ("cheap", "cheap, version 1"):
        assert estimate_judging(*making.place, strong, f"unsure:{name}").requests == 6
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, strong, "unsure:cheap", key="second")
    results = [row.pair_id for row in making.rows(JudgeResult) if row.run_id == run.id]
    assert sorted(results) == [slight, turned, unreadable]
    with pytest.raises(InputError, match=r"no judge called 'kind'. Judges of this project: strong, cheap"):
        start_judging(*making.place, strong, "unsure:kind", idempotency_key="third")
