"""A run's answers put to use, and its end: the same in whichever way the answers came."""

import logging
from enum import Enum

from labeling.errors import TiebreakError
from labeling.services.harvest import HARVESTERS
from labeling.storage import requests, runs
from labeling.storage.store import Store

HARVEST_ROWS = 100  # answers put to use in one transaction, which stays under 50 ms

_log = logging.getLogger("tiebreak.worker")


class Settled(Enum):
    """What one step of `settle` came to. MORE says that the next one has something to do at once."""

    MORE = "more"
    WAITING = "waiting"
    ENDED = "ended"


def settle(store: Store, run_id: int, purpose: str) -> Settled:
    """One short transaction that puts answers of a run to use, or ends a running one where nothing is left of it.

    What was answered is used whatever became of the run: also what came home after a pause or a cancel.
    """
    try:
        with store.writing() as session:
            if HARVESTERS[purpose](session, run_id, HARVEST_ROWS) >= HARVEST_ROWS:
                return Settled.MORE
    except Exception as error:  # noqa: BLE001  # one run's fault must not end the worker that others need
        _log.exception("the answers of run %d could not be used", run_id)
        with store.writing() as session:
            words = str(error) if isinstance(error, TiebreakError) else type(error).__name__
            fault = f"The answers are stored, but could not be used ({words}); see the log, then resume the run."
            runs.set_state(session, run_id, "stopped", was=("running",), fault=fault)
        return Settled.WAITING
    with store.reading() as session:
        if runs.run_with_id(session, run_id).state != "running" or requests.has_own_waiting(session, run_id):
            return Settled.WAITING
        is_over = not requests.has_waiting(session, run_id)
        left = [] if is_over else requests.adoptable(session, run_id)
    if is_over:
        return _end(store, run_id)
    if left:
        with store.writing() as session:
            requests.adopt(session, run_id, left)
    return Settled.MORE if left else Settled.WAITING


def _end(store: Store, run_id: int) -> Settled:
    with store.writing() as session:
        if requests.has_waiting(session, run_id) or requests.has_unharvested(session, run_id):
            return Settled.WAITING
        runs.set_state(session, run_id, "done", was=("running",))
    return Settled.ENDED
