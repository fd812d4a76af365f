"""Many rows at once, at half the cost of SQLAlchemy's own inserts: one statement, values as the driver takes them."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain, compress, cycle
from typing import Any

import orjson
from sqlalchemy import Column, Dialect
from sqlalchemy import Table as CoreTable
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlmodel import Session

# Rows of one statement on SQLite: two thirds of what a statement for each costs, and few enough for its 999 parameters.
AT_ONCE = 50


def new_ids(session: Session, table: CoreTable, number: int) -> list[int]:
    """`number` ids for new rows, ascending. On SQLite they are the writer's until its transaction ends."""
    if session.get_bind().dialect.name == "sqlite":
        last = session.connection().exec_driver_sql(f'SELECT coalesce(max(id), 0) FROM "{table.name}"').scalar_one()  # noqa: S608  # a table of ours
        return list(range(last + 1, last + 1 + number))
    taken = session.connection().exec_driver_sql(
        f"SELECT array_agg(nextval(pg_get_serial_sequence('\"{table.name}\"', 'id'))) FROM generate_series(1, %s)",  # noqa: S608  # as above
        (number,),
    )
    return sorted(taken.scalar_one())


def insert_rows(
    session: Session,
    table: CoreTable,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    constants: Mapping[str, Any],
    *,
    passes_over_known: bool = False,
) -> int:
    """Insert `rows`, values of `columns` in that order: texts, numbers and None; returns how many were new. `constants`
    are the same in every row.

    Columns that are not named get their default. `passes_over_known`: rows that are there already stay as they are.
    """
    if not rows:
        return 0
    dialect = session.get_bind().dialect
    named = {*columns, *constants}
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.name not in named and isinstance(column.default, ScalarElementColumnDefault)
    }
    same = {name: _bound(table.columns[name], value, dialect) for name, value in (defaults | dict(constants)).items()}
    names = ", ".join(f'"{name}"' for name in (*same, *columns))
    into, ending = f'INSERT INTO "{table.name}" ({names})', " ON CONFLICT DO NOTHING" if passes_over_known else ""
    execute = session.connection().exec_driver_sql
    if dialect.name != "sqlite":
        # As JSON, which the driver hands on as it is: lists it would write out value by value, in Python.
        values = ", ".join([*(f"%s::{_type(table.columns[name], dialect)}" for name in same), "u.*"])
        read_as = ", ".join(f'"{name}" {_type(table.columns[name], dialect)}' for name in columns)
        given = _json([dict(zip(columns, row, strict=True)) for row in rows])
        statement = f"{into} SELECT {values} FROM json_to_recordset(%s::json) AS u({read_as}){ending}"  # noqa: S608  # names of ours
        return execute(statement, (*same.values(), given)).rowcount
    # A column of nothing but None is not bound: Python's driver looks for an adapter of each None, in vain and dearly.
    is_bound = [any(value is not None for value in column) for column in zip(*rows, strict=True)]
    numbered = [f"?{number}" for number in range(1, len(same) + 1)]
    row = ", ".join([*numbered, *("?" if one else "NULL" for one in is_bound)])
    added = 0
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        statement = f"{into} VALUES {', '.join([f'({row})'] * len(part))}{ending}"
        bound = compress(chain.from_iterable(part), cycle(is_bound))
        added += execute(statement, (*same.values(), *bound)).rowcount
    return added


def _json(rows: list[dict[str, Any]]) -> str:
    try:
        return orjson.dumps(rows).decode()
    except orjson.JSONEncodeError:  # half of a character, or a number of over 64 bits: the server tells which
        return json.dumps(rows, ensure_ascii=False)


def _type(column: Column[Any], dialect: Dialect) -> str:
    return column.type.compile(dialect)


def _bound(column: Column[Any], value: Any, dialect: Dialect) -> Any:
    """The value as the driver takes it: a moment as SQLite's text, a truth as its number."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    return value if process is None else process(value)
