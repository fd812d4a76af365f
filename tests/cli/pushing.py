"""The command as a process of its own, on its way to the hub of a test."""

import os
import subprocess
import sys


def reaching(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """`tiebreak` as a process of its own: where the hub is, is read once in each."""
    return subprocess.run(
        [sys.executable, "-m", "tiebreak", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def to(hub, token: str, folder) -> dict[str, str]:
    """The environment in which a push goes to the hub of the test."""
    return {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder / "hf"),
    }  # fmt: skip
