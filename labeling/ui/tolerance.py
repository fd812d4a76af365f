"""Only while the parts are being built: what is not there yet is left out. To be removed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from labeling.ui.context import Here

VIEWS = Path(__file__).with_name("views")


def exists(page: str) -> bool:
    return (VIEWS / f"{page}.py").exists()


def usable_now(me: Here, slug: str) -> Any:
    try:
        from labeling.services.export import usable
    except ImportError:
        return SimpleNamespace(rows=0, pairs=0)
    return usable(me.store, me.actor, slug)
