"""Fixtures for the whole suite; each subject has its file in `tests/fixtures`.

store, sqlite_store            a `Store` on a fresh, migrated database
store_url, sqlite_store_url    the same, not opened
empty_url                      a fresh database without any table
chromium, browser, page        a real browser; where none is found, the test fails
chat_endpoint                  a real chat endpoint on this machine whose answers the test sets
together_check_file            the check a training service runs on an upload
"""

pytest_plugins = [
    "tests.fixtures.alone",
    "tests.fixtures.browser",
    "tests.fixtures.databases",
    "tests.fixtures.endpoint",
    "tests.fixtures.together",
]
