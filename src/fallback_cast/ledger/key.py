"""The ledger's own key: made once, never shown, for what must be recognised later without being kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, insert, select

from fallback_cast.ledger import schema

KEY_BYTES = 32
_NAME = "key"


def ledger_key(connection: Connection) -> bytes:
    """The key; the first one who asks makes it, so the transaction must be one that may write."""
    found = stored_key(connection)
    if found is None:
        found = secrets.token_bytes(KEY_BYTES)
        connection.execute(insert(schema.secret).values(name=_NAME, value=found))
    return found


def stored_key(connection: Connection) -> bytes | None:
    """The key, unless nobody has needed it yet."""
    table = schema.secret
    found = connection.execute(select(table.c.value).where(table.c.name == _NAME)).scalar()
    return None if found is None else bytes(found)


def keyed(key: bytes, text: str) -> str:
    """HMAC-SHA-256 in hex: who lacks the key cannot find the text by trying all telephone numbers."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
