"""`brevo`: transactional SMS of Brevo.

developers.brevo.com, "SMS | Send a transactional message" and the error codes of the API reference
(read 2026-11). No STOP mention is ever added: with one Brevo takes the text for marketing, and holds it
at night and on Sundays. There is no idempotency key and no validity; `tag` names the attempt in reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AnyHttpUrl, Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import MAX_RETRY_AFTER_S, Answer, HttpClient, json_body, retry_after
from fallback_cast.channels.sms.codes import BUSY_S, NO_CREDIT, credit_left, not_a_probe_answer, not_theirs
from fallback_cast.channels.sms.gateway import (
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
    SendError,
    Throttled,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

NAME = "Brevo"


class BrevoSettings(HostedSettings):
    """Keys of a `[[channel.gateway]]` with `kind = "brevo"`."""

    kind: Literal["brevo"]
    base_url: GatewayUrl = Field(
        AnyHttpUrl("https://api.brevo.com/v3"), description="Another address of the provider's API"
    )
    api_key: KeyField = Field(description="API key, from the account's page SMTP & API")

    def build(self, defaults: GatewayDefaults) -> Brevo:
        return Brevo(self, defaults)


class Brevo(Gateway):
    """One account with SMS credits."""

    def __init__(self, settings: BrevoSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults, headers={"api-key": settings.api_key.reveal()})
        self._sender = (settings.sender or defaults.sender or "").removeprefix("+")

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        body = {
            "sender": self._sender,
            "recipient": address.removeprefix("+"),
            "content": message.text,
            "type": "transactional",
            "unicodeEnabled": message.encoding is Encoding.UCS2,
            "tag": key,
        }
        return _accepted(await self._client.request("POST", f"{self._path}/transactionalSMS/sms", json=body))

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        response = await client.request("GET", f"{self._path}/account")
        account = json_body(response)
        if response.status_code != 200 or account is None or not isinstance(account.get("plan"), list):
            raise _refusal(response) or not_a_probe_answer(response, NAME)
        return credit_left(_sms_credits(account["plan"]))


def _sms_credits(plans: list[Any]) -> object:
    """What the account's plan of type `sms` has left; None if it has none that is counted."""
    return next(
        (plan.get("credits") for plan in plans if isinstance(plan, dict) and plan.get("type") == "sms"), None
    )


def _accepted(response: Answer) -> Accepted:
    answer = json_body(response)
    if response.status_code != 201 or answer is None:
        raise _refusal(response) or not_theirs(response, NAME)
    if "messageId" not in answer:
        raise OutcomeUnknown("HTTP 201, not the answer of Brevo")
    return Accepted(str(answer["messageId"]), note=_paid(answer.get("usedCredits")))


def _refusal(response: Answer) -> SendError | None:
    """What Brevo says in a refusal that its status alone does not; None if nothing."""
    answer = json_body(response)
    status = response.status_code
    if answer is None or not isinstance(answer.get("code"), str):
        return None
    if status == 429:
        return Throttled("HTTP 429", _wait(response))
    if status == 402 or answer["code"] == "not_enough_credits":
        return AccessDenied(NO_CREDIT)
    if status in (400, 406):
        return _bad_request(status, answer)
    return None


def _bad_request(status: int, answer: Mapping[str, Any]) -> SendError:
    """One code, `invalid_parameter`, for a wrong number, sender or text: only the words tell."""
    said = str(answer.get("message", "")).lower()
    if answer["code"] in ("permission_denied", "account_under_validation", "unauthorized"):
        return AccessDenied(f"HTTP {status}: the account may not send")
    if "recipient" in said or "phone" in said or "mobile" in said:
        return AddressRefused(f"HTTP {status}: number refused")
    if "sender" in said:
        return AccessDenied(f"HTTP {status}: sender refused")
    return MessageRefused(f"HTTP {status}: the gateway refused the request")


def _wait(response: Answer) -> float:
    """Brevo writes the seconds into a header of its own."""
    own = response.headers.get("x-sib-ratelimit-reset", "")
    seconds = float(own) if own.isascii() and own.isdigit() else BUSY_S
    return retry_after(response) or min(seconds, MAX_RETRY_AFTER_S)


def _paid(credits: object) -> str:
    return f"price in credits: {credits:g}" if isinstance(credits, int | float) else ""
