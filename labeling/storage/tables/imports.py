"""Files that were taken in, and the rows of them that were not."""

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field

from labeling.storage.tables.columns import Table, at, big_key, long_text, one_of


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
