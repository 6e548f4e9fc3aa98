"""`twilio`: Programmable Messaging of Twilio.

www.twilio.com/docs: "Messages resource", "Account resource" and the error dictionary /docs/api/errors
(read 2026-11). Twilio knows no idempotency key for a message: after a lost answer a second try is a
second SMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import AnyHttpUrl, Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import Answer, HttpClient, json_body
from fallback_cast.channels.sms.codes import Code, not_a_probe_answer, not_theirs
from fallback_cast.channels.sms.gateway import (
    Gateway,
    GatewayDefaults,
    GatewayUrl,
    HostedSettings,
    KeyField,
)
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
from fallback_cast.model.texts import Phrase

NAME = "Twilio"
MAX_VALIDITY_S = 36_000  # error 21624: from 1 to 36,000 seconds

# What is said of one telephone is no evidence against the platform (scope ADDRESS), and what is said
# of one country none against the account (scope PLACE).
CODES: Mapping[int, Code] = {
    20003: Code(AccessDenied, "login refused"),
    20429: Code(Throttled, "too many requests"),
    21211: Code(AddressRefused, "number refused"),
    21212: Code(AccessDenied, "sender refused"),
    21408: Code(AccessDenied, "the account may not send to this country", Scope.PLACE),
    21602: Code(MessageRefused, "the message is empty"),
    21603: Code(AccessDenied, "sender refused"),
    21606: Code(AccessDenied, "sender refused"),
    21608: Code(AccessDenied, "a trial account sends to verified numbers only", Scope.PLACE),
    21610: Code(AddressRefused, "the person has unsubscribed (STOP)"),
    21611: Code(Throttled, "too many messages wait"),
    21612: Code(AccessDenied, "no line of the gateway goes to this number", Scope.PLACE),
    21614: Code(AddressRefused, "not a mobile number"),
    21617: Code(MessageRefused, "the message is too long"),
    21659: Code(AccessDenied, "sender refused"),
    30001: Code(Throttled, "too many messages wait"),
    30002: Code(AccessDenied, "the account is suspended"),
    30003: Code(Unavailable, "the telephone is out of reach", Scope.ADDRESS),
    30004: Code(AddressRefused, "the telephone blocks messages"),
    30005: Code(AddressRefused, "no such telephone"),
    30006: Code(AddressRefused, "a landline, or out of the operator's reach"),
    30007: Code(MessageRefused, "an operator's filter"),
    30008: Code(Unavailable, "the operator does not say why", Scope.ADDRESS),
    30034: Code(AccessDenied, "the sender is not registered"),
}


class TwilioSettings(HostedSettings):
    """Keys of a `[[channel.gateway]]` with `kind = "twilio"`."""

    kind: Literal["twilio"]
    base_url: GatewayUrl = Field(
        AnyHttpUrl("https://api.twilio.com"), description="Another address of the provider's API"
    )
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$", description="Account SID, AC and 32 digits")
    auth_token: KeyField = Field(description="Auth Token, from the console's first page")
    messaging_service: str | None = Field(
        None,
        pattern=r"^MG[0-9a-fA-F]{32}$",
        description="Messaging Service that chooses the sender, MG and 32 digits",
    )

    @property
    def lacks_sender(self) -> bool:
        return self.sender is None and self.messaging_service is None

    def build(self, defaults: GatewayDefaults) -> Twilio:
        return Twilio(self, defaults)


class Twilio(Gateway):
    """One account, with a sender or a Messaging Service."""

    def __init__(self, settings: TwilioSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults, auth=(settings.account_sid, settings.auth_token.reveal()))
        self._account = f"{self._path}/2010-04-01/Accounts/{settings.account_sid}"
        self._from = (
            {"MessagingServiceSid": settings.messaging_service}
            if settings.messaging_service
            else {"From": settings.sender or defaults.sender or ""}
        )

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        form = {
            "To": address,
            **self._from,
            "Body": message.text,
            "ValidityPeriod": str(min(int(self.useful_for(message).total_seconds()), MAX_VALIDITY_S)),
        }
        response = await self._client.request(
            "POST",
            f"{self._account}/Messages.json",
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        return _accepted(response)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        response = await client.request("GET", f"{self._account}.json")
        account = json_body(response)
        if response.status_code != 200 or account is None or "status" not in account:
            raise _refusal(response, account) or not_a_probe_answer(response, NAME)
        if account["status"] != "active":
            raise AccessDenied("the account is suspended")
        if account.get("type") == "Trial":
            return Phrase("account accepted; a trial account sends to verified numbers only")
        return Phrase("account accepted")


def _accepted(response: Answer) -> Accepted:
    answer = json_body(response)
    if response.status_code != 201 or answer is None:
        raise _refusal(response, answer) or not_theirs(response, NAME)
    if not isinstance(answer.get("sid"), str):
        raise OutcomeUnknown("HTTP 201, not the answer of Twilio")
    if answer.get("status") in ("failed", "undelivered"):
        raise _failed(answer.get("error_code"), response)
    return Accepted(answer["sid"])


def _failed(code: object, response: Answer) -> SendError:
    """A message that was made, and failed at once."""
    known = CODES.get(code) if isinstance(code, int) else None
    return (known or CODES[30008]).refusal(code, response)


def _refusal(response: Answer, answer: Mapping[str, Any] | None) -> SendError | None:
    code = (answer or {}).get("code")
    return CODES[code].refusal(code, response) if isinstance(code, int) and code in CODES else None
