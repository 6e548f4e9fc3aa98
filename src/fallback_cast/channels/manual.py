"""`manual`: a person posts the text where no program may (a Facebook page, a WhatsApp group).

It is accepted only with that person's yes. A no, and nobody there to be asked, are both MessageRefused
for this place: the next route follows at once, nothing is suppressed, and no platform is blamed, for
neither answer tells anything about one. A question that broke off is OutcomeUnknown: the text had
been shown, so it may have been posted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from fallback_cast.channels.kit import markup, wording
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings
from fallback_cast.channels.kit.threads import run_aside
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import Layer, MessageRefused, OutcomeUnknown
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.texts import translate

ADDRESS = "person"


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "manual"`."""

    kind: Literal["manual"]
    instructions: str = Field(
        min_length=1, description='What the person is to do: "Paste this on the club\'s Facebook page"'
    )


def build(settings: Settings, context: BuildContext) -> ManualChannel:
    return ManualChannel(settings, context)


class ManualChannel(Channel, Provider):
    """A channel whose one provider is a person; one question at a time."""

    kind = "manual"
    max_in_flight = 1

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.traits = Traits(interactive=True, local=settings.needs == "local", retries_briefly=False)
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.failure_domains = frozenset(settings.failure_domains or (settings.name,))
        self.providers: Sequence[Provider] = (self,)
        self._club = context.club
        self._instructions = settings.instructions
        self._ask: Callable[[str, str], bool] | None = context.ask_posted if context.somebody_to_ask else None
        self._turn = asyncio.Lock()

    def place(self) -> str:
        return ADDRESS

    def normalise(self, address: str) -> str:
        if address != ADDRESS:
            raise ValueError(f"a manual channel has one address: {ADDRESS!r}")
        return address

    def render(self, announcement: Announcement, page_url: str | None = None) -> Message:
        language = announcement.language
        facts = "\n".join(
            translate(language, "{label}: {value}").format(label=fact.label, value=fact.value)
            for fact in wording.facts(announcement, self._club, page_url)
        )
        parts = (wording.headline(announcement), markup.to_plain(announcement.body), facts, self._club.name)
        return Message(markup.defuse_mentions("\n\n".join(part for part in parts if part)))

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Ask once. Whoever cancels leaves the question on the screen; its answer then goes nowhere."""
        ask = self._ask
        if ask is None:
            raise MessageRefused("nobody is there to post it by hand")
        text = f"{self._instructions}\n\n----\n{message.text}\n----"
        async with self._turn:
            try:
                posted = await run_aside(lambda: ask(self.name, text))
            except Exception:
                raise OutcomeUnknown("the question whether it was posted broke off") from None
        if posted is not True:
            raise MessageRefused("the person did not post it")
        return Accepted(note=translate(self._club.language, "posted by hand"))

    async def probe(self) -> list[Check]:
        """Decides nothing: that nobody sits at this run is no outage, and the next run may have somebody."""
        if self._ask is None:
            detail = translate(self._club.language, "nobody is there to post it by hand")
            return [Check(Layer.SERVICE, False, 0.0, detail, decisive=False)]
        return [Check(Layer.SERVICE, True, 0.0, translate(self._club.language, "a person can be asked"))]
