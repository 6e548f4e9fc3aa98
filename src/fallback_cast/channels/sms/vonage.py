"""`vonage`: the SMS API of Vonage (formerly Nexmo).

developer.vonage.com: "SMS API reference", "Troubleshooting SMS" and "API Errors: SMS" (read 2026-11).
It answers 200 to everything that it understood; each part of a long text has a status of its own.
Vonage knows no idempotency key: `client-ref` comes back in receipts and names the attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import AnyHttpUrl, Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import Answer, HttpClient, json_body
from fallback_cast.channels.sms.codes import Code, credit_left, not_a_probe_answer, not_theirs
from fallback_cast.channels.sms.gateway import (
    ONE_LINE,
    Gateway,
    GatewayDefaults,
    GatewayUrl,
    HostedSettings,
    KeyField,
)
from fallback_cast.channels.sms.gsm import Encoding
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

NAME = "Vonage"
MAX_TTL_MS = 604_800_000  # seven days; the least is 20 s, and ours is longer

CODES: Mapping[str, Code] = {
    "1": Code(Throttled, "too many requests"),
    "2": Code(MessageRefused, "the gateway refused the request"),
    "3": Code(MessageRefused, "the gateway refused the request"),
    "4": Code(AccessDenied, "login refused"),
    "5": Code(Unavailable, "internal error"),
    "6": Code(AddressRefused, "number refused"),
    "7": Code(AddressRefused, "number refused by the gateway's own list"),
    "8": Code(AccessDenied, "the account is suspended"),
    "9": Code(AccessDenied, "no credit left"),
    "10": Code(Throttled, "too many requests"),
    "11": Code(AccessDenied, "the account may not send"),
    "12": Code(MessageRefused, "the message is too long"),
    "14": Code(AccessDenied, "signature refused"),
    "15": Code(AccessDenied, "sender refused"),
    "29": Code(AccessDenied, "a trial account sends to verified numbers only", Scope.PLACE),
    "33": Code(AddressRefused, "no such telephone"),
}
_SENDER_WRONG = Code(AccessDenied, "sender refused")
_OTHER = Code(MessageRefused, "the gateway refused the request")


class VonageSettings(HostedSettings):
    """Keys of a `[[channel.gateway]]` with `kind = "vonage"`."""

    kind: Literal["vonage"]
    base_url: GatewayUrl = Field(
        AnyHttpUrl("https://rest.nexmo.com"), description="Another address of the provider's API"
    )
    api_key: str = Field(pattern=ONE_LINE, description="API key, from the dashboard's first page")
    api_secret: KeyField = Field(description="API secret, from the same page")

    def build(self, defaults: GatewayDefaults) -> Vonage:
        return Vonage(self, defaults)


class Vonage(Gateway):
    """One account."""

    def __init__(self, settings: VonageSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults, auth=(settings.api_key, settings.api_secret.reveal()))
        self._sender = (settings.sender or defaults.sender or "").removeprefix("+")

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        form = {
            "from": self._sender,
            "to": address.removeprefix("+"),
            "text": message.text,
            "type": "text" if message.encoding is Encoding.GSM7 else "unicode",
            "ttl": str(min(int(self.useful_for(message).total_seconds() * 1000), MAX_TTL_MS)),
            "client-ref": key,
        }
        response = await self._client.request(
            "POST",
            f"{self._path}/sms/json",
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        return _accepted(response)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        response = await client.request("GET", f"{self._path}/account/get-balance")
        answer = json_body(response)
        if response.status_code != 200 or answer is None or "value" not in answer:
            raise not_a_probe_answer(response, NAME)
        return credit_left(answer["value"], refilled=answer.get("autoReload") is True)


def _accepted(response: Answer) -> Accepted:
    parts = _parts(response)
    refused = [part for part in parts if part.get("status") != "0"]
    if not refused:
        return Accepted(str(parts[0].get("message-id", "")) or None, note=_paid(parts))
    if len(refused) < len(parts):
        # What is out is out: sending the rest again would repeat the beginning.
        raise OutcomeUnknown(f"{len(refused)} of {len(parts)} parts refused")
    raise _refusal(refused[0], response)


def _parts(response: Answer) -> list[Mapping[str, Any]]:
    """The answer for each part. Raises if this is no whole answer of Vonage's."""
    answer = json_body(response) or {}
    said = answer.get("messages")
    parts = [part for part in said if isinstance(part, dict)] if isinstance(said, list) else []
    if response.status_code != 200 or not parts:
        raise not_theirs(response, NAME)
    if not str(answer.get("message-count")) == str(len(parts)) == str(len(said or ())):
        raise OutcomeUnknown("HTTP 200, not the answer of Vonage")
    return list(parts)


def _refusal(part: Mapping[str, Any], response: Answer) -> SendError:
    status = str(part.get("status"))[:8]
    code = CODES.get(status, _OTHER)
    if status in ("2", "3") and "from" in str(part.get("error-text", "")).lower().split():
        code = _SENDER_WRONG
    return code.refusal(status, response)


def _paid(parts: list[Mapping[str, Any]]) -> str:
    try:
        price = sum((Decimal(str(part["message-price"])) for part in parts), Decimal())
    except (KeyError, InvalidOperation):
        return ""
    return f"price: {price.normalize():f}" if price.is_finite() else ""
