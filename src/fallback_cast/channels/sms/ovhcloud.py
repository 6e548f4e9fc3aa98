"""`ovhcloud`: SMS credits bought from OVHcloud, over its signed API.

Console at eu.api.ovh.com/console/?section=/sms (POST /sms/{serviceName}/jobs, GET /sms/{serviceName})
and docs.ovhcloud.com, "API SMS Cookbook" and "First Steps with the OVHcloud APIs" (read 2026-11).

Each request is signed together with the time of day *there*: `/auth/time` says it, once, and a clock
that no wind turns counts on from it. OVHcloud knows no idempotency key; `tag` only groups messages.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from pydantic import AnyHttpUrl, Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import Answer, HttpClient, encode_json, json_body, raise_for_answer
from fallback_cast.channels.sms.codes import NO_CREDIT, credit_left, not_a_probe_answer, not_theirs
from fallback_cast.channels.sms.gateway import (
    Gateway,
    GatewayDefaults,
    GatewayUrl,
    HostedSettings,
    KeyField,
)
from fallback_cast.channels.sms.gsm import Encoding
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Unavailable,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

NAME = "OVHcloud"
_PRIORITY = {Importance.URGENT: "high", Importance.NORMAL: "medium", Importance.INFO: "low"}
_MAX_TAG = 20


class OvhCloudSettings(HostedSettings):
    """Keys of a `[[channel.gateway]]` with `kind = "ovhcloud"`."""

    kind: Literal["ovhcloud"]
    base_url: GatewayUrl = Field(
        AnyHttpUrl("https://eu.api.ovh.com/1.0"), description="Another address of the provider's API"
    )
    service: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="The SMS account, such as sms-ab12345-1"
    )
    application_key: KeyField = Field(description="AK, from eu.api.ovh.com/createToken")
    application_secret: KeyField = Field(description="AS, from the same page")
    consumer_key: KeyField = Field(
        description="CK, from the same page, with the rights GET /sms/* and POST /sms/*/jobs"
    )

    @property
    def lacks_sender(self) -> bool:
        return False  # a short number of OVHcloud's own, which can be answered

    def build(self, defaults: GatewayDefaults) -> OvhCloud:
        return OvhCloud(self, defaults)


class OvhCloud(Gateway):
    """One SMS account. Texts go out as information, without a STOP mention, at any hour."""

    def __init__(self, settings: OvhCloudSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults, headers={"X-Ovh-Application": settings.application_key.reveal()})
        self._account = f"{self._path}/sms/{settings.service}"
        self._secret = settings.application_secret
        self._consumer = settings.consumer_key
        self._sender = settings.sender or defaults.sender
        self._ahead: float | None = None  # their time of day less our monotonic clock, in seconds

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        body = {
            "message": message.text,
            "receivers": [address],
            "noStopClause": True,
            "charset": "UTF-8",
            "coding": "7bit" if message.encoding is Encoding.GSM7 else "8bit",
            "class": "phoneDisplay",
            "priority": _PRIORITY[message.importance],
            "validityPeriod": math.ceil(self.useful_for(message) / timedelta(minutes=1)),
            "tag": key[:_MAX_TAG],
            **({"sender": self._sender} if self._sender else {"senderForResponse": True}),
        }
        response = await self._signed(self._client, "POST", f"{self._account}/jobs", encode_json(body))
        return self._accepted(response)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        """Their clock, the account, and whether the sender in the settings may send."""
        self._ahead = await self._clock(client)
        account = await self._read(client, self._account, "creditsLeft")
        if account.get("status") == "disable":
            raise AccessDenied("the SMS account is closed")
        seen = credit_left(account["creditsLeft"], refilled=bool(account.get("automaticRecreditAmount")))
        if self._sender:
            path = f"{self._account}/senders/{quote(self._sender, safe='')}"
            if (await self._read(client, path, "status"))["status"] != "enable":
                raise AccessDenied("OVHcloud has not validated the sender")
        return seen

    async def _read(self, client: HttpClient, path: str, wanted: str) -> dict[str, Any]:
        response = await self._signed(client, "GET", path)
        answer = json_body(response)
        if response.status_code != 200 or answer is None or wanted not in answer:
            raise self._refusal(response) or not_a_probe_answer(response, NAME)
        return answer

    async def _signed(self, client: HttpClient, method: str, path: str, body: bytes = b"") -> Answer:
        if self._ahead is None:
            self._ahead = await self._clock(client)
        now = str(int(time.monotonic() + self._ahead))
        url = client.base_url + path
        text = "+".join((self._secret.reveal(), self._consumer.reveal(), method, url, body.decode(), now))
        # SHA-1 is their choice; it signs, it hides nothing.
        signature = "$1$" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        headers = {
            "X-Ovh-Consumer": self._consumer.reveal(),
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": signature,
            **({"content-type": "application/json"} if body else {}),
        }
        return await client.request(method, path, content=body or None, headers=headers)

    async def _clock(self, client: HttpClient) -> float:
        """How far their time of day is ahead of our monotonic clock, in seconds.

        A fault here is never an unknown outcome: nothing was sent yet.
        """
        try:
            response = await client.request("GET", f"{self._path}/auth/time")
            raise_for_answer(response)
        except OutcomeUnknown as error:
            raise Unavailable(error.reason, layer=error.layer) from None
        answer = _number(response)
        if answer is None:
            raise Unavailable("not the answer of OVHcloud")
        return answer - time.monotonic()

    def _accepted(self, response: Answer) -> Accepted:
        answer = json_body(response)
        if response.status_code != 200 or answer is None:
            raise self._refusal(response) or not_theirs(response, NAME)
        if answer.get("invalidReceivers"):
            raise AddressRefused("number refused")
        ids = answer.get("ids")
        if not answer.get("validReceivers") or not isinstance(ids, list) or not ids:
            raise OutcomeUnknown("HTTP 200, not the answer of OVHcloud")
        return Accepted(str(ids[0]), note=_paid(answer.get("totalCreditsRemoved")))

    def _refusal(self, response: Answer) -> SendError | None:
        """What OVHcloud says in a refusal that its status alone does not; None if nothing."""
        answer = json_body(response) or {}
        said = f"{answer.get('errorCode', '')} {answer.get('message', '')}".lower()
        match response.status_code:
            case 400 if "out of time" in said or "query_time_out" in said:
                self._ahead = None  # the next try asks for the time again
                return Unavailable("HTTP 400: signed with a wrong time")
            case 400 if "signature" in said:
                return AccessDenied("HTTP 400: signature refused")
            case 400 | 402 | 403 if "credit" in said and "credential" not in said:
                return AccessDenied(NO_CREDIT)
            case 402:
                return AccessDenied(NO_CREDIT)
            case 404 if "sender" in said:
                return AccessDenied("OVHcloud does not know the sender")
            case 400 if "sender" in said:
                return AccessDenied("HTTP 400: sender refused")
            case 400 if "receiver" in said:
                return AddressRefused("HTTP 400: number refused")
            case 400 if answer:
                return MessageRefused("HTTP 400: the gateway refused the request")
        return None


def _number(response: Answer) -> int | None:
    try:
        value: Any = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _paid(credits: object) -> str:
    return f"price in credits: {credits:g}" if isinstance(credits, int | float) else ""
