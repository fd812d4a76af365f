"""What Tiebreak needs, looked at one by one: `tiebreak doctor`."""

import os
import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal

from labeling.errors import TiebreakError
from labeling.llm.keys import key_state
from labeling.services.targets import TARGETS
from labeling.settings import settings
from labeling.storage import health
from labeling.storage.keys import key_variables
from labeling.storage.opening import open_store
from labeling.storage.store import Store


@dataclass(frozen=True, slots=True)
class Finding:
    """`bad` must be mended before Tiebreak works; `note` says what is not there and may not be needed."""

    subject: str
    state: Literal["good", "note", "bad"]
    text: str


def examine(url: str) -> list[Finding]:
    """Look at everything. Nothing raises: what is wrong is a finding."""
    findings = [_python(), _packages()]
    try:
        store = open_store(url)
    except TiebreakError as error:
        return [*findings, Finding("database", "bad", str(error)), _folder(), *_keys({})]
    try:
        with store.reading() as session:
            bound = {row.name: row.origin for row in key_variables(session)}
        return [*findings, _database(store), _folder(), *_keys(bound), _worker(store), _browser()]
    except TiebreakError as error:
        return [*findings, Finding("database", "bad", str(error)), _folder()]
    finally:
        store.close()


def _python() -> Finding:
    is_enough = sys.version_info >= (3, 11)
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", "good" if is_enough else "bad", text if is_enough else f"{text}; 3.11 or newer is needed.")


def _packages() -> Finding:
    """The versions of the packages that Tiebreak names itself."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires("tiebreak") or ()]
    except PackageNotFoundError:
        return Finding("packages", "bad", "Tiebreak is not installed in this environment. Run: make install")
    found, wrong = [], []
    for one in wanted:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        try:
            have = version(one.name)
        except PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        found.append(f"{one.name} {have}")
        if not one.specifier.contains(have, prereleases=True):
            wrong.append(f"{one.name} {have} is not {one.specifier}")
    if wrong:
        return Finding("packages", "bad", f"{'; '.join(wrong)}. Run: make install")
    return Finding("packages", "good", ", ".join([f"tiebreak {version('tiebreak')}", *sorted(found)]))


def _database(store: Store) -> Finding:
    with store.reading() as session:
        text = f"{store.place} ({health.engine_version(session)}, schema {health.schema_version(session)})"
    return Finding("database", "good", text)


def _folder() -> Finding:
    """Where the default database and the exports go."""
    folder = settings().data_folder
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return Finding("folder", "good", f"{folder} can be written.")
    return Finding(
        "folder", "bad", f"{folder} cannot be written. Give yourself the right, or set TIEBREAK_DATA_FOLDER."
    )


def _keys(bound: dict[str, str]) -> list[Finding]:
    """Key variables by name alone: those in use, and those that the targets would use."""
    origins = {one.key_env: one.base_url for one in TARGETS.values() if one.key_env} | bound
    found = []
    for variable, origin in sorted(origins.items()):
        try:
            state = key_state(variable, origin)
        except TiebreakError as error:
            found.append(Finding("key", "note", str(error)))
            continue
        found.append(Finding("key", "good" if state.found else "note", state.sentence))
    return found


def _worker(store: Store) -> Finding:
    with store.reading() as session:
        held = [lease.name for lease in health.leases_at(session, datetime.now(UTC))]
    if held:
        return Finding("worker", "good", f"A worker is alive ({', '.join(held)}).")
    return Finding("worker", "note", "No worker is alive. The app starts one; so does: tiebreak worker")


def _browser() -> Finding:
    return Finding("browser", "good", "Any browser does, on this machine; only the tests need Chromium.")
