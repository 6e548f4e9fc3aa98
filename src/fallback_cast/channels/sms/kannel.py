"""`kannel`: one's own SMS gateway, asked over HTTP.

Kannel 1.4.5 user guide, chapter "Using the HTTP Interface to Send SMS Messages"; answers and statuses
as gw/smsbox.c writes them (read 2026-11). The POST form carries account, number and text in headers
and body: in the GET form all of them would stand in a URL, and so in every access log on the way.

Kannel knows no idempotency key: after a lost answer a second try is a second SMS. Its account needs
`max-messages` of at least the channel's `max_parts`, and `concatenation = true`.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import Answer, HttpClient, raise_for_answer
from fallback_cast.channels.kit.settings import SecretField
from fallback_cast.channels.sms.gateway import (
    ONE_LINE,
    Gateway,
    GatewayDefaults,
    GatewaySettings,
    GatewayUrl,
    Sender,
)
from fallback_cast.channels.sms.gsm import UCS2_PART, Encoding, encode, utf16_units
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Unavailable,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

# Seen with a right password and no number to send to: the account works, and nobody was written to.
_AUTHORISED = "Missing receiver"
_SMSC_LINE = re.compile(r"^\s+(?P<id>[^\s\[]+)(?:\[[^\]]*\])?\s.*?\((?P<state>[a-z-]+)[ ,)]")


class KannelSettings(GatewaySettings):
    """Keys of a `[[channel.gateway]]` with `kind = "kannel"`."""

    kind: Literal["kannel"]
    url: GatewayUrl = Field(description="The sendsms address, such as http://127.0.0.1:13013/cgi-bin/sendsms")
    sender: Sender | None = Field(
        None, description="Who the message is from; by default the channel's sender"
    )
    smsc: str | None = Field(None, pattern=ONE_LINE, description="The line (smsc-id) to send over")
    status_url: GatewayUrl | None = Field(
        None, description="Kannel's status page, such as http://127.0.0.1:13000/status.txt: for health checks"
    )
    status_password: SecretField | None = None

    @model_validator(mode="after")
    def _status_is_whole(self) -> KannelSettings:
        if (self.status_url is None) != (self.status_password is None):
            raise ValueError("status_url and status_password belong together")
        if self.status_url and not (self.status_url.path or "").endswith("/status.txt"):
            raise ValueError("status_url ends with /status.txt")
        return self

    def build(self, defaults: GatewayDefaults) -> Kannel:
        return Kannel(self, defaults)


class Kannel(Gateway):
    """Sends through smsbox; its `bearerbox` tells in the probe which lines to operators are up."""

    def __init__(self, settings: KannelSettings, defaults: GatewayDefaults) -> None:
        super().__init__(settings, defaults)
        self._username = settings.username
        self._password = settings.password
        self._sender = settings.sender or defaults.sender
        self._smsc = settings.smsc
        self._status_url = settings.status_url
        self._status_password = settings.status_password

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, SmsMessage)
        minutes = math.ceil(self.useful_for(message) / timedelta(minutes=1))
        response = await self._post(
            self._client,
            _cut_between_characters(message.text) if message.encoding is Encoding.UCS2 else message.text,
            {
                "X-Kannel-To": address,
                "X-Kannel-Coding": "0" if message.encoding is Encoding.GSM7 else "2",
                "X-Kannel-Validity": str(minutes),
            },
        )
        return _accepted(response)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        """The account first, by a message to nobody; then, if the settings name it, the status page."""
        response = await self._post(client, "probe", {})
        if response.status_code != 400 or _AUTHORISED not in response.text:
            _raise_refusal(response)
            raise Unavailable("not the answer of a Kannel gateway")
        if self._status_url is None or self._status_password is None:
            return "account accepted; status page not in the settings"
        return await self._ask_status(str(self._status_url), self._status_password.reveal())

    async def _post(self, client: HttpClient, text: str, headers: dict[str, str]) -> Answer:
        own = {
            "X-Kannel-Username": self._username,
            "X-Kannel-Password": self._password.reveal(),
            "X-Kannel-From": self._sender,
            "X-Kannel-SMSC": self._smsc,
            "Content-Type": "text/plain; charset=UTF-8",
        }
        sent = {name: value for name, value in (own | headers).items() if value is not None}
        return await client.request("POST", self._path, content=text.encode(), headers=sent)

    async def _ask_status(self, url: str, password: str) -> str:
        async with HttpClient(url, ca_file=self._ca_file, read_s=self._read_s, fresh=True) as client:
            response = await client.request("GET", "", params={"password": password})
        if response.status_code == 200 and response.text.strip() == "Denied":
            raise AccessDenied("status page: password refused")
        raise_for_answer(response)
        return _lines_up(response.text, self._smsc)


def _cut_between_characters(text: str) -> str:
    """Kannel 1.4.5 cuts UCS-2 after every 67 units, be it within an emoji, and phones that read each
    part by itself then show two blots. A space before such an emoji moves it whole to the next part.
    """
    *parts, last = encode(text).parts
    return "".join(part if _units(part) == UCS2_PART else part + " " for part in parts) + last


def _units(part: str) -> int:
    return sum(map(utf16_units, part))


def _accepted(response: Answer) -> Accepted:
    """Taken by bearerbox (0), queued while its line is down (3), or, with immediate-sendsms-reply, `Sent.`"""
    if response.status_code != 202:
        _raise_refusal(response)
        raise OutcomeUnknown(f"HTTP {response.status_code}, not the answer of a Kannel gateway")
    answer = response.text.strip()
    if answer.startswith("3:"):
        return Accepted(note="queued: the gateway's line to the operator is down")
    if answer.startswith(("0:", "Sent.")):
        return Accepted()
    raise OutcomeUnknown("HTTP 202, not the answer of a Kannel gateway")


def _raise_refusal(response: Answer) -> None:
    """Raise what Kannel says in a refusal. A 2xx returns."""
    refusal = _refusal(response.status_code, response.text)
    if refusal is not None:
        raise refusal
    raise_for_answer(response)


def _refusal(status: int, answer: str) -> SendError | None:
    match status:
        case 400 if "denied by" in answer:
            return AddressRefused("number refused by the gateway's own list")
        case 400 if "Sender missing" in answer:
            return AccessDenied("the gateway wants a sender; none is in the settings")
        case 400:
            return MessageRefused("HTTP 400: the gateway refused the request")
        case 403 if "Not routable" in answer:
            # No line of this gateway serves the number: not the person's fault, and not the account's.
            return AccessDenied("no line of the gateway goes to this number", scope=Scope.PLACE)
        case 500:
            return OutcomeUnknown("HTTP 500")
        case 503 if "Temporal failure" in answer:
            return Unavailable("HTTP 503: the gateway cannot take messages now")
    return None


def _lines_up(page: str, smsc: str | None) -> str:
    """What the status page says of the lines to operators. Raises Unavailable if none of use is up."""
    if "Status: running" not in page:
        raise Unavailable("status page: the gateway is not running normally")
    _, _, connections = page.partition("SMSC connections:")
    states = [
        (found["id"], found["state"])
        for line in connections.splitlines()
        if (found := _SMSC_LINE.match(line)) and smsc in (None, found["id"])
    ]
    online = sum(state == "online" for _, state in states)
    if not states:
        raise AccessDenied("status page: the gateway has no such line")
    if not online:
        words = ", ".join(sorted({state for _, state in states}))
        raise Unavailable(f"status page: no line to an operator is up ({words})", layer=Layer.SERVICE)
    return f"{online} of {len(states)} lines to operators up"
