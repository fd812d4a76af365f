"""Endpoints: where models are asked, which keys and headers go along, and what each model costs."""

from typing import Final

import streamlit as st

from labeling.errors import ForbiddenError
from labeling.services.endpoint_list import EndpointView, ModelView, list_endpoints
from labeling.services.endpoints import check_endpoint
from labeling.services.headers import headers_in, set_headers
from labeling.services.keys import address_of, list_keys, unbind_key
from labeling.services.prices import forget_price, set_price
from labeling.services.spec_fields import SANDBOX
from labeling.ui.context import Here, go, here
from labeling.ui.endpoint_form import key_badge
from labeling.ui.formats import escape, plural
from labeling.ui.parts import actions, body, empty, faults, grid, head, note, section

FORMATS: Final = {"json_schema": "JSON schema", "json_object": "JSON object", "none": "None"}


def main() -> None:
    me = here()
    found = list_endpoints(me.store, me.actor, me.project)
    with head(
        "Endpoints",
        f"{plural(len(found), 'endpoint')} · keys and secrets are read when a request is sent, and never stored",
    ):
        pass
    if not found:
        with empty(
            "hub", "Add a generator or a judge", "Its endpoint stands here then, with its key, headers and prices."
        ):
            if st.button("Add generator", type="primary"):
                go("generate")
    with body():
        for number, one in enumerate(found):
            with faults():
                _endpoint(me, number, one)
        _keys(me)


def _endpoint(me: Here, number: int, one: EndpointView) -> None:
    title = "Sandbox" if one.base_url == SANDBOX else escape(one.base_url)
    with section(title, badge="sandbox" if one.is_sandbox else ""), st.container(border=True, gap="small"):
        if one.models:
            _models(one)
        if one.headers:
            st.caption("Headers that go with every request")
            st.code("\n".join(f"{name}: {value}" for name, value in one.headers.items()), language=None)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for key in one.keys:
                key_badge(key.variable, one.base_url)
            tested = one.models and st.button("Test", key=f"test {number}", icon=":material/network_check:")
            if not one.is_sandbox and st.button("Headers", key=f"headers {number}"):
                _headers_dialog(one)
            if (
                not one.is_sandbox
                and one.models
                and me.actor.is_admin
                and st.button("Set price", key=f"price {number}")
            ):
                _price_dialog(one)
        if tested:
            _test(me, one)


def _models(one: EndpointView) -> None:
    grid(
        {
            "Model": [model.model for model in one.models],
            "In, USD": [model.price.input if model.price else None for model in one.models],
            "Out, USD": [model.price.output if model.price else None for model in one.models],
            "Price by": [_price_by(model) for model in one.models],
            "Structured output": [FORMATS.get(model.response_format or "", "Not tried") for model in one.models],
            "Used by": [", ".join(model.used_by) for model in one.models],
        },
        placeholder="–",
        columns={
            "Model": 200,
            "In, USD": st.column_config.NumberColumn(width=84, format="%g", help="For a million tokens."),
            "Out, USD": st.column_config.NumberColumn(width=84, format="%g", help="For a million tokens."),
            "Price by": 160,
            "Structured output": st.column_config.TextColumn(
                width=130, help="What judges are asked for; found out by a tiny call."
            ),
        },
    )


def _price_by(model: ModelView) -> str:
    if model.is_sandbox:
        return "Costs nothing"
    if model.price is None:
        return "Unknown"
    return "Own price" if model.price.is_own else model.price.source


def _test(me: Here, one: EndpointView) -> None:
    for model in one.models:
        with st.spinner(f"Asking {escape(model.model)}"), faults():
            found = check_endpoint(
                me.store,
                me.actor,
                me.project,
                base_url=address_of(one.base_url),
                model=model.model,
                key_env=one.keys[0].variable if one.keys else None,
            )
            note("check" if found.ok else "error", "green" if found.ok else "red", escape(found.message))


@st.dialog("Headers")
def _headers_dialog(one: EndpointView) -> None:
    me = here()
    st.caption(f"They go with every request of this project to {escape(one.base_url)}, from the next one on.")
    written = st.text_area(
        "Headers, one on each line",
        "\n".join(f"{name}: {value}" for name, value in one.headers.items()),
        height=140,
        placeholder="X-Team: red\nX-Gateway: Bearer ${GATEWAY_KEY}",
    )
    st.caption(r"A secret is written as \${VARIABLE}, and stands in the environment or .env.")
    with actions():
        if st.button("Cancel"):
            st.rerun()
        saved = st.button("Save headers", type="primary")
    if saved:
        with faults():
            set_headers(me.store, me.actor, me.project, one.base_url, headers_in(written, "The headers"))
            st.rerun()


@st.dialog("Price of your own")
def _price_dialog(one: EndpointView) -> None:
    me = here()
    names = {model.model: model for model in one.models}
    model = names[st.selectbox("Model", list(names))]
    price = model.price
    st.caption(_source_words(model))
    columns = st.columns(3)
    known = (price.input, price.output, price.cached_input) if price else (None, None, None)
    fresh, output, cached = (
        column.number_input(label, min_value=0.0, value=value, step=0.01, format="%0.4f", key=f"{model.model} {label}", placeholder=blank)
        for column, label, value, blank in zip(
            columns, ("In", "Out", "Cached in"), known, ("Unknown", "Unknown", "As in"), strict=True
        )
    )  # fmt: skip
    st.caption(
        "US dollars for a million tokens. It counts for this address, in every project; what is paid already stays as it was counted."
    )
    with actions():
        if st.button("Cancel"):
            st.rerun()
        is_own = price is not None and price.is_own
        forgotten = is_own and st.button("Forget own price")
        saved = st.button("Save price", type="primary", disabled=fresh is None or output is None)
    with faults():
        if forgotten and price is not None:
            forget_price(me.actor, base_url=price.at, model=model.model)
            st.rerun()
        if saved and fresh is not None and output is not None:
            set_price(
                me.actor, base_url=one.base_url, model=model.model, fresh=fresh, output=output, cached_input=cached
            )
            st.rerun()


def _source_words(model: ModelView) -> str:
    if model.price is None:
        return "Its price is not known: costs are shown as unknown, and no budget can be kept."
    return f"By {escape(model.price.source)}." + ("" if model.price.is_own else " A price of your own comes before it.")


def _keys(me: Here) -> None:
    """For owners alone: the list is the server's."""
    try:
        keys = list_keys(me.store, me.actor, me.project)
    except ForbiddenError:
        return
    if not keys:
        return
    with (
        section("Variables", "each goes to one origin only, the one it was first used with"),
        st.container(border=True, gap="small"),
    ):
        for one in keys:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"{escape(one.variable)} → {escape(one.origin)}", width="content")
                key_badge(one.variable, address_of(one.origin))
                if st.button("Unbind", key=f"unbind {one.variable}", type="tertiary"):
                    with faults():
                        unbind_key(me.store, me.actor, me.project, one.variable)
                        st.rerun()


main()
