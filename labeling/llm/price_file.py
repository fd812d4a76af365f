"""Writes prices into the file of one's own: one table is changed, and every other line of the file stays as it is."""

import json
import os
import re
import threading
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile

from labeling.errors import InputError
from labeling.llm.own_prices import OwnPrice, own_prices, parsed_prices, prices_file

HEAD = re.compile(r"(?m)^[ \t]*\[\[[ \t]*price[ \t]*\]\]")
TAIL = re.compile(
    r"(?:^[ \t]*(?:#[^\n]*)?(?:\n|\Z))*\Z", re.MULTILINE
)  # blank lines and remarks, which belong to what follows

_writing = threading.Lock()


def write_price(price: OwnPrice) -> None:
    """Put a price into the file, in the place of the one for the same model and address. Raises InputError."""
    _change(price.model, price.base_url, price)


def remove_price(model: str, base_url: str | None) -> bool:
    """Take the price for this model and address out of the file; False where it has none. Raises InputError."""
    return _change(model, base_url, None)


def _change(model: str, base_url: str | None, price: OwnPrice | None) -> bool:
    with _writing:
        path = prices_file().resolve()
        if price is None and not any(_is_for(one, model, base_url) for one in own_prices()):
            return False
        try:
            # Line ends are kept as they are: the file may be under version control.
            text = path.read_bytes().decode("utf-8") if path.exists() else ""
            _replace(path, _rewritten(path, text, model, base_url, price))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be written ({error}). Check its rights, or change it by hand.") from error
    return True


def _rewritten(path: Path, text: str, model: str, base_url: str | None, price: OwnPrice | None) -> str:
    """The file's text with the change. TOML can be written in ways that one table cannot be cut out of: those are refused."""
    after = [one for one in parsed_prices(path, text) if not _is_for(one, model, base_url)] + ([price] if price else [])
    try:
        changed = _changed(path, text, model, base_url, price)
        if sorted(parsed_prices(path, changed), key=repr) == sorted(after, key=repr):
            return changed
    except InputError:
        pass
    raise InputError(f"{path} is written in a way that is not changed here. Change it by hand.")


def _is_for(one: OwnPrice, model: str, base_url: str | None) -> bool:
    return (one.model, one.base_url) == (model, base_url)


def _changed(path: Path, text: str, model: str, base_url: str | None, price: OwnPrice | None) -> str:
    starts = [match.start() for match in HEAD.finditer(text)]
    parts = [text[: starts[0]] if starts else text]
    place = None
    for start, end in pairwise([*starts, len(text)]):
        block = text[start:end]
        if any(_is_for(one, model, base_url) for one in parsed_prices(path, block)):
            place = len(parts) if place is None else place
            block = TAIL.search(block)[0]  # type: ignore[index]  # it matches the end of any text
        parts.append(block)
    if price is not None and place is not None:
        parts.insert(place, _table(price))
    elif price is not None:
        gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
        parts.append(gap + _table(price))
    changed = "".join(parts)
    return changed if price else changed.rstrip("\n") + "\n"


def _table(price: OwnPrice) -> str:
    # JSON's text in quotes is TOML's, too, but for the one sign that JSON leaves as it is.
    quoted = {
        name: json.dumps(text).replace("\x7f", "\\u007f")
        for name, text in (("model", price.model), ("base_url", price.base_url or ""))
    }
    lines = ["[[price]]", f"model = {quoted['model']}"]
    lines += [f"base_url = {quoted['base_url']}"] if price.base_url else []
    lines += [f"input = {price.input!r}", f"output = {price.output!r}"]
    lines += [f"cached_input = {price.cached_input!r}"] if price.cached_input != price.input else []
    return "\n".join(lines) + "\n"


def _replace(path: Path, text: str) -> None:
    """At once: a worker that reads the file meanwhile finds the old or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("wb", dir=path.parent, prefix=".prices", delete=False) as file:
        kept = Path(file.name)
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            kept.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            kept.replace(path)
        except BaseException:
            kept.unlink()
            raise
