import pytest

from labeling.errors import InputError
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.rule_files import read_rules_file, read_text


@pytest.mark.parametrize(
    "text",
    [
        'who = "people"\nleast_labels = 2',
        '[rules]\nwho = "people"\nleast_labels = 2',
        '{"who": "people", "least_labels": 2}',
    ],
)
def test_rules_are_read_from_toml_and_json(tmp_path, text):
    (tmp_path / "rules").write_text(text)
    assert read_rules_file(tmp_path / "rules") == LabelRules(who="people", least_labels=2)


def test_an_empty_file_means_the_default_rules(tmp_path):
    (tmp_path / "rules.toml").write_text("")
    assert read_rules_file(tmp_path / "rules.toml") == DEFAULT_RULES


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"who = people", "neither TOML nor JSON"),
        (b"{", "neither TOML nor JSON"),
        (b"rules = 3", "no table"),
        (b'who = "nobody"', "rules.toml: The label rule who"),
        ("# é".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_with_its_name(tmp_path, content, words):
    (tmp_path / "rules.toml").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_rules_file(tmp_path / "rules.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.txt cannot be read"):
        read_text(tmp_path / "nothing.txt")
