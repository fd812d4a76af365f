"""My own labels: listed, searched, opened; nobody else's."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, update

from labeling.domain import Actor
from labeling.errors import InputError, NotFoundError
from labeling.services import history as service
from labeling.services.history import HistoryQuery, history, opened_label, own_rounds
from labeling.services.labels import record
from labeling.storage.tables import Project, PromptRow, Round, RoundPair, now
from tests.services.labelling import Labelling, act, add_pairs, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=8, overlap=3)


@pytest.fixture
def ann(talk) -> Actor:
    return talk.actor("ann")


def do(talk: Labelling, actor: Actor, *events: dict) -> None:
    served = talk.next(actor, want=20)
    assert served
    recorded = record(talk.store, actor, talk.slug, list(events))
    assert not recorded.refused, recorded.refused


def listed(talk: Labelling, actor: Actor, **query) -> list[int]:
    return [one.pair_id for one in history(talk.store, actor, talk.slug, HistoryQuery(**query)).entries]


def test_the_newest_stands_first_and_each_pair_once(talk, ann):
    one, two, three = talk.pairs[:3]
    first = act(one)
    do(talk, ann, first, act(two, verdict="tie"), act(three, "skip"))
    do(talk, ann, act(one, after=first["event_id"], verdict="right", comment="On a second look"))
    page = history(talk.store, ann, talk.slug)
    assert [(entry.pair_id, entry.action, entry.verdict, entry.revisions) for entry in page.entries] == [
        (one, "label", "right", 2),
        (three, "skip", None, 1),
        (two, "label", "tie", 1),
    ]
    assert page.older is None
    assert page.entries[0].comment == "On a second look"
    assert page.entries[0].prompt.startswith("Question")


def test_what_was_undone_is_shown_as_undone(talk, ann):
    label = act(talk.pairs[0])
    do(talk, ann, label, act(talk.pairs[0], "undo", after=label["event_id"]))
    (entry,) = history(talk.store, ann, talk.slug).entries
    assert (entry.action, entry.verdict, entry.revisions) == ("undo", None, 2)


def test_nobody_elses_label_is_seen(talk, ann):
    ben = talk.actor("ben")
    do(talk, ben, act(talk.pairs[0], comment="mine alone"))
    do(talk, ann, act(talk.pairs[1]))
    assert listed(talk, ann) == [talk.pairs[1]]
    assert listed(talk, ann, words="mine alone") == []
    with pytest.raises(NotFoundError, match="You have no label on pair"):
        opened_label(talk.store, ann, talk.slug, talk.pairs[0])


def test_who_never_labelled_has_an_empty_history_and_a_stranger_none(talk):
    assert listed(talk, talk.actor("new")) == []
    assert own_rounds(talk.store, talk.actor("new"), talk.slug) == []
    with pytest.raises(NotFoundError):
        history(talk.store, talk.actor("stranger", None), talk.slug)
    with pytest.raises(NotFoundError):
        opened_label(talk.store, talk.actor("new"), talk.slug, talk.pairs[0])


def test_another_projects_labels_stay_there(talk, ann):
    do(talk, ann, act(talk.pairs[0]))
    other = make_labelling(talk.store, pairs=2, name="Other")
    again = other.actor("ann")
    do(other, again, act(other.pairs[0]))
    assert listed(other, again) == [other.pairs[0]]
    with pytest.raises(NotFoundError):
        opened_label(other.store, again, other.slug, talk.pairs[0])


def test_every_page_follows_the_one_before_and_nothing_is_lost(talk, ann, monkeypatch):
    monkeypatch.setattr(service, "PAGE", 3)
    do(talk, ann, *(act(pair_id) for pair_id in talk.pairs))
    seen, place = [], None
    while True:
        page = history(talk.store, ann, talk.slug, before=place)
        seen += [entry.pair_id for entry in page.entries]
        place = page.older
        if place is None:
            break
        assert len(page.entries) == 3
    assert seen == talk.pairs[::-1]


def test_words_are_found_in_prompt_replies_comment_reasons_and_edit_whatever_their_case(talk, ann):
    talk.ask(edits=True, reasons=["Plain WORDS"])
    pair_ids = add_pairs(talk.store, talk.project_id, 1, text="Größe")
    talk.run(insert_place(talk, pair_ids[0]))
    one, two, three = talk.pairs[:3]
    do(
        talk,
        ann,
        act(one, comment="ein STRASSENSCHILD"),
        act(two, reasons=["Plain WORDS"]),
        act(three, edited="My own Wording"),
        act(pair_ids[0]),
    )
    assert listed(talk, ann, words="straßenschild") == [one]
    assert listed(talk, ann, words="plain words") == [two]
    assert listed(talk, ann, words="MY OWN wording") == [three]
    assert listed(talk, ann, words="b GRÖßE") == pair_ids
    assert listed(talk, ann, words="question") == [*pair_ids, three, two, one]
    assert listed(talk, ann, words="nowhere at all") == []
    # What SQL would take for a pattern is text here.
    assert listed(talk, ann, words="%") == listed(talk, ann, words="_") == []


def insert_place(talk: Labelling, pair_id: int):
    round_id = talk.rows(Round)[0].id
    return insert(RoundPair).values(round_id=round_id, pair_id=pair_id, project_id=talk.project_id, position=9_999)


def test_a_search_stops_after_enough_and_goes_on_from_there(talk, ann, monkeypatch):
    monkeypatch.setattr(service, "READ_AT_ONCE", 2)
    monkeypatch.setattr(service, "MOST_READ", 4)
    do(talk, ann, act(talk.pairs[0], comment="needle"), *(act(pair_id) for pair_id in talk.pairs[1:]))
    query = HistoryQuery(words="needle")
    page = history(talk.store, ann, talk.slug, query)
    assert (page.entries, page.read) == ((), 4)
    assert page.older is not None
    assert page.read_to is not None
    page = history(talk.store, ann, talk.slug, query, page.older)
    assert [entry.pair_id for entry in page.entries] == [talk.pairs[0]]
    page = page if page.older is None else history(talk.store, ann, talk.slug, query, page.older)
    assert page.older is None


def test_a_number_with_a_hash_is_a_pair(talk, ann):
    do(talk, ann, *(act(pair_id) for pair_id in talk.pairs))
    assert listed(talk, ann, words=f"#{talk.pairs[4]}") == [talk.pairs[4]]
    assert listed(talk, ann, pair_id=talk.pairs[5]) == [talk.pairs[5]]
    assert listed(talk, ann, words="#999999999999999999") == []


@pytest.mark.parametrize("kind", ["left", "right", "tie", "both_bad", "skip", "undo"])
def test_a_verdict_is_looked_for_as_it_was_on_the_screen(talk, ann, kind):
    left = act(talk.pairs[5])
    do(
        talk,
        ann,
        *(act(pair_id, verdict=said) for pair_id, said in zip(talk.pairs, ("left", "right", "tie", "both_bad"), strict=False)),
        act(talk.pairs[4], "skip"),
        left,
        act(talk.pairs[5], "undo", after=left["event_id"]),
    )  # fmt: skip
    expected = dict(zip(("left", "right", "tie", "both_bad", "skip", "undo"), talk.pairs, strict=False))
    assert listed(talk, ann, kind=kind) == [expected[kind]]


def test_rounds_and_days_narrow_the_list(talk, ann):
    do(talk, ann, act(talk.pairs[0]))
    assert own_rounds(talk.store, ann, talk.slug) == ["work"]
    assert listed(talk, ann, round_name="work") == [talk.pairs[0]]
    with pytest.raises(NotFoundError, match="'second'"):
        listed(talk, ann, round_name="second")
    today = now().date()
    assert listed(talk, ann, first_day=today - timedelta(days=1), last_day=today + timedelta(days=1)) == [talk.pairs[0]]
    assert listed(talk, ann, last_day=today - timedelta(days=2)) == []
    assert listed(talk, ann, first_day=today + timedelta(days=2), zone="Asia/Kathmandu") == []
    with pytest.raises(InputError, match="time zone"):
        listed(talk, ann, first_day=today, zone="Moon/Base")
    with pytest.raises(InputError, match="before the first"):
        listed(talk, ann, first_day=today, last_day=today - timedelta(days=1))
    with pytest.raises(InputError, match="out of reach"):
        listed(talk, ann, first_day=date(1, 1, 1))


def test_an_opened_label_shows_what_was_on_the_screen_and_all_revisions(talk, ann):
    talk.ask(strength=True, criteria=["honest"], edits=True)
    served = {pair.pair_id: pair for pair in talk.next(ann, want=8)}
    pair_id = talk.pairs[2]
    first = act(pair_id, verdict="left", strength=2, criteria={"honest": "right"}, edited="Better", milliseconds=0)
    second = act(
        pair_id,
        verdict="tie",
        after=first["event_id"],
        criteria={"honest": "tie"},
        comment="Close",
        milliseconds=5,
        away_milliseconds=3,
    )
    do(talk, ann, first, second, act(pair_id, "flag", comment="Look here"))
    found = opened_label(talk.store, ann, talk.slug, pair_id)
    assert (found.left, found.right) == (served[pair_id].left, served[pair_id].right)
    assert found.prompt == served[pair_id].prompt
    newest, oldest = found.revisions
    assert (oldest.verdict, oldest.strength, oldest.criteria, oldest.edited) == (
        "left",
        2,
        {"honest": "right"},
        "Better",
    )
    assert (newest.verdict, newest.comment, newest.number, newest.seconds) == ("tie", "Close", 2, 0.002)
    assert newest.guidelines == 1
    assert newest.renderer
    assert [flag.comment for flag in found.flags] == ["Look here"]
    assert found.locked is None


def test_nothing_in_the_history_names_a_model(talk, ann):
    do(talk, ann, act(talk.pairs[0]))
    found = opened_label(talk.store, ann, talk.slug, talk.pairs[0])
    assert not [word for word in ("generator", "source", "model", "file") if word in repr(found)]


def test_a_closed_project_or_round_and_practice_lock_a_label(talk, ann):
    do(talk, ann, act(talk.pairs[0]))
    talk.run(update(Round).values(purpose="practice"))
    assert "practice" in opened_label(talk.store, ann, talk.slug, talk.pairs[0]).locked
    talk.run(update(Round).values(purpose="work", closed_at=now()))
    assert "closed" in opened_label(talk.store, ann, talk.slug, talk.pairs[0]).locked
    talk.run(update(Round).values(closed_at=None), update(Project).values(closed_at=now()))
    assert "closed" in opened_label(talk.store, ann, talk.slug, talk.pairs[0]).locked


def test_a_sensitive_prompt_is_covered_in_the_list(talk, ann):
    do(talk, ann, act(talk.pairs[0]))
    talk.run(update(PromptRow).values(is_sensitive=True))
    (entry,) = history(talk.store, ann, talk.slug).entries
    assert entry.prompt is None
    assert opened_label(talk.store, ann, talk.slug, talk.pairs[0]).is_sensitive
