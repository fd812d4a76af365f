import pytest

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.saved_rules import remove_rules, rules_from, rules_named, save_rules, saved_rules
from tests.services.exporting import make_exporting


def test_saved_rules_come_back_with_their_name_and_each_change_is_a_version(store):
    making = make_exporting(store)
    first = save_rules(*making.place, "  strict\tpeople ", LabelRules(who="people"))
    assert (first.name, first.version, first.rules) == (
        "strict people",
        1,
        LabelRules(who="people", name="strict people"),
    )
    assert save_rules(*making.place, "strict people", LabelRules(who="people")).version == 1
    changed = LabelRules(who="people", weights=(("Ana", 2.0),), agreement="weighted")
    assert save_rules(*making.place, "strict people", changed).version == 2
    save_rules(*making.place, "judges", LabelRules(who="judges"))
    assert [(one.name, one.version) for one in saved_rules(*making.place)] == [("judges", 1), ("strict people", 2)]
    assert rules_named(*making.place, "strict people").rules.weights == (("Ana", 2.0),)


def test_a_removed_name_is_gone_and_a_version_never_means_two_things(store):
    making = make_exporting(store)
    save_rules(*making.place, "one", DEFAULT_RULES)
    remove_rules(*making.place, "one")
    assert saved_rules(*making.place) == []
    with pytest.raises(NotFoundError, match="None are saved yet"):
        remove_rules(*making.place, "one")
    assert save_rules(*making.place, "one", DEFAULT_RULES).version == 2


def test_a_command_names_a_file_or_a_saved_name(store, tmp_path):
    making = make_exporting(store)
    save_rules(*making.place, "mine", LabelRules(who="judges"))
    (tmp_path / "rules.toml").write_text('who = "people"')
    assert rules_from(*making.place, None) == DEFAULT_RULES
    assert rules_from(*making.place, "mine").who == "judges"
    assert rules_from(*making.place, str(tmp_path / "rules.toml")) == LabelRules(who="people")
    with pytest.raises(NotFoundError, match=r"no file 'yours', and no label rules are saved .* 'mine'"):
        rules_from(*making.place, "yours")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('people = ["Ana", "Bem"]', "people names 'Bem'"),
        ('judges = ["strict, version 1", "strikt"]', "judges names 'strikt'"),
        ('rule_raters = ["a over b"]', "rule_raters names 'a over b'"),
        ('only_rounds = ["work", "Second"]', "only_rounds names 'Second'"),
        ('agreement = "weighted"\n[weights]\nAna = 2\nBem = 0.5', "weights names 'Bem'"),
        ("[weights]\nAna = 2", "agreement is majority, which does not read them"),
        ('who = "people"\njudges = ["strict"]', "judges names some, and with who = 'people' none of them counts"),
        ('who = "judges"\npeople = ["Ana"]', "people names some, and with who = 'judges' none"),
    ],
)
def test_a_rule_that_would_do_nothing_in_silence_is_refused(sqlite_store, tmp_path, written, words):
    making = make_exporting(sqlite_store)
    making.judge("strict")
    making.imported_rater("Ana")
    (tmp_path / "rules.toml").write_text(written)
    with pytest.raises(InputError, match=words):
        rules_from(*making.place, str(tmp_path / "rules.toml"))


def test_names_that_the_project_knows_are_taken(sqlite_store, tmp_path):
    making = make_exporting(sqlite_store)
    making.judge("strict")
    making.imported_rater("Ana")
    (tmp_path / "rules.toml").write_text(
        'people = ["Ana"]\njudges = ["strict", "strict, version 1"]\nagreement = "weighted"\n[weights]\nstrict = 2'
    )
    assert rules_from(*making.place, str(tmp_path / "rules.toml")).judges == ("strict", "strict, version 1")


def test_rules_belong_to_their_project_and_its_leads(store):
    making, other = make_exporting(store), make_exporting(store, name="Other")
    save_rules(*making.place, "mine", DEFAULT_RULES)
    assert saved_rules(*other.place) == []
    annotator = making.member("Ana", Role.ANNOTATOR)
    with pytest.raises(ForbiddenError):
        save_rules(store, annotator, making.slug, "hers", DEFAULT_RULES)
    with pytest.raises(InputError, match="1 to 60"):
        save_rules(*making.place, " ", DEFAULT_RULES)
