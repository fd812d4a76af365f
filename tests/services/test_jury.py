import pytest

from labeling.domain import RunState, Verdict
from labeling.errors import EndpointError, InputError, NothingToAskError
from labeling.services import runs
from labeling.services.bench import bench
from labeling.services.gold import set_gold
from labeling.services.judge import start_judging
from labeling.services.jury import estimate_jury, start_jury
from labeling.services.specs import read_judges
from labeling.services.worker import work
from labeling.storage.tables import Judgement, Label, Pair, Rater, Run
from tests.services.judging import judge_by, make_judging, prefers_good, spec, verdict
from tests.services.pricing import prices


def jury_of(endpoint, *names):
    return [spec(endpoint, name=name, model=f"model-{name}") for name in names]


def test_every_judge_of_a_jury_reads_the_same_pairs_and_each_ones_labels_are_kept(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, lambda body: prefers_good(body) if body["model"] != "model-odd" else verdict("tie", 5, 5))
    jury = jury_of(chat_endpoint, "one", "two", "odd")
    found = estimate_jury(*making.place, jury, "unlabelled")
    assert found.requests == 12
    started = start_jury(*making.place, jury, idempotency_key="once")
    work(store, once=True)
    ended = [runs.run_view(*making.place, run.id) for run in started]
    assert [(run.state, run.asked, run.answered) for run in ended] == [(RunState.DONE, 4, 4)] * 3
    assert {tuple(run.spec["jury"]) for run in ended} == {("one", "two", "odd")}
    raters = {row.id: row.name for row in making.rows(Rater)}
    said = sorted((raters[label.rater_id], label.verdict) for label in making.rows(Label))
    assert said == [
        ("odd, version 1", "tie"), ("odd, version 1", "tie"), ("one, version 1", "a"), ("one, version 1", "a"),
        ("two, version 1", "a"), ("two, version 1", "a"),
    ]  # fmt: skip
    assert len(making.rows(Judgement)) == 12


def test_the_same_click_starts_a_jury_once_and_a_second_jury_repeats_nothing(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    jury = jury_of(chat_endpoint, "one", "two")
    first = start_jury(*making.place, jury, "all", idempotency_key="once")
    again = start_jury(*making.place, jury, "all", idempotency_key="once")
    assert [run.id for run in first] == [run.id for run in again]
    work(store, once=True)
    with pytest.raises(NothingToAskError):
        start_jury(*making.place, jury, "all", idempotency_key="twice")
    three = start_jury(*making.place, [*jury, *jury_of(chat_endpoint, "three")], "all", idempotency_key="third")
    assert [run.spec["judge"] for run in three] == ["three, version 1"]


@pytest.fixture
def priced():
    """A cent for a token out at one model of this machine, two at another."""
    with prices(jury_cent=10_000, jury_two_cents=20_000):
        yield


def test_a_jurys_budget_is_shared_out_by_what_each_is_expected_to_cost(sqlite_store, chat_endpoint, priced):
    making = make_judging(sqlite_store)
    judge_by(chat_endpoint, prefers_good)
    jury = [
        spec(chat_endpoint, name="one", model="jury-cent", max_tokens=10),
        spec(chat_endpoint, name="two", model="jury-two-cents", max_tokens=10),
    ]
    found = estimate_jury(*making.place, jury, "all")
    assert found.usd_high == pytest.approx(4 * 10 * 0.03 * 1.4)  # a fifth may be asked again, at twice the price
    started = start_jury(*making.place, jury, "all", idempotency_key="once", budget_usd=6)
    assert [run.budget_usd for run in started] == pytest.approx([2, 4])
    work(sqlite_store, once=True)
    spent = [runs.run_view(*making.place, run.id).spent_usd for run in started]
    assert spent == pytest.approx([0.4, 0.8])


def test_a_repair_is_paid_within_the_budget_and_on_the_bench(sqlite_store, chat_endpoint, priced):
    making = make_judging(sqlite_store)
    for row in making.rows(Pair):
        set_gold(*making.place, row.id, Verdict.A)
    judge_by(chat_endpoint, lambda body: "I like the first.")
    judge = spec(chat_endpoint, model="jury-cent", max_tokens=10)
    run = start_judging(*making.place, judge, "tune", idempotency_key="once", budget_usd=0.35)
    work(sqlite_store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.answered, view.asked) == (RunState.STOPPED, 3, 4)
    assert view.fault is not None
    assert "budget of $0.35 is reached" in view.fault
    runs.resume(*making.place, run.id, budget_usd=1)
    work(sqlite_store, once=True)
    (tried,) = bench(*making.place).tries
    assert (tried.usd, tried.agreement.unreadable) == (pytest.approx(0.4), 1)


def test_versions_of_one_judge_are_no_jury(store, chat_endpoint):
    making = make_judging(store)
    twice = [spec(chat_endpoint), spec(chat_endpoint, rubric="honest")]
    with pytest.raises(InputError, match="versions of one judge never form a majority"):
        start_jury(*making.place, twice, idempotency_key="once")
    alike = [spec(chat_endpoint), spec(chat_endpoint, name="other")]
    with pytest.raises(InputError, match="one and the same"):
        estimate_jury(*making.place, alike, "all")


def test_no_judge_of_a_jury_starts_where_one_of_them_cannot(store, chat_endpoint):
    making = make_judging(store)
    down = spec(chat_endpoint, name="down", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(EndpointError):
        start_jury(*making.place, [*jury_of(chat_endpoint, "one"), down], idempotency_key="once")
    with pytest.raises(InputError, match="price of model-one"):
        start_jury(*making.place, jury_of(chat_endpoint, "one", "two"), idempotency_key="once", budget_usd=1)
    assert making.rows(Run) == []


def test_a_file_holds_one_judge_or_a_table_for_each_of_a_jury():
    table = '{head}\nname = "{name}"\nbase_url = "http://localhost/v1"\nmodel = "m"\nrubric = "honest"\n'
    two = table.format(head="[[judge]]", name="one") + table.format(head="[[judge]]", name="two")
    assert [one.name for one in read_judges(two, "j.toml")] == ["one", "two"]
    assert [one.name for one in read_judges(table.format(head="[judge]", name="one"), "j.toml")] == ["one"]
    with pytest.raises(InputError, match=r"j\.toml, judge 2: name is missing"):
        read_judges(two.replace('name = "two"', ""), "j.toml")
    with pytest.raises(InputError, match=r"no \[judge\] table"):
        read_judges("judge = 3", "j.toml")
