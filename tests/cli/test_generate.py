import pytest

from labeling.cli import generate
from labeling.errors import InputError
from labeling.storage.tables import Completion, Generator, Pair, Run
from tests.cli.running import commands
from tests.fixtures.endpoint import error
from tests.services.making import make_project


@pytest.fixture
def command(store, store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", store_url)
    return commands(generate)


@pytest.fixture
def file(tmp_path, chat_endpoint):
    path = tmp_path / "generators.toml"
    tables = (
        f'[[generator]]\nname = "{name}"\nbase_url = "{chat_endpoint.url}"\nmodel = "{name}"\n'
        for name in ("one", "two")
    )
    path.write_text("\n".join(tables), encoding="utf-8")
    return path


def test_generate_writes_completions_and_pairs_without_another_worker(store, command, file):
    making = make_project(store)
    told = command("generate", "--project", making.slug, "--generators", file, "--json")
    assert (told["run"]["state"], told["run"]["answered"], told["pairs"]["has_pairs"]) == ("done", 6, 3)
    assert len(making.rows(Pair)) == 3


def test_without_pairing_up_no_pair_is_made(store, command, file):
    making = make_project(store)
    command("generate", "--project", making.slug, "--generators", file, "--no-pair-up")
    assert (len(making.rows(Completion)), making.rows(Pair)) == (6, [])


def test_an_estimate_starts_nothing(store, command, file, chat_endpoint):
    making = make_project(store)
    told = command("generate", "--project", making.slug, "--generators", file, "--limit", 2, "--estimate", "--json")
    assert told["requests"] == 4
    assert "requests" in command("generate", "--project", making.slug, "--generators", file, "--estimate")
    assert (chat_endpoint.bodies, making.rows(Run), making.rows(Generator)) == ([], [], [])


def test_no_wait_leaves_the_run_to_a_worker(store, command, file, chat_endpoint):
    making = make_project(store)
    told = command("generate", "--project", making.slug, "--generators", file, "--no-wait", "--key", "k", "--json")
    assert (told["run"]["state"], told["run"]["waiting"]) == ("running", 6)
    again = command("generate", "--project", making.slug, "--generators", file, "--no-wait", "--key", "k", "--json")
    assert again["run"]["id"] == told["run"]["id"]
    assert chat_endpoint.bodies == []


def test_failed_requests_are_counted_and_the_exit_status_says_so(store, command, file, chat_endpoint):
    making = make_project(store)
    chat_endpoint.reply = lambda body: (400, error("too odd")) if body["model"] == "two" else "fine"
    told = command("generate", "--project", making.slug, "--generators", file, code=1)
    assert "3 answered, 3 failed (3 bad request)" in told


def test_a_faulty_file_is_told_with_its_place(store, command, tmp_path):
    making = make_project(store)
    path = tmp_path / "bad.toml"
    path.write_text("[[generator]]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^bad\.toml, generator 1 \(x\): model is missing"):
        command("generate", "--project", making.slug, "--generators", path)
    command("generate", "--project", making.slug, "--generators", tmp_path / "none.toml", code=2)


def test_what_is_there_already_is_no_fault_and_its_pairs_are_made(store, command, file):
    making = make_project(store)
    command("generate", "--project", making.slug, "--generators", file, "--no-pair-up")
    told = command("generate", "--project", making.slug, "--generators", file, "--json")
    assert told["run"] is None
    assert told["pairs"]["with_pairs"] == 3
    assert len(making.rows(Pair)) == 3
    assert "no run was started" in command("generate", "--project", making.slug, "--generators", file)
