import pytest

from labeling.cli import pair
from labeling.errors import InputError
from labeling.storage.tables import Label, Pair
from tests.cli.running import commands
from tests.services.making import make_project


@pytest.fixture
def command(store, store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", store_url)
    return commands(pair)


def test_pairs_are_told_before_they_are_made(store, command):
    making = make_project(store, prompts=2)
    making.add_completions(making.prompts[0], ["one", "two", "I can't help with that."])
    told = command("pair", "--project", making.slug, "--dry-run")
    assert "1 pairs would be made, from 1 prompts." in told
    assert "Replies dropped: 1 refusal." in told
    assert making.rows(Pair) == []
    assert command("pair", "--project", making.slug, "--json")["pairs"] == 1
    assert len(making.rows(Pair)) == 1


def test_what_would_be_dropped_can_be_kept(store, command):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["one", "I can't help with that."])
    told = command("pair", "--project", making.slug, "--keep-refusals", "--keep-cut", "--alike", 0, "--json")
    assert (told["pairs"], told["dropped"]) == (1, {})


def test_a_likeness_out_of_range_is_told(store, command):
    making = make_project(store, prompts=1)
    with pytest.raises(InputError, match="likeness"):
        command("pair", "--project", making.slug, "--alike", 0.3)


def test_one_model_over_another_gives_labels_without_a_judge(store, command):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["one"], source="big")
    making.add_completions(making.prompts[0], ["two"], source="small")
    told = command("pair", "--project", making.slug, "--better", "big", "--worse", "small")
    assert "1 labels come with them: nobody compared the two replies." in told
    assert len(making.rows(Label)) == 1
    with pytest.raises(InputError, match="go together"):
        command("pair", "--project", making.slug, "--better", "big")
