"""A file that was chosen, before anything of it is stored: what it was understood as, and how it would be stored."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.errors import InputError, TiebreakError, UntoldColumnsError
from labeling.readers import FORMATS, SIDES, DataSet, Understanding
from labeling.render import visible
from labeling.services.import_list import contradictions
from labeling.services.import_preview import MOST_WORDS, Preview, as_stored, passed_over, preview
from labeling.services.imports import ImportOptions
from labeling.services.refused_reasons import RefusedRows
from labeling.ui.building import take_in
from labeling.ui.context import Here
from labeling.ui.parts import body, count, escape, fault, figures, grid, head, note, plural, section, size, tell

KEY: Final = "chosen_file"
NONE: Final = "no column"
ROLE_TITLES: Final = {
    "prompt": "Prompt", "input": "Second part of the prompt", "history": "Earlier turns", "response_a": "First reply",
    "response_b": "Second reply", "verdict": "Verdict",
    "strength": "Strength", "response": "Reply", "model": "Model", "model_a": "Model of the first", "model_b": "Model of the second",
    "id": "Id", "tags": "Tags", "reference": "Reference", "system": "System prompt", "tools": "Tools",
    "language": "Language", "rater": "Rater", "chosen": "Better reply", "rejected": "Worse reply",
    "chosen_model": "Model of the better", "rejected_model": "Model of the worse", "desirable": "Desirable or not",
    "responses": "Replies", "ranks": "Ranks, 1 is best", "scores": "Scores, more is better",
    "preference": "Preference, -3 to 3", "margin": "Margin",
}  # fmt: skip
MAIN_ROLES: Final = (
    "prompt", "response_a", "response_b", "chosen", "rejected", "responses", "ranks", "scores", "response", "desirable",
    "verdict", "preference", "rater", "model", "id",
)  # fmt: skip
TEXT_ROLES: Final = frozenset({"prompt", "response_a", "response_b", "chosen", "rejected", "responses", "response"})
MEANINGS: Final = {
    "": "not known: refuse the row",
    "a": "a, first reply",
    "b": "b, second reply",
    "tie": "tie",
    "both_bad": "both bad",
}
CHOOSE_TWO: Final = "Choose First reply and Second reply under Columns, and the Verdict where it is of these two."
NEW_PAIRS: Final = "Each counts once, however many rows hold it. The others are in the project already."
NOTHING_NEW: Final = {
    "pairs": "All pairs are in the project already. Labels that are not there yet would be added.",
    "prompts": "All prompts are in the project already: nothing would be added but further ids of them.",
}
CHOOSE_COLUMNS: Final = "say under Columns which one is which, or choose another format."
TAKEN_AS_PROMPT: Final = (
    "It is taken as the prompt. Where the prompt is what both texts begin with, choose *no column* under Prompt."
)
TEXTS: Final = {  # as wide as a telephone has room for
    "pairs": {"Prompt": 120, "a, first reply": 120, "b, second reply": 120},
    "completions": {"Prompt": 140, "Reply": 220, "Model": 110},
    "prompts": {"Prompt": 360, "Id": 110},
}
READABLE: Final = 96  # pixels of a row whose texts are broken into lines
# What most files hold, before what single tools write.
PLAIN: Final = ("pairs", "trl", "ranking", "completions", "prompts")
# A data set of the hub comes over the network, and the preview reads it as well.
ROWS_OF_A_DATA_SET: Final = 5_000


@dataclass(slots=True)
class ChosenFile:
    """What was uploaded, or a data set that was named, kept for this tab until it is imported or discarded."""

    name: str
    content: bytes | DataSet
    seen: tuple[ImportOptions, Preview] | None = None
    words: tuple[str, ...] = ()  # for verdicts, which are not known by themselves
    untold: str = ""  # which columns it is not said of what they are
    proposed: dict[str, str] = field(default_factory=dict)  # for their roles, until it is said
    format: str = "auto"  # to begin with


def chosen_file() -> ChosenFile | None:
    found = st.session_state.get(KEY)
    return found if isinstance(found, ChosenFile) else None


def discard() -> None:
    st.session_state.pop(KEY, None)


def show(me: Here, file: ChosenFile) -> None:
    """Draw the preview; begin to import when asked to."""
    with body():
        place = st.empty()
        left, right = (column.container(gap="medium") for column in st.columns([1, 2.3], gap="large"))
    for _ in range(2):
        st.empty()  # in the place of what the page showed before the file was chosen, which else stays till the file is read
    with left, section("Reading"):
        options = _options(file)
    found = _preview(me, file, options, place)
    if found is None:
        with place.container(), head("Import preview", f"{escape(visible(file.name))} · nothing is stored yet"):
            st.button("Discard", on_click=discard)
        return
    seen = found.understanding
    with left, section("Columns"):
        _columns(found, options.format, file.words)
    with right:
        _as_stored(found)
        _refused(found)
    how = [f"understood as {FORMATS[seen.format].title}", *_written(seen)]
    bytes_ = "" if isinstance(file.content, DataSet) else f"{size(len(file.content))} · "
    with place.container(gap="medium"):
        with head(
            "Import preview", f"{escape(visible(file.name))} · {bytes_}{escape(', '.join(how))} · nothing is stored yet"
        ):
            st.button("Discard", on_click=discard)
            wanted = st.button(f"Import {_new(found)}", type="primary", disabled=not found.taken)
        figures(
            ("Rows read", found.read),
            ("Rows to take", found.taken),
            ("Rows refused", found.read - found.taken),
            (
                "New prompts",
                found.new_prompts,
                "The others are in the project already and are linked, not stored twice.",
            ),
            *((("New pairs", found.new_pairs, NEW_PAIRS),) if seen.kind == "pairs" else ()),
            *((("Labels to keep", found.labels),) if found.labels else ()),
        )
        if found.taken and not (found.new_pairs or found.new_prompts) and seen.kind in NOTHING_NEW:
            note("info", "orange", NOTHING_NEW[seen.kind])
        if found.contradicting:
            note("info", "orange", contradictions(found.contradicting, found.contradicting_lines))
        _untold(file, found)
        if told := passed_over(seen):
            note("info", "orange", escape(told[0].upper() + told[1:]))
    if wanted:
        roles = {role: seen.mapping.get(role, "") for role in FORMATS[seen.format].columns}
        take_in(me, file.content, file.name, replace(options, format=seen.format, mapping=roles), found.read).wait()
        st.rerun()


def _untold(file: ChosenFile, found: Preview) -> None:
    """Which columns it is not said of what they are, for as long as nothing is chosen for them."""
    seen = found.understanding
    column, proposed = file.proposed.get("prompt"), file.proposed.keys()
    if column and seen.mapping.get("prompt") == column:
        note("info", "orange", f"{escape(file.untold)} {TAKEN_AS_PROMPT}")
    if proposed & set(FORMATS[seen.format].columns) >= SIDES and not seen.mapping.keys() >= SIDES:
        fault(file.untold, CHOOSE_TWO)
    if not found.taken and seen.format == file.format:
        fault(file.untold, f"It is read as {FORMATS[seen.format].title}: {CHOOSE_COLUMNS}")


def _new(found: Preview) -> str:
    """What an import would bring, in the words of its button; the rows, where they bring nothing that is counted."""
    new = {"pairs": found.new_pairs, "prompts": found.new_prompts}.get(found.understanding.kind)
    return plural(new, found.understanding.kind.removesuffix("s")) if new else plural(found.taken, "row")


def _options(file: ChosenFile) -> ImportOptions:
    """How the file is read, as chosen on the page; the mapping is taken from the column widgets below."""
    titles = {"auto": "Found by content"} | {
        name: FORMATS[name].title[0].upper() + FORMATS[name].title[1:] for name in dict.fromkeys([*PLAIN, *FORMATS])
    }
    format_ = st.selectbox("Format", list(titles), [*titles].index(file.format), format_func=lambda name: titles[name])
    encoding, limit = "utf-8", None
    if isinstance(file.content, DataSet):
        limit = int(st.number_input("Rows to read, at most", min_value=1, value=ROWS_OF_A_DATA_SET, step=1_000))
    else:
        with st.expander("Text encoding", type="compact"):
            encoding = str(st.selectbox("Written in", ["utf-8", "latin-1", "cp1252"]))
    chosen = {role: st.session_state.get(_column_key(format_, role)) for role in ROLE_TITLES}
    mapping = {role: "" if column == NONE else column for role, column in chosen.items() if column is not None}
    meant = {word: st.session_state.get(_word_key(format_, word)) for word in file.words}
    kind = FORMATS[format_].kind if format_ != "auto" else (file.seen[1].understanding.kind if file.seen else "")
    named_after, model = "".join(filter(str.isprintable, file.name.removeprefix("hf:").split(".")[0])), None
    labels_as: str | None = None if kind else named_after  # before the kind is known, as it will be suggested for pairs
    is_joined_up, are_names_kept = False, True
    named = file.seen[1].raters if file.seen else 0
    if kind == "pairs" and named:
        raters = "rater" if named == 1 else plural(named, "rater")
        are_names_kept = st.toggle(f"Keep the labels of the {raters} the file names", value=True)
        labels_as = st.text_input(
            "Before their names",
            value="",
            placeholder="crowd",
            help='"crowd" makes crowd/r1 of r1. Empty: as in the file.',
        ).strip()
    elif kind == "pairs":
        labels_as = st.text_input(
            "Keep the verdicts as rater",
            value=named_after,
            help="Leave empty to drop the verdicts of the file.",
        ).strip()
    if kind == "completions":
        model = st.text_input("Model, where the file names none", placeholder="gpt-4-0314").strip()
        is_joined_up = st.toggle("Make pairs of every two models", value=True)
    is_reserved = st.toggle(
        "Keep these prompts for evaluation", value=False,
        help="They can be generated for, judged and labelled. No export ever contains them, nor near-duplicates of them.",
    )  # fmt: skip
    return ImportOptions(
        format=format_, mapping=mapping, encoding=encoding, labels_as=labels_as or None, model=model or None,
        is_joined_up=is_joined_up, is_reserved=is_reserved, are_names_kept=are_names_kept, limit=limit,
        verdicts={word: verdict for word, verdict in meant.items() if verdict},
    )  # fmt: skip


def _written(seen: Understanding) -> list[str]:
    """How a file is written, in the words of the context line."""
    if seen.syntax in ("parquet", "datasets"):
        return [{"parquet": "Parquet", "datasets": "data set"}[seen.syntax]]
    return [seen.syntax.upper(), seen.encoding.upper()] + (["gzip"] if seen.is_gzip else [])


def _preview(me: Here, file: ChosenFile, options: ImportOptions, place: DeltaGenerator) -> Preview | None:
    """The preview for these options; read anew only when it would say something else. `place` tells how far it is."""
    if file.seen and _is_same(options, *file.seen):
        return file.seen[1]
    try:
        with place.container():
            with head("Import preview", f"{escape(visible(file.name))} · nothing is stored yet"):
                pass
            told = st.empty()
            with st.spinner("Reading the file"):
                found = _read(me, file, options, lambda rows: told.markdown(f"**{count(rows)}** rows so far"))
    except TiebreakError as error:
        tell(error)
        return None
    words = sorted({*file.words, *found.words})
    file.words = tuple(words) if len(words) < MOST_WORDS else ()
    was_unknown, file.seen = file.seen is None, (options, found)
    if was_unknown:
        st.rerun()  # now the fields that fit this kind of file can be shown
    return found


def _read(me: Here, file: ChosenFile, options: ImportOptions, progress: Callable[[int], object]) -> Preview:
    """The preview; where it is not said which columns are meant with those proposed for them, to be chosen among the others."""
    where = (me.store, me.actor, me.project, file.content, file.name)
    try:
        return preview(*where, options, progress)
    except UntoldColumnsError as error:
        if error.format != "auto":
            if file.format != "auto":  # it was proposed before, and then content was to tell again
                raise InputError(
                    f"{error.what} Choose a format above, such as {FORMATS[file.format].title}."
                ) from error
            file.format, options = error.format, replace(options, format=error.format)
        file.untold, file.proposed = error.what, error.mapping
        return preview(*where, replace(options, mapping=error.mapping | dict(options.mapping)), progress)


def _is_same(options: ImportOptions, before: ImportOptions, found: Preview) -> bool:
    """Whether a file is understood by these options as it was found to be, and the same of its labels are kept."""
    aside: dict[str, Any] = {"mapping": {}, "labels_as": None, "model": None}
    aside |= {"is_joined_up": False, "is_reserved": False}
    mapping = found.understanding.mapping
    if found.understanding.kind == "pairs" and (options.labels_as is None) is not (before.labels_as is None):
        return False
    return replace(options, **aside) == replace(before, **aside) and all(
        mapping.get(role, "") == column for role, column in options.mapping.items()
    )


def _column_key(format_: str, role: str) -> str:
    """Of the widget that says which column plays a role; `format_` as chosen, for another one has other roles."""
    return f"column {format_} {role}"


def _word_key(format_: str, word: str) -> str:
    return f"verdict {format_} {word}"


def _columns(found: Preview, format_: str, words: tuple[str, ...]) -> None:
    seen = found.understanding
    roles, has_questions = FORMATS[seen.format].columns, FORMATS[seen.format].spelled is not None
    if found.taken and TEXT_ROLES.isdisjoint(seen.mapping):
        st.caption("The texts stand where this format has them.")
    first = [role for role in dict.fromkeys([*MAIN_ROLES, *seen.mapping]) if role in roles]
    for role in first:
        _column(seen, format_, role)
        if role == "verdict" and role in seen.mapping:
            _meanings(format_, words, MEANINGS | ({"": "no verdict"} if has_questions else {}))
        elif role == "verdict" and has_questions:
            st.caption("No question is surely the verdict, so there are no labels. Choose one, if one is.")
    if others := [role for role in roles if role not in first]:
        with st.expander("Other columns", type="compact"):
            for role in others:
                _column(seen, format_, role)


def _column(seen: Understanding, format_: str, role: str) -> None:
    columns = [NONE, *seen.columns]
    mapped = seen.mapping.get(role, NONE)
    st.selectbox(ROLE_TITLES[role], columns, index=columns.index(mapped), key=_column_key(format_, role))


def _meanings(format_: str, words: tuple[str, ...], meanings: dict[str, str]) -> None:
    for word in words:
        st.selectbox(
            f"“{escape(word[:40])}” means",
            list(meanings),
            format_func=meanings.__getitem__,
            key=_word_key(format_, word),
        )


def _as_stored(found: Preview) -> None:
    if not found.samples:
        return
    with section("As it will be stored", f"first {len(found.samples)} of {count(found.pairs or found.taken)}"):
        grid(
            [_in_words(as_stored(line, row)) for line, row in found.samples],
            columns=TEXTS[found.understanding.kind] | {"Verdict": 80, "Turns": 56, "Row": 56},
            row_height=READABLE,
        )


def _in_words(stored: dict[str, Any]) -> dict[str, Any]:
    return stored | ({"Verdict": stored["Verdict"].replace("_", " ")} if "Verdict" in stored else {})


def _refused(found: Preview) -> None:
    if not found.refused:
        return
    with section("Refused rows", "the others are not held back by them" if found.taken else ""):
        grid(
            [_refusal(one) for one in found.refusals],
            columns={"Reason": 300, "Rows": 50, "First line": 70, "What was found": 170},
            row_height=READABLE,
        )
        if found.taken:
            st.caption("After the import they can be downloaded with their lines and reasons.")


def _refusal(one: RefusedRows) -> dict[str, Any]:
    reason = f"the first of them: {one.first.reason}" if one.are_various else one.first.reason
    return {"Reason": reason, "Rows": one.rows, "First line": one.first.line, "What was found": one.first.content[:200]}
