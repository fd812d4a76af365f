"""A project on the labelling screen of a real browser, and what the database holds of it."""

import json
from dataclasses import dataclass

from playwright.sync_api import FloatRect, Locator, Page, expect
from sqlalchemy import insert, update

from labeling.domain import text_digest
from labeling.services.access import local_actor
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.projects import create_project
from labeling.storage import tables
from labeling.storage.store import Store

SLOW = 60_000  # milliseconds: two cores, shared with the other tests


def idle(page: Page, timeout: float | None = None) -> None:
    """Wait for the page's script to end: a press while it runs may be lost."""
    expect(page.locator('[data-test-script-state="notRunning"]').first).to_be_attached(timeout=timeout)


@dataclass
class Screen:
    """One tab with the labelling screen of a project."""

    page: Page
    address: str
    store: Store
    slug: str
    pairs: list[int]

    def open(self, query: str = "") -> "Screen":
        self.page.goto(f"{self.address}/label?project={self.slug}{query}")
        return self._at_rest()

    def again(self) -> "Screen":
        self.page.reload()
        return self._at_rest()

    def _at_rest(self) -> "Screen":
        expect(self.verdict("Left is better")).to_be_visible(timeout=SLOW)
        idle(self.page, SLOW)  # what Streamlit is still to put around the screen may move it
        return self

    def verdict(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    @property
    def root(self) -> Locator:
        return self.page.locator(".tiebreak")

    @property
    def shown(self) -> int:
        """The pair on the screen."""
        return int(self.root.get_attribute("data-pair") or 0)

    def place(self, selector: str) -> FloatRect:
        """Where a part of the screen lies, once it lies still."""
        part = self.root.locator(selector).first
        part.click(trial=True, timeout=SLOW)
        box = part.bounding_box()
        assert box is not None
        return box

    def press(self, *keys: str, gap: int = 150) -> None:
        """Keys at the pace of a quick reader."""
        for key in keys:
            self.page.wait_for_timeout(gap)
            self.page.keyboard.press(key)

    def saved(self) -> None:
        """Wait until the server has everything."""
        expect(self.root.locator(".save")).to_have_text("✓ Saved", timeout=SLOW)

    def events(self) -> list[tuple[int, str, str | None]]:
        """What is stored, in its order: pair, action, verdict as it was on the screen."""
        label, assignment = tables.core(tables.Label), tables.core(tables.Assignment)
        with self.store.reading() as session:
            sides = {
                (row.pair_id, row.rater_id): row.left_side
                for row in session.execute(assignment.select().where(assignment.c.pair_id.in_(self.pairs)))
            }
            found = session.execute(label.select().where(label.c.pair_id.in_(self.pairs)).order_by(label.c.seq)).all()

        def on_screen(row) -> str | None:
            if row.verdict not in ("a", "b"):
                return row.verdict
            return "left" if row.verdict == sides[row.pair_id, row.rater_id] else "right"

        return [(row.pair_id, row.action, on_screen(row)) for row in found]

    def standing(self) -> dict[int, str | None]:
        """The newest verdict on each pair, None where it was undone or skipped."""
        return {pair_id: verdict if action == "label" else None for pair_id, action, verdict in self.events()}


def make_project(
    store: Store, name: str, texts: int | list[tuple[str, str, str]] = 30, **settings: object
) -> tuple[str, list[int]]:
    """A project with pairs: so many short ones, or of these prompts and answers. Returns its slug and its pairs."""
    if isinstance(texts, int):
        texts = [(f"Question {n} of {name}", f"First answer {n}", f"Second answer {n}") for n in range(texts)]
    view = create_project(store, local_actor(store), name=name)
    with store.writing() as session:
        if settings:
            project = tables.core(tables.Project)
            session.execute(update(project).where(project.c.id == view.id).values(settings=json.dumps(settings)))
        pairs = [_pair(session, view.id, *text) for text in texts]
    enqueue_pairs(store, view.id)
    return view.slug, pairs


def _pair(session, project_id: int, prompt: str, *answers: str) -> int:
    """`prompt` is one question, or the JSON of several messages."""
    messages = prompt if prompt.startswith("[{") else json.dumps([{"role": "user", "content": prompt}])

    def put(table, **values):
        return session.execute(insert(tables.core(table)).values(values)).inserted_primary_key[0]

    at = tables.now()
    prompt_id = put(
        tables.PromptRow,
        project_id=project_id,
        digest=text_digest(prompt),
        created_at=at,
        is_sensitive=False,
        is_reserved=False,
    )
    put(tables.PromptText, prompt_id=prompt_id, messages=messages)
    sides = []
    for answer in answers:
        completion_id = put(
            tables.Completion, prompt_id=prompt_id, kind="imported", source="test", text_digest=text_digest(answer),
            characters=len(answer), created_at=at, is_sandbox=False,
        )  # fmt: skip
        put(tables.CompletionText, completion_id=completion_id, text=answer)
        sides.append(completion_id)
    return put(
        tables.Pair, project_id=project_id, prompt_id=prompt_id, a_id=sides[0], b_id=sides[1], created_at=at, is_sandbox=False,
        a_digest=text_digest(answers[0]), b_digest=text_digest(answers[1]),
    )  # fmt: skip
