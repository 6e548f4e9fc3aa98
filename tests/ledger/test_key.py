"""The ledger's key: one for ever, of this ledger alone."""

from __future__ import annotations

from pathlib import Path

from fallback_cast.ledger.key import KEY_BYTES, keyed, ledger_key
from fallback_cast.ledger.open import open_ledger


def key_of(path: Path) -> bytes:
    ledger = open_ledger(path)
    with ledger.writing() as connection:
        found = ledger_key(connection)
    ledger.close()
    return found


def test_it_stays_and_each_ledger_has_its_own(tmp_path: Path) -> None:
    first = key_of(tmp_path / "a.db")
    assert len(first) == KEY_BYTES
    assert key_of(tmp_path / "a.db") == first
    assert key_of(tmp_path / "b.db") != first


def test_only_the_same_key_gives_the_same_word() -> None:
    word = keyed(b"k" * 32, "ann@example.org")
    assert word == keyed(b"k" * 32, "ann@example.org")
    assert word != keyed(b"x" * 32, "ann@example.org")
    assert "ann" not in word
