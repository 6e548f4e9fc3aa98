"""Opening the ledger: the file, its safety, its schema, and transactions over it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, inspect
from sqlalchemy.exc import DatabaseError, DBAPIError

from fallback_cast.ledger import schema
from fallback_cast.ledger.schema import HEAD
from fallback_cast.model.errors import LedgerError
from fallback_cast.model.texts import Phrase

BUSY_TIMEOUT_S = 5.0
FULL_BYTES = 256 * 1024  # with less room than this on the disk, a fault of the disk is its being full
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "sshfs", "9p", "afs", "ceph", "gluster", "davfs")


class Ledger:
    """The durable record. Methods elsewhere in this package take it and do one thing each.

    Synchronous; one thread at a time may use it. Every fault is a LedgerError in words for people.
    """

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A short transaction that may write; it holds the write lock from its first moment."""
        with _in_words(self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot for reading; it never waits for a writer."""
        with _in_words(self.path), self._engine.connect() as connection:
            connection = connection.execution_options(ledger_reading=True)
            with connection.begin():
                yield connection

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """One connection for temporary tables, which lie on disk and are gone at the end.

        Its transactions are the caller's to begin. They read; with `ledger_reading=False` they write.
        """
        with _in_words(self.path), self._engine.connect() as connection:
            connection.execution_options(ledger_reading=True)
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA temp_store=FILE")
            try:
                yield connection
            finally:
                connection.invalidate()

    def scrub(self) -> None:
        """Write the file anew: nothing that was ever deleted is left in its free space, nor in the WAL."""
        with _in_words(self.path), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._engine.dispose()


def open_ledger(path: Path) -> Ledger:
    """Open or create a SQLite ledger and bring its schema up to date.

    The file is readable by its owner only. Raises LedgerError if the folder is missing, the file is
    none of ours, on a network file system, locked, or written by a newer program.
    """
    _check_place(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})
    _tune(engine)
    ledger = Ledger(engine, path)
    with _in_words(path):
        _bring_up_to_date(ledger)
    return ledger


def check_writable(ledger: Ledger) -> None:
    """Raises LedgerError if nothing can be written now: a full disk, a file that is gone."""
    with ledger.writing() as connection:
        connection.execute(delete(schema.pace).where(schema.pace.c.key == ""))


def _check_place(path: Path) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise LedgerError(
            "the folder of the ledger does not exist",
            where=str(folder),
            hint="create it, or change [ledger] url",
        )
    kind = _file_system(folder)
    if kind.startswith(_NETWORK_FILE_SYSTEMS) or kind.startswith("fuse.sshfs"):
        raise LedgerError(
            Phrase("the ledger cannot live on a network file system ({kind})", kind=kind),
            where=str(path),
            hint="put it on a disk of this machine, or use PostgreSQL",
        )
    if not path.exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise LedgerError(
                Phrase("the ledger cannot be created: {why}", why=Phrase(error.strerror or "")),
                where=str(path),
                hint="check the folder's rights",
            ) from None


def _file_system(folder: Path) -> str:
    """The kind of file system a folder is on; empty where the system does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    resolved, best, kind = folder.resolve(), "", ""
    for line in mounts:
        fields = line.split()
        point = fields[1].replace("\\040", " ") if len(fields) > 2 else ""
        if point and len(point) >= len(best) and resolved.is_relative_to(point):
            best, kind = point, fields[2]
    return kind


def _tune(engine: Engine) -> None:
    """Durable at every commit (WAL, synchronous FULL); writers take the lock at once, or wait."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are ours to begin
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "secure_delete=ON",  # what is deleted is overwritten
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("ledger_reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _bring_up_to_date(ledger: Ledger) -> None:
    with ledger.reading() as connection:
        version = _version(connection)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise LedgerError(
            "the ledger was written by a newer fallback-cast",
            where=str(ledger.path),
            hint="update this program; the ledger was left as it is",
        )
    _back_up(ledger, version)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "fallback_cast.ledger:migrations")
    config.attributes["connection"] = None
    with ledger.writing() as connection:
        if _version(connection) == HEAD:  # another process was faster
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise LedgerError(
                "this database is not a ledger of fallback-cast", hint="choose another [ledger] url"
            )
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _back_up(ledger: Ledger, version: str | None) -> None:
    """A copy beside the file before its schema changes; nothing to copy when it is new."""
    if version is None or ledger.path is None:
        return
    copy = ledger.path.with_name(f"{ledger.path.name}.before-{HEAD}")
    source = sqlite3.connect(ledger.path)
    os.close(os.open(copy, os.O_CREAT | os.O_RDWR, 0o600))
    target = sqlite3.connect(copy)
    with target:
        source.backup(target)
    source.close()
    target.close()


@contextmanager
def _in_words(path: Path | None) -> Iterator[None]:
    """Turn the database's faults into sentences; statements and values never reach an error text."""
    try:
        yield
    except DBAPIError as error:
        raise _explain(str(error.orig), path) from None
    except DatabaseError as error:
        raise _explain(str(error), path) from None


_FAULTS = (
    ("locked", "the ledger is locked by another program", "close the program that holds it, then try again"),
    (
        "full",
        "the ledger cannot be written: the disk is full",
        "free some space, then run: fallback-cast resume",
    ),
    ("disk i/o", "the ledger cannot be read or written: the disk reports an error", "check the disk"),
    ("readonly", "the ledger may not be written", "check the rights of the file and its folder"),
    ("unable to open", "the ledger cannot be opened", "check the rights of the file and its folder"),
    ("not a database", "this file is not a ledger", "choose another [ledger] url, or restore a backup"),
    ("malformed", "the ledger is damaged", "restore a backup"),
)


def _explain(text: str, path: Path | None) -> LedgerError:
    lowered = text.lower()
    if "disk i/o" in lowered and path is not None and _full(path):
        lowered = "full"  # its index in shared memory could not grow: SQLite names no cause
    for sign, what, hint in _FAULTS:
        if sign in lowered:
            return LedgerError(what, where=str(path or ""), hint=hint)
    return LedgerError("the ledger refused an operation", where=str(path or ""), hint="please report this")


def _full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FULL_BYTES
    except OSError:
        return False
