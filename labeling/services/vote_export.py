"""Every label of a project as one file of votes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from exporters.votes import VOTES, VoteRow, VotesWriter
from labeling.domain import Actor
from labeling.errors import ExportError
from labeling.services.access import managed_project
from labeling.services.export_choices import ExportChoices
from labeling.services.export_list import ExportView, export_view
from labeling.services.export_state import Progress, begin, end, settling
from labeling.services.grouping import group_kept_prompts
from labeling.storage import exports as rows
from labeling.storage.store import Session, Store
from labeling.storage.vote_rows import count_votes, votes_by_kind, votes_of

PROGRESS_EVERY = 5_000  # labels


@dataclass(frozen=True, slots=True)
class VotesOfKind:
    """How many raters of one kind (annotator, judge, imported, rule) gave how many labels."""

    kind: str
    raters: int
    labels: int


@dataclass(frozen=True, slots=True)
class VotesHeld:
    """What an export of votes would hold now, up to the label `label_seq`."""

    kinds: tuple[VotesOfKind, ...]
    label_seq: int

    @property
    def labels(self) -> int:
        return sum(one.labels for one in self.kinds)


def votes_held(store: Store, actor: Actor, slug: str) -> VotesHeld:
    """Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        mark = rows.label_mark(session, project_id)
        found = votes_by_kind(session, project_id, mark, rows.hidden_imports(session, project_id))
    return VotesHeld(tuple(VotesOfKind(*one) for one in found), mark)


def export_votes(
    store: Store,
    actor: Actor,
    slug: str,
    asked: ExportChoices,
    *,
    out: Path | None = None,
    as_in: ExportView | None = None,
    progress: Progress | None = None,
) -> ExportView:
    """Write every label, also those that were changed later; it is a folder, `out` or one of the app's own. What was said
    of prompts that are kept for evaluation stays out, and is counted.

    With `as_in` labels are looked at as far as that export did. `progress` is called with the labels looked at and the
    labels there are.

    Raises:
        ExportError: there is no label, or the folder cannot be written.
    """
    begun = begin(store, actor, slug, asked, out)
    with settling(store, begun):
        group_kept_prompts(store, begun.project_id)
        file_type: Literal["csv", "parquet"] = "parquet" if asked.file_type == "parquet" else "csv"
        with store.reading() as session, VotesWriter(begun.folder, file_type) as writer:
            mark = rows.label_mark(session, begun.project_id) if as_in is None else as_in.label_seq
            kept = _write_votes(session, writer, begun.project_id, mark, progress or (lambda _looked, _labels: None))
            if not writer.rows:
                raise ExportError(
                    f"All {kept:,} labels are of prompts that are reserved for evaluation." if kept
                    else "There are no labels to export. Label pairs, or let a judge read them."
                )  # fmt: skip
            left_out = {"reserved": kept} if kept else {}
            facts = {
                "program": {"name": "tiebreak", "version": version("tiebreak")}, "label_seq": mark, "left_out": left_out,
            }  # fmt: skip
            file = writer.finish(facts, licence=asked.licence)
        digests = {file.name: {"split": VOTES, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}}
        end(store, begun, mark, rows=file.rows, counts={"left_out": left_out}, digests=digests)
    return export_view(store, actor, slug, begun.export_id)


def _utc(at: datetime) -> str:
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat(timespec="seconds")


def _write_votes(session: Session, writer: VotesWriter, project_id: int, mark: int, progress: Progress) -> int:
    """Write the labels up to `mark`; return how many were left out, as their prompts are kept for evaluation."""
    reserved, kept = rows.reserved_prompts(session, project_id), 0
    hidden = rows.hidden_imports(session, project_id)
    labels = count_votes(session, project_id, mark, hidden)
    for looked, (
        _, item, rater, kind, verdict, strength, left, milliseconds, revision, purpose, at, model_a, model_b, group,
        is_current, prompt_id,
    ) in enumerate(votes_of(session, project_id, mark, hidden)):  # fmt: skip
        if looked % PROGRESS_EVERY == 0:
            progress(looked, labels)
        if prompt_id in reserved:
            kept += 1
            continue
        seconds = None if milliseconds is None else milliseconds / 1000
        vote = VoteRow(
            item, rater, verdict, model_a, model_b, group, kind, strength, purpose, left or "", seconds, revision,
            bool(is_current), _utc(at),
        )  # fmt: skip
        writer.add(vote)
    progress(labels, labels)
    return kept
