import pytest

from labeling.cli import pair, score
from labeling.errors import InputError
from labeling.storage.tables import Run, Score
from tests.cli.running import commands
from tests.services.making import make_project
from tests.services.scoring import points_by_length


@pytest.fixture
def command(sqlite_store, sqlite_store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    return commands(score, pair)


@pytest.fixture
def making(sqlite_store, chat_endpoint):
    chat_endpoint.reply = points_by_length
    made = make_project(sqlite_store, prompts=1)
    made.add_completions(made.prompts[0], ["a", "bbb", "ccccc"])
    return made


@pytest.fixture
def file(tmp_path, chat_endpoint):
    path = tmp_path / "judge.toml"
    path.write_text(f'[judge]\nname = "strict"\nbase_url = "{chat_endpoint.url}"\nmodel = "j"\nrubric = "helpful"\n')
    return path


def test_an_estimate_starts_nothing(making, command, file, chat_endpoint):
    told = command("score", "--project", making.slug, "--judge", file, "--estimate", "--json")
    assert told["requests"] == 3
    assert (chat_endpoint.bodies, making.rows(Run)) == ([], [])


def test_scoring_tells_what_it_came_to_and_is_not_paid_for_twice(making, command, file):
    told = command("score", "--project", making.slug, "--judge", file, "--json")
    assert (told["run"]["state"], told["scored"], told["unreadable"]) == ("done", 3, 0)
    assert len(making.rows(Score)) == 3
    assert "scored already" in command("score", "--project", making.slug, "--judge", file)


def test_without_two_completions_it_says_so(sqlite_store, command, file):
    making = make_project(sqlite_store, prompts=1, name="Empty")
    with pytest.raises(InputError, match="No prompt has two completions"):
        command("score", "--project", making.slug, "--judge", file)


def test_pairs_come_of_scores(making, command, file):
    command("score", "--project", making.slug, "--judge", file)
    told = command("pair", "--project", making.slug, "--from-scores", "strict", "--rejected", "worst", "--json")
    assert (told["pairs"], told["labels"]) == (1, 1)
    assert "too few scored" not in command("pair", "--project", making.slug, "--from-scores", "strict")
