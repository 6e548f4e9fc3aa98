"""Writing a file that another program reads: it sees the old one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase


def write_file(path: Path, text: str | Iterable[str], option: str, mode: int = 0o644) -> None:
    """Replace the file in one step. Raises UserError that names the option."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UserError(
            Phrase("the file cannot be written: {why}", why=error.strerror or ""),
            where=f"{option} {path}",
            hint="choose a folder that exists and where you may write",
        ) from None
    finally:  # whatever went wrong while the text was made: nothing of it stays
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
