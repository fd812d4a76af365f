from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.errors import InputError
from labeling.services.label_rules import (
    DEFAULT_RULES,
    REASONS,
    Event,
    LabelRules,
    Result,
    Voice,
    decide,
    read_rules,
)

ANA, BEN, CHIDI, FILE, STRICT_1, STRICT_2, LENIENT, HASTY = range(1, 9)
VOICES = {
    ANA: Voice("annotator", "Ana"),
    BEN: Voice("annotator", "Ben"),
    CHIDI: Voice("annotator", "Chidi"),
    FILE: Voice("imported", "gold"),
    STRICT_1: Voice("judge", "strict, version 1", "strict", 1),
    STRICT_2: Voice("judge", "strict, version 2", "strict", 2),
    LENIENT: Voice("judge", "lenient, version 1", "lenient", 1),
    HASTY: Voice("judge", "hasty, version 1", "hasty", 1, reads_both_orders=False),
}


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


def outcome(*given, results=(), **rules):
    decision = decide(events(*given), [Result(*one) for one in results], VOICES, replace(DEFAULT_RULES, **rules))
    return decision.better or decision.reason


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
        ({"least_strength": 2}, ((ANA, "a"),), "too_weak"),
        ({"least_strength": 2}, ((ANA, "a", 3), (BEN, "a", 1)), "a"),
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
    decision = decide([first, in_round(second, 2, "review"), other], [], VOICES)
    assert decision.better == "b"
    assert decision.raters == (ANA, BEN)


@pytest.mark.parametrize("purpose", ["practice", "calibration", "repeat"])
def test_rounds_that_are_no_work_do_not_count(purpose):
    first, second = events((ANA, "a"), (ANA, "b"))
    assert decide([first, in_round(second, 2, purpose)], [], VOICES).better == "a"
    assert decide([in_round(first, 2, purpose)], [], VOICES).reason == "not_counted"


def test_a_revision_taken_back_in_one_round_leaves_the_other_round_alone():
    first, second, third = events((ANA, "a"), (ANA, "b"), (ANA, "undo"))
    review = [in_round(second, 2, "review"), in_round(third, 2, "review")._replace(revision=2)]
    assert decide([first, *review], [], VOICES).better == "a"


def test_the_strength_is_the_mean_and_what_speaks_against_counts_against():
    assert decide(events((ANA, "a", 3), (BEN, "a", 2), (CHIDI, "b", 1)), [], VOICES).strength == pytest.approx(
        4 / 3, abs=1e-3
    )
    assert decide(events((ANA, "a", 3), (BEN, "a", 3), (CHIDI, "tie")), [], VOICES).strength == 2
    assert decide(events((ANA, "a", 3), (BEN, "a")), [], VOICES).strength is None


def test_the_newest_edit_of_those_who_prefer_that_side_is_taken():
    given = events((ANA, "a", None, 11), (BEN, "a", None, 12), (CHIDI, "b", None, 13))
    assert decide(given, [], VOICES).edit_id == 12
    assert decide(given, [], VOICES, LabelRules(edits="ignore")).edit_id is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(VOICES)), st.sampled_from(["a", "b", "tie", "both_bad", "skip", "undo", "void"])
        ),
        max_size=8,
    )
)
def test_swapping_the_sides_swaps_the_decision_and_every_reason_is_known(given):
    swap = {"a": "b", "b": "a"}
    forth = decide(events(*given), [], VOICES)
    back = decide(events(*((rater, swap.get(what, what)) for rater, what in given)), [], VOICES)
    assert back.better == swap.get(forth.better or "")
    assert back.reason == forth.reason
    assert (forth.better is None) == (forth.reason in REASONS)


def test_rules_come_back_as_they_were_stored():
    rules = LabelRules(
        who="all", agreement="unanimous", least_labels=2, least_strength=2, rounds=("review",), edits="ignore"
    )
    assert read_rules(rules.as_dict()) == rules
    assert read_rules({}) == DEFAULT_RULES


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
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_named(given, words):
    with pytest.raises(InputError, match=words):
        read_rules(given)
