"""Requests, their answers and failed attempts, and what is known of the endpoints that are asked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, UtcDateTime, at, big_id, big_key, long_text, one_of, shared_key


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
        Index("ix_request_failed", "run_id", "reason", sqlite_where=text("state = 'failed'"),
              postgresql_where=text("state = 'failed'")),
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

    request_id: int = shared_key()
    body: str = long_text()


class Answer(Table, table=True):
    """The one good answer to a request. `run_id` is the run that paid for it."""

    __tablename__ = "answer"
    __table_args__ = (ForeignKeyConstraint(["request_id"], ["request.id"]),)

    request_id: int = shared_key()
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
    request_id: int = big_id(index=True)
    run_id: int = Field(foreign_key="run.id", index=True)
    reason: str
    message: str = long_text()
    text: str | None = long_text(nullable=True)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
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


class EndpointHeader(Table, table=True):
    """A header that goes with every request of a project to an endpoint, as it was written: a secret stands in `value` as
    `${VARIABLE}`, never itself."""

    __tablename__ = "endpoint_header"

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    base_url: str = Field(primary_key=True)
    name: str = Field(primary_key=True)  # in lower case
    value: str


class Lease(Table, table=True):
    """Something only one process may do at a time, while it keeps renewing: the worker an app started, for one."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str
    until: datetime = Field(sa_type=UtcDateTime, nullable=False)
