"""What annotators take, in which order, and answers that name their model."""

import json

import pytest
from sqlalchemy import update

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.imports import ImportOptions, run_import
from labeling.services.labels import record
from labeling.services.ordering import order_round
from labeling.services.preferences import (
    Preferences,
    change_preferences,
    mark_pair_sensitive,
    mark_sensitive,
    preferences_of,
)
from labeling.services.self_naming import names_itself, self_naming
from labeling.storage import projects as project_rows
from labeling.storage.tables import Pair, PromptRow
from tests.services.labelling import Labelling, act, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def prompts(talk):
    return [row.prompt_id for row in talk.rows(Pair)]


def served(talk, actor):
    return {pair.pair_id for pair in talk.next(actor, want=20)}


def test_the_queue_matches_languages_and_gives_prompts_without_one_to_everyone(talk):
    for prompt_id, language in zip(prompts(talk), ["de", "de", "en", "en", None, "fr"], strict=True):
        talk.run(update(PromptRow).where(PromptRow.id == prompt_id).values(language=language))
    ann, bob = talk.actor("ann"), talk.actor("bob")
    change_preferences(talk.store, ann, talk.slug, ["de", " fr ", "de"], takes_sensitive=None)
    assert preferences_of(talk.store, ann, talk.slug) == Preferences(("de", "fr"), None)
    assert served(talk, ann) == {talk.pairs[0], talk.pairs[1], talk.pairs[4], talk.pairs[5]}
    assert served(talk, bob) <= {talk.pairs[2], talk.pairs[3]}, "near the end nobody takes all that is left"


def imported(store, *records) -> Labelling:
    """A project with pairs from a file."""
    talk = make_labelling(store, pairs=0)
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    run_import(store, talk.owner, talk.slug, lines, "pairs.jsonl", ImportOptions())
    talk.pairs.extend(row.id for row in talk.rows(Pair))
    return talk


def record_of(number, **more):
    return {"prompt": f"Question {number}?", "response_a": f"One {number}", "response_b": f"Two {number}", **more}


def test_sensitive_pairs_go_to_volunteers_where_the_project_says_so(store):
    talk = imported(store, *(record_of(n, tags=["violence"] if n < 2 else ["law"]) for n in range(8)))
    assert mark_sensitive(talk.store, talk.owner, talk.slug, "violence", sensitive=True) == 2
    assert mark_sensitive(talk.store, talk.owner, talk.slug, "violence", sensitive=True) == 0
    talk.ask(volunteers=True)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    change_preferences(talk.store, bob, talk.slug, [], takes_sensitive=True)
    assert served(talk, ann) == set(talk.pairs[2:])
    (pair,) = talk.next(bob)
    assert (pair.pair_id, pair.is_sensitive) == (talk.pairs[0], True)
    assert mark_sensitive(talk.store, talk.owner, talk.slug, "violence", sensitive=False) == 2


def test_a_file_says_which_language_a_prompt_is_in(store):
    talk = imported(store, record_of(1, language="de"), record_of(2, lang=" "), record_of(3))
    assert [row.language for row in talk.rows(PromptRow)] == ["de", None, None]


def test_who_takes_nothing_sensitive_gets_none(talk):
    talk.run(update(PromptRow).where(PromptRow.id == prompts(talk)[0]).values(is_sensitive=True))
    ann = talk.actor("ann")
    change_preferences(talk.store, ann, talk.slug, [], takes_sensitive=False)
    assert served(talk, ann) == set(talk.pairs[1:])


def test_who_held_a_pair_before_it_was_marked_is_not_given_it_again(talk):
    ann = talk.actor("ann")
    talk.ask(volunteers=True)
    assert talk.pairs[0] in served(talk, ann)
    mark_pair_sensitive(talk.store, talk.owner, talk.slug, talk.pairs[0], sensitive=True)
    assert talk.pairs[0] not in served(talk, ann)
    mark_pair_sensitive(talk.store, talk.owner, talk.slug, talk.pairs[0], sensitive=False)
    assert talk.pairs[0] in served(talk, ann)
    with pytest.raises(NotFoundError, match="no pair 999"):
        mark_pair_sensitive(talk.store, talk.owner, talk.slug, 999, sensitive=True)
    with pytest.raises(ForbiddenError):
        mark_pair_sensitive(talk.store, ann, talk.slug, talk.pairs[0], sensitive=True)


def test_languages_match_however_they_are_written(talk):
    for prompt_id, language in zip(prompts(talk), ["EN", "en", "pt-BR", "pt-br", "de", "de"], strict=True):
        talk.run(update(PromptRow).where(PromptRow.id == prompt_id).values(language=language))
    ann = talk.actor("ann")
    change_preferences(talk.store, ann, talk.slug, ["En", "PT-br"], takes_sensitive=None)
    assert served(talk, ann) == set(talk.pairs[:4])


def test_another_role_keeps_what_a_member_takes(talk):
    ann = talk.actor("ann")
    change_preferences(talk.store, ann, talk.slug, ["en"], takes_sensitive=False)
    with talk.store.writing() as session:
        project_rows.set_role(session, talk.project_id, ann.account_id, Role.LEAD)
    assert preferences_of(talk.store, ann, talk.slug) == Preferences(("en",), False)


def test_odd_languages_and_strangers_are_refused(talk):
    ann = talk.actor("ann")
    for odd in ("deutsch bitte", "x" * 40, "é", "en_US"):
        with pytest.raises(InputError, match="no language tag"):
            change_preferences(talk.store, ann, talk.slug, [odd], takes_sensitive=None)
    with pytest.raises(NotFoundError):
        change_preferences(talk.store, talk.actor("eve", role=None), talk.slug, [], takes_sensitive=None)
    with pytest.raises(ForbiddenError):
        mark_sensitive(talk.store, ann, talk.slug, "x", sensitive=True)


def test_a_shuffled_round_is_served_in_another_order_and_back(talk):
    ann = talk.actor("ann")
    order_round(talk.store, talk.owner, talk.slug, "random")
    shuffled = [pair.pair_id for pair in talk.next(talk.actor("bob"), want=6)]
    assert sorted(shuffled) == talk.pairs
    assert shuffled != talk.pairs
    order_round(talk.store, talk.owner, talk.slug, "imported")
    with pytest.raises(InputError, match="one of imported, random, uncertain"):
        order_round(talk.store, talk.owner, talk.slug, "best")
    with pytest.raises(ForbiddenError):
        order_round(talk.store, ann, talk.slug, "random")


def test_after_a_change_of_order_all_that_is_left_is_served_from_its_beginning(talk):
    ann = talk.actor("ann")
    order_round(talk.store, talk.owner, talk.slug, "random")
    (first,) = talk.next(ann)
    record(talk.store, ann, talk.slug, [act(first.pair_id)])
    order_round(talk.store, talk.owner, talk.slug, "imported")
    left = [pair_id for pair_id in talk.pairs if pair_id != first.pair_id]
    assert [pair.pair_id for pair in talk.next(ann, want=4)] == left[:4]


def test_the_most_uncertain_come_first(store):
    talk = make_labelling(store, pairs=6, overlap=3)
    for name, verdict in (("ann", "tie"), ("bob", "both_bad")):
        actor = talk.actor(name)
        pairs = talk.next(actor, want=6)
        record(store, actor, talk.slug, [act(pair.pair_id, verdict="tie") for pair in pairs[:3]])
        record(store, actor, talk.slug, [act(pairs[4].pair_id, verdict=verdict)])
    assert order_round(talk.store, talk.owner, talk.slug, "uncertain") == 1
    assert talk.next(talk.actor("eve"))[0].pair_id == talk.pairs[4]


@pytest.mark.parametrize(
    "text",
    [
        "As ChatGPT, I cannot do that.",
        "I am Claude, made by Anthropic.",
        "I'm an AI language model called Gemini.",
        "My name is Qwen.",
        "I was trained by OpenAI to help.",
        "I am a large language model, trained by Google DeepMind.",
    ],
)
def test_an_answer_that_names_its_model_is_found(text):
    assert names_itself(text) is not None


@pytest.mark.parametrize(
    "text",
    ["ChatGPT and Claude are two models.", "I am glad to help.", "As a teacher I would say no.", "The llama spits."],
)
def test_an_answer_about_models_is_not(text):
    assert names_itself(text) is None


def test_self_naming_answers_are_listed_for_the_lead_alone(store):
    talk = imported(store, record_of(1), record_of(2) | {"response_b": "Hello! I am Claude."})
    (found,) = self_naming(talk.store, talk.owner, talk.slug)
    assert (found.pair_id, found.side, found.words) == (talk.pairs[1], "b", "I am Claude")
    with pytest.raises(ForbiddenError):
        self_naming(talk.store, talk.actor("ann"), talk.slug)
