"""Label rules of a project under names, so that the next export is made as the last one was."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from labeling.domain import Actor
from labeling.errors import InputError, NotFoundError
from labeling.services.access import managed_project
from labeling.services.deciding import ballot
from labeling.services.label_rules import DEFAULT_RULES, LabelRules, read_rules
from labeling.services.raters import names_of
from labeling.services.rule_files import read_rules_file
from labeling.storage import exports as export_rows
from labeling.storage import rule_sets as rows
from labeling.storage.store import Store
from labeling.storage.tables import RuleSet

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class SavedRules:
    """Rules under a name; `version` counts how often it was saved. The rules know their name."""

    name: str
    version: int
    rules: LabelRules
    created_at: datetime


def saved_rules(store: Store, actor: Actor, slug: str) -> list[SavedRules]:
    """The newest version of each name, by name."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return [_view(row) for row in rows.newest(session, project_id)]


def save_rules(store: Store, actor: Actor, slug: str, name: str, rules: LabelRules) -> SavedRules:
    """Save rules as the next version of a name; what is the same as its newest one is not saved again.

    Raises:
        InputError: the name is empty or too long.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise InputError(f"The name of label rules has 1 to {LONGEST_NAME} characters; this one has {len(name)}.")
    rules = replace(rules, name=name)
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        known = {row.name: row for row in rows.newest(session, project_id)}.get(name)
        if known is not None and read_rules(json.loads(known.rules)) == rules:
            return _view(known)
        return _view(rows.add(session, project_id, name, json.dumps(rules.as_dict()), actor.account_id))


def remove_rules(store: Store, actor: Actor, slug: str, name: str) -> None:
    """Take a name off the list. Exports made by it keep their rules. Raises NotFoundError where there is none."""
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        if not rows.remove(session, project_id, name):
            raise NotFoundError(_unknown(name, [row.name for row in rows.newest(session, project_id)]))


def rules_named(store: Store, actor: Actor, slug: str, name: str) -> SavedRules:
    """The newest version of the rules of a name. Raises NotFoundError where there are none."""
    known = {one.name: one for one in saved_rules(store, actor, slug)}
    if name not in known:
        raise NotFoundError(_unknown(name, list(known)))
    return known[name]


def rules_from(store: Store, actor: Actor, slug: str, given: str | None) -> LabelRules:
    """Rules as a command names them: a file, or a name they were saved under; the default ones where nothing is given.

    Raises:
        NotFoundError: neither a file nor a saved name.
        InputError: the file has a fault; or the rules contradict themselves, or name whom the project does not know.
    """
    if given is None:
        return DEFAULT_RULES
    path = Path(given)
    rules = read_rules_file(path) if path.is_file() else rules_named(store, actor, slug, given).rules
    _check(store, actor, slug, rules)
    return rules


def _check(store: Store, actor: Actor, slug: str, rules: LabelRules) -> None:
    """Raise InputError where a rule would do nothing in silence: a name is misspelled, or another rule shuts it out."""
    if rules.weights and rules.agreement != "weighted":
        raise InputError(
            f"The label rules give weights, and agreement is {rules.agreement}, which does not read them. "
            'Write agreement = "weighted", or leave the weights out.'
        )
    for who, shut_out in (("people", "judges"), ("judges", "people")):
        if rules.who == who and getattr(rules, shut_out):
            raise InputError(f"The label rule {shut_out} names some, and with who = {who!r} none of them counts.")
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        voices = ballot(session, project_id, rules).raters.voices
        rounds = {name for name, _ in export_rows.rounds(session, project_id).values()}
    known = {name: set(names) for name, names in names_of(voices).items()} | {"only_rounds": rounds}
    known["judges"] |= {voice.name for voice in voices if voice.kind == "judge"}
    known["weights"] = known["people"] | known["judges"] | known["rule_raters"]
    for rule, names in known.items():
        given = dict(rules.weights) if rule == "weights" else getattr(rules, rule)
        if unknown := [name for name in given if name not in names]:
            raise InputError(
                f"The label rule {rule} names {unknown[0]!r}, and nothing in the project is called so. "
                "Spell it as the page Export does, or leave it out."
            )


def _unknown(name: str, known: list[str]) -> str:
    listed = f"Saved are {', '.join(map(repr, known))}." if known else "None are saved yet."
    return f"There is no file {name!r}, and no label rules are saved under that name. {listed}"


def _view(row: RuleSet) -> SavedRules:
    rules = replace(read_rules(json.loads(row.rules)), name=row.name)
    return SavedRules(row.name, row.version, rules, row.created_at)
