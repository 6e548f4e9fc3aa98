"""`gammu`: a USB stick or telephone at this machine, served by Gammu SMSD and its folders (files backend).

Handing over is writing a file; accepted means no more than that. `outcome` tells later whether the stick
sent it. The backend has no field for how long operators may try: `RelativeValidity` in the daemon's
configuration says it for all messages. A database as backend is not supported.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.settings import DurationField, ProviderSettings
from fallback_cast.channels.kit.threads import run_aside
from fallback_cast.channels.sms.gateway import GatewayDefaults
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.channels.sms.smsbackup import write_backup
from fallback_cast.channels.sms.spool import Spool, State, read_spool, runs
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Pace, Provider
from fallback_cast.model.errors import Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.texts import Phrase

# The daemon sends in the order of names; C is what its own gammu-smsd-inject takes.
_PRIORITY = {Importance.URGENT: "A", Importance.NORMAL: "C", Importance.INFO: "E"}


class GammuSettings(ProviderSettings):
    """Keys of a `[[channel.gateway]]` with `kind = "gammu"`."""

    kind: Literal["gammu"]
    config: Path = Field(
        Path("/etc/gammu-smsdrc"), description="Gammu SMSD's own configuration; it names the folders"
    )
    daemon_here: bool = Field(
        True, description="false: Gammu SMSD runs in a container, where nobody can see whether it lives"
    )
    stuck_after: DurationField = Field(
        timedelta(minutes=3),
        description="If messages wait in the outbox and none leaves for so long, it is down",
    )
    interval: DurationField = Field(
        timedelta(seconds=6), description="Operators block private cards that send faster than a person"
    )
    needs: Literal["internet", "local"] | None = Field(
        None, description='"local": reached without our internet line; by default what the channel says'
    )

    @property
    def label(self) -> str:
        return self.name or "gammu"

    @property
    def lacks_sender(self) -> bool:
        """Never: the number of the card in the stick is the sender."""
        return False

    def build(self, defaults: GatewayDefaults) -> Gammu:
        return Gammu(self, defaults)


class Gammu(Provider):
    """One daemon. The key is in the name of the file that it takes: twice the same is one message."""

    deduplicates = True
    max_in_flight = 4

    def __init__(self, settings: GammuSettings, defaults: GatewayDefaults) -> None:
        self.name = settings.label
        self.failure_domains = frozenset(settings.failure_domains or defaults.failure_domains or (self.name,))
        self._config = defaults.base_dir / settings.config
        self._daemon_here = settings.daemon_here
        self._stuck_s = settings.stuck_after.total_seconds()
        self._pace = Pace(f"sms:{self._config}", settings.interval.total_seconds())

    def paces(self, address: str) -> Sequence[Pace]:
        return (self._pace,)

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Nothing is put behind a daemon that is dead or stuck: it would go out long after its time."""
        assert isinstance(message, SmsMessage)
        name = f"OUT{_PRIORITY[message.importance]}_{key}.smsbackup"
        content = write_backup(message.text, address, key).encode()
        return await run_aside(lambda: self._hand_over(name, content))

    async def probe(self) -> list[Check]:
        return [await probe.probe_application(lambda: run_aside(self._look))]

    async def outcome(self, reference: str) -> State | None:
        """What became of an accepted message: waiting, sent or failed; None if its file is gone.

        Raises AccessDenied or Unavailable if the folders cannot be read.
        """
        return await run_aside(lambda: read_spool(self._config).state(reference))

    def _hand_over(self, name: str, content: bytes) -> Accepted:
        spool = read_spool(self._config)
        if spool.state(name) in (State.WAITING, State.SENT):  # whatever the daemon does now
            return Accepted(name, note="was already there")
        self._raise_if_stuck(spool)
        new = spool.put(name, content)
        return Accepted(name, note="" if new else "was already there")

    def _look(self) -> str:
        spool = read_spool(self._config)
        spool.try_writing()
        self._raise_if_stuck(spool)
        return (
            Phrase("Gammu SMSD takes messages") if self._daemon_here else Phrase("the outbox can be written")
        )

    def _raise_if_stuck(self, spool: Spool) -> None:
        if self._daemon_here and runs(self._config) is False:
            raise Unavailable("Gammu SMSD does not run, or its configuration was changed since it started")
        waited = spool.standstill(time.time())
        if waited > self._stuck_s:
            raise Unavailable(
                Phrase("messages wait for {minutes} min and Gammu SMSD sends none", minutes=int(waited // 60))
            )
