import json

import pytest

from labeling.domain import GeneratorSpec, RunMode, RunState
from labeling.errors import InputError, NotFoundError
from labeling.services import parts as parts_service
from labeling.services import runs
from labeling.services.ingest import ingest_path
from labeling.services.parts import list_parts, part_blocks, write_files
from labeling.services.worker import work
from labeling.storage.tables import Answer, Attempt, Completion, Request
from tests.services.batch_files import lines_of, result_of, run_files, write
from tests.services.engine import adds_up, planned, start
from tests.services.making import make_project
from tests.services.pricing import prices

SPEC = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/sandbox/v1", model="sandbox-large", parameters={"seed": 3})


def started(making, specs=(SPEC,), **options):
    return start(making, list(specs), mode=RunMode.FILE, **options)


def view_of(making, run):
    return runs.run_view(*making.place, run.id)


def test_a_file_run_is_written_run_elsewhere_and_taken_back_in_any_order(store, tmp_path):
    making = make_project(store, prompts=5)
    run = started(making, samples=2)
    assert (run.state, run.mode, run.waiting, run.in_flight) == (RunState.RUNNING, "file", 10, 10)
    (path,) = write_files(*making.place, run.id, tmp_path / "out")
    lines = lines_of([path])
    assert {line["url"] for line in lines} == {"/v1/chat/completions"}
    assert {line["method"] for line in lines} == {"POST"}
    assert len({line["custom_id"] for line in lines}) == 10
    assert all(len(line["custom_id"]) <= 64 for line in lines), "the longest that every provider takes"
    assert lines[0]["body"]["model"] == "sandbox-large"
    view = ingest_path(*making.place, run_files([path], tmp_path / "results.jsonl"))
    assert (view.lines, view.answered, view.refused, view.runs) == (10, 10, 0, [run.id])
    done = view_of(making, run)
    assert (done.state, done.answered, done.harvested) == (RunState.DONE, 10, 10)
    assert len(making.rows(Completion)) == 10
    assert {row.is_sandbox for row in making.rows(Answer)} == {True}
    assert [part.state for part in list_parts(*making.place, run.id)] == ["done"]


def test_a_live_worker_leaves_requests_alone_that_are_in_a_file(sqlite_store):
    making = make_project(sqlite_store, prompts=3)
    run = started(making)
    work(making.store, once=True)
    assert (view_of(making, run).state, view_of(making, run).waiting) == (RunState.RUNNING, 3)
    assert making.rows(Attempt) == []


def test_the_same_file_a_second_time_changes_nothing(store, tmp_path):
    making = make_project(store, prompts=3)
    run = started(making, [SPEC, GeneratorSpec(name="odd", base_url=SPEC.base_url, model="sandbox-huge")])
    paths = write_files(*making.place, run.id, tmp_path)
    assert len(paths) == 2, "a provider takes one model in a file"
    results = run_files(paths, tmp_path / "results.jsonl")
    first = ingest_path(*making.place, results)
    assert (first.answered, first.failed) == (3, {"not_found": 3})
    runs.retry_failed(*making.place, run.id)
    before = (making.rows(Answer), making.rows(Attempt), making.rows(Request), making.rows(Completion))
    again = ingest_path(*making.place, results)
    assert again.taken_before
    assert (making.rows(Answer), making.rows(Attempt), making.rows(Request), making.rows(Completion)) == before
    assert view_of(making, run).waiting == 3, "what is tried again does not fail by an old line"


def test_error_lines_fail_with_their_reason_and_only_those_are_written_again(store, tmp_path):
    making = make_project(store, prompts=4)
    run = started(making)
    (path,) = write_files(*making.place, run.id, tmp_path)
    lines = lines_of([path])
    results = [
        result_of(lines[0]),
        {"custom_id": lines[1]["custom_id"], "response": None, "error": {"code": "server_error", "message": "Oh."}},
        {"custom_id": lines[2]["custom_id"], "response": {"status_code": 400, "body": {"error": {"message": "maximum context length"}}}},
        {"custom_id": lines[3]["custom_id"], "response": None, "error": {"code": "batch_expired", "message": "Late."}},
    ]  # fmt: skip
    view = ingest_path(*making.place, write(tmp_path / "results.jsonl", results))
    assert (view.answered, view.failed, view.undone) == (1, {"server_error": 1, "too_large": 1}, 1)
    shown = view_of(making, run)
    assert adds_up(shown)
    assert (shown.state, shown.answered, shown.failed, shown.waiting) == (
        RunState.RUNNING, 1, {"server_error": 1, "too_large": 1}, 1,
    )  # fmt: skip
    told = {one.reason: one.message for one in runs.failures(*making.place, run.id)}
    assert told["server_error"] == "sandbox-large at http://127.0.0.1:9 answered 500: Oh."
    runs.retry_failed(*making.place, run.id)
    again = write_files(*making.place, run.id, tmp_path / "again")
    assert {line["custom_id"] for line in lines_of(again)} == {line["custom_id"] for line in lines[1:]}
    ingest_path(*making.place, run_files(again, tmp_path / "rest.jsonl"))
    assert (view_of(making, run).state, view_of(making, run).answered) == (RunState.DONE, 4)


def test_foreign_doubled_and_malformed_lines_are_refused_with_line_and_reason(store, tmp_path):
    making = make_project(store, prompts=3)
    other = make_project(store, prompts=1, name="Other")
    run = started(making)
    theirs = start(other, [SPEC.__class__(name="x", base_url=SPEC.base_url, model="sandbox-small")], mode=RunMode.FILE)
    lines = lines_of(write_files(*making.place, run.id, tmp_path))
    (foreign,) = lines_of(write_files(*other.place, theirs.id, tmp_path))
    good = result_of(lines[0])
    file = write(
        tmp_path / "results.jsonl",
        [good, "{cut", "[]", '{"id": 1}', {**good, "custom_id": "request-1"}, result_of(foreign), good, "",
         {"custom_id": lines[1]["custom_id"]}, result_of(lines[2])],
    )  # fmt: skip
    view = ingest_path(*making.place, file)
    assert [(one.line, one.reason) for one in view.refusals if one.line != 6] == [
        (2, "it is not JSON, or cut off"),
        (3, "it is no JSON object"),
        (4, 'it has no "custom_id"'),
        (5, "its custom_id is none of Tiebreak's"),
        (7, "it has the custom_id of line 1"),
        (9, 'it has neither "response" nor "error"'),
    ]
    assert [one.reason for one in view.refusals if one.line == 6] == ["no run of this project asked for it"]
    assert (view.lines, view.answered, view.refused) == (9, 2, 7)
    assert view_of(making, run).answered == 2
    assert view_of(other, theirs).answered == 0


def test_a_reply_without_text_a_cut_one_and_a_hostile_one_are_what_they_are(store, tmp_path):
    making = make_project(store, prompts=4)
    run = started(making)
    lines = lines_of(write_files(*making.place, run.id, tmp_path))
    results = [result_of(line) for line in lines]
    bodies = [one["response"]["body"] for one in results]
    bodies[0]["choices"][0]["message"]["content"] = ""
    bodies[1]["choices"][0]["finish_reason"] = "length"
    bodies[2]["choices"] = "none"
    bodies[3]["choices"][0]["message"]["content"] = "a\0b\u2028c"
    view = ingest_path(*making.place, write(tmp_path / "results.jsonl", results))
    assert (view.answered, view.failed) == (1, {"empty": 1, "cut": 1, "not_json": 1})
    assert [row.text for row in making.rows(Answer)] == ["a\ufffdb\u2028c"]
    assert adds_up(view_of(making, run))


def test_parts_are_split_by_lines_and_by_bytes(store, tmp_path, monkeypatch):
    making = make_project(store, prompts=7)
    monkeypatch.setattr(parts_service, "MOST_LINES", 3)
    run = started(making)
    paths = write_files(*making.place, run.id, tmp_path)
    assert [len(lines_of([path])) for path in paths] == [3, 3, 1]
    assert [path.name for path in paths] == [f"talk-run-{run.id}-part-{part:05}.jsonl" for part in (1, 2, 3)]
    assert [part.bytes for part in list_parts(*making.place, run.id)] == [path.stat().st_size for path in paths]
    monkeypatch.setattr(parts_service, "MOST_LINES", 50_000)
    monkeypatch.setattr(parts_service, "MOST_BYTES", 2 * paths[0].stat().st_size // 3)
    again = started(making, [GeneratorSpec(name="h", base_url=SPEC.base_url, model="sandbox-large")], key="again")
    sizes = [path.stat().st_size for path in write_files(*making.place, again.id, tmp_path)]
    assert len(sizes) > 2
    assert max(sizes) <= 2 * paths[0].stat().st_size // 3


def test_a_download_is_the_file_that_the_command_writes(sqlite_store, tmp_path):
    making = make_project(sqlite_store, prompts=3)
    run = started(making)
    (path,) = write_files(*making.place, run.id, tmp_path)
    assert b"".join(part_blocks(*making.place, run.id, path.name)) == path.read_bytes()
    with pytest.raises(NotFoundError, match="no open file"):
        part_blocks(*making.place, run.id, "part-00009.jsonl")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_files(*making.place, run.id, blocked)


def test_a_cancelled_file_run_frees_its_requests_and_still_takes_results(sqlite_store, tmp_path):
    making = make_project(sqlite_store, prompts=3)
    run = started(making)
    paths = write_files(*making.place, run.id, tmp_path)
    assert runs.cancel(*making.place, run.id).in_flight == 0
    again = started(making, key="again")
    assert (again.waiting, again.in_flight) == (3, 3)
    view = ingest_path(*making.place, run_files(paths, tmp_path / "results.jsonl"))
    assert view.answered == 3
    assert view_of(making, again).state is RunState.DONE


def test_results_of_a_cancelled_run_are_put_to_use(sqlite_store, tmp_path):
    making = make_project(sqlite_store, prompts=3)
    run = started(making)
    paths = write_files(*making.place, run.id, tmp_path)
    runs.cancel(*making.place, run.id)
    ingest_path(*making.place, run_files(paths, tmp_path / "results.jsonl"))
    view = view_of(making, run)
    assert (view.state, view.harvested, len(making.rows(Completion))) == (RunState.CANCELLED, 3, 3)


@pytest.fixture
def priced():
    """Prices for the addresses of these tests: two dollars for a thousand tokens out."""
    with prices(half=2000):
        yield


def test_usage_is_stored_and_costs_half_of_the_live_price(sqlite_store, tmp_path, priced):
    making = make_project(sqlite_store, prompts=1)
    spec = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/v1", model="half", parameters={"max_tokens": 10})
    wanted = list(planned(making, spec))
    live, file = (runs.estimate(*making.place, wanted, mode) for mode in (RunMode.LIVE, RunMode.FILE))
    assert file.usd_high == pytest.approx(live.usd_high / 2)
    assert "50% of it, as batches are" in file.basis
    run = started(making, [spec])
    (line,) = lines_of(write_files(*making.place, run.id, tmp_path))
    body = {
        "object": "chat.completion",
        "model": "half",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Fine."}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }
    result = {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}
    ingest_path(*making.place, write(tmp_path / "r.jsonl", [json.dumps(result)]))
    (answer,) = making.rows(Answer)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.milliseconds) == (7, 5, None)
    assert answer.cost_usd == pytest.approx(0.005)
    assert view_of(making, run).spent_usd == pytest.approx(0.005)
