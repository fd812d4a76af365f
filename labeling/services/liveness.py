"""Who works: the names of processes, so that what a dead one held is freed at once on the same machine."""

import os
import random
import socket
from pathlib import Path


def place() -> str:
    """Where process numbers mean the same: this machine, or this container on it."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink() if namespace.is_symlink() else '-'}"


def new_owner() -> str:
    """A name for what this process holds."""
    return f"{place()} {os.getpid()} {random.randrange(16**8):08x}"


def is_dead(owner: str) -> bool:
    """Whether `owner` was a process of this machine that is gone. Of others nobody here can tell."""
    where, pid, _ = owner.rsplit(" ", 2)
    if where != place():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
