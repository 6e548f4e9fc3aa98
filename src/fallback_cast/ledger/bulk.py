"""Many rows in one statement: they travel as one JSON text and become a table inside the database.

A statement a row costs more in Python than in SQLite; this way the interpreter is free while the
database works (docs/decisions/0002).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Executable, bindparam, func, select

from fallback_cast.ledger.schema import to_micros

# Each element is one row, a list of plain values (JSON1: https://www.sqlite.org/json1.html, 2026-11).
_given = func.json_each(bindparam("rows")).table_valued("value", name="given")


def given(position: int) -> ColumnElement[object]:
    """The value at this position of the row at hand."""
    return func.json_extract(_given.c.value, f"$[{position}]")


def one_of(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the column is one of the texts handed to `texts` (any number of them)."""
    return column.in_(select(_given.c.value))


def execute(connection: Connection, statement: Executable, rows: Iterable[Sequence[object]]) -> None:
    """Run a statement written over `given` for all rows at once. Moments become microseconds."""
    connection.execute(statement, {"rows": json.dumps(list(rows), ensure_ascii=False, default=_plain)})


def texts(values: Iterable[str]) -> dict[str, str]:
    """What a statement with `one_of` is executed with."""
    return {"rows": json.dumps(list(values), ensure_ascii=False)}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return to_micros(value)
    raise TypeError(type(value).__name__)
