import json
import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.errors import InputError
from labeling.services.label_rules import CHOICES, DEFAULT_RULES, LabelRules, read_rules, rules_toml
from labeling.services.raters import Voice, raters
from labeling.services.rule_reasons import REASONS
from labeling.services.votes import EDITED, OUTCOMES, PURPOSES, Results, decide_all, edits_of, last_events
from tests.services import plain_rules
from tests.services.plain_rules import Event, Plain

ANA, BEN, CHIDI, FILE, STRICT_1, STRICT_2, LENIENT, HASTY, MATCH = range(1, 10)
VOICES = {
    ANA: Voice("annotator", "Ana"),
    BEN: Voice("annotator", "Ben"),
    CHIDI: Voice("annotator", "Chidi"),
    FILE: Voice("imported", "gold"),
    STRICT_1: Voice("judge", "strict, version 1", "strict", 1),
    STRICT_2: Voice("judge", "strict, version 2", "strict", 2),
    LENIENT: Voice("judge", "lenient, version 1", "lenient", 1),
    HASTY: Voice("judge", "hasty, version 1", "hasty", 1, reads_both_orders=False),
    MATCH: Voice("rule", "large over small"),
}
SAID = ("a", "b", "tie", "both_bad", "skip", "undo", "void")


def events(*given: tuple[object, ...]) -> list[Event]:
    """(rater, verdict or action[, strength[, edit]]) in the order in which they came; people in the work round."""
    revisions: dict[object, int] = {}
    made = []
    for number, (rater, what, *more) in enumerate(given, 1):
        revisions[rater] = revisions.get(rater, 0) + 1
        is_label = what in ("a", "b", "tie", "both_bad")
        in_round = VOICES[rater].kind == "annotator"
        made.append(
            Event(
                label_id=100 + number, seq=number, rater_id=rater, round_id=1 if in_round else None,
                purpose="work" if in_round else None, revision=revisions[rater],
                action="label" if is_label else what, verdict=what if is_label else None,
                strength=more[0] if more else None, edit_id=more[1] if len(more) > 1 else None,
            )
        )  # fmt: skip
    return made


def decide_many(
    many: list[tuple[list[Event], list[tuple[int, str]]]], rules: LabelRules = DEFAULT_RULES
) -> list[Plain]:
    """Pairs decided together, each given as its events and the results of its judges."""
    known = raters(VOICES)
    listed = [(pair, event) for pair, (events, _) in enumerate(many) for event in events]
    column = lambda values: np.array(list(values), dtype=np.int64)  # noqa: E731 - a name for what is said nine times
    states = ("undecided", "unreadable")
    open_ = [(pair, *one) for pair, (_, results) in enumerate(many) for one in results if one[1] in states]
    read = last_events(
        pair=column(pair for pair, _ in listed),
        rater=known.places(column(event.rater_id for _, event in listed)),
        round_=column(event.round_id or 0 for _, event in listed),
        purpose=column(PURPOSES.index(event.purpose or "") for _, event in listed),
        revision=column(event.revision for _, event in listed),
        seq=column(event.seq for _, event in listed),
        verdict=column(min(SAID.index(event.verdict or event.action), 5) for _, event in listed),
        strength=column(event.strength or 0 for _, event in listed),
        edit=column(event.edit_id or 0 for _, event in listed),
    )
    results = Results(
        column(pair for pair, _, _ in open_),
        known.places(column(rater for _, rater, _ in open_)),
        column(states.index(state) for _, _, state in open_),
    )
    found = decide_all(read, results, len(many), known, rules)
    edits = dict(zip(*(one.tolist() for one in edits_of(read, found)), strict=True))
    told = []
    for pair in range(len(many)):
        deciding = [place for place in found.deciding if read.pair[place] == pair]
        strength = float(found.strength[pair])
        told.append(
            Plain(
                OUTCOMES[found.code[pair]],
                tuple(listed[read.place[place]][1].label_id for place in deciding),
                None if math.isnan(strength) else strength,
                edits.get(pair),
            )
        )
    return told


def decide(events: list[Event], rules: LabelRules = DEFAULT_RULES) -> Plain:
    return decide_many([(events, [])], rules)[0]


def outcome(*given, results=(), **rules):
    return decide_many([(events(*given), list(results))], replace(DEFAULT_RULES, **rules))[0].outcome


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), "no_label"),
        (((ANA, "a"),), "a"),
        (((ANA, "tie"),), "tie"),
        (((ANA, "both_bad"),), "both_bad"),
        (((ANA, "skip"),), "only_skipped"),
        (((ANA, "a"), (ANA, "undo")), "no_label"),
        (((ANA, "a"), (ANA, "void")), "no_label"),
        (((ANA, "a"), (ANA, "undo"), (ANA, "b")), "b"),
        (((ANA, "a"), (ANA, "skip"), (BEN, "b")), "b"),
        (((ANA, "a"), (BEN, "b")), "annotators_differ"),
        (((ANA, "a"), (BEN, "tie")), "annotators_differ"),
        (((ANA, "a"), (BEN, "a"), (CHIDI, "b")), "a"),
        (((ANA, "a"), (BEN, "tie"), (CHIDI, "b")), "annotators_differ"),
        (((ANA, "tie"), (BEN, "tie"), (CHIDI, "b")), "tie"),
        (((ANA, "a"), (FILE, "b")), "a"),
        (((FILE, "b"), (STRICT_1, "a")), "b"),
        (((ANA, "skip"), (STRICT_1, "a")), "a"),
        (((ANA, "tie"), (STRICT_1, "a")), "tie"),
        (((STRICT_1, "a"), (STRICT_2, "b")), "b"),
        (((STRICT_1, "a"), (STRICT_1, "a"), (LENIENT, "b")), "judges_differ"),
        (((STRICT_1, "a"), (STRICT_2, "a"), (LENIENT, "b")), "judges_differ"),
        (((HASTY, "a"),), "judge_one_order"),
        (((HASTY, "a"), (STRICT_1, "b")), "b"),
    ],
)
def test_people_come_before_judges_and_the_majority_decides(given, expected):
    assert outcome(*given) == expected


@pytest.mark.parametrize(
    ("given", "results", "expected"),
    [
        ((), [(STRICT_1, "undecided")], "judge_undecided"),
        ((), [(STRICT_1, "unreadable")], "judge_unreadable"),
        ((), [(STRICT_1, "unreadable"), (LENIENT, "undecided")], "judge_undecided"),
        (((ANA, "a"),), [(STRICT_1, "undecided")], "a"),
        (((ANA, "skip"),), [(STRICT_1, "undecided")], "judge_undecided"),
        (((LENIENT, "a"),), [(LENIENT, "decided"), (STRICT_1, "undecided")], "a"),
        (((STRICT_1, "a"),), [(STRICT_1, "decided"), (STRICT_2, "undecided")], "judge_undecided"),
        ((), [(HASTY, "undecided")], "judge_one_order"),
    ],
)
def test_undecided_and_unreadable_are_neither_ties_nor_rows(given, results, expected):
    assert outcome(*given, results=results) == expected


@pytest.mark.parametrize(
    ("rules", "given", "expected"),
    [
        ({"who": "people"}, ((STRICT_1, "a"),), "not_counted"),
        ({"who": "people"}, ((FILE, "b"),), "b"),
        ({"who": "judges"}, ((ANA, "a"), (STRICT_1, "b")), "b"),
        ({"who": "judges"}, ((ANA, "a"),), "not_counted"),
        ({"who": "all"}, ((ANA, "a"), (STRICT_1, "b")), "raters_differ"),
        ({"who": "all"}, ((ANA, "a"), (STRICT_1, "b"), (LENIENT, "b")), "b"),
        ({"agreement": "unanimous"}, ((ANA, "a"), (BEN, "a"), (CHIDI, "b")), "annotators_differ"),
        ({"agreement": "unanimous"}, ((ANA, "a"), (BEN, "a")), "a"),
        ({"least_labels": 2}, ((ANA, "a"),), "too_few_labels"),
        ({"least_labels": 2}, ((ANA, "a"), (BEN, "a")), "a"),
        ({"least_strength": 2}, ((ANA, "a", 1),), "too_weak"),
        ({"least_strength": 2}, ((ANA, "a"),), "no_strength"),
        ({"least_strength": 2}, ((ANA, "a", 3), (BEN, "a", 1)), "a"),
        ({"needs_strength": True}, ((ANA, "a"),), "no_strength"),
        ({"needs_strength": True}, ((ANA, "a", 1),), "a"),
        ({"needs_strength": True}, ((ANA, "a", 1), (BEN, "tie"), (CHIDI, "a", 1)), "a"),
        ({"people": ("Ben",)}, ((ANA, "a"), (BEN, "b")), "b"),
        ({"people": ("Ben",)}, ((ANA, "a"), (STRICT_1, "b")), "b"),
        ({"people": ("Ben",)}, ((ANA, "a"),), "not_counted"),
        ({"judges": ("lenient",)}, ((STRICT_1, "a"), (LENIENT, "b")), "b"),
        ({"judges": ("strict, version 1",)}, ((STRICT_1, "a"), (STRICT_2, "b")), "a"),
        ({"judges": ("lenient",)}, ((ANA, "a"), (STRICT_1, "b")), "a"),
        ({}, ((MATCH, "a"),), "not_counted"),
        ({"rule_raters": ("large over small",)}, ((MATCH, "a"),), "a"),
        ({"rule_raters": ("large over small",)}, ((MATCH, "a"), (STRICT_1, "b")), "b"),
        ({"who": "all", "rule_raters": ("large over small",)}, ((MATCH, "a"), (STRICT_1, "b")), "raters_differ"),
        ({"agreement": "weighted", "weights": (("Ana", 2.5),)}, ((ANA, "a"), (BEN, "b"), (CHIDI, "b")), "a"),
        (
            {"agreement": "weighted", "weights": (("Ana", 2.0),)},
            ((ANA, "a"), (BEN, "b"), (CHIDI, "b")),
            "annotators_differ",
        ),
        ({"agreement": "weighted", "weights": (("Ben", 0.0),)}, ((ANA, "a"), (BEN, "b")), "a"),
        (
            {"agreement": "weighted", "weights": (("strict", 3.0),), "who": "judges"},
            ((STRICT_2, "a"), (LENIENT, "b")),
            "a",
        ),
        ({"only_both_orders": False}, ((HASTY, "a"),), "a"),
        ({"rounds": ("review",)}, ((ANA, "a"),), "not_counted"),
    ],
)
def test_each_rule_changes_what_it_says(rules, given, expected):
    assert outcome(*given, **rules) == expected


def in_round(event: Event, round_id: int, purpose: str) -> Event:
    return event._replace(round_id=round_id, purpose=purpose, revision=1)


def test_a_rater_has_one_voice_and_the_review_is_the_later_one():
    first, second, other = events((ANA, "a"), (ANA, "b"), (BEN, "b"))
    decision = decide([first, in_round(second, 2, "review"), other], LabelRules(review_first=False))
    assert decision.outcome == "b"
    assert decision.labels == (102, 103)


def test_a_review_s_verdict_holds_against_the_majority_and_needs_no_second_label():
    first, second, third = events((ANA, "a"), (BEN, "a"), (CHIDI, "b"))
    given = [first, second, in_round(third, 2, "review")]
    assert decide(given, LabelRules(least_labels=2)) == Plain("b", (103,))
    assert decide(given, LabelRules(review_first=False)).outcome == "a"
    assert decide(given, LabelRules(rounds=("work",))).outcome == "a"
    assert decide([*given, *judged(STRICT_1, "a")], LabelRules(who="judges")).outcome == "a"


def judged(judge: int, verdict: str) -> list[Event]:
    return [Event(200, 200, judge, None, None, 1, "label", verdict, None, None)]


@pytest.mark.parametrize("purpose", ["practice", "calibration", "repeat"])
def test_rounds_that_are_no_work_do_not_count(purpose):
    first, second = events((ANA, "a"), (ANA, "b"))
    assert decide([first, in_round(second, 2, purpose)]).outcome == "a"
    assert decide([in_round(first, 2, purpose)]).outcome == "not_counted"


def test_a_revision_taken_back_in_one_round_leaves_the_other_round_alone():
    first, second, third = events((ANA, "a"), (ANA, "b"), (ANA, "undo"))
    review = [in_round(second, 2, "review"), in_round(third, 2, "review")._replace(revision=2)]
    assert decide([first, *review]).outcome == "a"


def test_the_strength_is_the_mean_and_what_speaks_against_counts_against():
    assert decide(events((ANA, "a", 3), (BEN, "a", 2), (CHIDI, "b", 1))).strength == pytest.approx(4 / 3, abs=1e-3)
    assert decide(events((ANA, "a", 3), (BEN, "a", 3), (CHIDI, "tie"))).strength == 2
    assert decide(events((ANA, "a", 3), (BEN, "a"))).strength is None
    weighted = LabelRules(agreement="weighted", weights=(("Ana", 3.0),))
    assert decide(events((ANA, "a", 3), (BEN, "b", 1)), weighted).strength == 2


def test_the_newest_edit_of_those_who_prefer_that_side_is_taken():
    given = events((BEN, "a", None, 12), (ANA, "a", None, 11), (CHIDI, "b", None, 13))
    assert decide(given).edit_id == 11


def test_both_bad_with_an_edit_is_a_pair_that_can_be_used():
    given = events((ANA, "both_bad", None, 11), (BEN, "both_bad"))
    assert decide(given) == Plain("edited", (101, 102), None, 11)
    assert decide(given, LabelRules(edits="ignore")).outcome == "both_bad"
    assert OUTCOMES[EDITED] == "edited"


@st.composite
def labelled_pairs(draw):
    """Events of several raters, some in two rounds, in which each may say something again; and judges' results."""
    made = []
    revisions: dict[tuple[int, int | None], int] = {}
    for seq in range(1, draw(st.integers(0, 8)) + 1):
        rater = draw(st.sampled_from(list(VOICES)))
        round_id, purpose = (None, None)
        if VOICES[rater].kind == "annotator":
            round_id, purpose = draw(st.sampled_from([(1, "work"), (1, "work"), (2, "review"), (3, "practice")]))
        said = draw(st.sampled_from(SAID))
        revision = revisions[rater, round_id] = revisions.get((rater, round_id), 0) + 1
        verdict = said if said in SAID[:4] else None
        strength = draw(st.sampled_from([None, 1, 2, 3])) if said in ("a", "b") else None
        edit = draw(st.sampled_from([None, None, 50 + seq])) if verdict != "tie" and verdict else None
        made.append(
            Event(
                100 + seq,
                seq,
                rater,
                round_id,
                purpose,
                revision,
                "label" if verdict else said,
                verdict,
                strength,
                edit,
            )
        )
    judges = [rater for rater, voice in VOICES.items() if voice.kind == "judge"]
    results = draw(st.dictionaries(st.sampled_from(judges), st.sampled_from(["undecided", "unreadable"]), max_size=2))
    return draw(st.permutations(made)), list(results.items())


RULES = st.builds(
    LabelRules,
    who=st.sampled_from(CHOICES["who"]),
    people=st.sampled_from([(), ("Ana", "gold"), ("Ben",)]),
    judges=st.sampled_from([(), ("strict",), ("strict, version 1", "hasty")]),
    rule_raters=st.sampled_from([(), ("large over small",)]),
    rounds=st.sampled_from([("work", "review"), ("work",), ("review",)]),
    only_both_orders=st.booleans(),
    review_first=st.booleans(),
    agreement=st.sampled_from(CHOICES["agreement"]),
    weights=st.sampled_from([(), (("Ana", 2.0), ("strict", 0.5)), (("Ben", 0.0),)]),
    least_labels=st.integers(1, 3),
    least_strength=st.sampled_from([1.0, 1.5, 3.0]),
    needs_strength=st.booleans(),
    edits=st.sampled_from(["beat_loser", "ignore"]),
)


@settings(max_examples=300, deadline=None)
@given(many=st.lists(labelled_pairs(), max_size=4), rules=RULES)
def test_pairs_decided_together_come_out_as_each_alone_in_plain_python(many, rules):
    for (said, results), found in zip(many, decide_many(many, rules), strict=True):
        plain = plain_rules.decide(list(said), results, VOICES, rules)
        assert found.outcome == plain.outcome
        if plain.outcome in OUTCOMES[: EDITED + 1]:
            assert sorted(found.labels) == sorted(plain.labels)
            assert found.strength == (None if plain.strength is None else pytest.approx(plain.strength, abs=1e-3))
            assert found.edit_id == plain.edit_id


@given(st.lists(st.tuples(st.sampled_from(list(VOICES)), st.sampled_from(SAID)), max_size=8))
def test_swapping_the_sides_swaps_the_decision_and_every_reason_is_known(given):
    swap = {"a": "b", "b": "a"}
    forth = decide(events(*given)).outcome
    back = decide(events(*((rater, swap.get(what, what)) for rater, what in given))).outcome
    assert back == swap.get(forth, forth)
    assert forth in ("a", "b", *REASONS)


def test_rules_come_back_as_they_were_stored():
    rules = LabelRules(
        who="all", agreement="weighted", weights=(("Ana", 2.0), ('the "strict" one', 0.5)), least_labels=2,
        least_strength=2.0, rounds=("review",), edits="ignore", people=("Ana",), per_prompt=3, length_match=True,
    )  # fmt: skip
    assert read_rules(rules.as_dict()) == rules
    assert read_rules(json.loads(json.dumps(rules.as_dict()))) == rules
    assert read_rules(tomllib.loads(rules_toml(rules))) == rules
    assert read_rules(tomllib.loads(rules_toml(DEFAULT_RULES))) == read_rules({}) == DEFAULT_RULES


def test_the_words_for_what_changed_name_only_that():
    assert LabelRules(who="all", least_labels=2).changed() == {"who": "all", "least_labels": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"whom": "people"}, "no label rule 'whom'"),
        ({"who": "nobody"}, "people_first, people, judges, all"),
        ({"who": ["people"]}, "it can be"),
        ({"least_labels": 0}, "whole number from 1"),
        ({"least_labels": True}, "whole number from 1"),
        ({"least_strength": 4}, "from 1 to 3"),
        ({"least_strength": "much"}, "from 1 to 3"),
        ({"only_both_orders": "yes"}, "true or false"),
        ({"rounds": "work"}, "a list of"),
        ({"rounds": ["lunch"]}, "a list of"),
        ({"people": "Ana"}, "a list of names"),
        ({"weights": {"Ana": "much"}}, "a table of names"),
        ({"per_prompt": -1}, "whole number from 0"),
        ({"contradictions": "ignore"}, "keep, resolve, leave_out"),
        ({"version": 2}, "this program reads version 1"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_named(given, words):
    with pytest.raises(InputError, match=words):
        read_rules(given)
