"""Labels that a lead takes back, and what annotators wrote to the lead: flags, and skips with their reasons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlmodel import Session

from labeling.storage.standing import STANDS
from labeling.storage.tables import Flag, GuidelineVersion, Label, LabelNote, Pair, PromptText, Rater, core

_label, _note, _rater, _flag = core(Label), core(LabelNote), core(Rater), core(Flag)
_version, _pair, _text = core(GuidelineVersion), core(Pair), core(PromptText)


@dataclass(frozen=True, slots=True)
class Which:
    """Annotators' labels that hold now: of one of them, since a moment, up to a guideline version, with a reason, on
    prompts with a tag. What is None asks for nothing."""

    annotator: str | None = None
    since: datetime | None = None
    upto_version: int | None = None
    reason: str | None = None
    tag: str | None = None


def count_labels(session: Session, project_id: int, which: Which) -> int:
    found = _matching(project_id, which).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def matching_labels(session: Session, project_id: int, which: Which, after: int, limit: int) -> Sequence[Row[Any]]:
    """The labels, by id: id, rater_id, pair_id, round_id, revision."""
    query = _matching(project_id, which).where(_label.c.id > after).order_by(_label.c.id).limit(limit)
    return session.execute(query).all()


def _matching(project_id: int, which: Which) -> Select[Any]:
    query: Select[Any] = (
        select(_label.c.id, _label.c.rater_id, _label.c.pair_id, _label.c.round_id, _label.c.revision)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .where(
            _label.c.project_id == project_id,
            _label.c.action == "label",
            _label.c.round_id.is_not(None),
            _rater.c.kind == "annotator",
            STANDS,
        )
    )
    if which.annotator is not None:
        query = query.where(_rater.c.name == which.annotator)
    if which.since is not None:
        query = query.where(_label.c.created_at >= which.since)
    if which.upto_version is not None:
        query = query.join(_version, _version.c.id == _label.c.guideline_version_id).where(
            _version.c.number <= which.upto_version
        )
    if which.reason is not None:
        query = query.join(_note, _note.c.label_id == _label.c.id).where(_quoted_in(_note.c.reasons, which.reason))
    if which.tag is not None:
        query = (
            query.join(_pair, _pair.c.id == _label.c.pair_id)
            .join(_text, _text.c.prompt_id == _pair.c.prompt_id)
            .where(_quoted_in(_text.c.tags, which.tag))
        )
    return query


def _quoted_in(column: Any, word: str) -> Any:
    """Whether a JSON list of texts, as we write it, holds the word."""
    return column.contains(json.dumps(word, ensure_ascii=False), autoescape=True)


@dataclass(frozen=True, slots=True)
class Told:
    """Which messages: of one annotator, with one reason, on one pair. What is None asks for nothing."""

    annotator: str | None = None
    reason: str | None = None
    pair_id: int | None = None


def _told(query: Select[Any], told: Told, pair_id: Any, reasons: Any) -> Select[Any]:
    if told.annotator is not None:
        query = query.where(_rater.c.name == told.annotator)
    if told.reason is not None:
        query = query.where(_quoted_in(reasons, told.reason))
    return query if told.pair_id is None else query.where(pair_id == told.pair_id)


def flags(session: Session, project_id: int, told: Told, limit: int, *, settled: bool) -> Sequence[Row[Any]]:
    """Flags, newest first: id, pair_id, name of who flagged, comment, reasons, created_at, is_left_out."""
    query = (
        select(
            _flag.c.id, _flag.c.pair_id, _rater.c.name, _flag.c.comment, _flag.c.reasons, _flag.c.created_at,
            _pair.c.is_left_out,
        )
        .join(_rater, _rater.c.id == _flag.c.rater_id)
        .join(_pair, _pair.c.id == _flag.c.pair_id)
        .where(
            _flag.c.project_id == project_id,
            _flag.c.settled_at.is_not(None) if settled else _flag.c.settled_at.is_(None),
        )
    )  # fmt: skip
    query = _told(query, told, _flag.c.pair_id, _flag.c.reasons)
    return session.execute(query.order_by(_flag.c.created_at.desc(), _flag.c.id.desc()).limit(limit)).all()


def skips(session: Session, project_id: int, told: Told, limit: int) -> Sequence[Row[Any]]:
    """Skips that stand, newest first: pair_id, name of who skipped, comment, reasons, created_at, is_left_out."""
    query = (
        select(
            _label.c.pair_id, _rater.c.name, _note.c.comment, _note.c.reasons, _label.c.created_at, _pair.c.is_left_out
        )
        .join(_pair, _pair.c.id == _label.c.pair_id)
        .join(_rater, _rater.c.id == _label.c.rater_id)
        .outerjoin(_note, _note.c.label_id == _label.c.id)
        .where(_label.c.project_id == project_id, _label.c.action == "skip", STANDS)
    )
    query = _told(query, told, _label.c.pair_id, _note.c.reasons)
    return session.execute(query.order_by(_label.c.created_at.desc(), _label.c.id.desc()).limit(limit)).all()


def settle_flag(session: Session, project_id: int, flag_id: int, account_id: int, at: datetime) -> bool:
    found = session.execute(
        update(_flag)
        .where(_flag.c.project_id == project_id, _flag.c.id == flag_id, _flag.c.settled_at.is_(None))
        .values(settled_at=at, settled_by=account_id)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]  # an update's result has it
