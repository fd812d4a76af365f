"""The worker as a process of its own, and as a child that ends with the app that started it.

The app holds the other end of the child's stdin: when it is gone, however it went, the pipe closes and the child ends.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from labeling.errors import TiebreakError
from labeling.storage.opening import open_store
from labeling.storage.store import Store

URL_VARIABLE = "TIEBREAK_DATABASE_URL"
STOP_SECONDS = 30.0  # the worker's own grace for what is in flight, and some more
ROOT = Path(__file__).resolve().parents[2]


class WorkerHandle:
    """A worker that this process started. The engine itself is imported by the child alone: the app starts sooner."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Let it end in order, storing what is in flight; by force where it does not."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def spawn_worker(database_url: str) -> WorkerHandle:
    """Start a worker that lives as long as this process, on this database. It takes its turn behind another app's."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # The address goes by the environment: it may hold a password, and arguments can be read by anyone on the machine.
    environment = {**os.environ, URL_VARIABLE: database_url, "PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(
        [sys.executable, "-m", "labeling.services.worker_process"],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the app, which then ends its worker in order
    )
    return WorkerHandle(process)


def tend(store: Store) -> None:
    """Work as the app's child: alone on this machine, until stdin closes."""
    asyncio.run(_tend(store))


async def _tend(store: Store) -> None:
    from labeling.services.worker import Worker

    worker = Worker(store, is_app_child=True)
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not by sys.stdin: its lock would be held at the end of the interpreter.
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(worker.stop)

    threading.Thread(target=watch, daemon=True, name="watch of the app").start()
    await worker.run(once=False)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        store = open_store(os.environ[URL_VARIABLE])
        try:
            tend(store)
        finally:
            store.close()
    except TiebreakError as error:
        sys.exit(f"tiebreak worker: {error}")


if __name__ == "__main__":
    main()
