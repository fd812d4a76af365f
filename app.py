"""Tiebreak's web app: pages, routes and headers, and the worker that does what the pages ask for.

Started by `streamlit run app.py` or `tiebreak app`. It answers this machine alone.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from labeling.errors import TiebreakError
from labeling.services.exposure import refuse_exposure
from labeling.services.start import close_shared_stores, prepare, shared_store
from labeling.settings import settings
from labeling.ui.parts import tell
from labeling.web.middleware import OnlyThisMachine, SecurityHeaders

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


def _open() -> None:
    """A store that cannot be opened is told here and on every page, which tries again when it is reloaded."""
    try:
        prepare(shared_store(settings().store_url))
    except TiebreakError as error:
        _log.error("%s", error)


async def _keep_worker() -> None:
    """One worker process, started again when it ends by itself."""


def script_error(error: Exception) -> bool:
    """What a page's own net does not catch: an error in a callback of a button."""
    tell(error)
    return True


try:
    # A server that starts this file without Streamlit's settings is caught by OnlyThisMachine.
    refuse_exposure(config.get_option("server.address"))
except TiebreakError as refused:
    sys.exit(f"tiebreak: {refused}")

app = st.App(
    PAGES,
    lifespan=lifespan,
    middleware=[Middleware(SecurityHeaders), Middleware(OnlyThisMachine)],
    on_script_error=script_error,
)
