"""Exports are listed, made again, compared and sent to a hub."""

import json
import socket
import subprocess
import sys

import pytest

from labeling.storage import tables
from tests.cli.pushing import reaching, to
from tests.services.exporting import labelled


@pytest.fixture
def project(sqlite_store, sqlite_store_url):
    return ["--database", sqlite_store_url], labelled(sqlite_store, 60)


def test_an_export_is_made_again_byte_for_byte_after_more_was_labelled(tiebreak, project, tmp_path):
    database, making = project
    first = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "first", "--json")
    number = json.loads(first.stdout)["id"]
    more = making.pair("later")
    making.label(making.imported_rater("crowd"), more, "b")
    again = tiebreak(*database, "exports", "again", number, "-p", making.slug, "-o", tmp_path / "again", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["is_same"] is True
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    listed = json.loads(tiebreak(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"]
    assert len({view["digest"] for view in listed}) == 1
    assert [view["rows"] for view in listed] == [60, 60]


def test_the_list_settles_an_export_whose_program_was_killed(tiebreak, project, sqlite_store):
    database, making = project
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    options = json.dumps({"host": socket.gethostname(), "process": ended.pid, "run": "of then"})
    making.add(
        tables.Export, project_id=making.project_id, format="trl", options=options, label_seq=0, program_version="1",
        created_by=making.owner.account_id, created_at=tables.now(), folder=None,
    )  # fmt: skip
    (view,) = json.loads(tiebreak(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"]
    assert (view["state"], view["fault"]) == ("failed", "The program was stopped during the export. Start it again.")


def test_what_changed_since_an_earlier_export_is_told(tiebreak, project, tmp_path):
    database, making = project
    pairs = [making.pair(f"more {number}") for number in range(3)]
    crowd = making.imported_rater("crowd")
    for pair in pairs[:2]:
        making.label(crowd, pair, "a")
    first = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "first", "--json")
    making.label(crowd, pairs[0], "b", revision=2)
    making.label(crowd, pairs[1], None, action="undo", revision=2)
    making.label(crowd, pairs[2], "a")
    number = json.loads(first.stdout)["id"]
    done = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "second", "--since", number)
    assert done.returncode == 0, done.stderr
    assert f"1 added: pairs {pairs[2]}" in done.stdout
    assert f"1 removed: pairs {pairs[1]}" in done.stdout
    assert f"1 turned round: pairs {pairs[0]}" in done.stdout
    assert "60 rows are as they were" in done.stdout
    wrong = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "third", "--since", 99)
    assert (wrong.returncode, (tmp_path / "third").exists()) == (1, False)


def test_an_export_that_cannot_be_compared_is_done_and_said_to_be(tiebreak, project, tmp_path):
    database, making = project
    first = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "first", "--json")
    (tmp_path / "first" / "provenance.jsonl").write_text("{half")
    number = json.loads(first.stdout)["id"]
    done = tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "second", "--since", number)
    assert (done.returncode, (tmp_path / "second" / "train.jsonl").exists()) == (1, True)
    assert f"nothing can be compared with it. Make that export again. Export {number + 1} is done, in" in done.stderr


def test_an_export_is_pushed_to_a_private_data_set_in_one_commit(tiebreak, project, tmp_path, hub):
    database, making = project
    reach = to(hub, hub.token, tmp_path)
    done = reaching(
        *database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", "hf:team/pairs", **reach
    )
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/datasets/team/pairs (private)" in done.stdout
    assert hub.private == {"team/pairs": True}
    assert len(hub.blobs) >= 1  # the large files went their own way
    there = {name: content for name, content in hub.files["team/pairs"].items() if name != ".gitattributes"}
    assert there == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    number = json.loads(tiebreak(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"][0]["id"]
    public = reaching(*database, "exports", "push", number, "hf:team/open", "-p", making.slug, "--public", **reach)
    assert "(public)" in public.stdout


def test_nothing_is_pushed_to_where_everybody_sees_it_unless_that_is_said(tiebreak, project, tmp_path, hub):
    database, making = project
    hub.private["team/open"], hub.files["team/open"] = False, {".gitattributes": b""}
    asked = ("export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", "hf:team/open", "--json")
    done = reaching(*database, *asked, **to(hub, hub.token, tmp_path))
    assert (done.returncode, hub.files["team/open"]) == (1, {".gitattributes": b""})
    assert "everybody can see it" in json.loads(done.stdout)["error"]
    (view,) = json.loads(tiebreak(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"]
    again = ("exports", "push", view["id"], "hf:team/open", "-p", making.slug, "--public")
    assert "(public)" in reaching(*database, *again, **to(hub, hub.token, tmp_path)).stdout


def test_only_what_was_exported_is_pushed(tiebreak, project, tmp_path, hub):
    database, making = project
    tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "keys.jsonl").write_text("{}")
    asked = ("exports", "push", 1, "hf:team/pairs", "-p", making.slug)
    assert reaching(*database, *asked, **to(hub, hub.token, tmp_path)).returncode == 0
    assert not {"notes.txt", "keys.jsonl"} & hub.files["team/pairs"].keys()
    before = dict(hub.files["team/pairs"])
    with (tmp_path / "out" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    done = reaching(*database, *asked, **to(hub, hub.token, tmp_path))
    assert (done.returncode, hub.files["team/pairs"]) == (1, before)
    assert "train.jsonl is not what was exported any more" in done.stderr


def test_a_card_may_be_edited_before_a_push_which_says_so_and_a_manifest_may_not(tiebreak, project, tmp_path, hub):
    database, making = project
    tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out")
    (tmp_path / "out" / "README.md").write_text("# Our pairs")
    asked = ("exports", "push", 1, "hf:team/pairs", "-p", making.slug)
    done = reaching(*database, *asked, **to(hub, hub.token, tmp_path))
    assert "(private); its card, README.md, as it was edited after the export" in done.stdout
    assert hub.files["team/pairs"]["README.md"] == b"# Our pairs"
    before = dict(hub.files["team/pairs"])
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("60", "61"))
    done = reaching(*database, *asked, **to(hub, hub.token, tmp_path))
    assert (done.returncode, hub.files["team/pairs"]) == (1, before)
    assert f"{manifest} is not what was exported any more. Make export 1 again." in done.stderr


@pytest.mark.parametrize(
    ("name", "token", "words"),
    [
        ("hf:team", "hf_stand_in", "Write hf:organization/name"),
        ("hf:team/pairs", "hf_secret_of_mine", "does not let this token write team/pairs"),
        ("hf:nobody/pairs", "hf_stand_in", "knows no owner of nobody/pairs"),
    ],
)
def test_a_refused_push_is_one_sentence_without_the_token(project, tmp_path, hub, name, token, words):
    database, making = project
    reach = to(hub, token, tmp_path)
    done = reaching(
        *database, "export", "-p", making.slug, "-f", "trl", "-o", tmp_path / "out", "--push", name, **reach
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()[-1:]) == 1
    assert token not in done.stderr + done.stdout


def test_votes_are_every_label_as_csv_and_as_parquet(tiebreak, project, tmp_path):
    database, making = project
    crowd = making.imported_rater("=crowd")
    pair = making.pair("changed later")
    making.label(crowd, pair, "a", strength=2)
    making.label(crowd, pair, "tie", revision=2)
    for kind in ("jsonl", "parquet"):
        done = tiebreak(
            *database, "export", "-p", making.slug, "-f", "votes", "-o", tmp_path / kind, "--file-type", kind
        )
        assert done.returncode == 0, done.stderr
        assert "62 labels" in done.stdout
        assert "62 of 62 labels" in done.stderr
    import pandas as pd

    table = pd.read_csv(tmp_path / "jsonl" / "votes.csv", keep_default_na=False)
    columns = pd.read_parquet(tmp_path / "parquet" / "votes.parquet")
    assert list(table.columns) == list(columns.columns)
    assert len(table) == len(columns) == 62
    last = table.tail(2)
    assert last["verdict"].tolist() == ["a", "tie"]
    assert last["is_current"].tolist() == [False, True]
    assert last["rater"].tolist() == ["'=crowd"] * 2  # no formula for a spreadsheet
    assert columns["rater"].tolist()[-1] == "=crowd"
    assert columns["item"].tolist()[-1] == pair
    manifest = json.loads((tmp_path / "jsonl" / "manifest.json").read_bytes())
    assert (manifest["rows"], manifest["files"][0]["name"]) == (62, "votes.csv")


def test_single_completions_are_compared_by_completion_and_never_with_pairs(tiebreak, project, tmp_path):
    database, making = project
    crowd, pair = making.imported_rater("crowd"), making.pair("in doubt")
    making.label(crowd, pair, "a")
    for name in ("trl-kto", "trl"):
        assert tiebreak(*database, "export", "-p", making.slug, "-f", name, "-o", tmp_path / name).returncode == 0
    making.label(crowd, pair, "b", revision=2)
    more = making.pair("new")
    making.label(crowd, more, "both_bad")
    command = [*database, "export", "-p", making.slug, "-f", "trl-kto"]
    done = tiebreak(*command, "-o", tmp_path / "later", "--since", 1, "--json")
    told = json.loads(done.stdout)["changes"]
    assert (told["kept"], told["removed"]["count"], told["rewritten"]["count"]) == (120, 0, 0)
    assert told["added"] == {"count": 2, "pairs": [more]}
    assert told["turned_round"] == {"count": 2, "pairs": [pair]}
    wrong = tiebreak(*command, "-o", tmp_path / "wrong", "--since", 2)
    assert wrong.returncode == 1
    assert "has other rows than trl-kto" in wrong.stderr
    assert not (tmp_path / "wrong").exists()


def test_the_list_holds_every_export(tiebreak, project, sqlite_store):
    database, making = project
    with sqlite_store.writing() as session:
        session.add_all(
            tables.Export(
                project_id=making.project_id, format="trl", state="failed", label_seq=0, program_version="1",
                created_by=making.owner.account_id,
            )
            for _ in range(1_001)
        )  # fmt: skip
    listed = json.loads(tiebreak(*database, "exports", "list", "-p", making.slug, "--json").stdout)["exports"]
    assert len(listed) == 1_001
