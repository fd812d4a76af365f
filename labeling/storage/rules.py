"""The rules that live in the database as triggers and as an index on an expression, so that no code path can break them.

They are dropped before and made again after every migration, in its transaction: Alembic rebuilds a SQLite table by
copying it, which loses both without a word. A test finds every one of them on both engines.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

GENERATOR_IDENTITY = ("project_id", "digest", "base_url", "model", "parameters", "system_prompt")
JUDGE_IDENTITY = (
    "project_id", "digest", "base_url", "model", "parameters", "rubric", "orders", "samples", "offers_both_bad",
    "uses_reference", "template", "name", "version",
)  # fmt: skip
ASSIGNMENT_IDENTITY = ("round_id", "pair_id", "rater_id", "left_side")

# A label may go only under an erasure that was recorded first and is still open.
NO_ERASURE = """NOT EXISTS (SELECT 1 FROM erasure WHERE ended_at IS NULL AND
  (project_id = {label}.project_id OR rater_id = {label}.rater_id OR import_id = {label}.import_id))"""
NO_ERASURE_OF_LABEL = """NOT EXISTS (SELECT 1 FROM erasure, label WHERE label.id = OLD.label_id AND erasure.ended_at IS NULL
  AND (erasure.project_id = label.project_id OR erasure.rater_id = label.rater_id OR erasure.import_id = label.import_id))"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One trigger: it refuses what `event` would do on `table` where `condition` holds (always, where there is none)."""

    name: str
    table: str
    event: str
    message: str
    condition: str | None = None


def _immutable(table: str, columns: tuple[str, ...], message: str) -> Rule:
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
    return Rule(f"{table}_immutable", table, "UPDATE", message, changed)


RULES: tuple[Rule, ...] = (
    Rule("label_no_update", "label", "UPDATE", "label is append-only: add a revision"),
    Rule("label_no_delete", "label", "DELETE", "label is append-only: record an erasure first", NO_ERASURE.format(label="OLD")),
    Rule("label_note_no_update", "label_note", "UPDATE", "label_note is append-only"),
    Rule("label_note_no_delete", "label_note", "DELETE", "label_note is append-only: record an erasure first", NO_ERASURE_OF_LABEL),
    Rule("label_judgement_no_update", "label_judgement", "UPDATE", "label_judgement is append-only"),
    Rule("label_judgement_no_delete", "label_judgement", "DELETE", "label_judgement is append-only: record an erasure first", NO_ERASURE_OF_LABEL),
    Rule(
        "label_person_needs_round", "label", "INSERT", "a person's label names the round it was given in",
        "NEW.round_id IS NULL AND (SELECT kind FROM rater WHERE id = NEW.rater_id) = 'annotator'",
    ),
    Rule(
        "label_edit_of_prompt", "label", "INSERT", "an edit belongs to the prompt of its pair",
        "NEW.edit_id IS NOT NULL AND (SELECT prompt_id FROM completion WHERE id = NEW.edit_id) IS DISTINCT FROM"
        " (SELECT prompt_id FROM pair WHERE id = NEW.pair_id)",
    ),
    Rule(
        "assignment_slot_insert", "assignment", "INSERT", "no slot beyond the round's overlap",
        "NEW.slot > (SELECT overlap FROM round WHERE id = NEW.round_id)",
    ),
    Rule(
        "assignment_slot_update", "assignment", "UPDATE", "no slot beyond the round's overlap",
        "NEW.slot IS DISTINCT FROM OLD.slot AND NEW.slot > (SELECT overlap FROM round WHERE id = NEW.round_id)",
    ),
    _immutable("assignment", ASSIGNMENT_IDENTITY, "an assignment keeps its pair, its annotator and its side"),
    Rule("guideline_version_no_update", "guideline_version", "UPDATE", "a guideline version is immutable: add the next one"),
    Rule(
        "guideline_version_no_delete", "guideline_version", "DELETE", "a guideline version is immutable",
        "NOT EXISTS (SELECT 1 FROM erasure WHERE ended_at IS NULL AND project_id = OLD.project_id)",
    ),
    _immutable("generator", GENERATOR_IDENTITY, "a generator is immutable: add another"),
    _immutable("judge", JUDGE_IDENTITY, "a judge is immutable: add the next version"),
    Rule("prompt_text_no_update", "prompt_text", "UPDATE", "a prompt's text is immutable"),
    Rule("completion_text_no_update", "completion_text", "UPDATE", "a completion's text is immutable"),
    _immutable("completion", ("prompt_id", "text_digest", "kind", "generator_id", "sample_number", "source"), "a completion is immutable"),
    _immutable("prompt", ("project_id", "digest"), "a prompt is immutable"),
    _immutable("pair", ("project_id", "prompt_id", "a_id", "b_id"), "a pair is immutable"),
    Rule("answer_no_update", "answer", "UPDATE", "a stored answer is never replaced"),
    Rule("request_body_no_update", "request_body", "UPDATE", "what was sent is immutable"),
)  # fmt: skip

# TRUNCATE fires no row trigger; only PostgreSQL has it.
NO_TRUNCATE = ("label", "label_note", "label_judgement", "guideline_version", "answer")


# A round that is missing (judges, imported labels) must count as one and the same: NULL is never equal to NULL.
LABEL_REVISION = "uq_label_revision"


def install_rules(connection: Connection) -> None:
    """Make every trigger and the index, inside the caller's transaction."""
    for statement in _sqlite() if connection.dialect.name == "sqlite" else _postgresql():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        f"CREATE UNIQUE INDEX {LABEL_REVISION} ON label (rater_id, pair_id, coalesce(round_id, 0), revision)"
    )


def remove_rules(connection: Connection) -> None:
    """Drop every trigger and the index, inside the caller's transaction, so that tables can be rebuilt."""
    for name, table in _installed(connection):
        target = "" if connection.dialect.name == "sqlite" else f" ON {table}"
        connection.exec_driver_sql(f"DROP TRIGGER {name}{target}")
    connection.exec_driver_sql(f"DROP INDEX IF EXISTS {LABEL_REVISION}")


def installed_rules(connection: Connection) -> set[str]:
    """The names of the triggers that are there."""
    return {name for name, _ in _installed(connection)}


def _installed(connection: Connection) -> list[tuple[str, str]]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
    return [(row[0], row[1]) for row in connection.exec_driver_sql(query)]


def rule_names(dialect: str) -> set[str]:
    names = {rule.name for rule in RULES}
    return names if dialect == "sqlite" else names | {f"{table}_no_truncate" for table in NO_TRUNCATE}


def _quoted(message: str) -> str:
    return "'" + message.replace("'", "''") + "'"


def _sqlite() -> Iterator[str]:
    for rule in RULES:
        when = f" WHEN {rule.condition}" if rule.condition else ""
        # SQLite before 3.39 knows IS DISTINCT FROM only as IS NOT.
        when = when.replace("IS DISTINCT FROM", "IS NOT")
        yield (
            f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW{when}"
            f" BEGIN SELECT RAISE(ABORT, {_quoted(rule.message)}); END"
        )


def _postgresql() -> Iterator[str]:
    for rule in RULES:
        # A subquery is not allowed in a PostgreSQL trigger's WHEN, so the condition stands in the function.
        condition = rule.condition or "true"
        kept = "OLD" if rule.event == "DELETE" else "NEW"
        yield (
            f"CREATE OR REPLACE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN"
            f" IF {condition} THEN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {_quoted(rule.message)};"
            f" END IF; RETURN {kept}; END $rule$"
        )
        yield f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW EXECUTE FUNCTION {rule.name}()"
    for table in NO_TRUNCATE:
        name = f"{table}_no_truncate"
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN"
            f" RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{table} is never emptied'; END $rule$"
        )
        yield f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
