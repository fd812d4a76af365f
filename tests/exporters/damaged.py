"""Files with one damaged line each, made of a sound one: every value of a record in turn is taken out or exchanged, every
object gets keys more, and the line as such is broken."""

import json
from collections.abc import Iterator
from typing import Any

from exporters import EXPORTERS
from exporters.jsonl import json_line
from tests.exporters.samples import WEATHER, call, many

ODD = (None, 7, True, 1.5, "", " \n", "text", [], ["text"], {}, {"a": 1}, [None])
MORE = {"id": 7, "weight": 1.0, "name": "Ana", "tools": [], "images": [], "label": True, "tool_calls": [call("Oslo")]}
TURNS = {
    "two": ["user", "user"], "answered": ["user", "assistant"], "system": ["system"], "systems": ["system", "system", "user"],
    "developer": ["developer", "user"], "human": ["human"], "tool": ["user", "tool"], "function": ["user", "function", "user"],
    "long": ["system", "user", "assistant", "user"], "late": ["user", "assistant", "system", "user"], "begun": ["assistant", "user"],
}  # fmt: skip


def damaged(format: str, sound: dict[str, Any]) -> dict[str, bytes]:
    """Whole files by the name of their damage; the damaged line is line 13 of 25 where nothing else is said."""
    around = [json_line(record) for row, _ in many(24) for record in EXPORTERS[format].records(row)][:24]
    lines = {name: json_line(record) for name, record in _records(sound)} | _lines(json_line(sound))
    files = {name: b"".join((*around[:12], line, *around[12:])) for name, line in lines.items()}
    whole = b"".join(around)
    return files | {
        "mark": b"\xef\xbb\xbf" + whole,
        "returns": whole.replace(b"\n", b"\r\n"),
        "cut": whole[:-20],
        "blank end": whole + b"\n",
        "array": b"[" + whole.rstrip().replace(b"\n", b",\n") + b"]\n",
        "pretty": json.dumps([json.loads(line) for line in around], indent=1).encode(),
        "nothing": b"",
    }


def _records(sound: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for path in _paths(sound):
        where = ".".join(map(str, path))
        holder, key = _at(sound, path[:-1]), path[-1]
        for value in ODD:
            yield f"{where} is {json.dumps(value)}", _changed(sound, path, value)
        if isinstance(holder, dict):
            yield f"{where} is missing", _changed(sound, path[:-1], {k: v for k, v in holder.items() if k != key})
        value = holder[key]
        if isinstance(value, dict):
            for name, more in MORE.items():
                yield f"{where}.{name} is there", _changed(sound, path, value | {name: more})
        if isinstance(value, list) and value and isinstance(value[0], dict) and "role" in value[0]:
            yield f"{where} twice", _changed(sound, path, value * 2)
            for name, roles in TURNS.items():
                yield f"{where} {name}", _changed(sound, path, [value[0] | {"role": role} for role in roles])
    for name, more in (MORE | {"tools": [WEATHER], "messages": []}).items():
        yield f"{name} is there", sound | {name: more}
    sides = [key for key in sound if key in ("preferred_output", "non_preferred_output", "chosen", "rejected")]
    if len(sides) == 2:
        yield "sides are the same", sound | {sides[0]: sound[sides[1]]}


def _lines(line: bytes) -> dict[str, bytes]:
    body, first = line.rstrip(b"}\n"), line[1 : line.index(b":")]
    end = line[len(body) :]
    return {
        "half of a surrogate": line.replace(b"Hi", b"H\\ud800i", 1),
        "NUL, escaped": line.replace(b"Hi", b"H\\u0000i", 1),
        "control character": line.replace(b"Hi", b"H\x01i", 1),
        "Latin-1": line.replace(b"Hi", b"H\xe9i", 1),
        "NaN": line[:-2] + b',"x":NaN}\n',
        "key twice": line[:-2] + b"," + first + b":1}\n",
        "same key twice": line[:-2] + b"," + line[1:-2] + b"}\n",
        "broken": body + end[1:],
        "comma": line[:-2] + b",}\n",
        "two objects": line[:-1] + line,
        "blank": b"\n",
        "spaces": b"  \n",
        "in an array": b"[" + line[:-1] + b"]\n",
        "mark inside": b"\xef\xbb\xbf" + line,
        "single quotes": line.replace(b'"', b"'"),
        "null": b"null\n",
    }


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*here, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _changed(sound: dict[str, Any], path: tuple[Any, ...], value: object) -> object:
    if not path:
        return value
    copy = json.loads(json.dumps(sound))
    _at(copy, path[:-1])[path[-1]] = value
    return copy
