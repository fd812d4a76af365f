"""A value that fits a JSON schema: the subset that structured outputs allow, and a little more."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, TypeAlias

from labeling.domain import Json

LONGEST_TEXT = 10_000  # characters that a minLength is filled up to
MOST_VALUES = 10_000  # a small schema can ask for more than there is time for
DEEPEST = 24  # a schema that refers to itself ends here

# Given the path of property names and the schema there, a value to use, or None for no opinion.
Wish: TypeAlias = Callable[[tuple[str, ...], Json], object]


class SchemaError(Exception):
    """The schema cannot be read; the text says where."""


def fill(schema: Json, wish: Wish, rng: Random) -> object:
    """A value that fits `schema`, with `wish` asked first at each enum, text, number and truth value.

    Raises SchemaError for a reference that leads nowhere or to itself, and for what is not a schema.
    """
    try:
        return _Filler(schema, wish, rng).value(schema, ())
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        # A keyword may hold anything at all, such as text where a number belongs.
        raise SchemaError("a keyword of the schema has a value of the wrong kind") from error


class _Filler:
    def __init__(self, root: Json, wish: Wish, rng: Random) -> None:
        self._root, self._wish, self._rng = root, wish, rng
        self._made = 0

    def value(self, node: object, path: tuple[str, ...], depth: int = 0) -> object:
        if node is True:
            node = {}
        if not isinstance(node, dict):
            raise SchemaError(f"{_place(path)} is not a schema")
        self._made += 1
        if self._made > MOST_VALUES:
            raise SchemaError(f"more than {MOST_VALUES:,} values would be needed")
        if depth > DEEPEST:
            raise SchemaError(f"{_place(path)} is nested too deeply, or refers to itself without an end")
        if "$ref" in node:
            return self.value(self._referred(node["$ref"], path), path, depth + 1)
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return self._enum(node, path)
        for key in ("anyOf", "oneOf"):
            if node.get(key):
                # The last branch is often "null" and the first often the recursive one: near the end take the shortest.
                branches = sorted(node[key], key=lambda one: len(str(one))) if depth > DEEPEST // 2 else node[key]
                return self.value(branches[0], path, depth + 1)
        if node.get("allOf"):
            merged: Json = {}
            for part in node["allOf"]:
                merged |= self._referred(part["$ref"], path) if "$ref" in part else part
            return self.value(merged, path, depth + 1)
        return self._typed(node, path, depth)

    def _typed(self, node: Json, path: tuple[str, ...], depth: int) -> object:
        kind = node.get("type")
        if isinstance(kind, list):
            kind = "null" if depth > DEEPEST // 2 and "null" in kind else kind[0]
        if kind == "object" or (kind is None and "properties" in node):
            properties = node.get("properties", {})
            if not isinstance(properties, Mapping):
                raise SchemaError(f"the properties of {_place(path)} are not an object")
            kept = [name for name in properties if name in node.get("required", ()) or depth <= DEEPEST // 2]
            return {name: self.value(properties[name], (*path, name), depth + 1) for name in kept}
        if kind == "array":
            least, most = int(node.get("minItems", 0)), node.get("maxItems")
            wanted = min(max(least, 2), int(most)) if most is not None else max(least, 2)
            length = least if depth > DEEPEST // 2 else wanted
            return [self.value(node.get("items", {}), path, depth + 1) for _ in range(min(length, 50))]
        if kind == "null":
            return None
        if kind in ("integer", "number", "boolean", "string", None):
            return self._leaf(kind or "string", node, path)
        raise SchemaError(f"the type {kind!r} of {_place(path)} is not known")

    def _leaf(self, kind: str, node: Json, path: tuple[str, ...]) -> object:
        wished = self._wish(path, node)
        if kind == "boolean":
            return wished if isinstance(wished, bool) else self._rng.random() < 0.5
        if kind == "string":
            return self._text(wished if isinstance(wished, str) else path[-1] if path else "text", node)
        least, most = _bounds(node)
        number = wished if isinstance(wished, int | float) and not isinstance(wished, bool) else None
        if kind == "integer":
            return min(max(round(number), least), most) if number is not None else self._rng.randint(least, most)
        return min(max(number, least), most) if number is not None else round(self._rng.uniform(least, most), 3)

    def _text(self, text: str, node: Json) -> str:
        formats = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "email": "name@example.org"}
        text = formats.get(str(node.get("format")), text)
        return text.ljust(min(int(node.get("minLength", 0)), LONGEST_TEXT), ".")[
            : int(node.get("maxLength", len(text) + 1_000))
        ]

    def _enum(self, node: Json, path: tuple[str, ...]) -> object:
        options = node["enum"]
        if not isinstance(options, list) or not options:
            raise SchemaError(f"the enum of {_place(path)} has no values")
        wished = self._wish(path, node)
        return wished if wished in options else self._rng.choice(options)

    def _referred(self, reference: object, path: tuple[str, ...]) -> Any:
        node: Any = self._root
        for part in str(reference).removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                raise SchemaError(f"{_place(path)} refers to {reference!r}, which is not there")
            node = node[name]
        return node


def _bounds(node: Json) -> tuple[int, int]:
    """Whole numbers that the value may lie between; 1 to 10 where nothing is said."""
    least = node.get("minimum", node.get("exclusiveMinimum"))
    most = node.get("maximum", node.get("exclusiveMaximum"))
    low = int(least) + ("exclusiveMinimum" in node and "minimum" not in node) if least is not None else None
    high = int(most) - ("exclusiveMaximum" in node and "maximum" not in node) if most is not None else None
    if low is None:
        low = min(1, high) if high is not None else 1
    return low, max(low, high if high is not None else low + 9)


def _place(path: tuple[str, ...]) -> str:
    return f'"{".".join(path)}"' if path else "the schema"
