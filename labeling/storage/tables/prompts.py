"""Prompts, and those that go on from a reply to an earlier one."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, long_text, one_of, shared_key

# By dialect: a tool is offered, called (tool_calls) or answered (tool_call_id) in a prompt, or a speaker named.
HAS_TOOLS = {
    "sqlite": """tools IS NOT NULL OR messages GLOB '*"tool_call*' OR messages GLOB '*"name":*'""",
    "postgresql": """tools IS NOT NULL OR strpos(messages, '"tool_call') > 0 OR strpos(messages, '"name":') > 0""",
}


class PromptRow(Table, table=True):
    """A prompt of a project, known by the digest of its canonical JSON.

    `group_key` joins prompts that must stay on one side of a split (turns of one conversation, near-duplicates); where
    it is missing the digest is the group.
    """

    __tablename__ = "prompt"
    __table_args__ = (
        UniqueConstraint("project_id", "digest"),
        UniqueConstraint("project_id", "id"),
        Index("ix_prompt_external_id", "project_id", "external_id",
              sqlite_where=text("external_id IS NOT NULL"), postgresql_where=text("external_id IS NOT NULL")),
        Index("ix_prompt_group_key", "project_id", "group_key",
              sqlite_where=text("group_key IS NOT NULL"), postgresql_where=text("group_key IS NOT NULL")),
        # Every page counts what can be exported, and asks for those that cannot.
        Index("ix_prompt_reserved", "project_id", sqlite_where=text("is_reserved = 1"), postgresql_where=text("is_reserved")),
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
    __table_args__ = (
        Index("ix_prompt_text_follow_ups", "prompt_id", sqlite_where=text("follow_ups IS NOT NULL"),
              postgresql_where=text("follow_ups IS NOT NULL")),
        # Every export asks for them, and mostly there are none.
        Index("ix_prompt_text_tools", "prompt_id", sqlite_where=text(HAS_TOOLS["sqlite"]),
              postgresql_where=text(HAS_TOOLS["postgresql"])),
    )  # fmt: skip

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    messages: str = long_text()
    tools: str | None = long_text(nullable=True)
    tags: str | None = long_text(nullable=True)
    reference: str | None = long_text(nullable=True)
    follow_ups: str | None = long_text(nullable=True)


class PromptAlias(Table, table=True):
    """A further id of a prompt: another row, or another file, has the same prompt under it."""

    __tablename__ = "prompt_alias"
    __table_args__ = (ForeignKeyConstraint(["project_id", "prompt_id"], ["prompt.project_id", "prompt.id"]),)

    project_id: int = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    prompt_id: int = Field(primary_key=True)
    import_id: int = Field(foreign_key="import.id", index=True)


class PromptSignatures(Table, table=True):
    """By what new prompts are compared with those behind `after_id` up to `last_id`, as `labeling.grouping` packs it.

    The parts of a project follow each other: that one of two begins where another does is refused.
    """

    __tablename__ = "prompt_signatures"

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    after_id: int = Field(primary_key=True)
    last_id: int
    signatures: bytes


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
    completion_id: int = shared_key()
    parent_id: int = Field(foreign_key="prompt.id")
    after: str
    generator_id: int | None = Field(default=None, foreign_key="generator.id")
    created_at: datetime = at(default_now=True)
