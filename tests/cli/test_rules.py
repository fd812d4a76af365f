import json

import pytest

from tests.services.exporting import labelled


@pytest.fixture
def project(sqlite_store, sqlite_store_url):
    making = labelled(sqlite_store, 12)
    making.pair("unlabelled")
    making.label(making.imported_rater("more"), making.pair("tied"), "tie")
    return ["--database", sqlite_store_url], making


def test_an_estimate_tells_what_stays_and_goes_and_writes_nothing(tiebreak, project, tmp_path):
    database, making = project
    (tmp_path / "rules.toml").write_text('longest_reply = 20\npersonal_data = "mask"')
    told = tiebreak(
        *database, "export", "-p", making.slug, "-f", "trl", "--estimate", "--rules", tmp_path / "rules.toml"
    )
    assert told.returncode == 0, told.stderr
    assert "0 rows of 0 of 14 pairs" in told.stdout
    assert "12 a reply is too long (too_long): allow longer replies" in told.stdout
    assert "found: nothing that looks like" in told.stdout
    told = tiebreak(*database, "export", "-p", making.slug, "-f", "trl-kto", "--estimate", "--json")
    found = json.loads(told.stdout)
    assert (found["pairs"], found["kept"], found["rows"]) == (14, 12, 24)
    assert found["left_out"] == {"no_label": 1, "tie": 1}
    assert found["singles"] == {"desirable": 12, "undesirable": 12, "conflicting": 0}
    assert found["longer_after"] == {"part": 0, "whole": 12}


def test_rules_are_saved_listed_shown_used_and_removed(tiebreak, project, tmp_path):
    database, making = project
    (tmp_path / "rules.toml").write_text('who = "people"\nleast_labels = 2')
    place = ("-p", making.slug)
    saved = tiebreak(*database, "rules", "save", "two people", tmp_path / "rules.toml", *place)
    assert saved.stdout == "Saved as two people, version 1.\n", saved.stderr
    assert "who = people, least_labels = 2" in tiebreak(*database, "rules", "list", *place).stdout
    (tmp_path / "shown.toml").write_text(tiebreak(*database, "rules", "show", "two people", *place).stdout)
    told = [
        json.loads(tiebreak(*database, "export", *place, "-f", "trl", "--estimate", "--json", "--rules", rules).stdout)
        for rules in ("two people", tmp_path / "shown.toml")
    ]
    assert told[0] == told[1]
    assert told[0]["left_out"] == {"no_label": 1, "too_few_labels": 13}
    assert tiebreak(*database, "rules", "remove", "two people", *place).returncode == 0
    gone = tiebreak(*database, "export", *place, "-f", "trl", "--estimate", "--rules", "two people")
    assert gone.returncode == 1
    assert "no label rules are saved under that name" in gone.stderr
