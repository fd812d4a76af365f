"""Fixtures for the whole suite; each subject has its file in `tests/fixtures`.

store, sqlite_store            a `Store` on a fresh, migrated database
store_url, sqlite_store_url    the same, not opened
empty_url                      a fresh database without any table
chromium, browser, page        a real browser; where none is found, the test fails
chat_endpoint                  a real chat endpoint on this machine whose answers the test sets
hub                            a hub for data sets on this machine
together_check_file(s)         the check a training service runs on an upload
"""

import os

from hypothesis import HealthCheck, settings

from tests.fixtures.memory import MEMORY, has_room

# The store waits for the disk at every commit, as it should; tests commit thousands of times, and need not outlive a
# power cut.
if has_room():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# How long an example takes says how busy the machine is, not whether the program is right.
settings.register_profile("tiebreak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tiebreak")

pytest_plugins = [
    "tests.fixtures.alone",
    "tests.fixtures.browser",
    "tests.fixtures.databases",
    "tests.fixtures.endpoint",
    "tests.fixtures.hub",
    "tests.fixtures.together",
]
