"""A run while it goes and how it ended: one box with a bar, its figures, its failures, and what can be done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from labeling.domain import RunState
from labeling.services import runs
from labeling.services.runs import RunView
from labeling.ui.context import Here
from labeling.ui.formats import ago, escape, lasting, money
from labeling.ui.parts import bar, fault, faults, figures, section

REFRESH_SECONDS: Final = 2.0
ACTIVE: Final = (RunState.PREPARING, RunState.RUNNING)

# What a failure's reason means to people, and what to do about it.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "cut": ("Cut at the limit of tokens", "Raise max_tokens, then start again"),
    "empty": ("Empty reply", "Retry; look at the prompt if it stays"),
    "refused": ("Refused by the model", "Left out; another model may answer"),
    "too_large": ("Too long for the model", "Shorten the prompt or take a model with more context"),
    "bad_request": ("Refused as a bad request", "Read the server's words below"),
    "refused_parameter": ("A parameter was refused", "Take it out, or write another value"),
    "server_error": ("Server errors", "Retry later"),
    "timeout": ("No answer in time", "Retry later"),
    "unreachable": ("Not reached", "Check that the endpoint runs, then retry"),
    "connection": ("Connection broken", "Retry"),
    "cut_body": ("Answer broken off", "Retry"),
    "not_json": ("No chat completion", "Check the endpoint's address"),
    "rate_limited": ("Rate limit", "Retry later, or state requests_per_minute"),
}


def latest_run(me: Here, purpose: str) -> RunView | None:
    """The newest run of this purpose."""
    return next((run for run in runs.list_runs(me.store, me.actor, me.project) if run.purpose == purpose), None)


def run_actions(me: Here, run: RunView) -> None:
    """The buttons of a run that has not ended, for the head of the page."""
    if run.state in (*ACTIVE, RunState.PAUSED, RunState.STOPPED):
        _act(run, "Cancel run", lambda: runs.cancel(me.store, me.actor, me.project, run.id), kind="tertiary")
    if run.state in ACTIVE:
        _act(run, "Pause", lambda: runs.pause(me.store, me.actor, me.project, run.id), icon=":material/pause:")
    if run.state in (RunState.PAUSED, RunState.STOPPED):
        budget = _new_budget(run)
        _act(
            run,
            "Resume",
            lambda: runs.resume(me.store, me.actor, me.project, run.id, budget_usd=budget),
            kind="primary",
        )


def _new_budget(run: RunView) -> float | None:
    """Ask for a higher limit where a run may have stopped at its own; None leaves it."""
    if run.state is not RunState.STOPPED or run.budget_usd is None:
        return None
    return st.number_input(
        "Stop at, USD",
        min_value=run.budget_usd,
        value=run.budget_usd,
        step=0.5,
        format="%.2f",
        width=140,
        key=f"budget of run {run.id}",
        help="Raise it if the run stopped at its limit.",
    )


def run_box(me: Here, run: RunView, more: Callable[[], list[tuple[str, str | int]]] | None = None) -> None:
    """Draw the run; every two seconds anew while it goes. `more` gives further figures, such as pairs decided."""

    @st.fragment(run_every=REFRESH_SECONDS if run.state in ACTIVE else None)
    def live() -> None:
        with faults():
            view = runs.run_view(me.store, me.actor, me.project, run.id)
            _box(view, more() if more else [])
            _failures(me, view)
            if run.state in ACTIVE and view.state not in ACTIVE:
                st.rerun()

    live()


def _box(view: RunView, more: list[tuple[str, str | int]]) -> None:
    if view.state is RunState.STOPPED and view.fault:
        fault(view.fault)
    with section(f"Run {view.id}", _when(view)), st.container(border=True):
        failed = sum(view.failed.values())
        bar(view.answered + failed, view.asked, "requests", _remark(view))
        # Nothing spent where nothing has a price: a sandbox, a server of one's own.
        is_free = view.spent_usd is None or (view.spent_usd == 0 and view.budget_usd is None)
        spent = "–" if is_free else money(view.spent_usd or 0).replace("$", r"\$")
        label = "Spent" if view.budget_usd is None else f"Spent of {money(view.budget_usd)}".replace("$", r"\$")
        strip: list[tuple[str, str | int]] = [
            ("Answered", view.answered),
            ("Failed", failed),
            ("Waiting", view.waiting),
            (label, spent),
        ]
        figures(*strip, *(more or [("Requests a minute", view.requests_per_minute)] if view.state in ACTIVE else more))


def _when(view: RunView) -> str:
    if view.ended_at and view.state not in ACTIVE:
        return f"{view.state.value} {ago(view.ended_at)}"
    return f"started {ago(view.started_at)}" if view.started_at else "being prepared"


def _remark(view: RunView) -> str:
    if view.state is RunState.PREPARING:
        return "writing the requests"
    if view.state not in ACTIVE:
        return view.state.value
    if view.waits_until and view.waits_until > datetime.now(UTC):
        return f"waiting for the limit, {lasting((view.waits_until - datetime.now(UTC)).total_seconds())}"
    if not view.is_working:
        return "waiting for a worker"
    if not view.waiting:
        return "reading the last answers"
    if not view.requests_per_minute:
        return "beginning"
    return f"{lasting(60 * view.waiting / view.requests_per_minute)} left"


def _failures(me: Here, view: RunView) -> None:
    if not view.failed:
        return
    with section("Failed, by reason"):
        words = {
            reason: REASONS.get(reason, (reason.replace("_", " ").capitalize(), "Retry")) for reason in view.failed
        }
        st.table(
            {
                "Reason": [words[reason][0] for reason in view.failed],
                "Requests": [f"{count:,}" for count in view.failed.values()],
                "What to do": [words[reason][1] for reason in view.failed],
            },
            border="horizontal",
            hide_index=True,
        )
        with st.expander("The servers' words", type="compact"):
            for one in runs.failures(me.store, me.actor, me.project, view.id, limit=10):
                st.text(one.message)
        ended = view.state not in ACTIVE
        _act(
            view,
            f"Retry {sum(view.failed.values()):,} failed",
            lambda: runs.retry_failed(me.store, me.actor, me.project, view.id),
            disabled=not ended,
            hint=None if ended else "Possible when the run has ended.",
        )


def _act(
    run: RunView,
    label: str,
    action: Callable[[], RunView],
    *,
    kind: str = "secondary",
    icon: str | None = None,
    disabled: bool = False,
    hint: str | None = None,
) -> None:
    if st.button(escape(label), type=kind, icon=icon, disabled=disabled, help=hint, key=f"run {run.id} {label}"):  # type: ignore[arg-type]  # Streamlit's own Literal
        with faults():
            action()
            st.rerun()
