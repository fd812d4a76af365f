"""The frame and the Projects page, run as a whole by Streamlit's own test runner."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import labeling.ui
from exporters.check import check_file
from labeling.domain import Target
from labeling.services import import_list
from labeling.services.access import local_actor
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project, list_projects
from labeling.services.queue import next_pairs
from labeling.ui.first_run import EXAMPLE, example_line
from tests.ui.opening import button, run, texts

MAIN = Path(labeling.ui.__file__).parent / "main.py"


@pytest.fixture
def app(sqlite_store, sqlite_store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    return AppTest.from_file(str(MAIN), default_timeout=200)


@pytest.fixture
def project(sqlite_store):
    """Makes projects on the app's own database."""
    return lambda name, **options: create_project(sqlite_store, local_actor(sqlite_store), name=name, **options)


def test_without_a_project_the_first_page_says_what_this_is(app):
    run(app)
    assert "(PFT), also called DPO" in texts(app)
    assert [one.label for one in app.button] == ["New project"]
    assert not app.sidebar.caption


def test_an_untouched_sample_is_offered_on_the_first_page(app, project):
    project("Sample project", is_sample=True)
    run(app)
    assert button(app, "Open the sample project")
    assert "Lately" not in texts(app)


def test_the_example_line_of_the_first_page_is_a_line_of_the_file(tmp_path):
    assert json.loads(example_line()) == EXAMPLE
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(EXAMPLE) + "\n", "utf-8")
    assert [finding for finding in check_file(path, "openai-dpo", is_part=True) if finding.severity == "error"] == []


def test_a_visit_begins_at_the_next_step_of_the_only_project(app, project):
    project("Support replies")
    run(app)
    assert app.title[0].value == "Data"
    assert app.query_params["project"] == "support-replies"


def test_with_several_projects_a_visit_begins_on_the_list(app, project):
    project("Support replies")
    project("Code review", target=Target.OWN)
    run(app)
    assert app.title[0].value == "Projects"
    assert "2 projects · nothing to label" in texts(app)
    assert [one.label for one in app.button] == ["New project", "Import prompts", "Import prompts"]
    assert "Next: Import prompts or pairs" in app.sidebar.caption[0].value


def test_a_row_opens_its_project_at_its_next_step(app, project):
    project("Support replies")
    project("Code review")
    run(app)
    app.button(key="go support-replies").click()
    run(app)
    assert app.title[0].value == "Data"
    assert app.query_params["project"] == "support-replies"


def test_a_reload_keeps_the_project_of_the_address(app, project):
    project("Support replies")
    project("Code review")
    app.query_params["project"] = "support-replies"
    run(app)
    assert app.query_params["project"] == "support-replies"


def test_an_unknown_project_is_told_in_one_sentence(app, project):
    project("Support replies")
    project("Code review")
    app.query_params["project"] = "gone"
    run(app)
    assert len(app.error) == 1
    assert "gone" in app.error[0].value
    assert "tiebreak project list" not in app.error[0].value
    run(app)
    assert not app.error


def test_a_project_is_made_in_the_dialog_with_its_target_first(app, sqlite_store):
    run(app)
    button(app, "New project").click()
    run(app)
    assert app.selectbox[0].label == "Model to be tuned at"
    app.selectbox[0].select(Target.TOGETHER)
    app.text_input[0].input("Support replies")
    button(app, "New project").click()  # the runner runs the whole page: the dialog is opened anew each time
    run(app)
    button(app, "New project").click()
    button(app, "Create project").click()
    run(app)
    (made,) = list_projects(sqlite_store, local_actor(sqlite_store))
    assert (made.name, made.target, made.overlap) == ("Support replies", Target.TOGETHER, 1)


def test_a_name_that_is_too_long_is_kept_and_told_with_the_limit(app):
    run(app)
    button(app, "New project").click()
    run(app)
    (name,) = [one for one in app.text_input if one.label == "Name"]
    assert name.proto.max_chars == 0
    name.input("n" * 112)
    button(app, "New project").click()
    run(app)
    assert "At most 80 characters; these are 112." in texts(app)
    assert button(app, "Create project").disabled


def test_a_database_that_cannot_be_opened_is_one_sentence(app, monkeypatch, tmp_path):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", f"sqlite:///{tmp_path}")
    run(app)
    assert len(app.error) == 1
    assert "is a folder" in app.error[0].value.replace("&#46;", ".")


def test_a_project_whose_pairs_all_came_with_labels_has_none_to_label_until_somebody_begins(app, project, sqlite_store):
    project("Code review")
    view = project("Support replies")
    row = b'{"prompt": "Q?", "response_a": "x", "response_b": "y", "label": "a"}'
    place = sqlite_store, local_actor(sqlite_store), view.slug
    run_import(*place, row, "pairs.jsonl", ImportOptions(labels_as="gold"))
    run(app)
    assert "2 projects · nothing to label" in texts(app)
    shown = [one.value for one in app.markdown]
    assert "**100 %**" in shown
    assert button(app, "Export")
    next_pairs(*place, (), 1)
    assert "2 projects · 1 pair to label" in texts(run(app))


def test_the_foot_of_the_sidebar_counts_what_came_while_the_page_was_drawn(app, project, sqlite_store, monkeypatch):
    project("Support replies")
    run(app)
    assert "of 0 pairs" in foot(app)
    listed = import_list.list_imports

    def meanwhile(*place):
        monkeypatch.setattr(import_list, "list_imports", listed)
        row = b'{"prompt": "Q?", "response_a": "x", "response_b": "y", "label": "a"}'
        run_import(*place, row, "pairs.jsonl", ImportOptions(labels_as="gold"))
        return listed(*place)

    monkeypatch.setattr(import_list, "list_imports", meanwhile)
    run(app)
    assert "**1** usable of 1 pair" in foot(app)


def foot(app) -> str:
    """What stands over the bar at the foot of the sidebar."""
    return next(one.proto.text for one in app.sidebar.get("progress"))
