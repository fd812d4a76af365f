"""Generators, and the replies to prompts: generated, imported or edited."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_id, big_key, long_text, one_of, shared_key


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
        ForeignKeyConstraint(["prompt_id", "parent_id"], ["completion.prompt_id", "completion.id"]),
        ForeignKeyConstraint(["request_id"], ["request.id"]),
        UniqueConstraint("prompt_id", "id"),
        # Each holds the rows of its kind alone: a reply that was imported is not written into the index of generated ones.
        Index("uq_completion_generated", "prompt_id", "generator_id", "sample_number", unique=True,
              sqlite_where=text("generator_id IS NOT NULL"), postgresql_where=text("generator_id IS NOT NULL")),
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
    request_id: int | None = big_id(nullable=True)
    source: str | None = None
    rater_id: int | None = Field(default=None, foreign_key="rater.id")
    parent_id: int | None = big_id(nullable=True)
    finish_reason: str | None = None
    is_sandbox: bool = False
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    created_at: datetime = at(default_now=True)


class CompletionText(Table, table=True):
    __tablename__ = "completion_text"
    __table_args__ = (ForeignKeyConstraint(["completion_id"], ["completion.id"]),)

    completion_id: int = shared_key()
    text: str = long_text()
    tool_calls: str | None = long_text(nullable=True)
