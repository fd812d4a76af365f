"""What `generate` and `judge` share: an estimate in words, waiting for a run, and how it ended."""

import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import complain, progress
from labeling.domain import RunMode, RunState
from labeling.errors import InputError

if TYPE_CHECKING:
    from labeling.domain import Actor
    from labeling.services.runs import Estimate, RunView
    from labeling.storage.store import Store

Mode = Annotated[
    RunMode,
    typer.Option(
        help="live: one by one. batch: the provider's Batch API, half the price, within 24 hours. file: write Batch JSONL "
        "to --out, run it anywhere, and take the results back with `tiebreak runs ingest`."
    ),
]
Out = Annotated[Path, typer.Option(help="Where --mode file writes its files.", file_okay=False)]
Budget = Annotated[float | None, typer.Option(help="Stop at this many US dollars.", min=0)]
OnlyEstimate = Annotated[bool, typer.Option("--estimate", help="Tell requests and money, and start nothing.")]
Wait = Annotated[bool, typer.Option(help="Wait for the end; work the run here where no worker does.")]
Key = Annotated[str, typer.Option(help="Any text: the same one twice starts one run.")]
MaxTries = Annotated[int, typer.Option(help="How often a request is tried.", min=1, max=100)]

ENDED = (RunState.DONE, RunState.STOPPED, RunState.CANCELLED, RunState.PAUSED)
POLL_SECONDS = 0.5
OTHERS_SECONDS = 2.0  # a worker that runs elsewhere has taken up a new run by then


def spec_file(path: Path) -> bytes:
    """The bytes of a generators or judge file; nobody writes one of over a megabyte."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Check its rights.") from error
    if len(data) > 1_000_000:
        raise InputError(f"{path} has over 1 MB, which is no generators or judge file. Check the name.")
    return data


def run_key(given: str) -> str:
    """The key under which a run starts once; without one every command starts its own."""
    return f"command {given}" if given else f"command {uuid.uuid4()}"


def family_warning(model: str, family: list[str]) -> str:
    """`family` are the generators whose model is of the family of `model`."""
    return f"{model} is of the family of {', '.join(family)}: judges favour their family."


def told_files(found: list[Path], view: "RunView") -> str:
    """What to do with the files of a run."""
    files = "\n".join(f"  {path}" for path in found)
    return (
        f"{told_run(view)}\n{files}\nRun each with an engine that reads Batch JSONL, then take the results in with: "
        "tiebreak runs ingest FILE…"
    )


def finish(store: "Store", actor: "Actor", slug: str, run_id: int) -> "RunView":
    """Wait until a run has ended; work it in this process where no worker takes it up."""
    from labeling.services.runs import run_view
    from labeling.services.worker import work

    until = time.monotonic() + OTHERS_SECONDS
    while (view := run_view(store, actor, slug, run_id)).state not in ENDED:
        _tell_progress(view)
        # Requests in flight are another worker's; joining one by mistake does no harm, as requests are leased.
        # Those of a batch are in flight also when nobody looks after it.
        is_worked = view.is_working if view.mode == RunMode.BATCH else view.in_flight > 0
        if is_worked or time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            continue
        with _Progress(store, actor, slug, run_id):
            work(store, once=True)
    return view


class _Progress:
    """Says how far the run is while the main thread works it (and gets Ctrl-C, which ends the work in order)."""

    def __init__(self, store: "Store", actor: "Actor", slug: str, run_id: int) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, args=(store, actor, slug, run_id), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _tell(self, store: "Store", actor: "Actor", slug: str, run_id: int) -> None:
        from labeling.services.runs import run_view

        while not self._ended.wait(POLL_SECONDS):
            _tell_progress(run_view(store, actor, slug, run_id))


def _tell_progress(view: "RunView") -> None:
    spent = "" if view.spent_usd is None else f", ${view.spent_usd:.2f} spent"
    done = view.answered + sum(view.failed.values())
    progress(f"{done:,} of {view.asked:,} requests{spent}")


def told_estimate(found: "Estimate") -> str:
    lines = [f"{found.requests:,} requests, {found.already_answered:,} of them answered already (paid for once only)"]
    tokens = f"{found.completion_tokens_low:,} to {found.completion_tokens_high:,}"
    lines.append(f"{found.prompt_tokens:,} tokens in, {tokens} tokens out")
    if found.usd_low is not None and found.usd_high is not None:
        lines.append(f"${found.usd_low:.2f} to ${found.usd_high:.2f}")
    if found.unpriced_models:
        lines.append(f"The price of {', '.join(found.unpriced_models)} is not known.")
    return "\n".join([*lines, found.basis])


def told_run(view: "RunView") -> str:
    failed = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(view.failed.items()))
    spent = "" if view.spent_usd is None else f" Spent ${view.spent_usd:.2f}."
    head = f"Run {view.id} is {view.state.value}: {view.asked:,} asked, {view.answered:,} answered"
    rest = f", {sum(view.failed.values()):,} failed ({failed})" if failed else ""
    return f"{head}{rest}, {view.waiting:,} waiting.{spent}"


def leave(view: "RunView") -> None:
    """Exit 1 where the run was stopped or left requests failed; its fault is one sentence on stderr."""
    if view.state is RunState.STOPPED and view.fault:
        complain(view.fault)
    if view.state in (RunState.STOPPED, RunState.CANCELLED) or view.failed:
        raise typer.Exit(1)
