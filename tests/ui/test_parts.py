"""Faults on a page: what a person reads, and what stays in the log."""

import pytest
from streamlit.testing.v1 import AppTest


def failing(kind: str) -> None:
    import streamlit as st

    from labeling.errors import InputError
    from labeling.ui.parts import faults

    with faults():
        if kind == "fault":
            raise InputError("pairs.jsonl:41: `rejected` is missing. Add it, or import prompts.")
        if kind == "stop":
            st.stop()
        raise KeyError("secret-of-the-program")
    st.text("the page goes on")


@pytest.fixture
def shown():
    return lambda kind: AppTest.from_function(failing, kwargs={"kind": kind}).run()


def test_a_fault_is_one_box_in_its_own_words(shown):
    page = shown("fault")
    assert not page.exception
    assert len(page.error) == 1
    what, mend = page.error[0].value.split("** ")
    assert "missing" in what
    assert "Add it" in mend
    assert "`" not in page.error[0].value
    assert page.text[0].value == "the page goes on"


def test_a_bug_is_a_plain_sentence_and_its_traceback_stays_in_the_log(shown, caplog):
    page = shown("bug")
    assert not page.exception
    assert "secret-of-the-program" not in page.error[0].value
    record = next(one for one in caplog.records if one.exc_info)
    assert record.args[0] in page.error[0].value
    assert "secret-of-the-program" in caplog.text


def test_a_page_that_stops_itself_is_no_fault(shown):
    page = shown("stop")
    assert not page.error
    assert not page.text
