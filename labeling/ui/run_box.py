"""A run while it goes and how it ended: one box with a bar, its figures, its failures, and what can be done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from labeling.domain import RunMode, RunState
from labeling.errors import TiebreakError
from labeling.services import runs
from labeling.services.run_progress import RunProgress, run_progress
from labeling.services.runs import RunView
from labeling.ui.context import Here
from labeling.ui.formats import ago, count, escape, lasting, money, plural
from labeling.ui.parts import bar, faults, figures, section, tell
from labeling.ui.run_parts import last_answers, run_parts, take_results

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
    "missing": ("Left out by the provider", "Retry"),
    "rate_limited": ("Rate limit", "Retry later, or state requests_per_minute"),
}


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
    """Draw the run; every two seconds anew while it goes or requests of it are still in flight. `more` gives further figures, such as pairs decided."""
    is_file = run.mode == RunMode.FILE
    first = [run]  # read this moment by the page: not to be read again for its first drawing

    @st.fragment(run_every=REFRESH_SECONDS if run.state in ACTIVE or run.in_flight else None)
    def live() -> None:
        with faults():
            known = first.pop() if first else None
            found = run_progress(me.store, me.actor, me.project, run.id, known=known)
            with st.container(gap="medium"):
                _box(found, more() if more else [])
                run_parts(me, found)
                _failures(me, found.run)
                if not is_file:
                    last_answers(found)
            is_over = found.run.state not in ACTIVE
            if is_over and (run.state in ACTIVE or (run.in_flight and not found.run.in_flight)):
                st.rerun()

    live()
    if is_file and run.state is not RunState.PREPARING:
        # Not in the part that is drawn anew by itself: an upload would be torn out of it.
        take_results(me, run)
        with faults():
            last_answers(run_progress(me.store, me.actor, me.project, run.id, known=run))


def _box(found: RunProgress, more: list[tuple[str, str | int]]) -> None:
    view = found.run
    if view.state is RunState.STOPPED and view.fault:
        tell(TiebreakError(view.fault))
    with section(f"Run {view.id}", _when(view)), st.container(border=True):
        failed = sum(view.failed.values())
        bar(view.answered + failed, view.asked, "requests", _remark(found))
        label = "Spent" if view.budget_usd is None else f"Spent of {money(view.budget_usd)}".replace("$", r"\$")
        figures(
            ("Answered", view.answered),
            ("Failed", failed),
            ("Waiting", view.waiting),
            (label, "–" if (usd := spent(view)) is None else money(usd).replace("$", r"\$")),
            *more,
        )
        if view.state in ACTIVE and (now := _now(found)):
            st.caption(" · ".join(now))


def spent(view: RunView) -> float | None:
    """US dollars; None where nothing has a price: a sandbox, a server of one's own."""
    return None if view.spent_usd == 0 and view.budget_usd is None else view.spent_usd


def _when(view: RunView) -> str:
    how = {RunMode.BATCH: "by batch, ", RunMode.FILE: "as files, "}.get(RunMode(view.mode), "")
    if view.ended_at and view.state not in ACTIVE:
        return f"{how}{view.state.value} {ago(view.ended_at)}"
    return f"{how}started {ago(view.started_at)}" if view.started_at else f"{how}being prepared"


def _now(found: RunProgress) -> list[str]:
    """What goes on at the moment, in short parts."""
    view = found.run
    parts = []
    if view.mode == RunMode.LIVE:
        parts = [
            f"{plural(found.requests_per_minute, 'answer')} a minute",
            f"{count(view.in_flight)} in flight",
        ]
    if spent(view) is not None and found.to_come_usd is not None and view.waiting:
        parts.append(f"{money(*found.to_come_usd)} to come".replace("$", r"\$"))
    if view.unpriced:
        parts.append(f"{plural(view.unpriced, 'reply', 'replies')} of unknown price")
    return parts


def _remark(found: RunProgress) -> str:
    view = found.run
    if view.state is RunState.PREPARING:
        return "writing the requests"
    if view.state not in ACTIVE:
        return view.state.value
    if not view.waiting:
        return "reading the last answers"
    if view.mode == RunMode.FILE:
        return "waiting for results"
    if not view.is_working:
        return "waiting for a worker"
    if view.mode == RunMode.BATCH:
        done = sum(part.provider_done for part in found.parts if part.state == "running")
        return f"the provider has done {count(done)}" if done else "with the provider, up to 24 hours"
    if view.waits_until and view.waits_until > datetime.now(UTC):
        left = (view.waits_until - datetime.now(UTC)).total_seconds()
        return f"waiting for the limit, {lasting(left)}, until {view.waits_until:%H:%M:%S} UTC"
    return "beginning" if found.seconds_left is None else f"{lasting(found.seconds_left)} left"


def _failures(me: Here, view: RunView) -> None:
    if view.state is RunState.DONE and view.waiting:  # another run took them up, and ended before it came to them
        _act(
            view,
            f"Ask the {view.waiting:,} waiting",
            lambda: runs.retry_failed(me.store, me.actor, me.project, view.id),
        )
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
        # A run by file waits for a person: what failed may go out again before the last result is there.
        ended = view.state not in ACTIVE or view.mode == RunMode.FILE
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
