"""Tiebreak's web app: pages, routes and headers, and the worker that does what the pages ask for.

Started by `streamlit run app.py` or `tiebreak app`. It answers this machine alone.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from labeling.errors import TiebreakError
from labeling.services.exposure import refuse_exposure
from labeling.services.sandbox import sandbox_url
from labeling.services.start import close_shared_stores, prepare, shared_store
from labeling.services.worker_process import WorkerHandle, spawn_worker
from labeling.settings import settings
from labeling.storage.store import Store
from labeling.ui.parts import tell
from labeling.web.downloads import download_routes
from labeling.web.labels import label_routes
from labeling.web.middleware import OnlyThisMachine, SecurityHeaders
from labeling.web.sandbox import sandbox_routes
from labeling.web.sessions import BrowserCookie, session_routes
from labeling.web.unknown import unknown_routes

PAGES = Path(__file__).resolve().parent / "labeling" / "ui" / "main.py"
RETRY_SECONDS = 5.0

_log = logging.getLogger("tiebreak")


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Open the store before the first page, keep a worker while the app lives."""
    await asyncio.to_thread(_open)
    keeper = asyncio.create_task(_keep_worker())
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await asyncio.to_thread(close_shared_stores)


async def _keep_worker() -> None:
    """One worker process, started again when it ends by itself."""
    worker: WorkerHandle | None = None
    try:
        while True:
            if worker is None or not worker.is_alive():
                worker = await asyncio.to_thread(spawn_worker, settings().store_url)
            await asyncio.sleep(RETRY_SECONDS)
    finally:
        if worker is not None:
            await asyncio.to_thread(worker.stop)


def _open() -> None:
    """A store that cannot be opened is told here and on every page, which tries again when it is reloaded."""
    try:
        prepare(_store())
    except TiebreakError as error:
        _log.error("%s", error)


def _store() -> Store:
    return shared_store(settings().store_url)


def script_error(error: Exception) -> bool:
    """What a page's own net does not catch: an error in a callback of a button."""
    tell(error)
    return True


try:
    # A server that starts this file without Streamlit's settings is caught by OnlyThisMachine.
    refuse_exposure(config.get_option("server.address"))
except TiebreakError as refused:
    sys.exit(f"tiebreak: {refused}")

# The pages and the worker find the app's own sandbox by this variable.
os.environ.setdefault("TIEBREAK_SANDBOX_URL", sandbox_url(config.get_option("server.port")))

app = st.App(
    PAGES,
    routes=[
        *label_routes(_store),
        *session_routes(_store),
        *download_routes(_store),
        *sandbox_routes(),
        *unknown_routes(),
    ],
    lifespan=lifespan,
    middleware=[Middleware(SecurityHeaders), Middleware(OnlyThisMachine), Middleware(BrowserCookie)],
    on_script_error=script_error,
)
