import io
import zipfile

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeling.domain import GeneratorSpec, RunMode
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.parts import write_files
from labeling.services.tokens import create_token
from labeling.web.downloads import download_routes
from tests.services.engine import start
from tests.services.exporting import labelled
from tests.services.making import make_project


@pytest.fixture
def exported(sqlite_store, tmp_path):
    making = labelled(sqlite_store, 12)
    view = export(*making.place, ExportChoices("openai-dpo"), out=tmp_path / "out")
    client = TestClient(Starlette(routes=download_routes(lambda: sqlite_store)))
    return making, view, client, f"/api/v1/projects/{making.slug}/exports/{view.id}"


def test_a_file_is_sent_as_it_lies_on_the_disk(exported):
    _, view, client, address = exported
    answer = client.get(f"{address}/train.jsonl")
    assert answer.status_code == 200
    assert answer.content == (view.folder / "train.jsonl").read_bytes()
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_the_whole_export_is_one_zip(exported):
    making, view, client, address = exported
    name = f"{making.slug}-{view.id}"
    answer = client.get(f"{address}/{name}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {f"{name}/{path.name}" for path in view.folder.iterdir()}
        assert archive.read(f"{name}/train.jsonl") == (view.folder / "train.jsonl").read_bytes()


@pytest.mark.parametrize("file", ["nothing.jsonl", "..%2f..%2fstore.db", "%00", "talk-99.zip"])
def test_what_is_no_file_of_the_export_is_not_found(exported, file):
    _, _, client, address = exported
    answer = client.get(f"{address}/{file}")
    assert answer.status_code == 404


def test_another_export_number_is_not_found_in_one_sentence(exported):
    making, view, client, _ = exported
    answer = client.get(f"/api/v1/projects/{making.slug}/exports/{view.id + 1}/train.jsonl")
    assert answer.status_code == 404
    assert "has no export" in answer.json()["error"]


def test_a_token_speaks_for_its_owner_who_needs_the_right(exported):
    making, _, client, address = exported
    token = create_token(making.store, making.owner, "Ana", making.slug)
    asked = client.get(f"{address}/train.jsonl", headers={"authorization": f"Bearer {token.secret}"})
    assert asked.status_code == 403
    assert "manage" in asked.json()["error"]


@pytest.mark.parametrize("header", ["Bearer forged", "Basic YTpi", "Bearer"])
def test_a_header_that_names_nobody_is_refused(exported, header):
    _, _, client, address = exported
    assert client.get(f"{address}/train.jsonl", headers={"authorization": header}).status_code == 403


def test_an_export_whose_folder_is_gone_says_so(exported):
    _, view, client, address = exported
    view.folder.rename(view.folder.with_name("moved"))
    answer = client.get(f"{address}/train.jsonl")
    assert answer.status_code == 404
    assert "is gone" in answer.json()["error"]


def test_an_export_that_was_edited_is_refused_in_one_sentence_and_what_was_added_stays_out(exported):
    making, view, client, address = exported
    (view.folder / "notes.txt").write_text("mine")
    name = f"{making.slug}-{view.id}"
    with zipfile.ZipFile(io.BytesIO(client.get(f"{address}/{name}.zip").content)) as archive:
        assert f"{name}/notes.txt" not in archive.namelist()
        assert len(archive.namelist()) == 4
    with (view.folder / "train.jsonl").open("a") as file:
        file.write("{}\n")
    for asked in ("train.jsonl", f"{name}.zip"):
        answer = client.get(f"{address}/{asked}")
        assert answer.status_code == 409
        assert "train.jsonl is not what was exported any more" in answer.json()["error"]


def test_the_file_of_a_run_is_streamed_and_another_name_is_not_found(sqlite_store, tmp_path):
    making = make_project(sqlite_store, prompts=3)
    spec = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/sandbox/v1", model="sandbox-large")
    run = start(making, [spec], mode=RunMode.FILE)
    (path,) = write_files(*making.place, run.id, tmp_path)
    client = TestClient(Starlette(routes=download_routes(lambda: sqlite_store)))
    address = f"/api/v1/projects/{making.slug}/runs/{run.id}"
    answer = client.get(f"{address}/{path.name}")
    assert (answer.status_code, answer.content) == (200, path.read_bytes())
    assert answer.headers["content-disposition"].startswith("attachment")
    assert client.get(f"{address}/other.jsonl").status_code == 404
    assert client.get(f"/api/v1/projects/{making.slug}/runs/{run.id + 1}/{path.name}").status_code == 404
