"""A project with pairs to label, made with SQL, and the short ways in which tests act on it."""

import json
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import insert, update

from labeling.domain import Actor, Role, text_digest
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.projects import create_project
from labeling.services.queue import next_pairs
from labeling.services.served import ServedPair
from labeling.storage import projects as project_rows
from labeling.storage import tables
from labeling.storage.store import Store


@dataclass
class Labelling:
    store: Store
    owner: Actor
    slug: str
    project_id: int
    pairs: list[int]

    def actor(self, name: str, role: Role | None = Role.ANNOTATOR) -> Actor:
        with self.store.writing() as session:
            account = project_rows.account_named(session, name) or project_rows.add_account(session, name)
            assert account.id is not None
            if role is not None:
                project_rows.set_role(session, self.project_id, account.id, role)
            return Actor(account.id, name)

    def next(self, actor: Actor, want: int = 1, have: tuple[int, ...] = ()) -> list[ServedPair]:
        return next_pairs(self.store, actor, self.slug, have, want)

    def ask(self, **settings: object) -> None:
        with self.store.writing() as session:
            session.execute(
                update(tables.Project).where(tables.Project.id == self.project_id).values(settings=json.dumps(settings))
            )

    def rows(self, table, *where):
        with self.store.reading() as session:
            core = table.__table__
            query = core.select().order_by(*core.primary_key.columns)
            return session.execute(query.where(*where) if where else query).all()

    def run(self, *statements):
        with self.store.writing() as session:
            for statement in statements:
                session.execute(statement)


def make_labelling(store: Store, pairs: int = 3, overlap: int = 1, name: str = "Talk") -> Labelling:
    with store.writing() as session:
        account = project_rows.account_named(session, "owner") or project_rows.add_account(
            session, "owner", is_admin=True
        )
        assert account.id is not None
        owner = Actor(account.id, "owner", is_admin=True)
    view = create_project(store, owner, name=name, overlap=overlap)
    made = add_pairs(store, view.id, pairs)
    enqueue_pairs(store, view.id)
    return Labelling(store, owner, view.slug, view.id, made)


def add_pairs(store: Store, project_id: int, count: int, text: str = "reply") -> list[int]:
    """`count` prompts with two completions each, which begin with the side they are stored on."""
    if not count:
        return []
    with store.writing() as session:

        def keys(table, values):
            return list(session.scalars(insert(table).returning(table.id, sort_by_parameter_order=True), values))

        names = [f"{text} {uuid4().hex[:8]} {number}" for number in range(count)]
        prompts = keys(tables.PromptRow, [{"project_id": project_id, "digest": text_digest(name)} for name in names])
        messages = [json.dumps([{"role": "user", "content": f"Question {name}"}]) for name in names]
        session.execute(
            insert(tables.PromptText),
            [{"prompt_id": key, "messages": message} for key, message in zip(prompts, messages, strict=True)],
        )
        texts = [f"{side} {name}" for name in names for side in "ab"]
        completions = keys(
            tables.Completion,
            [
                {"prompt_id": prompts[number // 2], "kind": "imported", "source": "file", "text_digest": text_digest(said), "characters": len(said)}
                for number, said in enumerate(texts)
            ],
        )  # fmt: skip
        session.execute(
            insert(tables.CompletionText),
            [{"completion_id": key, "text": said} for key, said in zip(completions, texts, strict=True)],
        )
        return keys(
            tables.Pair,
            [
                {
                    "project_id": project_id, "prompt_id": prompt, "a_id": completions[2 * number],
                    "b_id": completions[2 * number + 1], "a_digest": text_digest(texts[2 * number]),
                    "b_digest": text_digest(texts[2 * number + 1]),
                }
                for number, prompt in enumerate(prompts)
            ],
        )  # fmt: skip


def act(pair_id: int, action: str = "label", after: str | None = None, **more: object) -> dict:
    """One event as the screen sends it."""
    event = {"event_id": str(uuid4()), "after": after, "pair_id": pair_id, "action": action, "milliseconds": 900}
    return event | ({"verdict": "left"} if action == "label" else {}) | more
