import pytest

from labeling.domain import Role, RunState
from labeling.errors import EndpointError, ForbiddenError, InputError, NotFoundError
from labeling.judging.rubrics import RUBRICS
from labeling.services import runs
from labeling.services.generate import save_generators
from labeling.services.harvest import HARVESTERS
from labeling.services.judge import (
    estimate_judging,
    judge_named,
    list_judges,
    orders_of,
    own_family,
    preview_prompt,
    save_judge,
    start_judging,
)
from labeling.services.pairing import make_pairs
from labeling.services.specs import generator_spec
from labeling.services.verdicts import outcome_counts, verdicts
from labeling.services.worker import work
from labeling.stats.shares import wilson
from labeling.storage.tables import Judgement, JudgeResult, Label, LabelJudgement, Pair, PromptText, Rater, RoundPair
from tests.fixtures.endpoint import error
from tests.services.judging import judge_by, make_judging, prefers_good, run_to_the_end, spec, verdict
from tests.services.making import make_project


def test_a_judge_that_stands_by_its_verdict_labels_the_pairs(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, spec(chat_endpoint))
    assert (run.state, run.asked, run.answered) == (RunState.DONE, 4, 4)
    labels = making.rows(Label)
    texts = making.texts()
    better = [
        pair.a_id if label.verdict == "a" else pair.b_id for pair, label in zip(making.rows(Pair), labels, strict=True)
    ]
    assert [texts[one] for one in better] == ["a good reply"] * 2
    assert [label.strength for label in labels] == [2, 2]
    assert [label.seq for label in labels] == [1, 2]
    assert all(label.round_id is None and label.event_id for label in labels)
    (judge,) = list_judges(*making.place)
    assert {label.rater_id for label in labels} == {judge.rater_id}
    assert (judge.title, judge.pairs) == ("strict, version 1", 2)


def test_where_there_is_nothing_to_judge_it_is_told_in_plain_words(store, chat_endpoint):
    making = make_project(store, prompts=1)
    for pairs, told in (
        ("all", "There are no pairs to judge."),
        ("gold", "no gold pairs to judge"),
    ):
        with pytest.raises(InputError, match=told):
            start_judging(*making.place, spec(chat_endpoint), pairs, idempotency_key="once")


def test_a_label_names_the_judgements_it_rests_on(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run_to_the_end(making, spec(chat_endpoint))
    by_label = {}
    for link in making.rows(LabelJudgement):
        by_label.setdefault(link.label_id, set()).add(link.judgement_id)
    judgements = {row.id: row for row in making.rows(Judgement)}
    for label in making.rows(Label):
        assert sorted(judgements[one].pair_order for one in by_label[label.id]) == ["ab", "ba"]
        assert {judgements[one].pair_id for one in by_label[label.id]} == {label.pair_id}


def test_a_verdict_that_turns_with_the_order_is_undecided_and_comes_first_in_the_queue(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, lambda body: prefers_good(body) if "question 0" in str(body) else verdict("first_much"))
    run_to_the_end(making, spec(chat_endpoint))
    decided, undecided = making.rows(JudgeResult)
    assert (decided.state, undecided.state) == ("decided", "undecided")
    assert undecided.reason == "the verdict turns with the order"
    assert [label.pair_id for label in making.rows(Label)] == [decided.pair_id]
    queue = sorted(making.rows(RoundPair), key=lambda row: row.position)
    assert [row.pair_id for row in queue] == [undecided.pair_id, decided.pair_id]


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (verdict("first_much", 2, 9), "undecided", "the verdict contradicts its own scores"),
        (verdict("tie", 6, 6), "decided", None),
        ("I prefer A.", "unreadable", None),
        (verdict("both_bad", 1, 1), "unreadable", None),
    ],
)
def test_contradictions_ties_and_unreadable_replies_are_kept_apart(store, chat_endpoint, reply, state, reason):
    making = make_judging(store, pairs=1)
    judge_by(chat_endpoint, lambda body: reply)
    run_to_the_end(making, spec(chat_endpoint))
    (result,) = making.rows(JudgeResult)
    assert (result.state, result.reason) == (state, reason)
    assert [label.verdict for label in making.rows(Label)] == (["tie"] if state == "decided" else [])


def test_a_judge_asked_again_repeats_nothing(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run_to_the_end(making, spec(chat_endpoint))
    sent = len(chat_endpoint.bodies)
    with pytest.raises(InputError, match="unlabelled"):
        start_judging(*making.place, spec(chat_endpoint), idempotency_key="twice")
    assert estimate_judging(*making.place, spec(chat_endpoint), "all").requests == 0
    assert (len(chat_endpoint.bodies), len(making.rows(Label))) == (sent, 2)


def test_harvesting_again_changes_nothing(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, spec(chat_endpoint))
    before = making.rows(Judgement), making.rows(Label)
    with store.writing() as session:
        assert HARVESTERS["judge"](session, run.id, 200) == 0
    assert (making.rows(Judgement), making.rows(Label)) == before


def test_a_pair_with_a_failed_request_has_no_result_until_it_is_retried(store, chat_endpoint):
    making = make_judging(store, pairs=1)
    judge_by(
        chat_endpoint,
        lambda body: (
            (400, error("no")) if "good" in body["messages"][-1]["content"].split("a bad")[0] else prefers_good(body)
        ),
    )
    run = run_to_the_end(making, spec(chat_endpoint))
    assert run.failed == {"bad_request": 1}
    assert making.rows(JudgeResult) == []
    judge_by(chat_endpoint, prefers_good)
    runs.retry_failed(*making.place, run.id)
    work(store, once=True)
    assert [row.state for row in making.rows(JudgeResult)] == ["decided"]


def is_repair(body):
    return "could not be read" in str(body["messages"][-1]["content"])


def test_a_reply_that_cannot_be_read_is_asked_for_again_once_and_read_then(store, chat_endpoint):
    making = make_judging(store)

    def reply(body):
        if is_repair(body):
            return prefers_good({"messages": body["messages"][:2]})
        return "The good one, plainly." if "question 0" in str(body) else prefers_good(body)

    judge_by(chat_endpoint, reply)
    run = run_to_the_end(making, spec(chat_endpoint))
    assert (run.state, run.asked, run.answered, run.failed, run.waiting) == (RunState.DONE, 6, 6, {}, 0)
    assert [row.state for row in making.rows(JudgeResult)] == ["decided"] * 2
    assert len(making.rows(Judgement)) == 4
    repairs = [body for body in chat_endpoint.bodies if is_repair(body)]
    assert [len(body["messages"]) for body in repairs] == [4, 4]
    assert {body["messages"][2]["content"] for body in repairs} == {"The good one, plainly."}
    assert all("response_format" in body for body in repairs)
    counts = outcome_counts(*making.place, run.spec["judge_id"])
    assert (counts.decided, counts.repairs) == (2, 2)
    assert run.completion_tokens == 60  # what the repairs took is paid for by the run


def test_a_reply_that_cannot_be_read_twice_is_unreadable_and_not_asked_a_third_time(store, chat_endpoint):
    making = make_judging(store, pairs=1)
    judge_by(chat_endpoint, lambda body: "I prefer A.")
    run = run_to_the_end(making, spec(chat_endpoint))
    assert (run.asked, run.answered) == (4, 4)
    assert [row.state for row in making.rows(JudgeResult)] == ["unreadable"]
    assert [row.state for row in making.rows(Judgement)] == ["unreadable"] * 2
    sent = len(chat_endpoint.bodies)
    assert estimate_judging(*making.place, spec(chat_endpoint), "all").requests == 0
    with store.writing() as session:
        assert HARVESTERS["judge"](session, run.id, 200) == 0
    assert len(chat_endpoint.bodies) == sent


def test_the_estimates_upper_end_holds_the_repairs_that_the_model_needed_so_far(store, chat_endpoint):
    making = make_judging(store, pairs=12)
    judge_by(chat_endpoint, prefers_good)
    judge = spec(chat_endpoint, max_tokens=100)
    first = estimate_judging(*making.place, judge, "all")
    assert (first.requests, first.completion_tokens_low, first.completion_tokens_high) == (24, 24 * 50, 24 * 120)
    assert "second call for 20%" in first.basis
    run_to_the_end(making, judge)
    after = estimate_judging(*making.place, spec(chat_endpoint, rubric="honest", max_tokens=100), "all")
    assert after.completion_tokens_high == round(24 * 13 * (1 + wilson(0, 24)[1]))


def test_a_new_rubric_is_a_new_version_and_a_new_rater(store, chat_endpoint):
    making = make_judging(store)
    first = save_judge(*making.place, spec(chat_endpoint))
    assert save_judge(*making.place, spec(chat_endpoint, key_env="MY_KEY")).id == first.id
    second = save_judge(*making.place, spec(chat_endpoint, rubric="honest"))
    other = save_judge(*making.place, spec(chat_endpoint, name="kind", rubric="concise"))
    assert (first.version, second.version, other.version) == (1, 2, 1)
    assert len({first.rater_id, second.rater_id, other.rater_id}) == 3
    assert [row.name for row in making.rows(Rater)] == ["strict, version 1", "strict, version 2", "kind, version 1"]


@pytest.mark.parametrize(
    ("refuses", "kept"),
    [
        (lambda form: False, "json_schema"),
        (lambda form: form == "json_schema", "json_object"),
        (bool, None),
    ],
)
def test_structured_output_falls_back_to_what_the_endpoint_takes_and_remembers_it(store, chat_endpoint, refuses, kept):
    making = make_judging(store)

    def reply(body):
        form = body.get("response_format", {}).get("type")
        if refuses(form):
            return 400, error(
                f"Invalid parameter: 'response_format' of type '{form}' is not supported", "response_format"
            )
        return verdict("tie", 5, 5) if "a good" not in body["messages"][-1]["content"] else prefers_good(body)

    chat_endpoint.reply = reply
    run = run_to_the_end(making, spec(chat_endpoint))
    assert (run.state, run.answered) == (RunState.DONE, 4)
    assert {body.get("response_format", {}).get("type") for body in chat_endpoint.bodies[-4:]} == {kept}
    probes = len(chat_endpoint.bodies) - 4
    run_to_the_end(making, spec(chat_endpoint, rubric="honest"), "all", key="twice")
    assert len(chat_endpoint.bodies) == probes + 8


def test_an_endpoint_that_is_down_is_told_before_a_run_is_made(store, chat_endpoint):
    making = make_judging(store)
    with pytest.raises(EndpointError, match=r"judge-1 at http://127\.0\.0\.1:9"):
        start_judging(*making.place, spec(chat_endpoint, base_url="http://127.0.0.1:9/v1"), idempotency_key="once")
    assert list_judges(*making.place) == []


def test_the_judge_sees_neither_names_nor_labels_nor_differing_system_prompts(store, chat_endpoint):
    making = make_judging(store, pairs=1)
    (_, user) = preview_prompt(*making.place, spec(chat_endpoint))
    assert "question 0" in user["content"]
    assert "a good reply" in user["content"]
    assert "file" not in user["content"]
    assert "system prompt" not in user["content"]


def test_the_preview_works_before_there_is_a_pair(store, chat_endpoint):
    making = make_project(store)
    system, user = preview_prompt(*making.place, spec(chat_endpoint))
    assert RUBRICS["helpful"].text in system["content"]
    assert "(the prompt)" in user["content"]


def test_a_judge_reads_the_reference_answer_where_the_prompt_has_one(store, chat_endpoint):
    making = make_judging(store, pairs=2)
    with store.writing() as session:
        prompt = session.get_one(Pair, making.rows(Pair)[1].id).prompt_id
        # A prompt's text is immutable; one that came with a reference is made anew.
        session.delete(session.get_one(PromptText, prompt))
        session.flush()
        session.add(
            PromptText(prompt_id=prompt, messages='[{"content":"question 1","role":"user"}]', reference="forty-two")
        )
    judge_by(chat_endpoint, prefers_good)
    run_to_the_end(making, spec(chat_endpoint))
    asked = [body["messages"][-1]["content"] for body in chat_endpoint.bodies]
    assert sum("forty-two" in text for text in asked) == 2
    assert all("question 1" in text for text in asked if "forty-two" in text)
    (_, user) = preview_prompt(*making.place, spec(chat_endpoint, uses_reference=False), "sample:2")
    assert "forty-two" not in user["content"]
    assert spec(chat_endpoint).digest("") != spec(chat_endpoint, uses_reference=False).digest("")


def test_a_random_order_is_the_same_for_a_pair_for_ever_and_both_occur():
    orders = [orders_of("random", "digest", pair) for pair in range(40)]
    assert orders == [orders_of("random", "digest", pair) for pair in range(40)]
    assert set(orders) == {("ab",), ("ba",)}
    assert orders_of("both", "digest", 1) == ("ab", "ba")


def test_one_order_is_enough_for_a_judge_of_random_order(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, spec(chat_endpoint, orders="random"))
    assert (run.asked, len(making.rows(Label))) == (2, 2)


def test_a_judge_is_found_by_its_name_or_by_its_title(store, chat_endpoint):
    making = make_judging(store)
    first = save_judge(*making.place, spec(chat_endpoint))
    second = save_judge(*making.place, spec(chat_endpoint, rubric="honest"))
    assert judge_named(*making.place, "strict").id == second.id
    assert judge_named(*making.place, "strict, version 1").id == first.id
    with pytest.raises(NotFoundError, match="Judges of this project: strict"):
        judge_named(*making.place, "kind")


def test_a_judge_of_a_generators_family_is_warned_of(store, chat_endpoint):
    making = make_judging(store)
    table = {"base_url": chat_endpoint.url}
    save_generators(
        *making.place,
        [
            generator_spec(table | {"name": "concise", "model": "gpt-6-luna"}, "here"),
            generator_spec(table | {"name": "plain", "model": "qwen3"}, "here"),
        ],
    )
    assert own_family(*making.place, "gpt-6-sol") == ["concise"]
    assert own_family(*making.place, "claude-opus-5") == []


def test_a_judge_of_the_family_of_imported_completions_is_warned_of(store):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["a good reply"], source="claude-opus-5")
    making.add_completions(making.prompts[0], ["a bad reply"], source="answers.jsonl")
    make_pairs(*making.place)
    assert own_family(*making.place, "claude-sonnet-6") == ["claude-opus-5"]
    assert own_family(*making.place, "gpt-6-sol") == []


def test_annotators_neither_start_judges_nor_read_their_verdicts(store, chat_endpoint):
    making = make_judging(store)
    place = (store, making.member("ana", Role.ANNOTATOR), making.slug)
    for act in (
        lambda: save_judge(*place, spec(chat_endpoint)),
        lambda: list_judges(*place),
        lambda: start_judging(*place, spec(chat_endpoint), idempotency_key="x"),
        lambda: estimate_judging(*place, spec(chat_endpoint), "all"),
        lambda: preview_prompt(*place, spec(chat_endpoint)),
        lambda: verdicts(*place, 1),
    ):
        with pytest.raises(ForbiddenError):
            act()
