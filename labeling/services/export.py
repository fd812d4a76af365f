"""Labels out: what would leave in a file, a look at the first rows, and the export itself.

An export reads one moment of the database in chunks, so that its memory does not grow with the project; it is written
beside its place, checked, and only then done.
"""

import time
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import numpy as np

from exporters import DatasetWriter, Format, PreferenceRow, RowOrigin, RowRefused, Written
from exporters.balance import EDIT_BY, side_always_winning
from exporters.completions import EachOnce
from exporters.lines import Lines
from exporters.rows import CompletionRow
from exporters.votes import VOTES
from labeling.domain import Actor, Right
from labeling.errors import ConflictError, ExportError
from labeling.services.access import managed_project, open_project
from labeling.services.deciding import Ballot, Fits, ballot
from labeling.services.export_choices import ExportChoices, FileKind, checked, lines_named
from labeling.services.export_list import ExportView, export_view, facts_of
from labeling.services.export_rows import rows_of, write_rows
from labeling.services.export_state import Progress, begin, end, settling
from labeling.services.grouping import group_kept_prompts, group_prompts
from labeling.services.label_rules import DEFAULT_RULES, STRENGTH_SCALE, LabelRules
from labeling.services.personal_data import mask
from labeling.services.rule_effect import Effect, Singles, effect, effect_on, settled
from labeling.services.vote_export import export_votes
from labeling.services.votes import OUTCOMES
from labeling.storage import exports as rows
from labeling.storage.store import Session, Store

# A count that took this long is told again for a while: the sidebar asks for it at every step of a page.
SLOW_SECONDS = 0.2
KEPT_FOR = 10  # times as long as it took
PREVIEW_ROWS = 3


@dataclass(frozen=True, slots=True)
class Usable:
    """pairs = rows + the sum of `left_out` (by reason, most first; the words are in `rule_reasons.REASONS`).

    `label_seq` is the project's high-water mark that was looked at.
    """

    pairs: int
    rows: int
    left_out: dict[str, int]
    label_seq: int


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as it would be written, and who decided it. `record` is the line itself."""

    pair: int
    decided_by: str
    strength: float | None
    prompt: str
    chosen: str
    rejected: str
    record: str


def usable(store: Store, actor: Actor, slug: str, rules: LabelRules = DEFAULT_RULES) -> Usable:
    """How many of the project's pairs would be rows by the rules, and why the others would not. Reads no long text.

    What a format cannot hold is not known here: see `counted`. In a large project the answer may be some seconds old.
    """
    with store.reading() as session:
        key = (str(store.url), open_project(session, actor, slug, Right.SEE).id, rules)
        kept = _kept.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        began = time.monotonic()
    now = effect(store, actor, slug, rules, figures=False)
    found = Usable(now.pairs, now.kept, now.left_out, now.label_seq)
    took = time.monotonic() - began
    if took > SLOW_SECONDS:
        _kept[key] = (time.monotonic() + KEPT_FOR * took, found)
    return found


_kept: dict[tuple[str, int | None, LabelRules], tuple[float, Usable]] = {}


def counted(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    format: str,
    rules: LabelRules = DEFAULT_RULES,
    system_prompt: str | None = None,
    file_type: FileKind = "jsonl",
) -> Effect:
    """What the rules do, with what the file refuses taken off: every text is read.

    Raises:
        InputError: no such format, or not written so; or a rule that the project cannot follow.
    """
    lines = lines_named(format, file_type)
    left_out: Counter[str] = Counter()
    taken, once = _Taken(), EachOnce()
    kept = written = 0
    with store.reading() as session:
        held = _held(session, managed_project(session, actor, slug), rules, lines.format)
        held = _drawn(store, session, held, lines, system_prompt)
        for _, made in groupby(rows_of(session, held, system_prompt, left_out), key=lambda one: one[1].pair):
            refusals, before = [], written
            for row, origin in made:
                try:
                    found = lines.pieces(row)
                except RowRefused as refused:
                    refusals.append(refused.code)
                    continue
                taken.add(row, origin)
                written += len(found)
                for piece in found:
                    if isinstance(piece, CompletionRow):
                        once.add(piece, origin.asked)
            kept += written > before
            if written == before:
                left_out[refusals[0]] += 1
        told = effect_on(store, session, held if held.fits is not None else replace(held, fits=taken.fits))
    singles = told.singles
    if lines.format.pieces is not None:
        single = once.settled()[1]
        written = single.desirable + single.undesirable
        if singles is not None:
            singles = Singles(single.desirable, single.undesirable, single.conflicting)
    return replace(told, kept=kept, rows=written, left_out=dict(left_out.most_common()), singles=singles)


def preview(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    format: str,
    rules: LabelRules = DEFAULT_RULES,
    system_prompt: str | None = None,
    file_type: FileKind = "jsonl",
) -> list[PreviewRow]:
    """The first three rows of an export, as they would be written; of Parquet, as JSON. Where rules draw pairs and the file
    refuses some, an export may draw others: only that reads every text.

    Raises:
        InputError: there is no such format, or it is not written so.
    """
    lines = lines_named(format, file_type)
    found: list[PreviewRow] = []
    with store.reading() as session:
        held = settled(store, session, _held(session, managed_project(session, actor, slug), rules, lines.format))
        for row, origin in rows_of(session, held, system_prompt, Counter()):
            try:
                found.append(_previewed(row, origin, lines))
            except RowRefused:
                continue
            if len(found) == PREVIEW_ROWS:
                break
    return found


def export(
    store: Store,
    actor: Actor,
    slug: str,
    asked: ExportChoices,
    *,
    out: Path | None = None,
    as_in: ExportView | None = None,
    progress: Progress | None = None,
) -> ExportView:
    """Write an export and check it; it is a folder, `out` or one of the app's own.

    With `as_in` labels and pairs are looked at as far as that export did. `progress` is called with the pairs looked at
    and the pairs there are, for votes with labels; what it raises ends the export.

    Raises:
        InputError: what cannot be asked for: see `export_choices.checked`.
        ExportError: no pair makes a row, the check found a fault, or the folder cannot be written. The export is then
            listed as failed, and nothing of it is left on the disk.
    """
    asked = checked(asked)
    if asked.format == VOTES:
        return export_votes(store, actor, slug, asked, out=out, as_in=as_in, progress=progress)
    last_pair = _last_pair(store, actor, slug) if as_in is None else as_in.pair_mark
    begun = begin(store, actor, slug, asked, out, last_pair)
    with settling(store, begun):
        (group_prompts if asked.is_split else group_kept_prompts)(store, begun.project_id)
        with store.reading() as session, _writer(begun.folder, asked) as writer:
            mark = None if as_in is None else as_in.label_seq
            lines = lines_named(asked.format, asked.file_type)
            held = _held(session, begun.project_id, asked.rules, lines.format, mark, last_pair)
            held = replace(_drawn(store, session, held, lines, asked.system_prompt), is_split=asked.is_split)
            written = _write(store, session, held, lines, writer, asked, progress)
        end(store, begun, held.mark, **facts_of(written))
    return export_view(store, actor, slug, begun.export_id)


def export_again(
    store: Store, actor: Actor, slug: str, export_id: int, *, out: Path | None = None, progress: Progress | None = None
) -> ExportView:
    """Make an export once more: the same choices, up to the same label and pair.

    The bytes are the same as long as the program is of the same version and nothing else changed: no pair was left out
    or taken in, no prompt reserved, no name of a rater or generator changed.

    Raises:
        NotFoundError: there is no such export.
        ConflictError: it was never finished, so that there is nothing to make again.
        ExportError: as from `export`.
    """
    view = export_view(store, actor, slug, export_id)
    if view.state != "done":
        raise ConflictError(f"Export {export_id} was not finished: there is nothing to make again. Start a new one.")
    return export(store, actor, slug, view.choices, out=out, as_in=view, progress=progress)


def _last_pair(store: Store, actor: Actor, slug: str) -> int:
    with store.reading() as session:
        return rows.last_pair(session, managed_project(session, actor, slug))


def _held(
    session: Session,
    project_id: int,
    rules: LabelRules,
    format: Format,
    mark: int | None = None,
    last_pair: int | None = None,
) -> Ballot:
    held = replace(
        ballot(session, project_id, rules), takes=format.takes, last_pair=last_pair, keeps_names=format.keeps_names
    )
    return held if mark is None else replace(held, mark=mark)


def _drawn(store: Store, session: Session, held: Ballot, lines: Lines, system_prompt: str | None) -> Ballot:
    """As `settled`, but that pairs are drawn only among those that the file takes: else it would not hold what was drawn.
    Every text is read for it, where the rules draw."""
    if held.rules.per_prompt or held.rules.length_match:
        held = replace(held, fits=_fits(session, held, lines, system_prompt))
    return settled(store, session, held)


def _fits(session: Session, held: Ballot, lines: Lines, system_prompt: str | None) -> Fits:
    """What the file takes of the rows there are; every text is read for it."""
    taken = _Taken()
    for row, origin in rows_of(session, held, system_prompt, Counter()):
        if lines.refusal(row) is None:
            taken.add(row, origin)
    return taken.fits


class _Taken:
    """Gathers the rows that a file takes."""

    def __init__(self) -> None:
        self._pairs = array("q")
        self._edited: set[tuple[int, int]] = set()

    def add(self, row: PreferenceRow, origin: RowOrigin) -> None:
        self._pairs.append(origin.pair)
        if row.outcome == "better" and origin.chosen_by.startswith(EDIT_BY):
            self._edited.add((origin.pair, origin.rejected_id))

    @property
    def fits(self) -> Fits:
        return Fits(np.array(self._pairs), frozenset(self._edited))


def _writer(folder: Path, asked: ExportChoices) -> DatasetWriter:
    return DatasetWriter(
        folder, asked.format, validation_share=asked.validation_share, seed=asked.seed, has_mark=asked.has_mark,
        file_type="parquet" if asked.file_type == "parquet" else "jsonl", validation_rows=asked.validation_rows,
    )  # fmt: skip


def _write(
    store: Store,
    session: Session,
    held: Ballot,
    lines: Lines,
    writer: DatasetWriter,
    asked: ExportChoices,
    progress: Progress | None,
) -> Written:
    pairs = rows.count_visible_pairs(session, held.project_id, held.hidden)
    left_out: Counter[str] = Counter()
    looked_at = 0

    def looked(count: int) -> None:
        nonlocal looked_at
        looked_at += count
        if progress is not None:
            progress(looked_at, pairs)

    left_wins = write_rows(session, held, asked.system_prompt, left_out, writer, looked)
    is_refused = bool(writer.left_out) or not left_out.keys() <= set(OUTCOMES)
    if held.told and held.fits is None and (is_refused or held.rules.edits == "both"):  # perhaps one row of two is
        held = settled(
            store,
            session,
            replace(held, fits=_fits(session, replace(held, is_split=False), lines, asked.system_prompt)),
        )
    for reason, count in left_out.items():
        writer.leave_out(reason, count)
    if not writer.used:
        raise ExportError(_nothing(pairs, writer.left_out))
    facts = {
        "program": {"name": "tiebreak", "version": version("tiebreak")},
        "label_rules": held.rules.as_dict(),
        "strength_scale": STRENGTH_SCALE,
        **({"across_pairs": held.told} if held.told else {}),
        "label_seq": held.mark,
        "system_prompt": _as_written(asked.system_prompt, held),
    }
    warning = side_always_winning(*left_wins)
    return writer.finish(facts, licence=asked.licence, warnings=[warning] if warning else [])


def _as_written(system_prompt: str | None, held: Ballot) -> str | None:
    """What a row holds of a system prompt: the manifest tells nothing that the mask hides."""
    return mask(system_prompt, set()) if system_prompt and held.rules.personal_data == "mask" else system_prompt


def _previewed(row: PreferenceRow, origin: RowOrigin, lines: Lines) -> PreviewRow:
    return PreviewRow(
        pair=origin.pair,
        decided_by=", ".join(origin.raters),
        strength=origin.strength,
        prompt=str(row.prompt[-1].get("content") or ""),
        chosen=row.chosen,
        rejected=row.rejected,
        record=b"".join(line for _, line in lines.of(row)).decode().removesuffix("\n"),
    )


def _nothing(pairs: int, left_out: Mapping[str, int]) -> str:
    if not pairs:
        return "There are no pairs to export. Import pairs, or generate completions and make pairs of them."
    reasons = ", ".join(
        f"{reason.replace('_', ' ')} {count:,}" for reason, count in sorted(left_out.items(), key=lambda one: -one[1])
    )
    return f"None of {pairs:,} pairs makes a row ({reasons}). Label pairs, or change the label rules."
