"""The dispatcher lock: one process sends, the others store and watch. The death of its holder frees it."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


class DispatcherLock:
    """An OS lock beside the ledger file."""

    def __init__(self, ledger_path: Path) -> None:
        self._lock = FileLock(str(ledger_path) + ".lock", timeout=0, mode=0o600)

    def take(self) -> bool:
        """True if this process now dispatches; False if another one does."""
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._lock.release()

    @property
    def held(self) -> bool:
        return bool(self._lock.is_locked)
