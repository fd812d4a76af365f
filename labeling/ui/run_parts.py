"""The parts of a run by batch or by file, the results that are taken in, and the last answers of any run."""

from typing import Final

import streamlit as st

from labeling.domain import RunMode
from labeling.services.ingest import IngestView, ingest
from labeling.services.parts import PartView
from labeling.services.run_progress import AnswerView, RunProgress
from labeling.services.runs import RunView
from labeling.ui.context import Here
from labeling.ui.formats import ago, count, money, plural, size
from labeling.ui.parts import faults, grid, note, section

LARGEST_UPLOAD: Final = 1000  # MB
DOWNLOADS: Final = 20  # more files than these are for the command

# What a part's state means to people.
STATES: Final = {
    "gathering": "being put together",
    "ready": "to be uploaded",
    "uploading": "being uploaded",
    "uploaded": "uploaded",
    "creating": "being handed over",
    "running": "with the provider",
    "fetching": "being fetched",
    "done": "done",
    "cancelled": "cancelled",
    "failed": "refused by the provider",
}


def run_parts(me: Here, found: RunProgress) -> None:
    """The files to be run elsewhere, or what the provider says of each batch."""
    if found.run.mode == RunMode.FILE:
        _files(me, found)
    elif found.parts:
        _batches(found.parts)


def _files(me: Here, found: RunProgress) -> None:
    waiting = [part for part in found.parts if part.open]
    if not waiting:
        return
    with section("Files to run", "Batch JSONL: one request each line, for any engine that reads it"):
        for part in waiting[:DOWNLOADS]:
            address = f"/api/v1/projects/{me.project}/runs/{found.run.id}/{part.name}"
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.link_button(f"Download part {part.part}", address, icon=":material/download:")
                whole = (
                    size(part.bytes) if part.open == part.lines else f"of {count(part.lines)}, the others have results"
                )
                st.caption(f"{plural(part.open, 'request')}, {whole}", width="content")
        if len(waiting) > DOWNLOADS:
            st.caption(f"{count(len(waiting) - DOWNLOADS)} more: write them with tiebreak runs files {found.run.id}")


def _batches(parts: tuple[PartView, ...]) -> None:
    columns: dict[str, list[object]] = {
        "Part": [part.part for part in parts],
        "State": [STATES[part.state] for part in parts],
        "Requests": [part.lines for part in parts],
        "Done there": [part.provider_done for part in parts],
        "Sent": [ago(part.sent_at) if part.sent_at else "" for part in parts],
        "Provider says": [part.provider_status or "" for part in parts],
        "Known there as": [part.provider_id or "" for part in parts],
    }
    if any(part.fault for part in parts):
        columns["Last trouble"] = [part.fault or "" for part in parts]
    with section("Batches", "usually half the price, within 24 hours"):
        grid(
            columns,
            placeholder="",
            columns={
                "Part": st.column_config.NumberColumn(width=48, format="%d"),
                "State": 140,
                "Requests": st.column_config.NumberColumn(width=84, format="localized"),
                "Done there": st.column_config.NumberColumn(width=90, format="localized"),
                "Sent": 110,
                "Provider says": 110,
            },
        )


def take_results(me: Here, run: RunView) -> None:
    """The upload of a results file while the run waits for some, and what became of its lines."""
    kept = f"results of run {run.id}"
    if not run.waiting and kept not in st.session_state:
        return
    with section("Take results in", "in any order, in any number of files; what is there already stays as it is"):
        with faults():
            file = st.file_uploader(
                "Results, as the engine wrote them", type=["jsonl", "json", "txt"], max_upload_size=LARGEST_UPLOAD, key=f"{kept} file"
            )  # fmt: skip
            if file is not None and st.button("Take the results in", type="primary", key=f"{kept} button"):
                with st.spinner("Reading the results"):
                    st.session_state[kept] = ingest(me.store, me.actor, me.project, file.name, file)
                st.rerun()
        if kept in st.session_state:
            _taken(st.session_state[kept])


def _taken(view: IngestView) -> None:
    if view.taken_before:
        note("info", "blue", "This file was taken in before; nothing is changed.")
        return
    parts = [
        f"{count(view.lines)} lines: {count(view.answered)} answered",
        *([f"{count(sum(view.failed.values()))} failed"] if view.failed else []),
        *([f"{count(view.undone)} not come to in time, waiting"] if view.undone else []),
        *([f"{count(view.there)} there already"] if view.there else []),
        *([f"{count(view.refused)} refused"] if view.refused else []),
    ]
    note("error" if view.refused else "check", "orange" if view.refused else "green", ", ".join(parts))
    if view.refusals:
        grid(
            {"Line": [one.line for one in view.refusals], "Refused because": [one.reason for one in view.refusals]},
            columns={"Line": st.column_config.NumberColumn(width=80, format="localized")},
        )


def last_answers(found: RunProgress) -> None:
    """The newest answers as plain text: a look at them tells early that something is wrong."""
    if not found.answers:
        return
    with section("Last answers"), st.container(border=True, gap="small"):
        if all(one.text is None for one in found.answers):
            st.caption("What a judge says is not shown here: it may sway who has still to label.")
            st.caption("  \n".join(map(_about, found.answers)))
            return
        for one in found.answers:
            st.caption(_about(one))
            if one.text is not None:
                st.text(" ".join(one.text.split()) + ("" if one.is_whole else " …"))


def _about(one: AnswerView) -> str:
    parts = [
        f"pair {one.pair_id}" if one.pair_id else f"prompt {one.prompt_id}" if one.prompt_id else "",
        ago(one.at),
        plural(one.completion_tokens, "token") if one.completion_tokens is not None else "",
        "sandbox" if one.is_sandbox else money(one.cost_usd, digits=4).replace("$", r"\$") if one.cost_usd else "",
    ]
    return " · ".join(filter(None, parts))
