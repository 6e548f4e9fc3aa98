"""`smsgate`: an Android phone with the SMSGate app, on the local network or behind a private server.

API of github.com/capcom6/android-sms-gateway (docs.sms-gate.app, "Sending Messages" and "Healthcheck",
app and server source read 2026-11). The phone and the server keep the id that the client chose: a second
message with it is not sent again; new versions say 409, older phones 202 like the first time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import Answer, HttpClient, json_body, raise_for_answer
from fallback_cast.channels.kit.settings import DurationField
from fallback_cast.channels.sms.gateway import Gateway, GatewayDefaults, GatewaySettings, GatewayUrl
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    Unavailable,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

# From 100 on the app would leave out its own limits, which keep the operator from blocking the card.
_PRIORITY = {Importance.URGENT: 50, Importance.NORMAL: 0, Importance.INFO: -50}
_NO_SUCH_ID = "fallback-cast-probe"


class SmsGateSettings(GatewaySettings):
    """Keys of a `[[channel.gateway]]` with `kind = "smsgate"`."""

    kind: Literal["smsgate"]
    url: GatewayUrl = Field(
        description="The phone (http://192.0.2.10:8080) or the server (https://sms.example.org/3rdparty/v1)"
    )
    interval: DurationField = Field(
        timedelta(seconds=6), description="Operators block private cards that send faster than a person"
    )
    sim_number: int | None = Field(
        None, ge=1, le=3, description="Which card to send with; by default the app's choice"
    )
    device_id: str | None = Field(
        None, min_length=1, max_length=36, description="Which phone of a server; by default any"
    )

    def build(self, defaults: GatewayDefaults) -> SmsGate:
        return SmsGate(self, defaults)


class SmsGate(Gateway):
    """One phone, or one server with phones behind it."""

    deduplicates = True
    max_in_flight = 4

    def __init__(self, settings: SmsGateSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults, auth=(settings.username, settings.password.reveal()))
        self._options: dict[str, Any] = {
            **({"simNumber": settings.sim_number} if settings.sim_number else {}),
            **({"deviceId": settings.device_id} if settings.device_id else {}),
        }

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        body = {
            "id": key,
            "textMessage": {"text": message.text},
            "phoneNumbers": [address],
            "ttl": int(self.useful_for(message).total_seconds()),
            "priority": _PRIORITY[message.importance],
            "withDeliveryReport": True,
            **self._options,
        }
        # The number is known to be good; the app would judge it by the phone's own country, and only later.
        response = await self._client.request(
            "POST", f"{self._path}/messages", params={"skipPhoneValidation": "true"}, json=body
        )
        return _accepted(response, key)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        """The account first, by asking for a message that is not there; then how the gateway feels."""
        response = await client.request("GET", f"{self._path}/messages/{_NO_SUCH_ID}")
        if response.status_code != 404:
            raise_for_answer(response)
            raise Unavailable("not the answer of an SMSGate gateway")
        return _health(await client.request("GET", f"{self._path}/health"))


def _accepted(response: Answer, key: str) -> Accepted:
    answer = json_body(response)
    said = str((answer or {}).get("message", "")).lower()
    match response.status_code:
        case 200 | 201 | 202 if answer and answer.get("id") == key:
            return Accepted(key)
        case 409 if answer is not None:
            return Accepted(key, note="was already there")
        case 400 if "device" in said or "not found" in said:
            raise AccessDenied("HTTP 400: no such phone at this gateway")
        case 400 if "phone" in said:
            raise AddressRefused("HTTP 400: number refused")
        case 400 if "expired" in said:
            raise MessageRefused("HTTP 400: expired")
        case 500:
            raise OutcomeUnknown("HTTP 500")
    raise_for_answer(response)
    raise OutcomeUnknown(f"HTTP {response.status_code}, not the answer of an SMSGate gateway")


def _health(response: Answer) -> str:
    """A phone answers 500 when a check failed, also for checks that do not keep it from sending: no
    Internet is what a phone on the local network is for, and a low battery still sends.
    """
    answer = json_body(response)
    checks = (answer or {}).get("checks")
    if not isinstance(checks, dict):
        raise_for_answer(response)
        raise Unavailable("not the answer of an SMSGate gateway")
    failed = sorted(name for name, check in checks.items() if _status(check) == "fail")
    if "messages:failed" in failed:
        raise Unavailable("the gateway sent no message in the last hour, and failed with some")
    if "db:ping" in failed:
        raise Unavailable("the gateway's database does not answer")
    battery = checks.get("battery:level")
    level = battery.get("observedValue") if isinstance(battery, dict) else None
    words = [f"battery at {level} %"] if isinstance(level, int) else []
    return ", ".join(["account accepted", *words, *(f"{name} failed" for name in failed)])


def _status(check: object) -> object:
    return check.get("status") if isinstance(check, dict) else None
