"""A push that is killed or refused: what the data set holds then, and how it is done again."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.cli.pushing import reaching, to
from tests.services.exporting import labelled

NAME = "team/pairs"


@pytest.fixture
def project(sqlite_store, sqlite_store_url):
    return ["--database", sqlite_store_url], labelled(sqlite_store, 60)


def sent(hub) -> dict[str, bytes]:
    return {name: content for name, content in hub.files[NAME].items() if name != ".gitattributes"}


def exported(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("step", ["/api/repos/create", "/preupload/", "/blob/", "/commit/"])
def test_a_push_that_is_killed_leaves_what_was_there_and_is_done_again(project, tmp_path, hub, step):
    database, making = project
    reach = to(hub, hub.token, tmp_path)
    hub.private[NAME], hub.files[NAME] = True, {".gitattributes": b"", "README.md": b"of then", "train.jsonl": b"{}\n"}
    hub.titles[NAME] = dict.fromkeys(hub.files[NAME], "Tiebreak export 7 of another")
    before, hub.held = dict(hub.files[NAME]), step
    asked = ("export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", f"hf:{NAME}")
    command = [sys.executable, "-m", "tiebreak", *map(str, (*database, *asked))]
    pushing = subprocess.Popen(command, env={**os.environ, **reach}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    hub.reached.wait()
    pushing.kill()
    said, _ = pushing.communicate()
    assert hub.files[NAME] == before
    assert b"60 rows of 60 pairs" in said  # the export itself was told before
    hub.released.set()
    (view,) = json.loads(reaching(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"]
    assert (view["state"], view["rows"]) == ("done", 60)
    for _ in range(2):  # and once more: what is there already is no fault
        done = reaching(*database, "exports", "push", view["id"], f"hf:{NAME}", "-p", making.slug, **reach)
        assert done.returncode == 0, done.stderr
        assert sent(hub) == exported(tmp_path / "out")


@pytest.mark.parametrize(("step", "status"), [("/preupload/", 500), ("/blob/", 400), ("/commit/", 503)])
def test_a_push_that_is_refused_says_which_command_sends_the_export_that_is_done(project, tmp_path, hub, step, status):
    database, making = project
    reach = to(hub, hub.token, tmp_path)
    hub.faults = {step: status}
    asked = ("export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", f"hf:{NAME}")
    done = reaching(*database, *asked, **reach)
    assert done.returncode == 1
    assert "60 rows of 60 pairs" in done.stdout
    assert f"The hub refused {NAME} ({status})" in done.stderr
    assert f"Export 1 is done, in {tmp_path / 'out'}" in done.stderr
    hub.faults = {}
    command = shlex.split(done.stderr.split("`")[1])
    again = reaching(*database, *command[1:], **reach)
    assert again.returncode == 0, again.stderr
    assert sent(hub) == exported(tmp_path / "out")


@pytest.mark.parametrize("name", ["README.md", "manifest.json"])
def test_rows_are_never_pushed_beside_the_card_of_others(project, tmp_path, hub, name):
    database, making = project
    reach = to(hub, hub.token, tmp_path)
    reaching(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    done = reaching(*database, "exports", "push", 1, f"hf:{NAME}", "-p", making.slug, **reach)
    assert (done.returncode, NAME in hub.files) == (1, False)
    assert f"{tmp_path / 'out' / name} is gone. Make export 1 again." in done.stderr


def test_files_of_others_stay_in_the_data_set_and_those_of_an_earlier_push_go(project, tmp_path, hub):
    database, making = project
    theirs = {"eval/gold.parquet": b"x", "notes.csv": b"y", "config.json": b"{}", "paper.pdf": b"z", "[a]*.json": b"{}"}
    hub.private[NAME], hub.files[NAME] = True, {".gitattributes": b"", **theirs}
    for kind in ("parquet", "jsonl"):
        asked = (
            "export",
            "-p",
            making.slug,
            "-f",
            "trl",
            "-o",
            tmp_path / kind,
            "--file-type",
            kind,
            "--push",
            f"hf:{NAME}",
        )
        done = reaching(*database, *asked, **to(hub, hub.token, tmp_path))
        assert done.returncode == 0, done.stderr
        assert sent(hub) == {**theirs, **exported(tmp_path / kind)}


def test_a_card_of_others_is_replaced_by_none_of_ours(project, tmp_path, hub):
    database, making = project
    reach = to(hub, hub.token, tmp_path)
    hub.private[NAME], hub.files[NAME] = True, {".gitattributes": b"", "README.md": b"my own card", "old.jsonl": b"{}"}
    before = dict(hub.files[NAME])
    asked = ("export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", f"hf:{NAME}")
    done = reaching(*database, *asked, **reach)
    assert (done.returncode, hub.files[NAME]) == (1, before)
    assert "this one would replace: README.md. Push to another name, or delete them there first" in done.stderr
    del hub.files[NAME]["README.md"]
    push = ("exports", "push", 1, f"hf:{NAME}", "-p", making.slug)
    assert reaching(*database, *push, **reach).returncode == 0
    hub.files[NAME]["README.md"], hub.titles[NAME]["README.md"] = b"edited on the hub", "Update README.md"
    done = reaching(*database, *push, **reach)
    assert (done.returncode, hub.files[NAME]["README.md"]) == (1, b"edited on the hub")
    assert "no push is known to have written last" in done.stderr


def test_a_data_set_that_changes_during_a_push_is_left_as_it_is(project, tmp_path, hub):
    database, making = project
    hub.private[NAME], hub.files[NAME], hub.held = True, {".gitattributes": b""}, "/preupload/"
    asked = ("export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", f"hf:{NAME}")
    command = [sys.executable, "-m", "tiebreak", *map(str, (*database, *asked))]
    environment = {**os.environ, **to(hub, hub.token, tmp_path)}
    pushing = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    hub.reached.wait()
    hub.files[NAME]["README.md"], hub.commits[NAME] = b"of somebody else", ["Create README.md"]
    hub.released.set()
    _, said = pushing.communicate()
    assert (pushing.returncode, sent(hub)) == (1, {"README.md": b"of somebody else"})
    assert f"The hub refused {NAME} (412)" in said
