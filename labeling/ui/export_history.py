"""Exports so far: the list, and one of them opened, to be downloaded, made again, compared, or sent to a hub."""

from typing import Final, Literal

import pandas as pd
import streamlit as st

from exporters.formats import format_title
from labeling.services.contents import prompts_of_pairs
from labeling.services.export_changes import Changes, can_compare, changes
from labeling.services.export_files import export_files, fault_in, is_card_edited, zip_name
from labeling.services.export_list import ExportView, export_view, exports
from labeling.services.hub import Pushed, repository
from labeling.services.zipped import zip_blocks
from labeling.ui.building import Building, build_again, send
from labeling.ui.context import Here
from labeling.ui.parts import ago, count, escape, faults, figures, grid, note, plural, section, size
from labeling.ui.rule_words import changed_in_words, in_words
from labeling.ui.under_way import no_result, under_way

PUSHES: Final = "pushes"
SHOWN: Final = "exports shown"
AT_FIRST: Final = 20
LARGEST_IN_MEMORY: Final = 20_000_000  # bytes; a larger export streams from its route


def newest(me: Here) -> tuple[list[ExportView], bool]:
    """The newest exports, as many as are asked for, newest first; and whether there are older ones."""
    most = st.session_state.get(SHOWN, AT_FIRST)
    listed = exports(me.store, me.actor, me.project, most + 1)
    return listed[:most], len(listed) > most


def earlier(
    me: Here, listed: list[ExportView], ended: Building | None, going: Building | None, *, has_older: bool
) -> None:
    """`listed` are the newest exports, newest first. While something is `going` on, nothing else can be begun; what was
    begun here is told here, also how it `ended`.
    """
    if not listed:
        return
    with section("Exports so far", f"the newest {len(listed)}" if has_older else "newest first"):
        _table(listed)
        if has_older and st.button("Show older ones"):
            st.session_state[SHOWN] = 5 * len(listed)
            st.rerun()
        for view in listed:
            if view.fault:
                st.caption(escape(f"No. {view.id}: {view.fault}"))
        finished = {view.id: view for view in listed if view.state == "done"}
        if not finished:
            return
        names = {
            id_: f"No. {id_}, {format_title(view.format)}, {ago(view.created_at)}" for id_, view in finished.items()
        }
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            opened = finished[
                st.selectbox(
                    "Open an export",
                    list(finished),
                    format_func=names.__getitem__,
                    width=420,
                    key=f"opened of {max(finished)}",
                )
            ]
            fault = lost(opened)
            _actions(me, opened, is_busy=going is not None, is_lost=fault is not None)
        if fault is not None:
            note("info", "orange", f"No. {opened.id} is not handed out any more: {escape(fault)} Make it again.")
        elif is_card_edited(opened):
            note("info", "orange", "README.md was edited after the export. It is downloaded and sent as it stands.")
        if going is not None and going.is_of_list:
            under_way(me, "export")
        if ended is not None and ended.is_of_list:
            _outcome(me, ended)
        same = [view.id for view in finished.values() if view.digest == opened.digest and view.id != opened.id]
        _facts(opened, same)
        before = (view for view in finished.values() if view.id < opened.id and can_compare(view, opened.format))
        _since(me, opened, {view.id: names[view.id] for view in before})


def _outcome(me: Here, ended: Building) -> None:
    """How a push ended, or an export that was made again."""
    no_result(ended)
    if isinstance(ended.result, Pushed):
        who = "private" if ended.result.is_private else "public"
        card = ", with the card as it was edited" if ended.result.is_card_edited else ""
        note("cloud_done", "green", f"{escape(ended.result.address)} holds the export now ({who}){card}")
    elif ended.again is not None and isinstance(ended.result, ExportView):
        before = export_view(me.store, me.actor, me.project, ended.again)
        made = f"Export {ended.again} is made again as {ended.result.id}"
        if before.digest == ended.result.digest:
            note("check", "green", f"{made}: the same bytes")
        else:
            note("info", "orange", f"{made}: not the same bytes, as something that it rests on was changed since")


def lost(view: ExportView) -> str | None:
    """Why a finished export can be neither downloaded nor sent any more. Large files are read when they are asked for."""
    return fault_in(view, LARGEST_IN_MEMORY)


def download(me: Here, view: ExportView, label: str, kind: Literal["primary", "secondary"]) -> None:
    """The whole export as one file."""
    name = zip_name(me.project, view.id)
    if sum(file.bytes for file in view.files) > LARGEST_IN_MEMORY:
        address = f"/api/v1/projects/{me.project}/exports/{view.id}/{name}"
        st.link_button(label, address, type=kind, icon=":material/download:")
        return
    st.download_button(
        label,
        lambda: b"".join(zip_blocks(export_files(me.store, me.actor, me.project, view.id), name.removesuffix(".zip"))),
        name, "application/zip", type=kind, icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _table(listed: list[ExportView]) -> None:
    table = [
        (
            f"{view.id}", ago(view.created_at), format_title(view.format), _rules_named(view), view.state.capitalize(),
            view.rows, view.digest[:12] or None,
        )
        for view in listed
    ]  # fmt: skip
    names = ["No.", "When", "Format", "Label rules", "State", "Rows", "Digest"]
    grid(
        pd.DataFrame(table, columns=names),
        placeholder="–",
        columns={
            "No.": 50,
            "When": 120,
            "Format": 230,
            "Label rules": 110,
            "State": 70,
            "Rows": st.column_config.NumberColumn(width=80, format="localized"),
            "Digest": st.column_config.TextColumn(width=120, help="The same digest, the same bytes in all files."),
        },
    )


def _rules_named(view: ExportView) -> str | None:
    """The name of its label rules, or how many of them are not as by default; votes have none."""
    return None if view.is_votes else view.choices.rules.name or changed_in_words(view.choices.rules)


# --- one export --------------------------------------------------------------------------------------------------


def _actions(me: Here, view: ExportView, *, is_busy: bool, is_lost: bool) -> None:
    if not is_lost:
        download(me, view, f"Download No. {view.id}", "secondary")
    if st.button(
        "Make again",
        disabled=is_busy,
        help="With the labels, pairs and choices of then: the same bytes, or it says so.",
    ):
        build_again(me, view).wait()
        st.rerun()
    with st.popover("Push to a hub", disabled=is_busy or is_lost, key=f"push {st.session_state.get(PUSHES, 0)}"):
        _push(me, view)


def _push(me: Here, view: ExportView) -> None:
    st.caption("Sends all files of the export, the raters' names among them, to a data set of the Hugging Face hub.")
    name = st.text_input("Data set", placeholder="organization/name", key="hub name", max_chars=200, live=True).strip()
    public = st.toggle("Everybody may see it", key="hub public", help="Without it, a new data set is private.")
    hub = f"hf:{name.removeprefix('hf:')}"
    who = "public" if public else "private"
    if st.button(f"Push {plural(view.rows, 'row')}, {who}", type="primary", disabled=not name):
        with faults():
            repository(hub)
            send(me, view.id, hub, public=public).wait()
            st.session_state[PUSHES] = st.session_state.get(PUSHES, 0) + 1  # a new popover is a closed one
            st.rerun()


def _facts(view: ExportView, same: list[int]) -> None:
    """What was asked and what came of it; `same` are the exports with the same digest."""
    split = f"{count(view.validation_rows)} rows to validate" if view.validation_rows else "no validation file"
    told = [split, f"seed {view.seed}"] if not view.is_votes else []
    told += [f"licence {view.licence}", f"made of the labels up to number {count(view.label_seq)}"]
    if view.masked:
        told.append(f"masked in {plural(view.masked['rows'], 'row')}")
    st.caption(escape(", ".join(told)))
    if not view.is_votes:
        st.caption(escape(f"Label rules: {in_words(view.choices.rules)}"))
    twins = ", the same bytes as " + ", ".join(f"No. {id_}" for id_ in same) if same else ""
    st.caption(escape(f"In {view.folder}"))
    st.caption(f"SHA-256 {view.digest}{twins}")
    files = pd.DataFrame(
        [(file.name, file.rows or None, size(file.bytes), file.sha256) for file in view.all_files],
        columns=["File", "Rows", "Size", "SHA-256"],
    )
    with st.expander(plural(len(view.all_files), "file"), type="compact"):
        grid(files, placeholder="–")


def _since(me: Here, view: ExportView, others: dict[int, str]) -> None:
    """What changed since an export before it."""
    if not others:
        return
    since = st.selectbox(
        "What changed since", list(others), None, format_func=others.__getitem__, placeholder="An export before it",
        width=420, key=f"since, for {view.id}",
    )  # fmt: skip
    if since is None:
        return
    with faults():
        _changes(me, changes(me.store, me.actor, me.project, since, view.id))


def _changes(me: Here, found: Changes) -> None:
    kinds = {
        "Added": found.added, "Removed": found.removed, "Moved": found.moved, "Turned round": found.turned_round,
        "Rewritten": found.rewritten,
    }  # fmt: skip
    figures(("As they were", found.kept), *((name, change.count) for name, change in kinds.items()))
    pairs = [(name, pair) for name, change in kinds.items() for pair in change.pairs]
    if pairs:
        prompts = prompts_of_pairs(me.store, me.actor, me.project, [pair for _, pair in pairs])
        grid(
            pd.DataFrame([(*one, prompts.get(one[1])) for one in pairs], columns=["What", "Pair", "Prompt"]),
            height=220 if len(pairs) > 5 else "content", placeholder="–", columns={"What": 110, "Pair": 80},
        )  # fmt: skip
