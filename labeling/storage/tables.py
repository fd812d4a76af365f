"""The tables. What a row means is said in `labeling.domain`; what may never happen is said here, in the schema.

Rules that a column list cannot say (append-only labels, immutable guidelines, generators and judges, the bound of a
slot) are triggers in `rules.py`. Long texts live in `*_text` tables apart from the narrow rows that are counted and
queued. Enumerations are text under a CHECK. Times are UTC.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy import Table as CoreTable
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite has no time zones: they are put on when reading, refused to be missing when writing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; times in the database are UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    return datetime.now(UTC)


# SQLite gives only an INTEGER PRIMARY KEY its rowid; PostgreSQL counts labels and requests in 64 bits.
BigId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Table(SQLModel):
    metadata: ClassVar[MetaData] = metadata


def core(table: type[Table]) -> CoreTable:
    """The table as SQLAlchemy Core knows it: bulk inserts cost half of what they cost through the ORM."""
    return metadata.tables[str(table.__tablename__)]


def one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def big_key() -> Any:
    return Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))


def at(*, default_now: bool = False, index: bool = False) -> Any:
    if default_now:
        return Field(default_factory=now, sa_type=UtcDateTime, nullable=False, index=index)
    return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)


def long_text(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=Text, nullable=True) if nullable else Field(sa_type=Text, nullable=False)


# --- people and their rights -------------------------------------------------------------------------------------


class Account(Table, table=True):
    """A person who may sign in. Used alone there is one, an administrator without a password."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("issuer", "subject"))

    id: int | None = Field(default=None, primary_key=True)
    name: str
    password_hash: str | None = None
    issuer: str | None = None
    subject: str | None = None
    is_admin: bool = False
    created_at: datetime = at(default_now=True)
    disabled_at: datetime | None = at()


class Member(Table, table=True):
    """Who works in a project. `languages` is a JSON list (NULL: all), `takes_sensitive` whether sensitive pairs are welcome
    (NULL: as the project has it)."""

    __tablename__ = "member"
    __table_args__ = (one_of("role", "owner", "lead", "annotator"),)

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    account_id: int = Field(foreign_key="account.id", primary_key=True, index=True)
    role: str
    languages: str | None = None
    takes_sensitive: bool | None = None
    created_at: datetime = at(default_now=True)


class LoginSession(Table, table=True):
    """A browser that is signed in. Only the hash of its secret is kept."""

    __tablename__ = "session"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    secret_hash: str
    created_at: datetime = at(default_now=True)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ended_at: datetime | None = at()


class Token(Table, table=True):
    """A personal secret for scripts, bound to an account and, where given, to one project. Only its hash is kept."""

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    session_id: int | None = Field(default=None, foreign_key="session.id")
    secret_hash: str
    created_at: datetime = at(default_now=True)
    expires_at: datetime | None = at()
    revoked_at: datetime | None = at()


class KeyVariable(Table, table=True):
    """A variable that may hold an endpoint's key, bound to the one origin it may be sent to. Never its value."""

    __tablename__ = "key_variable"

    name: str = Field(primary_key=True)
    origin: str
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)


# --- projects ----------------------------------------------------------------------------------------------------


class Project(Table, table=True):
    """One labelling effort. `settings` is JSON: what is asked beside the verdict (reasons, criteria, strength, …)."""

    __tablename__ = "project"
    __table_args__ = (
        UniqueConstraint("slug"),
        one_of("target", "openai", "azure", "together", "fireworks", "own"),
    )

    id: int | None = Field(default=None, primary_key=True)
    slug: str
    name: str
    target: str
    target_model: str | None = None
    settings: str = Field(default="{}", sa_type=Text, nullable=False)
    is_sample: bool = False
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    closed_at: datetime | None = at()


class ProjectCounter(Table, table=True):
    """The row that is locked while a project's labels get their `seq`: what has a smaller one is committed.

    Prompts up to `grouped_to` have been compared with each other; what belongs together has a `group_key`.
    """

    __tablename__ = "project_counter"

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    label_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    grouped_to: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class GuidelineVersion(Table, table=True):
    """The guidelines as they were when a label was given. Immutable (trigger)."""

    __tablename__ = "guideline_version"
    __table_args__ = (UniqueConstraint("project_id", "number"), UniqueConstraint("project_id", "id"))

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    number: int
    text: str = long_text()
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)


class Rater(Table, table=True):
    """Whoever gives a verdict: an annotator (account), a judge, the named source of imported labels, or a rule such as
    "model A over model B", which nobody judged."""

    __tablename__ = "rater"
    __table_args__ = (
        one_of("kind", "annotator", "judge", "imported", "rule"),
        CheckConstraint("(kind = 'annotator') = (account_id IS NOT NULL)", name="account"),
        CheckConstraint("(kind = 'judge') = (judge_id IS NOT NULL)", name="judge"),
        CheckConstraint("(kind = 'annotator') = (project_id IS NULL)", name="project"),
        UniqueConstraint("account_id"),
        UniqueConstraint("judge_id"),
        Index("uq_rater_name", "project_id", "kind", "name", unique=True,
              sqlite_where=text("kind IN ('imported', 'rule')"), postgresql_where=text("kind IN ('imported', 'rule')")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    name: str
    account_id: int | None = Field(default=None, foreign_key="account.id")
    judge_id: int | None = Field(default=None, foreign_key="judge.id")
    project_id: int | None = Field(default=None, foreign_key="project.id")
    created_at: datetime = at(default_now=True)


# --- prompts, completions, pairs ---------------------------------------------------------------------------------


class Import(Table, table=True):
    """One file taken in. Its rows are invisible while `state` is writing; read = taken + known + refused at the end."""

    __tablename__ = "import"
    __table_args__ = (
        one_of("state", "writing", "done", "removed"),
        one_of("kind", "prompts", "completions", "pairs", "labels"),
        # One at a time: a second one would lean on rows that may still be taken back.
        Index("uq_import_writing", "project_id", unique=True,
              sqlite_where=text("state = 'writing'"), postgresql_where=text("state = 'writing'")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    kind: str
    format: str
    file_name: str
    file_digest: str | None = None
    options: str = Field(default="{}", sa_type=Text, nullable=False)
    state: str = "writing"
    rows_read: int = 0
    rows_taken: int = 0
    rows_known: int = 0
    rows_refused: int = 0
    counts: str = Field(default="{}", sa_type=Text, nullable=False)
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    heartbeat_at: datetime = at(default_now=True)
    ended_at: datetime | None = at()


class ImportRefusal(Table, table=True):
    """A row that was not taken: where it stands, why, and what it said, so that it can be mended and sent again."""

    __tablename__ = "import_refusal"

    id: int | None = big_key()
    import_id: int = Field(foreign_key="import.id", index=True)
    line: int
    code: str
    reason: str
    content: str = long_text()


class PromptRow(Table, table=True):
    """A prompt of a project, known by the digest of its canonical JSON.

    `group_key` joins prompts that must stay on one side of a split (turns of one conversation, near-duplicates); where
    it is missing the digest is the group.
    """

    __tablename__ = "prompt"
    __table_args__ = (
        UniqueConstraint("project_id", "digest"),
        UniqueConstraint("project_id", "id"),
        Index("ix_prompt_external_id", "project_id", "external_id"),
        Index("ix_prompt_group_key", "project_id", "group_key",
              sqlite_where=text("group_key IS NOT NULL"), postgresql_where=text("group_key IS NOT NULL")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    digest: str
    external_id: str | None = None
    group_key: str | None = None
    language: str | None = None
    is_sensitive: bool = False
    is_reserved: bool = False
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_at: datetime = at(default_now=True)


class PromptText(Table, table=True):
    """`messages`, `tools`, `tags` and `follow_ups` are canonical JSON; the last three may be missing."""

    __tablename__ = "prompt_text"

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    messages: str = long_text()
    tools: str | None = long_text(nullable=True)
    tags: str | None = long_text(nullable=True)
    reference: str | None = long_text(nullable=True)
    follow_ups: str | None = long_text(nullable=True)


class Generator(Table, table=True):
    """A model with its parameters and system prompt. What the digest covers is immutable (trigger); name, key variable and pace are not."""

    __tablename__ = "generator"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    digest: str
    base_url: str
    model: str
    parameters: str = Field(default="{}", sa_type=Text, nullable=False)
    system_prompt: str | None = long_text(nullable=True)
    name: str
    key_env: str | None = None
    samples: int = 1
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_in_flight: int | None = None
    is_sandbox: bool = False
    created_at: datetime = at(default_now=True)
    retired_at: datetime | None = at()


class Completion(Table, table=True):
    """One reply to a prompt: by a generator and sample number, imported under a source's name, or an annotator's edit."""

    __tablename__ = "completion"
    __table_args__ = (
        one_of("kind", "generated", "imported", "edit"),
        CheckConstraint("(kind = 'generated') = (generator_id IS NOT NULL AND sample_number IS NOT NULL)", name="generated"),
        CheckConstraint("(kind = 'edit') = (parent_id IS NOT NULL AND rater_id IS NOT NULL)", name="edit"),
        CheckConstraint("(kind = 'imported') = (source IS NOT NULL)", name="imported"),
        UniqueConstraint("prompt_id", "id", "text_digest"),
        UniqueConstraint("prompt_id", "generator_id", "sample_number"),
        ForeignKeyConstraint(["prompt_id", "parent_id"], ["completion.prompt_id", "completion.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        UniqueConstraint("prompt_id", "id"),
        Index("uq_completion_imported", "prompt_id", "source", "text_digest", unique=True,
              sqlite_where=text("kind = 'imported'"), postgresql_where=text("kind = 'imported'")),
    )  # fmt: skip

    id: int | None = big_key()
    prompt_id: int = Field(foreign_key="prompt.id")
    kind: str
    text_digest: str
    characters: int
    generator_id: int | None = Field(default=None, foreign_key="generator.id")
    sample_number: int | None = None
    request_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    source: str | None = None
    rater_id: int | None = Field(default=None, foreign_key="rater.id")
    parent_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    finish_reason: str | None = None
    is_sandbox: bool = False
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_at: datetime = at(default_now=True)


class CompletionText(Table, table=True):
    __tablename__ = "completion_text"
    __table_args__ = (ForeignKeyConstraint(["completion_id"], ["completion.id"]),)

    completion_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    text: str = long_text()
    tool_calls: str | None = long_text(nullable=True)


class Continuation(Table, table=True):
    """A prompt that goes on from a reply to an earlier one: after the chosen reply, or after a generator's own.

    After its own reply only that generator (`generator_id`) goes on. Replies of one text lead to one prompt.
    """

    __tablename__ = "continuation"
    __table_args__ = (
        one_of("after", "chosen", "own"),
        CheckConstraint("(after = 'own') = (generator_id IS NOT NULL)", name="generator"),
        ForeignKeyConstraint(["parent_id", "completion_id"], ["completion.prompt_id", "completion.id"]),
        Index("ix_continuation_parent_id", "parent_id"),
    )

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    completion_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    parent_id: int = Field(foreign_key="prompt.id")
    after: str
    generator_id: int | None = Field(default=None, foreign_key="generator.id")
    created_at: datetime = at(default_now=True)


class Pair(Table, table=True):
    """One prompt with two different completions. Stored order is by id, so that a pair is made once.

    `is_left_out`: a lead took it out of the queues, the judges' work and the exports; what was said of it stays.
    """

    __tablename__ = "pair"
    __table_args__ = (
        CheckConstraint("a_id < b_id", name="order"),
        CheckConstraint("a_digest <> b_digest", name="differ"),
        one_of("gold_verdict", "a", "b", "tie", "both_bad"),
        UniqueConstraint("a_id", "b_id"),
        UniqueConstraint("project_id", "id"),
        ForeignKeyConstraint(["project_id", "prompt_id"], ["prompt.project_id", "prompt.id"]),
        ForeignKeyConstraint(["prompt_id", "a_id", "a_digest"], ["completion.prompt_id", "completion.id", "completion.text_digest"]),
        ForeignKeyConstraint(["prompt_id", "b_id", "b_digest"], ["completion.prompt_id", "completion.id", "completion.text_digest"]),
        Index("ix_pair_prompt_id", "prompt_id"),
        Index("ix_pair_b_id", "b_id"),
        Index("ix_pair_gold", "project_id", "id", sqlite_where=text("gold_verdict IS NOT NULL"),
              postgresql_where=text("gold_verdict IS NOT NULL")),
        Index("ix_pair_left_out", "project_id", sqlite_where=text("is_left_out = 1"), postgresql_where=text("is_left_out")),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    prompt_id: int
    a_id: int = Field(sa_column=Column(BigId, nullable=False))
    b_id: int = Field(sa_column=Column(BigId, nullable=False))
    a_digest: str
    b_digest: str
    is_sandbox: bool = False
    gold_verdict: str | None = None
    gold_reason: str | None = long_text(nullable=True)
    is_left_out: bool = False
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_at: datetime = at(default_now=True)


# --- rounds, assignments, labels ---------------------------------------------------------------------------------


class Round(Table, table=True):
    __tablename__ = "round"
    __table_args__ = (
        one_of("purpose", "work", "practice", "calibration", "repeat", "review"),
        one_of("ordering", "imported", "random", "uncertain"),
        CheckConstraint("overlap BETWEEN 1 AND 100", name="overlap"),
        CheckConstraint("gold_share >= 0 AND gold_share < 1", name="gold_share"),
        UniqueConstraint("project_id", "name"),
        UniqueConstraint("project_id", "id"),
        ForeignKeyConstraint(["project_id", "guideline_version_id"], ["guideline_version.project_id", "guideline_version.id"]),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    name: str
    purpose: str
    guideline_version_id: int
    overlap: int = 1
    ordering: str = "imported"
    takes_all_pairs: bool = False
    gold_share: float = 0.0
    pass_mark: float | None = None
    seed: int = 0
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    closed_at: datetime | None = at()


class RoundMember(Table, table=True):
    """Who works in a round. A round without rows is open to every member of the project."""

    __tablename__ = "round_member"

    round_id: int = Field(foreign_key="round.id", primary_key=True)
    account_id: int = Field(foreign_key="account.id", primary_key=True)


class RoundPair(Table, table=True):
    """A pair's place in a round's queue. `is_done`: as many labels hold its slots as the overlap asks for.

    A gold place takes no slot and is never done: everyone is served it once. `is_out` is its pair's `is_left_out`, here
    too so that serving reads one table.
    """

    __tablename__ = "round_pair"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "round_id"], ["round.project_id", "round.id"]),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        Index("ix_round_pair_open", "round_id", "position", "pair_id",
              sqlite_where=text("is_done = 0 AND is_out = 0"), postgresql_where=text("NOT is_done AND NOT is_out")),
        Index("ix_round_pair_out", "round_id", sqlite_where=text("is_out = 1"), postgresql_where=text("is_out")),
        Index("ix_round_pair_pair_id", "pair_id"),
    )  # fmt: skip

    round_id: int = Field(primary_key=True)
    pair_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    project_id: int
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    is_done: bool = False
    is_gold: bool = False
    is_out: bool = False


class Assignment(Table, table=True):
    """A pair as it was first served to an annotator, with its side for ever.

    It holds a slot until `reserved_until`; a label makes the hold lasting (`reserved_until` NULL). Without a slot the row
    stays. That a slot is at most the round's overlap is a trigger: lowering the overlap must not touch old rows.
    `position` is the pair's place in the queue, copied so that an annotator's place in it is one look at the index.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        one_of("left_side", "a", "b"),
        one_of("state", "served", "labelled", "skipped", "undone"),
        CheckConstraint("slot >= 1", name="slot"),
        CheckConstraint("slot IS NOT NULL OR reserved_until IS NULL", name="reserved"),
        UniqueConstraint("round_id", "pair_id", "rater_id"),
        UniqueConstraint("round_id", "pair_id", "slot"),
        ForeignKeyConstraint(["round_id", "pair_id"], ["round_pair.round_id", "round_pair.pair_id"]),
        Index("ix_assignment_rater", "rater_id", "round_id", "state", "position"),
        Index(
            "ix_assignment_reserved",
            "round_id",
            "reserved_until",
            sqlite_where=text("reserved_until IS NOT NULL"),
            postgresql_where=text("reserved_until IS NOT NULL"),
        ),
        Index("ix_assignment_pair_id", "pair_id"),
    )

    id: int | None = big_key()
    round_id: int
    pair_id: int = Field(sa_column=Column(BigId, nullable=False))
    rater_id: int = Field(foreign_key="rater.id")
    position: int = Field(sa_column=Column(BigInteger, nullable=False))
    left_side: str
    state: str = "served"
    slot: int | None = None
    reserved_until: datetime | None = at()
    served_at: datetime = at(default_now=True)


class Label(Table, table=True):
    """One event of one rater on one pair. Append-only (triggers): the greatest revision is the current one.

    A revision stands once for (rater, pair, round): an index on an expression, in `rules.py`.

    A person's label names the round and needs an assignment there; judges' and imported labels have no round.
    """

    __tablename__ = "label"
    __table_args__ = (
        one_of("action", "label", "skip", "undo", "void"),
        one_of("verdict", "a", "b", "tie", "both_bad"),
        one_of("left_side", "a", "b"),
        CheckConstraint("(action = 'label') = (verdict IS NOT NULL)", name="verdict_of_action"),
        CheckConstraint("strength IS NULL OR (verdict IS NOT NULL AND verdict IN ('a', 'b') AND strength BETWEEN 1 AND 3)", name="strength"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("milliseconds >= 0 AND away_milliseconds >= 0", name="milliseconds"),
        UniqueConstraint("event_id"),
        UniqueConstraint("project_id", "seq"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["round_id", "pair_id", "rater_id"], ["assignment.round_id", "assignment.pair_id", "assignment.rater_id"]),
        ForeignKeyConstraint(["edit_id"], ["completion.id"]),
        Index("ix_label_pair_id", "pair_id"),
        Index("ix_label_rater_created", "rater_id", "created_at"),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    pair_id: int = Field(sa_column=Column(BigId, nullable=False))
    rater_id: int = Field(foreign_key="rater.id")
    round_id: int | None = None
    revision: int = 1
    action: str
    verdict: str | None = None
    strength: int | None = None
    left_side: str | None = None
    is_surplus: bool = False
    milliseconds: int | None = None
    away_milliseconds: int | None = None
    edit_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    guideline_version_id: int | None = Field(default=None, foreign_key="guideline_version.id")
    renderer_version: str | None = None
    event_id: str
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)


class LabelNote(Table, table=True):
    """What a rater said beside the verdict. `reasons` is a JSON list, `criteria` a JSON object of name to verdict in stored order."""

    __tablename__ = "label_note"
    __table_args__ = (ForeignKeyConstraint(["label_id"], ["label.id"]),)

    label_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    comment: str | None = long_text(nullable=True)
    reasons: str | None = long_text(nullable=True)
    criteria: str | None = long_text(nullable=True)


class Flag(Table, table=True):
    """An annotator's note to the lead about a pair. It changes no label."""

    __tablename__ = "flag"
    __table_args__ = (
        UniqueConstraint("event_id"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int
    pair_id: int = Field(sa_column=Column(BigId, nullable=False, index=True))
    round_id: int | None = Field(default=None, foreign_key="round.id")
    rater_id: int = Field(foreign_key="rater.id")
    event_id: str
    comment: str | None = long_text(nullable=True)
    reasons: str | None = long_text(nullable=True)
    created_at: datetime = at(default_now=True)
    settled_at: datetime | None = at()
    settled_by: int | None = Field(default=None, foreign_key="account.id")


class Erasure(Table, table=True):
    """The record that lets labels be deleted, made before the first one goes. The trigger reads the open ones."""

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN project_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN rater_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN import_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="scope",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    rater_id: int | None = Field(default=None, foreign_key="rater.id")
    import_id: int | None = Field(default=None, foreign_key="import.id")
    reason: str
    labels_erased: int = 0
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    ended_at: datetime | None = at()


# --- runs, requests, answers -------------------------------------------------------------------------------------


class Run(Table, table=True):
    """A set of requests with one purpose, a budget and a state. `spec` is JSON: what was asked for, never a key."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("purpose", "generate", "judge", "score"),
        one_of("mode", "live", "batch", "file"),
        one_of("state", "preparing", "running", "paused", "stopped", "done", "cancelled"),
        CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name="budget"),
        UniqueConstraint("idempotency_key"),
        Index("ix_run_active", "state", sqlite_where=text("state IN ('preparing', 'running')"),
              postgresql_where=text("state IN ('preparing', 'running')")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    purpose: str
    mode: str = "live"
    state: str = "preparing"
    spec: str = Field(default="{}", sa_type=Text, nullable=False)
    judge_id: int | None = Field(default=None, foreign_key="judge.id")
    budget_usd: float | None = None
    max_tries: int = 5
    asked: int = 0
    # Kept in the transaction that saves the answers: the budget is checked before each claim. `unpriced` counts
    # answers whose price is unknown.
    spent_usd: float = 0.0
    unpriced: int = 0
    prompt_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    fault: str | None = long_text(nullable=True)
    idempotency_key: str
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    started_at: datetime | None = at()
    ended_at: datetime | None = at()
    heartbeat_at: datetime | None = at()


class Request(Table, table=True):
    """One call to an endpoint, known by the digest of what is sent. `run_id` is the run that has it done now.

    `state`: waiting (free, or leased while `lease_until` is ahead), answered (its good answer is in `answer`), failed
    (with `reason`). `attempts` counts tries that cost one; a 429 does not.
    """

    __tablename__ = "request"
    __table_args__ = (
        one_of("state", "waiting", "answered", "failed"),
        CheckConstraint("(state = 'failed') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="lease"),
        UniqueConstraint("key"),
        # A claim walks only the endpoints that are not blocked.
        Index("ix_request_open", "run_id", "endpoint", "due_at", sqlite_where=text("state = 'waiting'"),
              postgresql_where=text("state = 'waiting'")),
        Index("ix_request_leased", "lease_owner", sqlite_where=text("lease_owner IS NOT NULL"),
              postgresql_where=text("lease_owner IS NOT NULL")),
    )  # fmt: skip

    id: int | None = big_key()
    key: str
    base_url: str
    model: str
    key_env: str | None = None
    endpoint: str = Field(foreign_key="pace.endpoint")
    sample_number: int = 0
    run_id: int = Field(foreign_key="run.id")
    state: str = "waiting"
    reason: str | None = None
    attempts: int = 0
    due_at: datetime = at(default_now=True)
    lease_owner: str | None = None
    lease_until: datetime | None = at()


class RequestBody(Table, table=True):
    """What is sent, as JSON, without headers: no key is ever in it."""

    __tablename__ = "request_body"
    __table_args__ = (ForeignKeyConstraint(["request_id"], ["request.id"]),)

    request_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    body: str = long_text()


class Answer(Table, table=True):
    """The one good answer to a request. `run_id` is the run that paid for it."""

    __tablename__ = "answer"
    __table_args__ = (ForeignKeyConstraint(["request_id"], ["request.id"]),)

    request_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    run_id: int = Field(foreign_key="run.id", index=True)
    text: str = long_text()
    tool_calls: str | None = long_text(nullable=True)
    finish_reason: str | None = None
    model: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    is_sandbox: bool = False
    milliseconds: int | None = None
    created_at: datetime = at(default_now=True)


class Attempt(Table, table=True):
    """A try that brought no good answer: why, in the server's words, and what it cost all the same."""

    __tablename__ = "attempt"
    __table_args__ = (ForeignKeyConstraint(["request_id"], ["request.id"]),)

    id: int | None = big_key()
    request_id: int = Field(sa_column=Column(BigId, nullable=False, index=True))
    run_id: int = Field(foreign_key="run.id", index=True)
    reason: str
    message: str = long_text()
    text: str | None = long_text(nullable=True)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    created_at: datetime = at(default_now=True)


class RunRequest(Table, table=True):
    """A request in a run, and what the run wants it for: a prompt's completion, one order of a pair, or a completion's score.

    `number` is its place in the plan: two wants may share one request, such as two pairs of the same texts. `is_repair`:
    it asks a judge again whose reply could not be read.
    """

    __tablename__ = "run_request"
    __table_args__ = (
        one_of("pair_order", "ab", "ba"),
        CheckConstraint("(pair_id IS NULL) = (pair_order IS NULL)", name="order_of_pair"),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        ForeignKeyConstraint(["pair_id"], ["pair.id"]),
        ForeignKeyConstraint(["completion_id"], ["completion.id"]),
        Index("ix_run_request_request_id", "request_id"),
        Index("ix_run_request_open", "run_id", "request_id", sqlite_where=text("harvested_at IS NULL"),
              postgresql_where=text("harvested_at IS NULL")),
        Index("ix_run_request_repair", "run_id", sqlite_where=text("is_repair = 1"), postgresql_where=text("is_repair")),
    )  # fmt: skip

    run_id: int = Field(foreign_key="run.id", primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    request_id: int = Field(sa_column=Column(BigId, nullable=False))
    generator_id: int | None = Field(default=None, foreign_key="generator.id")
    prompt_id: int | None = Field(default=None, foreign_key="prompt.id")
    pair_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    pair_order: str | None = None
    completion_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    sample_number: int = 0
    is_repair: bool = False
    harvested_at: datetime | None = at()


class Batch(Table, table=True):
    """A part of a run's requests that is with a provider's Batch API, or in a file to be run elsewhere.

    Its requests are leased to it, so that nobody else sends them. `state`: gathering (lines are still added), ready (to
    be uploaded, or written as a file), uploading, uploaded, creating, running (the provider has it), fetching (it has
    ended there), done, cancelled, failed. What is begun is written first and carries `token`, by which a killed worker's
    file and batch are found again.
    """

    __tablename__ = "batch"
    __table_args__ = (
        one_of("state", "gathering", "ready", "uploading", "uploaded", "creating", "running", "fetching", "done", "cancelled",
               "failed"),
        UniqueConstraint("run_id", "part"),
        UniqueConstraint("token"),
        Index("ix_batch_open", "due_at", sqlite_where=text("state NOT IN ('done', 'cancelled', 'failed')"),
              postgresql_where=text("state NOT IN ('done', 'cancelled', 'failed')")),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id")
    part: int
    base_url: str
    model: str
    key_env: str | None = None
    token: str
    state: str = "gathering"
    lines: int = 0
    bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    input_file_id: str | None = None
    provider_id: str | None = None
    provider_status: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    provider_done: int = 0  # lines, as the provider counts them while it works
    tries: int = 0  # calls about it in a row that brought nothing
    fault: str | None = long_text(nullable=True)
    due_at: datetime = at(default_now=True)
    created_at: datetime = at(default_now=True)
    sent_at: datetime | None = at()
    ended_at: datetime | None = at()


class Ingest(Table, table=True):
    """A results file that was taken in, by digest: the same one a second time changes nothing."""

    __tablename__ = "ingest"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    digest: str
    name: str
    counts: str = Field(default="{}", sa_type=Text, nullable=False)
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)


class Pace(Table, table=True):
    """How fast a model at an endpoint may be asked with one key, shared by all workers: what was stated, and what its
    pacer remembers (`memory`, JSON)."""

    __tablename__ = "pace"

    endpoint: str = Field(primary_key=True)  # origin, key variable and model
    max_in_flight: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    memory: str = Field(default="{}", sa_type=Text, nullable=False)
    blocked_until: datetime | None = at()


class Endpoint(Table, table=True):
    """What was learnt of a model at an endpoint (`quirks`, JSON), so that it is asked only once."""

    __tablename__ = "endpoint"

    base_url: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    quirks: str = Field(default="{}", sa_type=Text, nullable=False)
    checked_at: datetime = at(default_now=True)


class Lease(Table, table=True):
    """Something only one process may do at a time, while it keeps renewing: the worker an app started, for one."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_type=UtcDateTime, nullable=False)


# --- judges ------------------------------------------------------------------------------------------------------


class Judge(Table, table=True):
    """A model with a rubric. What the digest covers is immutable (trigger); a new rubric is the next `version` of the name.

    `orders` is alone for a judge that scores each completion by itself.
    """

    __tablename__ = "judge"
    __table_args__ = (
        one_of("orders", "both", "random", "alone"),
        UniqueConstraint("project_id", "digest"),
        UniqueConstraint("project_id", "name", "version"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    digest: str
    base_url: str
    model: str
    parameters: str = Field(default="{}", sa_type=Text, nullable=False)
    rubric: str = long_text()
    orders: str = "both"
    samples: int = 1
    offers_both_bad: bool = False
    uses_reference: bool = True
    template: str
    name: str
    version: int
    key_env: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_in_flight: int | None = None
    is_sandbox: bool = False
    created_at: datetime = at(default_now=True)


class Judgement(Table, table=True):
    """One reply of a judge as read, told in stored order. `pair_order` ba means that b was shown first."""

    __tablename__ = "judgement"
    __table_args__ = (
        one_of("pair_order", "ab", "ba"),
        one_of("state", "read", "contradicts", "unreadable"),
        one_of("level", "a_much", "a_slightly", "tie", "b_slightly", "b_much", "both_bad"),
        CheckConstraint("(state = 'unreadable') = (level IS NULL)", name="level_of_state"),
        UniqueConstraint("rater_id", "pair_id", "pair_order", "sample_number", "request_id"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        Index("ix_judgement_pair_id", "pair_id"),
        Index("ix_judgement_run_id", "run_id"),
        # How often a judge takes the reply that stood first is counted from this alone.
        Index("ix_judgement_slots", "rater_id", "pair_order", "level"),
    )  # fmt: skip

    id: int | None = big_key()
    project_id: int
    run_id: int = Field(foreign_key="run.id")
    rater_id: int = Field(foreign_key="rater.id")
    pair_id: int = Field(sa_column=Column(BigId, nullable=False))
    request_id: int = Field(sa_column=Column(BigId, nullable=False))
    pair_order: str
    sample_number: int = 0
    state: str
    level: str | None = None
    score_a: float | None = None
    score_b: float | None = None
    created_at: datetime = at(default_now=True)


class JudgementText(Table, table=True):
    __tablename__ = "judgement_text"
    __table_args__ = (ForeignKeyConstraint(["judgement_id"], ["judgement.id"]),)

    judgement_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    reasoning: str = long_text()


class JudgeResult(Table, table=True):
    """What a judge's judgements of a pair come to. Only `decided` has a label; undecided is no tie, unreadable no verdict."""

    __tablename__ = "judge_result"
    __table_args__ = (
        one_of("state", "decided", "undecided", "unreadable"),
        CheckConstraint("(state = 'decided') = (label_id IS NOT NULL)", name="label_of_state"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
        ForeignKeyConstraint(["label_id"], ["label.id"]),
        Index("ix_judge_result_pair_id", "pair_id"),
        # What judges left open is read whenever the effect of label rules is shown.
        Index("ix_judge_result_open", "project_id", "pair_id", sqlite_where=text("state <> 'decided'"),
              postgresql_where=text("state <> 'decided'")),
    )  # fmt: skip

    rater_id: int = Field(foreign_key="rater.id", primary_key=True)
    pair_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    project_id: int
    run_id: int = Field(foreign_key="run.id")
    state: str
    reason: str | None = None
    label_id: int | None = Field(default=None, sa_column=Column(BigId, nullable=True))
    updated_at: datetime = at(default_now=True)


class LabelJudgement(Table, table=True):
    """The judgements that a judge's label rests on."""

    __tablename__ = "label_judgement"
    __table_args__ = (
        ForeignKeyConstraint(["label_id"], ["label.id"]),
        ForeignKeyConstraint(["judgement_id"], ["judgement.id"]),
        Index("ix_label_judgement_judgement_id", "judgement_id"),
    )

    label_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    judgement_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))


class Score(Table, table=True):
    """One reply of a scoring judge as read: 1 to 10 for one completion, or unreadable."""

    __tablename__ = "score"
    __table_args__ = (
        one_of("state", "read", "unreadable"),
        CheckConstraint("(state = 'unreadable') = (points IS NULL)", name="points_of_state"),
        CheckConstraint("points IS NULL OR points BETWEEN 1 AND 10", name="points"),
        UniqueConstraint("rater_id", "completion_id", "sample_number", "request_id"),
        ForeignKeyConstraint(["completion_id"], ["completion.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        Index("ix_score_completion_id", "completion_id"),
        Index("ix_score_run_id", "run_id"),
    )

    id: int | None = big_key()
    project_id: int = Field(foreign_key="project.id")
    run_id: int = Field(foreign_key="run.id")
    rater_id: int = Field(foreign_key="rater.id")
    completion_id: int = Field(sa_column=Column(BigId, nullable=False))
    request_id: int = Field(sa_column=Column(BigId, nullable=False))
    sample_number: int = 0
    state: str
    points: float | None = None
    created_at: datetime = at(default_now=True)


class ScoreText(Table, table=True):
    __tablename__ = "score_text"
    __table_args__ = (ForeignKeyConstraint(["score_id"], ["score.id"]),)

    score_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    reasoning: str = long_text()


class BenchPair(Table, table=True):
    """The half of the rubric bench that a gold pair belongs to, drawn once and kept."""

    __tablename__ = "bench_pair"
    __table_args__ = (
        one_of("half", "tune", "held_out"),
        ForeignKeyConstraint(["project_id", "pair_id"], ["pair.project_id", "pair.id"]),
    )

    project_id: int = Field(primary_key=True)
    pair_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    half: str
    created_at: datetime = at(default_now=True)


class BenchLook(Table, table=True):
    """Somebody looked at how a judge does on the held-out half: what was seen. Each look makes it a little less held out."""

    __tablename__ = "bench_look"

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    rater_id: int = Field(foreign_key="rater.id")
    pairs: int
    right: int
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)


# --- exports -----------------------------------------------------------------------------------------------------


class RuleSet(Table, table=True):
    """Label rules saved under a name (JSON). Saving the name again adds the next version; the newest one counts."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("project_id", "name", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    name: str
    version: int
    rules: str = long_text()
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    removed_at: datetime | None = at()


class Export(Table, table=True):
    """One export: what was asked, up to which label, and the digests of what was written."""

    __tablename__ = "export"
    __table_args__ = (
        one_of("state", "writing", "done", "failed"),
        CheckConstraint("validation_share >= 0 AND validation_share < 1", name="validation_share"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id", index=True)
    format: str
    rules: str = Field(default="{}", sa_type=Text, nullable=False)
    options: str = Field(default="{}", sa_type=Text, nullable=False)
    seed: int = 0
    validation_share: float = 0.0
    label_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    state: str = "writing"
    rows: int = 0
    counts: str = Field(default="{}", sa_type=Text, nullable=False)
    digests: str = Field(default="{}", sa_type=Text, nullable=False)
    folder: str | None = None
    fault: str | None = long_text(nullable=True)
    program_version: str
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = at(default_now=True)
    ended_at: datetime | None = at()
