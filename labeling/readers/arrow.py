"""Rows of Arrow tables (Parquet, `datasets`) as the objects they stand for."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from labeling.readers.opening import MAX_ROW_BYTES
from labeling.readers.refusals import Refusal, size_fault, too_long

if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch, Scalar, Schema

QUICK_BYTES = 1 << 20
MOST_IN_ONE = 16 * MAX_ROW_BYTES
# What is handed on whole, with every field that is in it.
TOOL_FIELDS = ("tools", "tool_calls", "functions", "function")

Plain: TypeAlias = Callable[[Any], Any]


class ColumnFault(Exception):
    """Raised where the values of a column have no form here at all; says which and why."""


def batch_rows(batch: "RecordBatch", first: int) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """The rows of a batch, numbered from `first`; a refusal of one that is too large, or holds broken JSON.

    Raises:
        ColumnFault: no row can be made, also from the rows.
    """
    if batch.nbytes <= QUICK_BYTES:
        rows: Iterator[tuple[int, dict[str, Any]] | Refusal] = enumerate(_objects(batch), first)
    else:
        rows = _large_rows(batch, first)
    columns = _plain_columns(batch.schema)
    return _plain_rows(rows, columns) if columns else rows


def _large_rows(batch: "RecordBatch", first: int) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """The rows of a large batch, taken out one by one."""
    for place in range(batch.num_rows):
        one = batch.slice(place, 1)
        if one.nbytes > MOST_IN_ONE:
            yield too_long(first + place)
        else:
            row = _objects(one)[0]
            yield size_fault(first + place, row) or (first + place, row)


def _objects(batch: "RecordBatch") -> list[dict[str, Any]]:
    """The rows as objects; what Python has no form for, such as a day in the year 10,000, is text."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (OverflowError, ValueError):
        names = batch.schema.names
        columns = [_values(name, column) for name, column in zip(names, batch.columns, strict=True)]
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return rows


def _values(name: str, column: "Array") -> list[Any]:
    """The values of a column, each by itself. Raises ColumnFault where one is no text either."""
    from pyarrow import ArrowException

    try:
        return [_value(one) for one in column]
    except ArrowException as error:
        raise ColumnFault(f"column {name!r} holds what cannot be read ({str(column.type)[:200]})") from error


def _value(one: "Scalar") -> Any:
    from pyarrow import string

    try:
        return one.as_py()
    except (OverflowError, ValueError):
        return one.cast(string()).as_py()


def _plain_rows(
    rows: Iterator[tuple[int, dict[str, Any]] | Refusal], columns: Mapping[str, Plain]
) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    for found in rows:
        if isinstance(found, Refusal):
            yield found
            continue
        number, row = found
        name = ""
        try:
            for name, plain in columns.items():
                if row[name] is not None:
                    row[name] = plain(row[name])
        except orjson.JSONDecodeError as error:
            yield Refusal(number, "not_json", f'"{name}" holds what is not JSON ({error.msg})', error.doc[:2000])
        else:
            yield found


def _plain_columns(schema: "Schema") -> dict[str, Plain]:
    """The columns whose values are not yet what they stand for, with what makes them so."""
    found = {field.name: _plain(field.type, is_tool=field.name in TOOL_FIELDS) for field in schema}
    return {name: plain for name, plain in found.items() if plain is not None}


def _plain(kind: "DataType", *, is_tool: bool) -> Plain | None:
    """What makes a value of that type plain, null apart; None where it is plain as it comes.

    Where values are of mixed shape, `datasets` writes each as its JSON. And the objects of a column have the same fields in
    every row, with null where a row has none: inside tools and their calls such a null would be another schema and another
    argument. TRL leaves them out as well. A null inside JSON was written by somebody, and stays.
    """
    from pyarrow import JsonType, types

    if isinstance(kind, JsonType):
        return orjson.loads
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inside = _plain(kind.value_type, is_tool=is_tool)
        return None if inside is None else lambda values: [one if one is None else inside(one) for one in values]
    if not types.is_struct(kind):
        return None
    fields = {field.name: _plain(field.type, is_tool=is_tool or field.name in TOOL_FIELDS) for field in kind}
    plain = {name: one for name, one in fields.items() if one is not None}
    if not plain and not is_tool:
        return None

    def object_of(value: dict[str, Any]) -> dict[str, Any]:
        return {
            name: plain[name](one) if one is not None and name in plain else one
            for name, one in value.items()
            if one is not None or not is_tool
        }

    return object_of
