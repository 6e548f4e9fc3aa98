"""What a copy of the site needs of the place where it stands: a folder here, or one on a server."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class OpenFolder(Protocol):
    """An open folder. Names are plain: the caller has checked them.

    Methods raise OSError (a folder here) or a SendError (one on a server).
    """

    def kind(self, name: str) -> str:
        """`missing`, `file`, or `other` (a link, a folder, a device)."""

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file: readers see the old or the new one, never a part."""

    def settle(self) -> None:
        """Let what was written so far last, before anything that builds on it."""


class Ground(Protocol):
    """Where one copy stands. Everything blocks: call it in a thread. Raises AccessDenied or Unavailable."""

    def opened(self) -> AbstractContextManager[OpenFolder]:
        """The folder, to look at."""

    def locked(self, wait_s: float) -> AbstractContextManager[OpenFolder]:
        """The folder, to ourselves; another writer is waited for so long."""

    def tried(self) -> AbstractContextManager[OpenFolder]:
        """The folder, after a file as large as a page was made in it and removed; no reader sees it."""
