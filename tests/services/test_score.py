"""A judge scores each completion alone: asked once for each, stored, repaired, estimated."""

import json

import pytest
from sqlalchemy import delete, insert

from labeling.domain import JudgeSpec, Role, RunState
from labeling.errors import ForbiddenError, InputError, NotFoundError, NothingToAskError
from labeling.judging.reading import read_score
from labeling.judging.scoring import score_format
from labeling.sandbox.chat import complete
from labeling.services import runs
from labeling.services.judge import list_judges, save_judge
from labeling.services.scaling import LARGE
from labeling.services.score import (
    estimate_scoring,
    list_scorers,
    preview_scoring,
    scorable_counts,
    score_table,
    scorer_named,
    spread,
    start_scoring,
)
from labeling.services.worker import work
from labeling.storage.tables import Completion, CompletionText, Judge, Rater, RunRequest, Score
from tests.services.making import make_project
from tests.services.scoring import judge, points_by_length


@pytest.fixture
def making(store, chat_endpoint):
    chat_endpoint.reply = points_by_length
    made = make_project(store, prompts=3)
    made.add_completions(made.prompts[0], ["a", "bbb", "ccccc"])
    made.add_completions(made.prompts[1], ["dddd", "ee"])
    made.add_completions(made.prompts[2], ["alone"])
    return made


def run_to_the_end(making, spec, key="once", **options):
    run = start_scoring(*making.place, spec, idempotency_key=key, **options)
    work(making.store, once=True)
    return runs.run_view(*making.place, run.id)


def test_every_reply_of_a_prompt_with_two_is_scored_once(making, chat_endpoint):
    found = estimate_scoring(*making.place, judge(chat_endpoint))
    assert found.requests == 5
    run = run_to_the_end(making, judge(chat_endpoint))
    assert (run.purpose, run.state, run.asked, run.answered) == ("score", RunState.DONE, 5, 5)
    texts = making.texts()
    assert {texts[row.completion_id]: row.points for row in making.rows(Score)} == {
        "a": 1, "bbb": 3, "ccccc": 5, "dddd": 4, "ee": 2,
    }  # fmt: skip
    (view,) = list_scorers(*making.place)
    assert (view.title, view.scored, view.unreadable) == ("strict, version 1, scoring", 5, 0)
    with pytest.raises(NothingToAskError):
        start_scoring(*making.place, judge(chat_endpoint), idempotency_key="again")
    # the first call found out which format the endpoint takes
    assert len(chat_endpoint.bodies) == 6


def test_samples_are_requests_of_their_own_and_their_mean_counts(making, chat_endpoint):
    told = iter(range(1, 100))
    chat_endpoint.reply = lambda body: json.dumps({"reasoning": "", "score": next(told) % 2 + 4})
    run = run_to_the_end(making, judge(chat_endpoint, samples=2), limit=1)
    assert (run.asked, len(making.rows(Score))) == (6, 6)
    assert estimate_scoring(*making.place, judge(chat_endpoint, samples=2)).requests == 4
    assert sum(spread(*making.place, list_scorers(*making.place)[0].id).values()) == 3


def test_a_reply_that_cannot_be_read_is_asked_for_again_once_then_it_is_unreadable(making, chat_endpoint):
    def reply(body):
        return points_by_length(body) if "bbb" in body["messages"][1]["content"] else "I like it."

    chat_endpoint.reply = reply
    run = run_to_the_end(making, judge(chat_endpoint), limit=1)
    assert (run.asked, run.answered) == (5, 5)
    assert sum(row.is_repair for row in making.rows(RunRequest)) == 2
    assert sorted(row.state for row in making.rows(Score)) == ["read", "unreadable", "unreadable"]
    (view,) = list_scorers(*making.place)
    assert (view.scored, view.unreadable) == (1, 2)
    assert [one.points for one in score_table(*making.place, view.id)].count(None) == 2


def test_a_scoring_judge_is_another_one_than_the_comparing_one_of_its_name(making, chat_endpoint):
    save_judge(*making.place, judge(chat_endpoint))
    run_to_the_end(making, judge(chat_endpoint))
    assert [view.title for view in list_judges(*making.place)] == ["strict, version 1"]
    assert [view.title for view in list_scorers(*making.place)] == ["strict, version 2, scoring"]
    assert [row.orders for row in making.rows(Judge)] == ["both", "alone"]
    assert [row.name for row in making.rows(Rater) if row.kind == "judge"][-1] == "strict, version 2, scoring"
    assert scorer_named(*making.place, "strict").version == 2
    with pytest.raises(NotFoundError, match="Scoring judges of this project: strict"):
        scorer_named(*making.place, "kind")


def test_the_sandbox_scores_too(store):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["one", "question 0: here is an answer to the question in some detail"])
    spec = JudgeSpec("s", "sandbox", "sandbox-large", "Be kind.")
    body = {"model": spec.model, "messages": preview_scoring(*making.place, spec)}
    for more in ({}, {"response_format": score_format()}):
        said = complete({**body, **more})["choices"][0]["message"]["content"]
        assert read_score(said).points is not None


def test_without_two_completions_there_is_nothing_to_score(store, chat_endpoint):
    making = make_project(store, prompts=1)
    with pytest.raises(InputError, match="No prompt has two completions"):
        start_scoring(*making.place, judge(chat_endpoint), idempotency_key="once")
    assert chat_endpoint.bodies == []


def test_the_same_key_is_the_same_run_and_only_managers_start_one(making, chat_endpoint):
    first = start_scoring(*making.place, judge(chat_endpoint), idempotency_key="once")
    assert start_scoring(*making.place, judge(chat_endpoint), idempotency_key="once").id == first.id
    with pytest.raises(ForbiddenError):
        start_scoring(
            making.store, making.member("ana", Role.ANNOTATOR), making.slug, judge(chat_endpoint), idempotency_key="x"
        )


def test_a_common_system_prompt_is_shown_and_differing_ones_are_not(store, chat_endpoint):
    from labeling.services.generate import GenerationPlan, start_generation
    from labeling.services.specs import generator_spec

    making = make_project(store, prompts=1)

    def generate(key, *prompts):
        specs = [
            generator_spec(
                {"name": f"{key}{n}", "base_url": chat_endpoint.url, "model": f"m{key}{n}", "system_prompt": text},
                "here",
            )
            for n, text in enumerate(prompts)
        ]
        start_generation(*making.place, GenerationPlan(tuple(specs)), idempotency_key=key)
        work(store, once=True)

    generate("same", "Be brief.", "Be brief.")
    assert "Be brief." in preview_scoring(*making.place, judge(chat_endpoint))[1]["content"]
    generate("other", "Be long.")
    assert "Be brief." not in preview_scoring(*making.place, judge(chat_endpoint))[1]["content"]


def test_what_can_be_scored_is_counted_anew_when_replies_come_or_go(store):
    making = make_project(store, prompts=2)
    assert scorable_counts(*making.place) == (0, 0)
    making.add_completions(making.prompts[0], ["one", "two", "three"])
    (last,) = making.add_completions(making.prompts[1], ["one"])
    assert scorable_counts(*making.place) == (1, 3)
    making.add_completions(making.prompts[1], ["other"], source="late")
    assert scorable_counts(*making.place) == (2, 5)
    with store.writing() as session:
        session.execute(delete(CompletionText).where(CompletionText.completion_id == last))
        session.execute(delete(Completion).where(Completion.id == last))
    assert scorable_counts(*making.place) == (1, 3)


def test_scoring_many_replies_is_estimated_from_a_part_and_counted_exactly(sqlite_store):
    making = make_project(sqlite_store, prompts=LARGE + 1)
    with sqlite_store.writing() as session:
        for source in ("one", "two"):
            told = {"kind": "imported", "source": source, "text_digest": source, "characters": 3}
            rows = [{"prompt_id": prompt, **told} for prompt in making.prompts]
            ids = session.scalars(insert(Completion).returning(Completion.id), rows)
            session.execute(insert(CompletionText), [{"completion_id": id_, "text": source} for id_ in ids])
    spec = JudgeSpec(name="s", base_url="http://127.0.0.1:9/v1", model="m", rubric="Be kind.", samples=3)
    found = estimate_scoring(*making.place, spec)
    assert found.requests == 6 * (LARGE + 1)
    assert "replies and scaled up" in found.basis
