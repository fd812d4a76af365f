"""Runs, what each wants of its requests, and their parts that are with a provider or in a file."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, long_text, one_of


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
    request_id: int = big_id()
    generator_id: int | None = Field(default=None, foreign_key="generator.id")
    prompt_id: int | None = Field(default=None, foreign_key="prompt.id")
    pair_id: int | None = big_id(nullable=True)
    pair_order: str | None = None
    completion_id: int | None = big_id(nullable=True)
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
    full_since: datetime | None = at()  # since when the provider's queue has no room for it
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
