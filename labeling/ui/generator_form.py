"""The dialogs that add or change a generator, by a form or a TOML file."""

import tomllib
from typing import Any

import streamlit as st

from labeling.domain import GeneratorSpec, Target
from labeling.errors import InputError
from labeling.services.generate import GeneratorView, list_generators, save_generators
from labeling.services.headers import with_headers
from labeling.services.spec_fields import PACE, PARAMETERS
from labeling.services.spec_files import generators_toml
from labeling.services.specs import generator_spec, read_generators
from labeling.ui.context import Here, here
from labeling.ui.endpoint_form import endpoint_fields, ready_endpoints
from labeling.ui.parts import actions, faults

FORM = "Form"
FILE = "TOML file"


@st.dialog("Generator", width="large")
def generator_dialog(target: Target, kept: GeneratorView | None = None) -> None:
    """Ask for a generator and save it. `kept` is the one to be changed: what it wrote stays with its old version."""
    me = here()
    spec = kept.spec if kept else None
    way = FORM
    if spec is None:
        way = st.segmented_control("Add by", [FORM, FILE], default=FORM, required=True, label_visibility="collapsed")
    if way == FILE:
        _file(me)
        return
    written = _written(spec) if spec else {}
    key = f"generator {kept.id if kept else 'new'}"
    table: dict[str, Any] = {
        "name": st.text_input(
            "Name", written.get("name", _free_name(me)), key=f"{key} name", help="How you tell its replies apart. Annotators never see it."
        )
    }  # fmt: skip
    table |= endpoint_fields(me, key, written, ready_endpoints(target, for_judges=False))
    table |= _parameters(key, written)
    if spec:
        st.caption(
            "Any change of endpoint, model, parameters or system prompt makes a new version. What was written stays."
        )
    with actions():
        if st.button("Cancel", key=f"{key} cancel"):
            st.rerun()
        saved = st.button("Save generator" if spec else "Add generator", type="primary", key=f"{key} save")
    if saved:
        with faults():
            if kept and table["name"] != kept.spec.name:
                raise InputError("A generator keeps its name; add another one under the new name.")
            save_generators(me.store, me.actor, me.project, [generator_spec(_given(table), "The form")])
            st.rerun()


def _parameters(key: str, written: dict[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = {
        "system_prompt": st.text_area(
            "System prompt",
            written.get("system_prompt") or "",
            key=f"{key} system",
            height=90,
            placeholder="None",
            help="Other system prompts are the surest way to different replies: newer models refuse a temperature.",
        )
    }
    # No bounds here: a field keeps what is outside of them to itself, and the form would be saved without it.
    one, two, three, four = st.columns(4)
    for column, name, step in ((one, "temperature", 0.1), (two, "top_p", 0.05)):
        table[name] = column.number_input(
            name, value=written.get(name), step=step, key=f"{key} {name}", placeholder="Not sent"
        )
    for column, name in ((three, "max_tokens"), (four, "seed")):
        table[name] = column.number_input(
            name, value=written.get(name), step=1, key=f"{key} {name}", placeholder="Not sent"
        )
    one, two, three, four = st.columns(4)
    table["samples"] = one.number_input(
        "Replies to each prompt", value=written.get("samples", 1), key=f"{key} samples",
        help="With a seed, reply k is sent seed + k.",
    )  # fmt: skip
    for column, name in zip((two, three, four), PACE, strict=True):
        table[name] = column.number_input(
            name.replace("_", " ").capitalize(), value=written.get(name), step=1, key=f"{key} {name}", placeholder="No limit"
        )  # fmt: skip
    with st.expander("More parameters", type="compact"):
        more = st.text_area(
            "Further fields of the request, as TOML",
            _more(written),
            key=f"{key} more",
            height=90,
            placeholder='max_completion_tokens = 800\nextra_body = { reasoning_effort = "none" }',
        )
    if more.strip():
        try:
            table |= tomllib.loads(more)
        except tomllib.TOMLDecodeError:
            table["more"] = more  # refused by name when the form is saved
    return table


def _file(me: Here) -> None:
    found = st.file_uploader(
        "A file with one [[generator]] table each", type=["toml"], max_upload_size=1, key="generators file"
    )
    used = list_generators(me.store, me.actor, me.project)
    if used:
        st.download_button(
            "Download those in use as TOML",
            generators_toml(with_headers(me.store, me.actor, me.project, [view.spec for view in used])),
            "generators.toml",
            "application/toml",
            type="tertiary",
        )
    with actions():
        if st.button("Cancel"):
            st.rerun()
        pressed = st.button("Add generators", type="primary", disabled=found is None)
    if pressed and found is not None:
        with faults():
            save_generators(me.store, me.actor, me.project, read_generators(found.getvalue(), found.name))
            st.rerun()


def _given(table: dict[str, Any]) -> dict[str, Any]:
    """Without what was left blank: only what is written is sent."""
    return {name: value for name, value in table.items() if value is not None and value != ""}


def _written(spec: GeneratorSpec) -> dict[str, Any]:
    """A spec as the table it was written as."""
    pace = {name: getattr(spec, name) for name in PACE}
    own = {"name": spec.name, "base_url": spec.base_url, "model": spec.model, "key_env": spec.key_env}
    return own | {"system_prompt": spec.system_prompt, "samples": spec.samples} | pace | spec.parameters


def _more(written: dict[str, Any]) -> str:
    """The parameters that have no field of their own, as TOML lines."""
    fields = ("temperature", "top_p", "max_tokens", "seed")
    known = {name: value for name, value in written.items() if name in PARAMETERS and name not in fields}
    own = {*PARAMETERS, *PACE, "name", "base_url", "model", "key_env", "system_prompt", "samples"}
    extra = {name: value for name, value in written.items() if name not in own}
    if not known and not extra:
        return ""
    text = generators_toml([GeneratorSpec("x", "x", "x", parameters=known | extra)])
    return "\n".join(line for line in text.splitlines()[4:] if not line.startswith("samples = "))


def _free_name(me: Here) -> str:
    names = {view.spec.name for view in list_generators(me.store, me.actor, me.project)}
    return next(name for name in ("first", "second", *(f"generator {n}" for n in range(3, 1000))) if name not in names)
