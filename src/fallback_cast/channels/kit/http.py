"""One HTTP request, and what its fault or answer means for a message (facts §13.1).

`transport` carries the request, and loads with the first one.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fallback_cast.model.channel import Endpoint
from fallback_cast.model.errors import (
    AccessDenied,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
    UserError,
)

if TYPE_CHECKING:
    import aiohttp

MAX_RETRY_AFTER_S = 3600.0
MAX_ANSWER_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, read whole and decoded; the names are those of an httpx.Response."""

    status_code: int
    headers: Mapping[str, str]  # by any spelling of their names
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


class HttpClient:
    """Requests to one provider. Follows no redirect, keeps no cookie, repeats nothing by itself."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        ca_file: Path | None = None,
        connect_s: float = 5.0,
        read_s: float = 15.0,
        max_connections: int = 50,
        fresh: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._auth = auth
        self._ca_file = ca_file
        self._connect_s, self._read_s = min(connect_s, read_s), read_s
        self._max_connections = max_connections
        self._fresh = fresh
        self._session: aiohttp.ClientSession | None = None
        self._transport: Any = None  # the module `transport`, loaded with the first request

    @property
    def endpoint(self) -> Endpoint:
        """The server that all requests go to. Raises ValueError if the base URL names no host."""
        parts = urlsplit(self.base_url)
        secure = parts.scheme == "https"
        if not parts.hostname:
            raise ValueError("a base URL without a host")
        return Endpoint(parts.hostname, parts.port or (443 if secure else 80), secure)

    def fresh(self, *, connect_s: float = 5.0, read_s: float = 10.0) -> HttpClient:
        """The same provider over new connections, which only the reads of one probe share.

        Never more patient than the sends themselves.
        """
        return HttpClient(
            self.base_url,
            headers=self._headers,
            auth=self._auth,
            ca_file=self._ca_file,
            connect_s=min(connect_s, self._connect_s),
            read_s=min(read_s, self._read_s),
            max_connections=1,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, its whole answer read. Raises Unavailable if it surely did not go out, else
        OutcomeUnknown; every answer, of any status, is returned (`raise_for_answer` judges it), cut
        after MAX_ANSWER_BYTES. `path` is percent-encoded already.

        An answer that drips in for ever ends too: connecting and reading together have twice their
        own time-outs, and a connection that takes too long has been given up well before that.
        """
        if self._session is None:
            self._session = self._open()
        if json is not None:
            content = encode_json(json)
            headers = {"content-type": "application/json", **(headers or {})}
        url = self.base_url + path + ("?" + urlencode(params) if params else "")
        fault: SendError
        try:
            answer: Answer = await self._transport.exchange(self._session, method, url, headers, content)
            return answer
        except self._transport.FAULTS as error:
            fault = self._transport.fault_of(error)
        # Outside the except block: what aiohttp raised holds the request, with its token and address.
        raise fault

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _open(self) -> aiohttp.ClientSession:
        from fallback_cast.channels.kit import transport

        self._transport = transport
        return transport.open_session(
            ssl_context(self._ca_file) if self.base_url.startswith("https:") else None,
            headers=self._headers,
            auth=self._auth,
            connect_s=self._connect_s,
            read_s=self._read_s,
            max_connections=self._max_connections,
            fresh=self._fresh,
        )


_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_json(value: Any) -> bytes:
    """As it goes over the wire: UTF-8, no spaces."""
    return _to_json(value).encode("utf-8", "surrogatepass")


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Verification always on; the system's certificate authorities, or only those in `ca_file`.

    Raises UserError if that file cannot be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise UserError(
            "the file of the certificate authority cannot be used", where="ca_file", hint=str(ca_file)
        ) from error


def tls_reason(error: BaseException) -> str:
    """Why a TLS connection was refused by us, without host names."""
    cause: BaseException = (
        getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate not valid: {cause.verify_message.split(',')[0].lower()}"
    return "no TLS connection"


def raise_for_answer(response: Answer) -> None:
    """Raise what a status means for a message, where the provider says nothing more exact.

    2xx returns. A 5xx of the provider's own (JSON) is its word that nothing went out; a proxy's page,
    408, 502 and 504 are not.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    reason = f"HTTP {status}"
    if status in (420, 429) or (status == 503 and "retry-after" in response.headers):
        raise Throttled(reason, retry_after(response) or 5.0)
    if status in (408, 502, 504):
        raise OutcomeUnknown(reason)
    if status >= 500:
        raise Unavailable(reason) if json_body(response) is not None else OutcomeUnknown(reason)
    if status in (400, 413, 415, 422):
        raise MessageRefused(reason)
    raise AccessDenied(reason)


def retry_after(response: Answer) -> float | None:
    """Seconds of a `Retry-After` header (RFC 9110 §10.2.3), as number or date, at most an hour."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def json_body(response: Answer) -> dict[str, Any] | None:
    """The answer as a JSON object, or None if it is none."""
    if len(response.content) > MAX_ANSWER_BYTES:
        return None
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
