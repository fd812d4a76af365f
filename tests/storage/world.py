"""A small project written straight into the tables, for tests that break its rules from SQL."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from labeling.domain import text_digest
from labeling.storage import tables
from labeling.storage.store import Store

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass
class World:
    """Keys of one project with two prompts of two completions each, one pair, and one annotator who was served it."""

    account: int
    project: int
    guidelines: int
    round: int
    rater: int
    other_rater: int
    prompt: int
    other_prompt: int
    a: int
    b: int
    foreign: int
    pair: int
    run: int
    request: int


def add(session: Session, table: type[SQLModel], **values: object) -> int:
    """Insert one row with SQL and return its key."""
    core = table.__table__
    filled = {
        column.name: AT for column in core.columns if column.name in ("created_at", "served_at", "due_at", "updated_at")
    } | values
    result = session.execute(insert(table).values(**filled))
    return int(result.inserted_primary_key[0])


def add_prompt(session: Session, project: int, text: str) -> int:
    key = add(
        session, tables.PromptRow, project_id=project, digest=text_digest(text), is_sensitive=False, is_reserved=False
    )
    add(session, tables.PromptText, prompt_id=key, messages=text)
    return key


def add_completion(session: Session, prompt: int, text: str, source: str = "file") -> int:
    key = add(
        session, tables.Completion, prompt_id=prompt, kind="imported", source=source, text_digest=text_digest(text),
        characters=len(text), is_sandbox=False,
    )  # fmt: skip
    add(session, tables.CompletionText, completion_id=key, text=text)
    return key


def add_generator(session: Session, world: "World") -> int:
    return add(
        session, tables.Generator, project_id=world.project, digest="d", base_url="http://e", model="m", parameters="{}",
        name="g", samples=1, is_sandbox=False,
    )  # fmt: skip


def add_pair(session: Session, project: int, prompt: int, a: int, a_text: str, b: int, b_text: str) -> int:
    return add(
        session, tables.Pair, project_id=project, prompt_id=prompt, a_id=a, b_id=b, a_digest=text_digest(a_text),
        b_digest=text_digest(b_text), is_sandbox=False,
    )  # fmt: skip


def add_rater(session: Session, name: str) -> int:
    account = add(session, tables.Account, name=name, is_admin=False)
    return add(session, tables.Rater, kind="annotator", name=name, account_id=account)


def assign(session: Session, world: World, rater: int, **values: object) -> int:
    filled = {
        "round_id": world.round,
        "pair_id": world.pair,
        "rater_id": rater,
        "position": 1,
        "left_side": "a",
        "state": "served",
    }
    return add(session, tables.Assignment, **(filled | values))


def label(session: Session, world: World, **values: object) -> int:
    filled = {
        "project_id": world.project, "seq": 1, "pair_id": world.pair, "rater_id": world.rater, "round_id": world.round,
        "revision": 1, "action": "label", "verdict": "a", "left_side": "a", "is_surplus": False, "event_id": uuid4().hex,
    }  # fmt: skip
    return add(session, tables.Label, **(filled | values))


def add_project(session: Session, slug: str, account: int) -> int:
    return add(
        session, tables.Project, slug=slug, name=slug.upper(), target="own", settings="{}", is_sample=False,
        created_by=account,
    )  # fmt: skip


def make_world(store: Store) -> World:
    with store.writing() as session:
        account = add(session, tables.Account, name="owner", is_admin=True)
        project = add_project(session, "p", account)
        add(session, tables.ProjectCounter, project_id=project, label_seq=0)
        guidelines = add(
            session, tables.GuidelineVersion, project_id=project, number=1, text="Be fair.", created_by=account
        )
        round_ = add(
            session, tables.Round, project_id=project, name="work", purpose="work", guideline_version_id=guidelines,
            overlap=2, ordering="imported", takes_all_pairs=True, gold_share=0.0, seed=0, created_by=account,
        )  # fmt: skip
        rater, other_rater = add_rater(session, "first"), add_rater(session, "second")
        prompt, other_prompt = add_prompt(session, project, "one"), add_prompt(session, project, "two")
        a, b = add_completion(session, prompt, "good"), add_completion(session, prompt, "bad")
        foreign = add_completion(session, other_prompt, "elsewhere")
        pair = add_pair(session, project, prompt, a, "good", b, "bad")
        add(session, tables.RoundPair, round_id=round_, pair_id=pair, project_id=project, position=1, is_done=False)
        run = add(
            session, tables.Run, project_id=project, purpose="generate", mode="live", state="running", spec="{}",
            max_tries=5, asked=1, spent_usd=0.0, unpriced=0, prompt_tokens=0, completion_tokens=0, idempotency_key="once",
            created_by=account,
        )  # fmt: skip
        session.execute(insert(tables.Pace).values(endpoint="e", memory="{}"))
        request = add_request(session, run, "key")
        world = World(
            account=account, project=project, guidelines=guidelines, round=round_, rater=rater, other_rater=other_rater,
            prompt=prompt, other_prompt=other_prompt, a=a, b=b, foreign=foreign, pair=pair, run=run, request=request,
        )  # fmt: skip
        assign(session, world, rater, slot=1)
    return world


def add_request(session: Session, run: int, key: str) -> int:
    return add(
        session, tables.Request, key=key, base_url="http://e", model="m", endpoint="e", sample_number=0, run_id=run,
        state="waiting", attempts=0,
    )  # fmt: skip
