"""A project with prompts, and completions or pairs of them, for tests of generation and judging."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlmodel import SQLModel, col

from labeling.domain import Actor, Prompt, Role, canonical_json, text_digest
from labeling.services.access import local_actor
from labeling.services.projects import create_project
from labeling.storage import projects as project_rows
from labeling.storage.store import Store
from labeling.storage.tables import Completion, CompletionText, PromptRow, PromptText


@dataclass
class Making:
    store: Store
    owner: Actor
    slug: str
    project_id: int
    prompts: list[int]

    @property
    def place(self) -> tuple[Store, Actor, str]:
        """What every service takes first."""
        return self.store, self.owner, self.slug

    def member(self, name: str, role: Role) -> Actor:
        with self.store.writing() as session:
            account = project_rows.add_account(session, name)
            assert account.id is not None
            project_rows.set_role(session, self.project_id, account.id, role)
            return Actor(account.id, name)

    def rows(self, table: type[SQLModel]) -> list[SQLModel]:
        with self.store.reading() as session:
            return list(session.scalars(select(table).order_by(*table.__table__.primary_key.columns)))

    def add_completions(self, prompt_id: int, texts: Sequence[str], source: str = "file {}") -> list[int]:
        """Imported completions, each of a source of its own unless `source` is one name."""
        ids = []
        with self.store.writing() as session:
            for number, text in enumerate(texts):
                row = Completion(
                    prompt_id=prompt_id, kind="imported", source=source.format(number), text_digest=text_digest(text), characters=len(text)
                )  # fmt: skip
                session.add(row)
                session.flush()
                session.add(CompletionText(completion_id=row.id, text=text))
                ids.append(row.id)
        return ids

    def texts(self) -> dict[int, str]:
        """Completion id to its text."""
        with self.store.reading() as session:
            query = select(col(CompletionText.completion_id), col(CompletionText.text))
            return dict(session.execute(query).all())


def make_project(store: Store, prompts: int = 3, name: str = "Talk", **options: object) -> Making:
    owner = local_actor(store)
    view = create_project(store, owner, name=name, **options)
    ids = []
    with store.writing() as session:
        for number in range(prompts):
            prompt = Prompt(({"role": "user", "content": f"question {number}"},))
            row = PromptRow(project_id=view.id, digest=prompt.digest)
            session.add(row)
            session.flush()
            session.execute(insert(PromptText).values(prompt_id=row.id, messages=canonical_json(list(prompt.messages))))
            ids.append(row.id)
    return Making(store, owner, view.slug, view.id, ids)
