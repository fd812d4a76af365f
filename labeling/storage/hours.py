"""The time that people spent on pairs, as it stands in their labels."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, select
from sqlmodel import Session

from labeling.storage.tables import Label, Rater, Round, core

_label, _rater, _round = core(Label), core(Rater), core(Round)
STREAMED_AT_ONCE = 5_000


def timed_labels(
    session: Session, project_id: int, since: datetime | None, until: datetime | None, rater_id: int | None = None
) -> Iterator[Row[Any]]:
    """Every label and skip of annotators (of one, where named), streamed in no order; `until` is not included.

    A voided or undone label was work and is among them; the undo and the void themselves are not.
    """
    query: Executable = (
        select(
            _label.c.rater_id, _rater.c.name, _label.c.created_at, _label.c.action, _label.c.milliseconds,
            _label.c.away_milliseconds, _round.c.purpose,
        )
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .join(_round, _round.c.id == _label.c.round_id)
        .where(
            _label.c.project_id == project_id,
            _rater.c.kind == "annotator",
            _label.c.action.in_(("label", "skip")),
            *([] if rater_id is None else [_label.c.rater_id == rater_id]),
            *([] if since is None else [_label.c.created_at >= since]),
            *([] if until is None else [_label.c.created_at < until]),
        )
    )  # fmt: skip
    yield from session.connection().execute(query, execution_options={"yield_per": STREAMED_AT_ONCE})
