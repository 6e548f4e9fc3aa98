"""Many rows in one statement: they travel as one JSON text and become a table inside the database.

A statement a row costs more in Python than in SQLite; this way the interpreter is free while the
database works (docs/decisions/0002).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Select, Subquery, Table, bindparam, func, select

from fallback_cast.ledger.schema import to_micros

# Each element is one row, a list of plain values (JSON1: https://www.sqlite.org/json1.html, 2026-11).
_given = func.json_each(bindparam("rows")).table_valued("value", name="given")


def given(position: int) -> ColumnElement[object]:
    """The value at this position of the row at hand."""
    return func.json_extract(_given.c.value, f"$[{position}]")


def one_of(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the column is one of the values handed to `values` (any number of them)."""
    return column.in_(select(_given.c.value))


def execute(connection: Connection, statement: Executable, rows: Iterable[Sequence[object]]) -> None:
    """Run a statement written over `given` for all rows at once. Moments become microseconds."""
    connection.execute(statement, {"rows": json.dumps(list(rows), ensure_ascii=False, default=_plain)})


def in_one(rows: Subquery, *json_columns: str) -> Select[Any]:
    """All rows of a subquery as one JSON list of lists: fetching them one by one would take the
    interpreter's lock for each. `json_columns` hold JSON already."""
    cells = [func.json(column) if column.name in json_columns else column for column in rows.c]
    return select(func.json_group_array(func.json_array(*cells)))


def values(given: Iterable[str | int]) -> dict[str, str]:
    """What a statement with `one_of` is executed with."""
    return {"rows": json.dumps(list(given), ensure_ascii=False)}


def insert_or_change(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update`, in this database's own words.

    Each dialect loads when it is used: PostgreSQL's takes 40 ms that a club's `status` can do without.
    """
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert(table)
    from sqlalchemy.dialects.postgresql import insert as insert_into_postgresql

    return insert_into_postgresql(table)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return to_micros(value)
    raise TypeError(type(value).__name__)
