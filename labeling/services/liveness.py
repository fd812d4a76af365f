"""Who works: the names of processes, so that what a dead one held is freed at once on the same machine."""

import os
import random
import socket
from pathlib import Path
from typing import Final


def place() -> str:
    """Where process numbers mean the same: this machine, or this container on it."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink() if namespace.is_symlink() else '-'}"


def new_owner() -> str:
    """A name for what this process holds."""
    return f"{place()} {os.getpid()} {random.randrange(16**8):08x}"


THIS_PROCESS: Final = new_owner()


def is_gone(process: str) -> bool:
    """Whether `process`, the `THIS_PROCESS` of then, is gone: also where its number came to be that of this one."""
    number, ours = process.rpartition(" ")[0], THIS_PROCESS.rpartition(" ")[0]
    return is_dead(process) or (number == ours and process != THIS_PROCESS)


def is_dead(owner: str) -> bool:
    """Whether `owner` was a process of this machine that is gone. Of others nobody here can tell."""
    where, pid, _ = owner.rsplit(" ", 2)
    return where == place() and has_ended(int(pid))


def has_ended(number: int) -> bool:
    """Whether no process of this machine has this number; on Windows, where to ask would end it, never."""
    if os.name == "nt":
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
