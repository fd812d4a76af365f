"""What the Export page shows of the rows: where every pair goes, what the rows are like, checks, the first rows, the list."""

from typing import Final

import pandas as pd
import streamlit as st

from exporters import Format
from exporters.refusals import REFUSALS
from exporters.split import LEAST_VALIDATION_ROWS
from labeling.services.export import PreviewRow
from labeling.services.export_choices import ExportChoices
from labeling.services.export_list import ExportView
from labeling.services.rule_effect import Effect, Share
from labeling.services.rule_reasons import REASONS
from labeling.services.vote_export import VotesHeld
from labeling.ui.parts import ago, count, escape, figures, grid, note, percent, plural, section

KINDS_OF_RATERS: Final = {
    "annotator": "Annotators", "judge": "Judges", "imported": "From files", "rule": "Rules",
}  # fmt: skip
CELL: Final = 400  # characters of a text in a table


def where(told: Effect, format: Format, *, is_exact: bool) -> None:
    """Every pair counted once, with what would bring it in."""
    usual = "One side is better by the label rules" if format.pieces is None else "The label rules make rows of them"
    table = [("In the file", told.kept, usual)]
    reasons = sorted(told.left_out.items(), key=lambda one: -one[1])
    table += [_titled(reason, number) for reason, number in reasons]
    remark = "each is counted once" if is_exact else "what the format refuses is told after the build"
    with section(f"Where {plural(told.pairs, 'pair')} go", remark):
        grid(
            pd.DataFrame([(title, number) for title, number, _ in table], columns=["Pairs", "n"]),
            height="content",  # every reason in sight: they add up to all pairs
            columns={
                "n": st.column_config.ProgressColumn(
                    "", min_value=0, max_value=max(told.pairs, 1), format="localized", width=110, color="blue"
                ),
            },
        )
        # Below it, as a cell would cut it off.
        st.caption("\n".join(f"- {title}: {why}" for title, _, why in table))


def _titled(reason: str, number: int) -> tuple[str, int, str]:
    words = REASONS.get(reason) or REFUSALS[reason]
    return words.title, number, words.remedy


def what(told: Effect, *, has_margin: bool) -> None:
    """What a model would learn besides: figures of the pairs that stay."""
    strip: list[tuple[str, str, str]] = []
    if told.longer_after is not None and told.longer_after.whole:
        strip.append(
            (
                "Longer chosen",
                _change(told.longer_before, told.longer_after),
                _LONGER.format(n=count(told.longer_after.whole)),
            )
        )
    if told.target_model and told.own_both is not None and told.own_one is not None and told.kept:
        own = percent(told.own_both + told.own_one, told.kept)
        strip.append(
            (
                "With own replies",
                own,
                _OWN.format(model=escape(told.target_model), both=count(told.own_both), one=count(told.own_one)),
            )
        )
    if told.singles is not None:
        both = told.singles.desirable + told.singles.undesirable
        strip.append(("Desirable", percent(told.singles.desirable, both), _SINGLES.format(**_counts(told))))
    if told.contradicting:
        strip.append(
            ("Contradicting", count(told.contradicting), "Pairs that stand in a circle with others of their prompt.")
        )
    if told.edited:
        strip.append(("Edited", count(told.edited), "Pairs for which an annotator wrote a better reply."))
    if has_margin and told.without_strength:
        strip.append(
            ("No strength", count(told.without_strength), "Their margin is not known: see How labels become one.")
        )
    if strip:
        with section("What the rows are like", f"of {plural(told.kept, 'pair')}"):
            figures(*strip[:6])


_LONGER: Final = "Of {n} pairs whose replies differ in length. Far from 50 %, length alone is learnt: see Across pairs."
_OWN: Final = (
    "{both} pairs have both replies by {model}, {one} have one. A model learns most from what it writes itself."
)
_SINGLES: Final = (
    "{desirable} desirable and {undesirable} undesirable replies. {conflicting} were both, and are dropped."
)


def _counts(told: Effect) -> dict[str, str]:
    assert told.singles is not None
    return {name: count(getattr(told.singles, name)) for name in ("desirable", "undesirable", "conflicting")}


def _change(before: Share | None, after: Share) -> str:
    now = percent(after.part, after.whole)
    was = percent(before.part, before.whole) if before is not None else now
    return now if was == now else f"{was} → {now}"


def checks(told: Effect, format: Format, asked: ExportChoices, ready: ExportView | None, *, is_building: bool) -> None:
    """Before a build what it lacks, after it what was proved."""
    remark = f"{ago(ready.ended_at)}, on the whole file" if ready is not None and ready.ended_at else ""
    with section("Checks", remark):
        if ready is None:
            _before(told, format, asked, is_building=is_building)
            return
        one, two = st.columns(2)
        with one, st.container(gap="xsmall"):
            note("check", "green", f"Every line is as {format.name} asks")
            note("check", "green", "No side empty, none the same")
            if ready.validation_rows:
                note("check", "green", "No prompt in both files")
        with two, st.container(gap="xsmall"):
            note("check", "green", f"{count(ready.pairs)} pairs accounted for in the manifest")
            if ready.sandbox:
                note("science", "violet", f"{plural(ready.sandbox['rows'], 'row')} rest on the sandbox")
            if ready.masked:
                kinds = ", ".join(f"{kind} in {count(n)}" for kind, n in ready.masked.items() if kind != "rows")
                note("visibility_off", "gray", f"Found and masked in {plural(ready.masked['rows'], 'row')}: {kinds}")
        if ready.note:
            note("info", "orange", escape(ready.note))
        for warning in ready.warnings[:3]:
            note("info", "orange", escape(warning))


def _before(told: Effect, format: Format, asked: ExportChoices, *, is_building: bool) -> None:
    lacking = format.least_rows - told.rows
    if lacking > 0:
        _too_few(told, format.least_rows, lacking)
    elif too_many := all_to_validate(told, asked):
        note("info", "orange", too_many)
    elif not is_building:
        st.caption("Every line is checked before the download appears.")
    share = asked.validation_share
    if 0 < share * told.rows < LEAST_VALIDATION_ROWS:
        note(
            "info", "orange",
            f"{percent(share)} is about {plural(round(share * told.rows), 'row')}. Below "
            f"{LEAST_VALIDATION_ROWS} there is no validation file, and all rows go to train.",
        )  # fmt: skip


def _too_few(told: Effect, least: int, lacking: int) -> None:
    """How many rows are lacking, and where they could come from."""
    unlabelled = told.left_out.get("no_label", 0)
    by_rules = {reason: n for reason, n in told.left_out.items() if reason in REASONS and REASONS[reason].rule}
    gone = sum(by_rules.values())
    more = f"Services take this format from {plural(least, 'row')} on: {lacking} more"
    if gone < lacking:
        way = "to label." if unlabelled >= lacking else "are needed. Import or generate more pairs."
        note("info", "orange", f"{more} {way}")
        return
    note("info", "orange", f"{more} are needed.")
    is_all = gone == told.pairs - unlabelled
    of = f"all {plural(gone, 'labelled pair')}" if is_all else f"{count(gone)} of {plural(told.pairs, 'pair')}"
    most = REASONS[max(by_rules, key=by_rules.__getitem__)]
    note("rule", "orange", f"The label rules leave out {of}, most as “{most.title}”. {most.remedy}.")


def all_to_validate(told: Effect, asked: ExportChoices) -> str:
    """Why no row would be left to train on, where so many are asked for in the validation file; else ""."""
    rows = asked.validation_rows
    if rows is None or rows < told.rows:
        return ""
    return f"{count(rows)} rows are asked for validation, and there are {count(told.rows)}: none is left to train on. Ask for fewer."


def first_rows(rows: list[PreviewRow]) -> None:
    if not rows:
        return
    with section("First three rows", "the manifest and the provenance of each row come with the file"):
        table = [
            (row.decided_by, _strength(row.strength), row.prompt[:CELL], row.chosen[:CELL], row.rejected[:CELL])
            for row in rows
        ]
        grid(
            pd.DataFrame(table, columns=["Decided by", "Strength", "Prompt", "Chosen", "Rejected"]),
            placeholder="–",
            columns={
                "Decided by": 110,
                "Strength": 80,
                **dict.fromkeys(("Prompt", "Chosen", "Rejected"), 290),
            },
        )
        with st.expander("The first line as it is written", type="compact"):
            st.code(rows[0].record, language=None, wrap_lines=True)


def _strength(strength: float | None) -> str | None:
    if strength is None:
        return None
    return "slightly" if strength < 1.5 else "clearly" if strength < 2.5 else "much"


def votes_in(held: VotesHeld) -> None:
    """Every label, by the kind of its rater."""
    with section("What is in it", "a row for each label"):
        table = [(KINDS_OF_RATERS[one.kind], one.raters, one.labels) for one in held.kinds]
        grid(
            pd.DataFrame(table, columns=["Raters", "How many", "Labels"]),
            columns={name: st.column_config.NumberColumn(format="localized") for name in ("How many", "Labels")},
        )
        st.caption(
            "Each with pair, verdict in stored order, models, prompt, strength, round, side shown, seconds and time. "
            "Labels that were changed later are there too, and marked."
        )
