"""`tiebreak runs …` and `tiebreak worker`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, progress, tell

if TYPE_CHECKING:
    from labeling.domain import Actor
    from labeling.services.ingest import IngestView
    from labeling.services.parts import PartView
    from labeling.services.run_progress import AnswerView, RunProgress
    from labeling.services.runs import RunView
    from labeling.storage.store import Store

RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The run's number, as `tiebreak runs list` shows it.")]
EXAMPLES = 5
SHOWN = 100  # characters of an answer
REFUSED_SHOWN = 20  # for people; --json has up to a thousand

runs = typer.Typer(no_args_is_help=True, help="Watch, pause, resume, cancel and retry runs.")


def register(app: typer.Typer) -> None:
    app.add_typer(runs, name="runs")
    app.command()(worker)


@runs.command("list")
def list_(project: ProjectName, as_json: AsJson = False) -> None:
    """List the runs of a project, newest first."""
    from labeling.services.runs import list_runs

    with opened() as (store, actor):
        found = list_runs(store, actor, project)
    lines = [
        f"{view.id:>6}  {view.purpose:<9} {view.state.value:<10} {view.asked:>9,} asked {view.answered:>9,} answered "
        f"{sum(view.failed.values()):>7,} failed {view.waiting:>9,} waiting  {_spent(view)}  {view.subject}"
        for view in found
    ]
    tell("\n".join(lines) or "No run yet. Start one with: tiebreak generate", {"runs": found}, as_json)


@runs.command()
def show(number: RunNumber, project: ProjectName, as_json: AsJson = False) -> None:
    """Show a run: its figures and pace, money and time to come, why requests failed, its last answers, its parts."""
    from labeling.services.run_progress import run_progress
    from labeling.services.runs import failures

    with opened() as (store, actor):
        found = run_progress(store, actor, project, number)
        failed = failures(store, actor, project, number, limit=EXAMPLES)
    view = found.run
    lines = [_told(view), *filter(None, [view.fault]), *_told_progress(found)]
    lines += [f"{one.count:,} failed ({one.reason.replace('_', ' ')}): {one.message}" for one in failed]
    lines += [_told_part(part) for part in found.parts]
    lines += [_told_answer(one) for one in found.answers]
    data = {
        "run": view,
        "requests_per_minute": found.requests_per_minute,
        "seconds_left": found.seconds_left,
        "to_come_usd": found.to_come_usd,
        "failures": failed,
        "answers": found.answers,
        "parts": found.parts,
    }
    tell("\n".join(lines), data, as_json)


@runs.command()
def pause(number: RunNumber, project: ProjectName, as_json: AsJson = False) -> None:
    """Send nothing more for now; what is in flight is kept."""
    from labeling.services import runs as service

    _change(project, as_json, lambda store, actor: service.pause(store, actor, project, number))


@runs.command()
def resume(
    number: RunNumber,
    project: ProjectName,
    budget: Annotated[float | None, typer.Option(help="A new budget in US dollars.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was paused or stopped."""
    from labeling.services import runs as service

    _change(project, as_json, lambda store, actor: service.resume(store, actor, project, number, budget_usd=budget))


@runs.command()
def cancel(number: RunNumber, project: ProjectName, as_json: AsJson = False) -> None:
    """End a run for good; what is answered stays."""
    from labeling.services import runs as service

    _change(project, as_json, lambda store, actor: service.cancel(store, actor, project, number))


@runs.command()
def retry(number: RunNumber, project: ProjectName, as_json: AsJson = False) -> None:
    """Try the failed requests of a run again, and only those."""
    from labeling.services import runs as service

    _change(project, as_json, lambda store, actor: service.retry_failed(store, actor, project, number))


@runs.command()
def files(
    number: RunNumber,
    project: ProjectName,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.", file_okay=False)] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the Batch JSONL files of a run in mode file; of lines that have a result nothing is written again."""
    from labeling.services.parts import write_files

    with opened() as (store, actor):
        written = write_files(store, actor, project, number, out)
    tell("\n".join(map(str, written)) or f"Run {number} has no open files.", {"files": written}, as_json)


@runs.command()
def ingest(
    results: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Results files.", exists=True, dir_okay=False)
    ],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Take results files of Batch JSONL in: matched by id, in any order; a line that is not taken is refused and told."""
    from labeling.services.ingest import ingest_path
    from labeling.services.runs import run_view

    with opened() as (store, actor):
        found = [ingest_path(store, actor, project, path, _telling(path.name)) for path in results]
        numbers = sorted({number for one in found for number in one.runs})
        views = [run_view(store, actor, project, number) for number in numbers]
    told = [_told_ingest(one) for one in found] + [_told(view) for view in views]
    tell("\n".join(told), {"files": found, "runs": views}, as_json)
    if any(one.refused and not one.taken_before for one in found):
        raise typer.Exit(1)


def worker(
    until_idle: Annotated[bool, typer.Option(help="End when no run has anything left to do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the requests of running runs, until Ctrl-C. Any number of workers may share one database."""
    from labeling.services.worker import work

    with opened() as (store, _):
        progress(f"Working on {store.place}.")
        work(store, once=until_idle)
    tell("", {"idle": True}, as_json)


def _change(project: str, as_json: bool, action: Callable[["Store", "Actor"], "RunView"]) -> None:
    with opened() as (store, actor):
        view = action(store, actor)
    tell(_told(view), {"project": project, "run": view}, as_json)


def _telling(name: str) -> Callable[[int], None]:
    return lambda lines: progress(f"{name}: {lines:,} lines")


def _told_ingest(view: "IngestView") -> str:
    if view.taken_before:
        return f"{view.name} was taken in before; nothing is changed."
    failed = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(view.failed.items()))
    parts = [
        f"{view.answered:,} answered",
        *([f"{sum(view.failed.values()):,} failed ({failed})"] if failed else []),
        *([f"{view.undone:,} not come to in time, waiting"] if view.undone else []),
        *([f"{view.there:,} there already"] if view.there else []),
        *([f"{view.refused:,} refused"] if view.refused else []),
    ]
    refused = [f"{one.file}:{one.line}: {one.reason}." for one in view.refusals[:REFUSED_SHOWN]]
    return "\n".join([f"{view.name}: {view.lines:,} lines: {', '.join(parts)}.", *refused])


def _told(view: "RunView") -> str:
    failed = f", {sum(view.failed.values()):,} failed" if view.failed else ""
    return (
        f"Run {view.id} is {view.state.value}: {view.asked:,} asked, {view.answered:,} answered{failed}, "
        f"{view.waiting:,} waiting. Spent: {_spent(view)}."
    )


def _told_progress(found: "RunProgress") -> list[str]:
    view = found.run
    if view.state not in ("running", "preparing"):
        return []
    parts = [f"{found.requests_per_minute:,} answers a minute, {view.in_flight:,} in flight"]
    if found.seconds_left is not None:
        minutes = round(found.seconds_left / 60)
        parts.append(f"about {minutes:,} minutes left" if minutes > 1 else "about a minute left")
    if found.to_come_usd is not None and view.waiting:
        parts.append(f"${found.to_come_usd[0]:.2f} to ${found.to_come_usd[1]:.2f} to come")
    lines = [f"{', '.join(parts)}."]
    if view.waits_until:
        lines.append(f"An endpoint is held back by its limit until {view.waits_until:%H:%M:%S} UTC.")
    if not view.is_working and view.mode != "file":
        lines.append("No worker is at it: start one with `tiebreak worker`, or the app.")
    return lines


def _told_part(part: "PartView") -> str:
    place = f" at the provider as {part.provider_id} ({part.provider_status})" if part.provider_id else ""
    trouble = f" Last trouble: {part.fault}" if part.fault else ""
    return f"Part {part.part}: {part.state}{place}, {part.open:,} of {part.lines:,} requests open.{trouble}"


def _told_answer(one: "AnswerView") -> str:
    about = f"pair {one.pair_id}" if one.pair_id else f"prompt {one.prompt_id}"
    text = "" if one.text is None else f": {' '.join(one.text.split())[:SHOWN]}"
    return f"{one.at:%H:%M:%S} UTC, {about}{text}"


def _spent(view: "RunView") -> str:
    if view.spent_usd is None:
        return "unknown"
    unknown = f" and {view.unpriced:,} replies of unknown price" if view.unpriced else ""
    return f"${view.spent_usd:.2f}{unknown}"
