"""A project whose pairs have completions of generators and files, and every kind of label, for tests of exports."""

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import insert, update

from labeling.domain import Actor, Prompt, Role, canonical_json, text_digest
from labeling.services.access import local_actor
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.labels import record
from labeling.services.projects import create_project
from labeling.services.queue import next_pairs
from labeling.storage import projects as project_rows
from labeling.storage import tables
from labeling.storage.labels import take_seqs
from labeling.storage.store import Store


@dataclass
class Exporting:
    store: Store
    owner: Actor
    slug: str
    project_id: int

    @property
    def place(self) -> tuple[Store, Actor, str]:
        """What every service takes first."""
        return self.store, self.owner, self.slug

    def member(self, name: str, role: Role = Role.ANNOTATOR) -> Actor:
        with self.store.writing() as session:
            account = project_rows.account_named(session, name) or project_rows.add_account(session, name)
            assert account.id is not None
            project_rows.set_role(session, self.project_id, account.id, role)
            return Actor(account.id, name)

    def add(self, table, **values) -> int:
        with self.store.writing() as session:
            key = session.execute(insert(table).values(**values)).inserted_primary_key
            return key[0]

    def change(self, table, key: int, **values) -> None:
        with self.store.writing() as session:
            session.execute(update(table).where(table.id == key).values(**values))

    def generator(self, name: str, system_prompt: str | None = None, **values) -> int:
        return self.add(
            tables.Generator, project_id=self.project_id, digest=uuid4().hex, base_url="sandbox", model="m", name=name,
            system_prompt=system_prompt, **values,
        )  # fmt: skip

    def judge(self, name: str, version: int = 1, orders: str = "both", **values) -> int:
        """A judge; the id of its rater."""
        judge = self.add(
            tables.Judge, project_id=self.project_id, digest=uuid4().hex, base_url="sandbox", model="m", rubric="Fair.",
            orders=orders, template="t", name=name, version=version, **values,
        )  # fmt: skip
        return self.add(
            tables.Rater, kind="judge", name=f"{name}, version {version}", judge_id=judge, project_id=self.project_id
        )

    def imported_rater(self, name: str = "gold") -> int:
        return self.add(tables.Rater, kind="imported", name=name, project_id=self.project_id)

    def pair(self, text: str, a: str = "", b: str = "", **more) -> int:
        """A pair of two completions. `messages`, `tools`, `a_by`, `b_by` (generators), `a_calls`, `prompt` (values), `pair` (values)."""
        messages = more.get("messages") or ({"role": "user", "content": text},)
        prompt = Prompt(tuple(messages), tuple(more.get("tools", ())))
        with self.store.writing() as session:
            key = session.scalar(
                tables.PromptRow.__table__.select().with_only_columns(tables.PromptRow.id).where(
                    tables.PromptRow.project_id == self.project_id, tables.PromptRow.digest == prompt.digest
                )
            )  # fmt: skip
        if key is None:
            key = self.add(tables.PromptRow, project_id=self.project_id, digest=prompt.digest, **more.get("prompt", {}))
            self.add(
                tables.PromptText, prompt_id=key, messages=canonical_json(list(prompt.messages)),
                tools=canonical_json(list(prompt.tools)) if prompt.tools else None,
            )  # fmt: skip
        a, b = a or f"good {text}", b or f"a poor reply to {text}"
        first = self.completion(key, a, more.get("a_by"), more.get("a_calls"))
        second = self.completion(key, b, more.get("b_by"))
        return self.add(
            tables.Pair, project_id=self.project_id, prompt_id=key, a_id=first, b_id=second, a_digest=text_digest(a),
            b_digest=text_digest(b), **more.get("pair", {}),
        )  # fmt: skip

    def completion(self, prompt: int, text: str, generator: int | None = None, calls: list | None = None) -> int:
        by = {"kind": "imported", "source": f"file {uuid4().hex[:6]}"}
        if generator is not None:
            by = {"kind": "generated", "generator_id": generator, "sample_number": uuid4().int % 1_000_000}
        key = self.add(tables.Completion, prompt_id=prompt, text_digest=text_digest(text), characters=len(text), **by)
        self.add(tables.CompletionText, completion_id=key, text=text, tool_calls=json.dumps(calls) if calls else None)
        return key

    def pairs(self, count: int, **more) -> list[int]:
        return [self.pair(f"question {number}", **more) for number in range(count)]

    def label(self, rater: int, pair: int, verdict: str | None = "a", action: str = "label", **more) -> int:
        """A judge's or an imported label: they need no round."""
        with self.store.writing() as session:
            seq = take_seqs(session, self.project_id, 1)
            values = {
                "project_id": self.project_id, "seq": seq, "pair_id": pair, "rater_id": rater, "verdict": verdict,
                "action": action, "event_id": uuid4().hex, **more,
            }  # fmt: skip
            return session.execute(insert(tables.Label).values(**values)).inserted_primary_key[0]

    def judged(self, rater: int, pair: int, state: str, label: int | None = None) -> None:
        run = self.add(
            tables.Run, project_id=self.project_id, purpose="judge", idempotency_key=uuid4().hex, prompt_tokens=0, completion_tokens=0,
            created_by=self.owner.account_id,
        )  # fmt: skip
        with self.store.writing() as session:
            session.execute(
                insert(tables.JudgeResult).values(
                    rater_id=rater,
                    pair_id=pair,
                    project_id=self.project_id,
                    run_id=run,
                    state=state,
                    label_id=label,
                    seq=take_seqs(session, self.project_id, 1),
                )
            )

    def serve_all(self, actor: Actor) -> dict[int, str]:
        """Every pair served to the annotator: pair to the side that stands left."""
        enqueue_pairs(self.store, self.project_id)
        served = next_pairs(self.store, actor, self.slug, (), 100)
        with self.store.reading() as session:
            rows = session.execute(
                tables.Assignment.__table__.select().where(
                    tables.Assignment.pair_id.in_([pair.pair_id for pair in served])
                )
            )
            return {row.pair_id: row.left_side for row in rows}

    def says(self, actor: Actor, pair: int, verdict: str, left: str, **more) -> None:
        """A person's label through the real service; `verdict` in stored order, as the tests think."""
        screen = verdict if verdict in ("tie", "both_bad") else "left" if verdict == left else "right"
        event = {"event_id": str(uuid4()), "pair_id": pair, "action": "label", "verdict": screen, "milliseconds": 900}
        done = record(self.store, actor, self.slug, [event | {"after": None} | more])
        assert not done.refused, done.refused


def make_exporting(store: Store, **options) -> Exporting:
    owner = local_actor(store)
    view = create_project(store, owner, name=options.pop("name", "Talk"), **options)
    return Exporting(store, owner, view.slug, view.id)


def labelled(store: Store, count: int = 12, **more) -> Exporting:
    """A project whose every pair has one imported label that prefers a."""
    making = make_exporting(store)
    gold = making.imported_rater()
    for pair in making.pairs(count, **more):
        making.label(gold, pair)
    return making


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def done(making, tmp_path, **options):
    more = {name: options.pop(name) for name in ("out", "progress", "as_in") if name in options}
    asked = ExportChoices(**({"format": "trl", "validation_share": 0.0} | options))
    return export(*making.place, asked, **({"out": tmp_path / "out"} | more))


def one_edited(store: Store) -> tuple[Exporting, int]:
    """A project of one pair, whose better side Ana has edited; and that pair."""
    making = make_exporting(store)
    making.change(tables.Project, making.project_id, settings=json.dumps({"edits": True}))
    making.pairs(1)
    ana = making.member("Ana")
    ((pair, left),) = making.serve_all(ana).items()
    making.says(ana, pair, "a", left, edited="the best of all replies")
    return making, pair


def edited(making: Exporting, pair: int, verdict: str, parent: int, text: str, **more) -> None:
    """A label of an imported rater that brings an edit of the completion `parent`."""
    with making.store.reading() as session:
        prompt = (
            session.execute(tables.Completion.__table__.select().where(tables.Completion.id == parent)).one().prompt_id
        )
    rater = making.imported_rater(f"editor of {pair}")
    edit = making.add(
        tables.Completion, prompt_id=prompt, kind="edit", text_digest=f"digest {text}", characters=len(text),
        parent_id=parent, rater_id=rater,
    )  # fmt: skip
    making.add(tables.CompletionText, completion_id=edit, text=text)
    making.label(rater, pair, verdict, edit_id=edit, **more)


def sides(making: Exporting, pair: int) -> tuple[int, int]:
    with making.store.reading() as session:
        row = session.execute(tables.Pair.__table__.select().where(tables.Pair.id == pair)).one()
        return row.a_id, row.b_id
