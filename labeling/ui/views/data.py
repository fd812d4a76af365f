"""Data: bring prompts, completions and pairs, and see what the project holds."""

from typing import Final

import streamlit as st

from labeling.readers.data_sets import data_set_named
from labeling.render import visible
from labeling.services import import_list
from labeling.services.contents import prompts_page, sources
from labeling.services.import_list import ImportView
from labeling.services.near_duplicates import near_duplicates
from labeling.services.next_step import next_step
from labeling.services.projects import ProjectView
from labeling.ui import import_preview
from labeling.ui.building import building, take
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.parts import (
    actions,
    ago,
    body,
    count,
    empty,
    escape,
    faults,
    figures,
    grid,
    head,
    note,
    plural,
    section,
)
from labeling.ui.under_way import no_result, under_way

PAGE_SIZE: Final = 25
DONE: Final = "import_done"


def main() -> None:
    me = here()
    project = project_here(me)
    going = building(me, "data")
    if going is not None and not going.is_over:
        with head("Import", "Nothing of it is seen before its end"):
            pass
        under_way(me, "data")
        return
    _take_up(me)
    file = import_preview.chosen_file()
    if file is not None:
        import_preview.show(me, file)
        return
    if not project.prompts:
        _first(me)
        return
    _overview(me, project)


def _take_up(me: Here) -> None:
    """What an import that is over came to, if no other tab has taken it up."""
    ended = take(me, "data")
    if ended is None:
        return
    no_result(ended)
    if isinstance(ended.result, ImportView):
        st.session_state[DONE] = ended.result
        file = import_preview.chosen_file()
        if file is not None and file.content is ended.source:
            import_preview.discard()
        st.rerun()  # the frame has counted before it ended


def _limit() -> int:
    return int(st.get_option("server.maxUploadSize"))


@st.dialog("Choose a file", width="medium")
def choose() -> None:
    found = st.file_uploader(
        f"Text, CSV, JSON, JSONL (also gzip'd) or Parquet, up to {_limit()} MB",
        key="uploader",
        max_upload_size=_limit(),
    )
    st.caption("A larger file goes in by command: tiebreak import FILE")
    named = st.text_input(
        "Or a data set of the Hugging Face hub", placeholder="hf:org/name:split", key="data_set", live=True,
        help="Without a split, train is read. A data set that is not open to all needs a token in HF_TOKEN, where the app runs.",
    ).strip()  # fmt: skip
    if found is not None:
        st.session_state[import_preview.KEY] = import_preview.ChosenFile(found.name, found.getvalue())
        st.rerun()
    with actions():
        if st.button("Cancel"):
            st.rerun()
        if st.button("Look at the data set", type="primary", disabled=not named):
            with faults():
                data_set = data_set_named(named, is_local_allowed=False)
                st.session_state[import_preview.KEY] = import_preview.ChosenFile(data_set.title, data_set)
                st.rerun()


def _first(me: Here) -> None:
    with head("Data", "Nothing imported yet"):
        pass
    with body():
        _outcome(me)
        with empty(
            "upload_file",
            "Bring prompts or pairs",
            f"CSV, JSON, JSONL, Parquet or text, up to {_limit()} MB, or a data set of the Hugging Face hub by its name."
            " You see a preview before anything is stored.",
        ):
            if st.button("Choose a file", type="primary"):
                choose()
        _imports(me)


def _overview(me: Here, project: ProjectView) -> None:
    with head("Data", f"{plural(project.prompts, 'prompt')}, {plural(project.pairs, 'pair')}"):
        if st.button("Import a file", icon=":material/upload_file:"):
            choose()
        if project.pairs and next_step(me.store, me.actor, project).page == "export":
            if st.button("Export", type="primary"):
                go("export")
        elif project.pairs and project.open_pairs:
            if st.button(f"Label {plural(project.open_pairs, 'pair')}", type="primary"):
                go("label")
        elif not project.pairs and project.prompts and st.button("Generate completions", type="primary"):
            go("generate")
    with body():
        _outcome(me)
        written = sources(me.store, me.actor, me.project)
        figures(
            ("Prompts", project.prompts),
            ("Completions", sum(one.completions for one in written)),
            ("Pairs", project.pairs),
            ("Labelled pairs", project.labelled_pairs),
        )
        _prompts(me, project)
        if written:
            with section("Who wrote the completions", "never shown while labelling"):
                grid(
                    [
                        {"Completions": one.completions, "From": one.kind, "Sandbox": one.is_sandbox, "Name": one.name}
                        for one in written
                    ],
                    columns={"Completions": 96, "From": 100, "Sandbox": 80, "Name": 560},
                )
        _near(me)
        _imports(me)


def _near(me: Here) -> None:
    """Prompts that ask nearly the same, and pairs whose sides say nearly the same, where there are any."""
    found = near_duplicates(me.store, me.actor, me.project)
    if found.groups:
        with section(
            "Prompts that ask nearly the same",
            f"{plural(found.prompts, 'prompt')} in {plural(found.groups, 'group')}; no split parts a group",
        ):
            grid(
                [
                    {"Prompts": one.prompts, "The first of them": one.text, "The last of them": one.last}
                    for one in found.largest
                ],
                columns={"Prompts": 74, "The first of them": 450, "The last of them": 450},
            )
    if found.alike_pairs:
        with section(
            "Pairs whose sides say nearly the same", f"{plural(found.alike, 'pair')}; a verdict on them teaches little"
        ):
            grid(
                [{"Pair": one.pair_id, "a": one.a, "b": one.b} for one in found.alike_pairs],
                columns={"Pair": 64, "a": 460, "b": 460},
            )


def _outcome(me: Here) -> None:
    """What the import that has just ended came to, until the page is left."""
    view = st.session_state.get(DONE)
    if not isinstance(view, import_list.ImportView) or view.id not in {
        one.id for one in import_list.list_imports(me.store, me.actor, me.project)
    }:
        return
    added = [
        plural(number, noun)
        for number, noun in (
            (view.prompts, "prompt"),
            (view.completions, "completion"),
            (view.pairs + view.paired_up, "pair"),
            (view.labels, "label"),
        )
        if number
    ]
    note(
        "check",
        "green",
        f"{plural(view.read, 'row')} read = {count(view.taken)} taken + {count(view.known)} there already"
        f" + {count(view.refused)} refused. New: {', '.join(added) or 'nothing'}.",
    )
    if view.contradicting:
        note("info", "orange", import_list.contradictions(view.contradicting, view.contradicting_lines))
    near = (
        [f"{plural(view.near_prompts, 'prompt')} now in groups that ask nearly the same"] if view.near_prompts else []
    )
    near += [f"{plural(view.alike_sides, 'pair')} whose sides say nearly the same"] if view.alike_sides else []
    if near:
        note("info", "orange", f"Near-duplicates: {' and '.join(near)}. They are shown below.")


def _prompts(me: Here, project: ProjectView) -> None:
    pages = max(1, -(-project.prompts // PAGE_SIZE))
    with section("Prompts", f"in the order they came, {PAGE_SIZE} a page"):
        page = st.number_input("Page", 1, pages, width=140) if pages > 1 else 1
        lines = prompts_page(me.store, me.actor, me.project, int(page), PAGE_SIZE)
        grid(
            [
                {
                    "Prompt": line.text,
                    "Completions": line.completions,
                    "Pairs": line.pairs,
                    "Turns": line.turns,
                    "Tags": ", ".join(line.tags),
                    "Id": line.external_id or "",
                }
                for line in lines
            ],
            height="content",
            columns={
                "Completions": 92,
                "Pairs": 56,
                "Turns": 56,
                "Id": 110,
                "Tags": 130,
            },
        )


def _imports(me: Here) -> None:
    found = import_list.list_imports(me.store, me.actor, me.project)
    if not found:
        return
    with section("Imports", "newest first"):
        if found[0].state == "failed":
            note(
                "error",
                "red",
                f"Nothing of {escape(visible(found[0].file_name))} is kept. {escape(found[0].fault or '')}",
            )
        grid(
            [
                {
                    "No.": view.id, "When": ago(view.created_at), "File": visible(view.file_name), "Read as": view.format, "State": view.state.capitalize(),
                    "Rows": view.read, "Taken": view.taken, "There already": view.known, "Refused": view.refused,
                }
                | ({"Why not": view.fault or ""} if any(one.fault for one in found) else {})
                for view in found
            ],
            columns={"No.": 50, "When": 120, "File": 200, "Why not": 440},
        )  # fmt: skip
        for view in found:
            if not view.refused:
                continue
            with faults():
                rows = import_list.refused_rows(me.store, me.actor, me.project, view.id)
                st.download_button(
                    f"Download {plural(len(rows), 'refused row')} of import {view.id}",
                    import_list.refused_jsonl(rows, view.file_name),
                    file_name=f"refused-{view.id}.jsonl",
                    icon=":material/download:",
                    type="tertiary",
                )


main()
