"""Whatever schema is sent, the value fits it or the schema is refused in a sentence."""

import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from labeling.sandbox.schema import SchemaError, fill

NAMES = st.sampled_from(["first", "score", "reason", "tags", "é"])
BOUNDS = st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(lambda drawn: (drawn[0], sum(drawn)))


def numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    bounds = BOUNDS.map(lambda pair: {"minimum": pair[0], "maximum": pair[1]})
    return st.one_of(st.just({}), bounds).map(lambda limits: {"type": kind, **limits})


LEAVES = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, {"const": {"a": [1]}}, {}]),
    numbers("integer"),
    numbers("number"),
    st.builds(lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more}, st.integers(0, 9), st.integers(0, 99)),
    st.lists(st.one_of(st.integers(), st.text(), st.none()), min_size=1).map(lambda values: {"enum": values}),
)  # fmt: skip


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(NAMES, inner, max_size=4).map(
        lambda named: {"type": "object", "properties": named, "required": sorted(named), "additionalProperties": False}
    )
    arrays = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner, st.integers(0, 3), st.integers(0, 3),
    )  # fmt: skip
    choices = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    return st.one_of(objects, arrays, choices)


WISHES = st.sampled_from([None, "a text", 7, 3.5, True, [1], "first"])


@given(st.recursive(LEAVES, nested, max_leaves=12), WISHES, st.integers())
def test_a_value_fits_its_schema_whatever_is_wished_for(schema, wished, seed):
    value = fill(schema, lambda _path, _node: wished, Random(seed))
    Draft202012Validator(schema).validate(value)
    json.dumps(value)


@given(st.dictionaries(st.sampled_from(["type", "properties", "items", "enum", "anyOf", "allOf", "$ref", "minimum", "maximum", "minItems", "maxItems", "minLength", "required", "const"]), st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9), st.sampled_from(["object", "array", "string", "integer", "#", "#/properties"])), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "a"]), inner, max_size=2)), max_leaves=6)))  # fmt: skip
def test_what_is_no_schema_is_refused_and_never_breaks_it(schema):
    with suppress(SchemaError):
        json.dumps(fill(schema, lambda _path, _node: None, Random(0)))


def test_references_are_followed_and_one_without_an_end_is_refused():
    tree = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                "required": ["name", "next"],
            }
        },
        "$ref": "#/$defs/node",
    }  # fmt: skip
    Draft202012Validator(tree).validate(fill(tree, lambda _path, _node: None, Random(0)))
    for schema in ({"$ref": "#"}, {"$ref": "#/gone"}, {"allOf": [{"$ref": "#/gone"}]}):
        with pytest.raises(SchemaError):
            fill(schema, lambda _path, _node: None, Random(0))


def test_what_is_wished_for_is_taken_where_it_fits():
    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer", "maximum": 5}, "mood": {"enum": ["x", "y"]}},
    }
    wishes = {"score": 9, "mood": "y"}
    assert fill(schema, lambda path, _node: wishes[path[-1]], Random(0)) == {"score": 5, "mood": "y"}


def test_a_small_schema_that_asks_for_more_than_there_is_time_for_is_refused():
    wide = {"type": "object", "properties": {str(n): {"$ref": "#"} for n in range(99)}}
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        deep = {"type": "array", "minItems": 50, "items": deep}
    for schema in (wide, deep):
        with pytest.raises(SchemaError, match="more than 10,000 values"):
            fill(schema, lambda _path, _node: None, Random(0))
