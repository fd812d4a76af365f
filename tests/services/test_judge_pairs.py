import pytest
from sqlalchemy import func, select, update

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.services.gold import set_gold
from labeling.services.judge import estimate_judging, list_judges, start_judging
from labeling.services.judge_pairs import SELECTIONS, choose, count_unsure, left_for, pair_counts
from labeling.services.labels import record
from labeling.services.leaving_out import leave_out
from labeling.storage.tables import Assignment, Import, JudgeResult, Pair
from tests.services.judging import is_good_first, judge_by, make_judging, prefers_good, run_to_the_end, spec, verdict
from tests.services.labelling import act, add_pairs, make_labelling


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


def test_the_counts_are_those_of_the_pairs_chosen_whatever_is_labelled_disputed_left_out_or_still_coming_in(store):
    talk = make_labelling(store, pairs=8, overlap=2)
    place = (store, talk.owner, talk.slug)
    first, second, third, fourth = talk.pairs[:4]
    ann, ben = talk.actor("ann"), talk.actor("ben")
    for actor in (ann, ben):
        talk.next(actor, want=8)

    def agree():
        counts = pair_counts(*place)
        with store.reading() as session:
            for name in SELECTIONS:
                chosen = choose(session, talk.project_id, name)
                assert getattr(counts, name.replace("-", "_")) == len(chosen), name
                assert left_for(session, talk.project_id, name, None, 99, 9) == (len(chosen), chosen)
        return counts.all, counts.unlabelled, counts.disputed

    assert agree() == (8, 8, 0)
    by_ann = {id_: act(id_) for id_ in (first, second, third)}
    record(store, ann, talk.slug, list(by_ann.values()))
    assert agree() == (8, 5, 0)
    shown = {(row.rater_id, row.pair_id): row.left_side for row in talk.rows(Assignment)}
    raters = sorted({rater for rater, _ in shown})
    for id_ in (first, second):  # the other side than ann's, as stored
        same = shown[raters[0], id_] == shown[raters[1], id_]
        record(store, ben, talk.slug, [act(id_, verdict="right" if same else "left")])
    assert agree() == (8, 5, 2)
    set_gold(*place, first, Verdict.A)
    set_gold(*place, fourth, Verdict.B)
    leave_out(*place, first)
    leave_out(*place, fourth)
    assert agree() == (6, 4, 1)
    record(store, ann, talk.slug, [act(third, "undo", after=by_ann[third]["event_id"])])
    assert agree() == (6, 5, 1)
    leave_out(*place, first, out=False)
    assert agree() == (7, 5, 2)
    with store.writing() as session:
        session.add(
            Import(
                project_id=talk.project_id, kind="pairs", format="f", file_name="f", created_by=talk.owner.account_id
            )
        )
    talk.run(
        update(Pair).where(Pair.id == talk.pairs[-1]).values(import_id=select(func.max(Import.id)).scalar_subquery())
    )
    assert agree() == (6, 4, 2)


def test_a_part_of_many_pairs_comes_from_all_over_them(store):
    talk = make_labelling(store, pairs=200)
    other = make_labelling(store, pairs=300, name="Other")
    late = add_pairs(store, talk.project_id, 10)
    with store.reading() as session:
        everything = choose(session, talk.project_id, "all")
        count, part = left_for(session, talk.project_id, "all", None, 100, 50)
        assert (count, set(part) <= set(everything), set(part) & set(other.pairs)) == (210, True, set())
        assert 15 <= len(part) <= 50
        assert part[0] == everything[0]
        assert set(part) & set(late)
        count, part = left_for(session, talk.project_id, "sample:120", None, 100, 50)
        assert (count, len(part)) == (120, 50)
