"""Follow-up turns become the next prompts: after the chosen reply, or after each generator's own."""

import json

import pytest
from sqlalchemy import update

from labeling.domain import Role, canonical_json, completion_digest, text_digest
from labeling.errors import ForbiddenError
from labeling.pairing import PairMode
from labeling.preferring import Over
from labeling.services.continuing import After, continue_conversations, count_open
from labeling.services.generate import (
    GenerationPlan,
    estimate_generation,
    list_generators,
    retire_generator,
)
from labeling.services.label_rules import LabelRules
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.specs import generator_spec
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Continuation,
    Label,
    Pair,
    ProjectCounter,
    PromptRow,
    PromptText,
    Rater,
)
from tests.services.continuing import conversations, generate, labelled

BY_RULE = LabelRules(rule_raters=("rule: big over small",))


def contents(making):
    """By prompt id: the contents of its messages, and its turns to come."""
    return {
        row.prompt_id: ([one["content"] for one in json.loads(row.messages)], json.loads(row.follow_ups or "[]"))
        for row in making.rows(PromptText)
    }


def spec(endpoint, name, **table):
    return generator_spec({"name": name, "base_url": endpoint.url, "model": name, **table}, "here")


def test_the_next_turn_follows_the_chosen_reply(store):
    making = conversations(store)
    labelled(making)
    assert count_open(*making.place) == 2
    told = continue_conversations(*making.place, After.CHOSEN, BY_RULE, dry_run=True)
    assert (told.prompts, told.made, told.gone_on) == (2, 2, 2)
    assert len(making.rows(PromptRow)) == 2
    assert continue_conversations(*making.place, After.CHOSEN, BY_RULE) == told
    new = {id_: one for id_, one in contents(making).items() if id_ not in making.prompts}
    assert sorted(new.values()) == [([f"question {n}", f"big says {n}", "shorter"], ["in French"]) for n in range(2)]


def test_turns_of_one_conversation_stay_together_in_a_split(store):
    making = conversations(store)
    labelled(making)
    continue_conversations(*making.place, After.CHOSEN, BY_RULE)
    first = {row.id: row for row in making.rows(PromptRow) if row.id in making.prompts}
    links = {row.prompt_id: row.parent_id for row in making.rows(Continuation)}
    assert len(links) == 2
    for row in making.rows(PromptRow):
        if row.id in links:
            assert row.group_key == first[links[row.id]].digest
            assert row.external_id == f"{first[links[row.id]].external_id} turn 2"


def test_a_conversation_goes_on_turn_by_turn_to_its_end(store):
    making = conversations(store, prompts=1)
    labelled(making)
    continue_conversations(*making.place, After.CHOSEN, BY_RULE)
    second = making.rows(PromptRow)[-1].id
    for source in ("small", "big"):
        making.add_completions(second, [f"{source} again"], source=source)
    make_pairs(*making.place, PairPlan(over=Over("big", "small")))
    told = continue_conversations(*making.place, After.CHOSEN, BY_RULE)
    assert (told.made, told.already, told.prompts) == (1, 1, 2)
    last = making.rows(PromptRow)[-1]
    assert contents(making)[last.id] == (
        ["question 0", "big says 0", "shorter", "big again", "in French"],
        [],
    )
    assert (last.group_key, last.external_id) == (making.rows(PromptRow)[0].digest, "q0 turn 3")
    assert continue_conversations(*making.place, After.CHOSEN, BY_RULE).made == 0


def test_without_a_chosen_reply_a_conversation_waits(store):
    making = conversations(store)
    labelled(making)
    told = continue_conversations(*making.place, After.CHOSEN)
    assert (told.made, told.no_reply) == (0, 2)


def test_each_generator_goes_on_after_its_own_reply_and_only_there(store, chat_endpoint):
    making = conversations(store, prompts=1)
    one, two = spec(chat_endpoint, "one", samples=2), spec(chat_endpoint, "two")
    chat_endpoint.reply = lambda body: f"{body['model']} at {len(body['messages'])} no. {len(chat_endpoint.bodies)}"
    generate(making, one, two, pairs=None)
    told = continue_conversations(*making.place, After.OWN)
    assert (told.made, told.gone_on) == (2, 1)
    plan = GenerationPlan((one, two), pairs=PairPlan(PairMode.SAMPLES))
    assert estimate_generation(*making.place, plan).requests == 3
    before = len(chat_endpoint.bodies)
    generate(making, one, two, key="next", pairs=PairPlan(PairMode.SAMPLES))
    sent = chat_endpoint.bodies[before:]
    assert len(sent) == 3
    for body in sent:
        assert body["messages"][1]["content"].startswith(f"{body['model']} at 1")
        assert body["messages"][2]["content"] == "shorter"
    # only the generator with two samples can be paired, at the second turn as at the first
    own = [row.prompt_id for row in making.rows(Continuation)]
    assert len([pair for pair in making.rows(Pair) if pair.prompt_id in own]) == 1
    assert continue_conversations(*making.place, After.OWN).already == 1


def test_two_generators_of_the_same_words_share_the_next_prompt(store, chat_endpoint):
    making = conversations(store, prompts=1)
    chat_endpoint.reply = lambda body: "the same words"
    generate(making, spec(chat_endpoint, "one"), spec(chat_endpoint, "two"), pairs=None)
    assert continue_conversations(*making.place, After.OWN).made == 1
    assert len(making.rows(Continuation)) == 2
    plan = GenerationPlan((spec(chat_endpoint, "one"), spec(chat_endpoint, "two")))
    assert estimate_generation(*making.place, plan).requests == 2


def test_a_generator_out_of_use_does_not_go_on(store, chat_endpoint):
    making = conversations(store, prompts=1)
    generate(making, spec(chat_endpoint, "one"), pairs=None)
    retire_generator(*making.place, list_generators(*making.place)[0].id)
    assert continue_conversations(*making.place, After.OWN).no_reply == 1


def test_after_a_chosen_reply_every_generator_goes_on(store, chat_endpoint):
    making = conversations(store, prompts=1)
    labelled(making)
    continue_conversations(*making.place, After.CHOSEN, BY_RULE)
    plan = GenerationPlan((spec(chat_endpoint, "one"), spec(chat_endpoint, "two")))
    assert estimate_generation(*making.place, plan).requests == 4


def test_a_reply_that_calls_a_tool_is_no_place_for_a_users_turn(store):
    making = conversations(store, prompts=1)
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    with store.writing() as session:
        row = Completion(
            prompt_id=making.prompts[0],
            kind="imported",
            source="big",
            text_digest=completion_digest("", calls),
            characters=0,
        )
        session.add(row)
        session.flush()
        session.add(CompletionText(completion_id=row.id, text="", tool_calls=canonical_json(calls)))
    making.add_completions(making.prompts[0], ["small says"], source="small")
    make_pairs(*making.place, PairPlan(over=Over("big", "small")))
    told = continue_conversations(*making.place, After.CHOSEN, BY_RULE)
    assert (told.made, told.calls_tools) == (0, 1)


def test_an_edit_that_an_annotator_wrote_is_what_a_conversation_goes_on_from(store):

    making = conversations(store, prompts=1)
    labelled(making)
    with store.writing() as session:
        # the big model's label again, by an imported rater who wrote the reply anew
        pair = making.rows(Pair)[0]
        better = pair.b_id
        rater = Rater(kind="imported", name="ana", project_id=making.project_id)
        session.add(rater)
        session.flush()
        edit = Completion(
            prompt_id=pair.prompt_id,
            kind="edit",
            parent_id=better,
            rater_id=rater.id,
            text_digest=text_digest("edited"),
            characters=6,
        )
        session.add(edit)
        session.flush()
        session.add(CompletionText(completion_id=edit.id, text="edited"))
        session.add(
            Label(
                project_id=making.project_id,
                seq=900,
                pair_id=pair.id,
                rater_id=rater.id,
                action="label",
                verdict="b",
                edit_id=edit.id,
                event_id="e",
            )
        )
        session.execute(update(PromptRow).values(language="en"))
        session.execute(update(ProjectCounter).values(label_seq=900))
    continue_conversations(*making.place, After.CHOSEN)
    last = making.rows(PromptRow)[-1]
    assert contents(making)[last.id][0] == ["question 0", "edited", "shorter"]
    assert last.language == "en"


def test_only_who_manages_the_project_goes_on(store):
    making = conversations(store)
    with pytest.raises(ForbiddenError):
        continue_conversations(store, making.member("ana", Role.ANNOTATOR), making.slug, After.OWN)
