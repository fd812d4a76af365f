"""The fields that generators and judges share: where the model is, which key variable, which model, and a test."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from labeling.domain import GeneratorSpec, JudgeSpec, Target
from labeling.llm.keys import key_state
from labeling.services.endpoints import check_endpoint
from labeling.services.keys import address_of, bind_key
from labeling.services.spec_fields import SANDBOX, base_url, key_variable
from labeling.services.targets import TARGETS
from labeling.ui.context import Here
from labeling.ui.formats import escape
from labeling.ui.parts import faults, note, state

SANDBOX_MODELS: Final = ("sandbox-large", "sandbox-small", "sandbox-judge", "sandbox-reasoner")

OWN: Final = "Own server"  # what the target of that kind is called as an endpoint


@dataclass(frozen=True, slots=True)
class Ready:
    """An endpoint to begin with; every field can be changed."""

    title: str
    base_url: str
    key_env: str
    models: tuple[str, ...]


def ready_endpoints(target: Target, *, for_judges: bool) -> list[Ready]:
    """The project's target first, then the other hosts, last the sandbox."""
    order = [target, *(one for one in Target if one is not target)]
    hosts = [
        Ready(
            OWN if found is TARGETS[Target.OWN] else found.title,
            found.base_url,
            found.key_env,
            found.judge_models if for_judges else found.models,
        )
        for found in (TARGETS[one] for one in order)
    ]
    models = SANDBOX_MODELS[2:3] if for_judges else SANDBOX_MODELS
    return [*hosts, Ready("Sandbox", SANDBOX, "", models)]


def endpoint_fields(me: Here, key: str, written: dict[str, Any], ready: list[Ready]) -> dict[str, Any]:
    """Draw the fields, pre-filled by `written` or else by the chosen ready endpoint; what was entered, as a table.

    A table may be faulty: `generator_spec` and `judge_spec` say how.
    """
    one, two = st.columns(2)
    title = one.selectbox(
        "Start from", [each.title for each in ready], index=_index_of(written, ready), key=f"{key} ready"
    )
    chosen = next(each for each in ready if each.title == title)
    # The keys of the widgets hold the choice, so that another choice fills them anew.
    where = f"{key} {title}"
    is_kept = bool(written) and written.get("base_url") == chosen.base_url
    known = written if written and (is_kept or title == ready[_index_of(written, ready)].title) else {}
    address = two.text_input(
        "Endpoint",
        known.get("base_url", chosen.base_url),
        key=f"{where} url",
        placeholder="https://host/v1",
        help="The address up to its version, of any OpenAI-compatible server.",
        disabled=chosen.base_url == SANDBOX,
    )
    found: tuple[str, ...] = st.session_state.get(f"models of {address}", ())
    options = list(dict.fromkeys([*filter(None, [known.get("model", "")]), *chosen.models, *found]))
    one, two = st.columns(2)
    model = one.selectbox(
        "Model",
        options,
        index=0 if options else None,
        key=f"{where} model",
        accept_new_options=True,
        placeholder="The model's id, as the endpoint lists it",
    )
    variable = two.text_input(
        "Key variable",
        known.get("key_env", chosen.key_env) or "",
        key=f"{where} key",
        placeholder="None needed",
        help="The name of the variable in the environment or .env that holds the key. Never the key itself.",
    )
    table = {"base_url": address, "model": model or "", "key_env": variable.strip()}
    _test(me, where, table)
    return table


def _test(me: Here, where: str, table: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        key_badge(table["key_env"] or None, table["base_url"])
        pressed = st.button("Test", key=f"{where} test", icon=":material/network_check:", disabled=not table["model"])
    if pressed:
        with faults():
            address = base_url(table["base_url"], "The endpoint")
            variable = key_variable(table["key_env"], "The endpoint")
            bind_key(me.store, me.actor, me.project, variable, address)
            with st.spinner("Asking the endpoint"):
                found = check_endpoint(
                    me.store,
                    me.actor,
                    me.project,
                    base_url=address_of(address),
                    model=table["model"],
                    key_env=variable,
                )
            st.session_state[f"models of {table['base_url']}"] = found.models
            note("check" if found.ok else "error", "green" if found.ok else "red", escape(found.message))
            if found.ok and found.models:
                st.caption(f"It lists {len(found.models)} models; they stand under Model now.")


def key_badge(variable: str | None, address: str) -> None:
    """Whether the key is there, as a badge; nothing where none is needed or the name is none."""
    if not variable:
        if address == SANDBOX:
            state("sandbox", "A small endpoint on this machine, to try everything without a key.")
        return
    try:
        found = key_state(key_variable(variable, "The endpoint"), address_of(address))
    except Exception:  # noqa: BLE001 - a name half typed is no fault yet; saving says what is wrong with it
        return
    state("key found" if found.found else "key missing", escape(found.sentence))


def missing_key(specs: Iterable[GeneratorSpec | JudgeSpec]) -> str | None:
    """What is wrong with the first key that is not there, for the button that it holds back; None where all are."""
    states = (key_state(spec.key_env, address_of(spec.base_url)) for spec in specs if spec.key_env)
    return next((escape(found.sentence) for found in states if not found.found), None)


def _index_of(written: dict[str, Any], ready: list[Ready]) -> int:
    """The ready endpoint that what was written is at; the first one where nothing was, the own server else."""
    if not written:
        return 0
    for place, one in enumerate(ready):
        if one.base_url and one.base_url == written.get("base_url"):
            return place
    return next(place for place, one in enumerate(ready) if one.title == OWN)
