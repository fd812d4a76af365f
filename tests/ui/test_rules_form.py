from html import unescape

import pytest

from labeling.services.export_list import exports
from labeling.services.label_rules import LabelRules
from labeling.services.saved_rules import save_rules, saved_rules
from tests.services.exporting import labelled, make_exporting
from tests.ui.exporting import build, opening, table
from tests.ui.opening import button, run, texts


@pytest.fixture
def opened(sqlite_store_url, monkeypatch, tmp_path):
    return opening(sqlite_store_url, monkeypatch, tmp_path)


def counts(page) -> dict[str, int]:
    shown = table(page)
    return dict(zip(shown["Pairs"], shown["n"], strict=True))


def control(kind, label: str):
    return next(one for one in kind if one.label == label)


def choose(page, label: str, value: object):
    """A segmented control, set as a click would."""
    control(page.segmented_control, label).set_value(value)
    return run(page)


@pytest.fixture
def disputed(sqlite_store):
    """Twelve pairs with one label, one on which two sources differ, one with a mail address."""
    making = labelled(sqlite_store, 12)
    second, third = making.imported_rater("second"), making.imported_rater("third")
    differing = making.pair("differing")
    making.label(second, differing, "a")
    making.label(third, differing, "b")
    making.label(second, making.pair("address", a="Write to ana@mail.example"))
    return making


def test_a_changed_rule_moves_the_counts_and_says_under_its_control_what_it_leaves_out(disputed, opened):
    page = opened(disputed)
    assert counts(page) == {"In the file": 13, "Imported labels differ": 1}
    assert "leaves out 1 pair" in texts(page)
    control(page.number_input, "Labels that decide, at least").set_value(2)
    run(page)
    assert counts(page) == {"In the file": 0, "Too few labels": 13, "Imported labels differ": 1}
    assert "leaves out 13 pairs" in texts(page)
    assert button(page, "Build 0 rows").disabled


@pytest.mark.parametrize(
    ("label", "asked"), [("Labels that decide, at least", 0), ("Pairs of one prompt, at most", -1)]
)
def test_a_number_that_can_be_no_rule_is_told_and_no_other_is_built(disputed, opened, label, asked):
    page = opened(disputed)
    field = control(page.number_input, label)
    assert (field.proto.has_min, field.proto.has_max) == (False, False)
    field.set_value(asked)
    run(page)
    assert f"“{label}” is {asked}; it is a whole number from {asked + 1} to 2,147,483,647." in unescape(texts(page))
    assert button(page, "Build 13 rows").disabled
    control(page.number_input, label).set_value(1)
    run(page)
    assert not button(page, "Build 13 rows").disabled


def test_whose_labels_count_is_chosen_by_name(disputed, opened):
    page = opened(disputed)
    control(page.multiselect, "Only these people").select("second")
    run(page)
    assert counts(page) == {"In the file": 2, "Labels that do not count": 12}


def test_weights_are_asked_for_where_they_count(disputed, opened):
    page = opened(disputed)
    assert "who has 0 does not count" not in texts(page)
    choose(page, "When raters differ", "weighted")
    assert "who has 0 does not count" in texts(page)


def test_texts_are_read_when_a_rule_asks_and_what_was_found_is_told(disputed, opened):
    page = choose(opened(disputed), "Personal data and keys", "mask")
    assert "found: mail in 1" in texts(page)
    assert counts(page)["In the file"] == 13
    page = choose(page, "Personal data and keys", "leave_out")
    assert counts(page)["Personal data or a key found"] == 1


def test_rules_are_saved_taken_up_and_stand_beside_the_export_made_by_them(disputed, opened):
    place = disputed.place
    save_rules(*place, "second alone", LabelRules(people=("second",)))
    page = opened(disputed)
    assert "As by default" in texts(page)
    control(page.text_input, "Save these under a name").set_value("usual")
    run(page)
    button(page, "Save rules").click()
    run(page)
    assert [one.name for one in saved_rules(*place)] == ["second alone", "usual"]
    assert "usual, version 1" in texts(page)
    button(page, "second alone").click()
    run(page)
    assert "second alone, version 1" in texts(page)
    assert counts(page)["In the file"] == 2
    page.selectbox[0].select("trl")
    page = build(run(page))
    (view,) = exports(*place)
    assert (view.rules["name"], view.rows) == ("second alone", 2)
    button(page, "As by default").click()
    run(page)
    assert counts(page)["In the file"] == 13


def test_chosen_rules_outlive_a_visit_to_another_page(disputed, opened):
    page = opened(disputed)
    control(page.number_input, "Labels that decide, at least").set_value(2)
    run(page)
    # Streamlit forgets the widgets that a page does not draw; what the session holds stays.
    key = f"rules/{disputed.slug}/kept"
    page = opened(disputed, **{key: page.session_state[key]})
    assert counts(page)["In the file"] == 0


def test_saved_rules_with_numbers_beyond_the_usual_are_taken_up_as_they_are(disputed, opened):
    rules = LabelRules(least_labels=50, longest_reply=2_000_000_000, per_prompt=2_000_000, rounds=())
    save_rules(*disputed.place, "wide", rules)
    page = opened(disputed)
    button(page, "wide, version 1").click()
    run(page)
    assert control(page.number_input, "Labels that decide, at least").value == 50
    assert "wide, version 1" in texts(page)


def test_names_of_raters_are_never_read_as_markdown(sqlite_store, opened):
    making = make_exporting(sqlite_store)
    making.label(making.imported_rater("plain"), making.pair("one"))
    save_rules(*making.place, ":red[loud]", LabelRules(people=("plain",)))
    page = opened(making)
    assert ":red[loud]" not in [one.label for one in page.button]


def test_single_replies_tell_their_balance(disputed, opened):
    page = opened(disputed)
    page.selectbox[0].select("trl-kto")
    run(page)
    assert "Desirable 50 %" in texts(page)
    assert button(page, "Build 26 rows")
