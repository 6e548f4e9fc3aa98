"""Puts settings, channels, ledger and dispatch together; every face of the program starts here."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from fallback_cast.channels.kit import names, net
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings
from fallback_cast.channels.registry import load_kind
from fallback_cast.dispatch.clock import SystemClock
from fallback_cast.dispatch.events import Listener, nobody_listens
from fallback_cast.dispatch.report import report
from fallback_cast.ledger.announce import Stored
from fallback_cast.ledger.key import ledger_key, stored_key
from fallback_cast.ledger.memory import Breaker, load_breakers, load_evidence, load_paces, save_health
from fallback_cast.ledger.open import Ledger, open_ledger
from fallback_cast.ledger.view import header, open_ids
from fallback_cast.model.announcement import Club
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import Route
from fallback_cast.model.errors import SendError, UserError
from fallback_cast.model.health import Evidence, Verdict
from fallback_cast.model.receipt import Receipt, Signer
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase
from fallback_cast.settings import Settings

if TYPE_CHECKING:  # sending loads them; `status` does without
    from fallback_cast.dispatch.accept import Draft, Ready
    from fallback_cast.dispatch.checkup import Findings
    from fallback_cast.dispatch.desk import Desk
    from fallback_cast.dispatch.dispatcher import Dispatcher, RunEnd
    from fallback_cast.dispatch.notices import Organiser
    from fallback_cast.health.book import HealthBook
    from fallback_cast.health.feeds import StatusFeed
    from fallback_cast.health.references import Reference

Ask = Callable[[str, str], bool]


@dataclass
class App:
    """One club's program: its settings, its ledger, and its channels once somebody needs them."""

    settings: Settings
    club: Club
    ledger: Ledger
    clock: SystemClock
    ask_posted: Ask | None = None
    silent: Mapping[str, str] = field(default_factory=dict)  # channels whose receipts could not be read: why

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by name, in rank order."""
        return build_channels(self.settings, self.club, self.ask_posted, signer=self.signer)

    @cached_property
    def signer(self) -> Signer:
        """Makes and proves the tokens that name attempts."""
        with self.ledger.reading() as connection:
            found = stored_key(connection)
        if found is None:
            with self.ledger.writing() as connection:
                found = ledger_key(connection)
        return Signer(found)

    @cached_property
    def references(self) -> Sequence[Reference]:
        """What tells whether our own line works, as the settings name it."""
        from fallback_cast.health.references import Reference

        return [Reference(written) for written in self.settings.health.references]

    @cached_property
    def status_feeds(self) -> Mapping[str, StatusFeed]:
        """The status feeds that the settings name, by channel."""
        from fallback_cast.health.feeds import StatusFeed

        return {
            c.name: StatusFeed(feed.kind, str(feed.url), feed.components)
            for c in self.settings.channel
            if (feed := c.status_feed) is not None
        }

    def report(self, id: str, *, recipients: bool = False) -> dict[str, Any]:
        """Where an announcement stands (the object of `status --json`)."""
        kinds = {c.name: c.kind for c in self.settings.channel}
        found = report(self.ledger, id, kinds, self.verdicts(), self.clock.now(), recipients=recipients)
        assert found is not None, "callers take ids from the ledger"
        return found

    def accept(self, draft: Draft) -> Stored:
        """Store a draft as an announcement (P1). Raises UserError, KeyConflict, RepeatedContent."""
        from fallback_cast.dispatch.accept import accept

        return accept(self.ledger, draft, self.check(draft), self.channels, self.settings.policies())

    def check(self, draft: Draft) -> Ready:
        from fallback_cast.dispatch.accept import check_draft

        return check_draft(draft, self.club, self.channels, self.settings.policies(), self.clock.now())

    def local(self, moment: datetime, *, seconds: bool = False) -> str:
        """A moment in the club's time zone, for people."""
        return moment.astimezone(ZoneInfo(self.club.timezone)).strftime(
            "%Y-%m-%d %H:%M" + (":%S" if seconds else "")
        )

    def today(self) -> str:
        """The day it is where the club is, as 2026-12-31."""
        return self.clock.now().astimezone(ZoneInfo(self.club.timezone)).date().isoformat()

    def page_url(self, id: str) -> str | None:
        """The announcement's own page, if it was seen to answer."""
        head = header(self.ledger, id)
        return head.page_url if head else None

    def verdicts(self) -> dict[str, Verdict]:
        """The stored verdict of each channel: the best of its providers."""
        order = (Verdict.UP, Verdict.UNKNOWN, Verdict.SUSPECT, Verdict.RECOVERING, Verdict.DOWN)
        found: dict[str, Verdict] = {}
        for breaker in load_breakers(self.ledger):
            known = found.get(breaker.channel, breaker.verdict)
            found[breaker.channel] = min(known, breaker.verdict, key=order.index)
        return found

    async def refresh_sites(self) -> None:
        """Take from our own site what has expired since (an urgent banner); whoever looks in, does it.

        A site that cannot be written now is left to the next one who looks in.
        """
        from fallback_cast.channels.site.channel import SiteChannel

        for channel in build_channels(self.settings, self.club, only=self._sites()).values():
            assert isinstance(channel, SiteChannel)
            async with channel:
                with suppress(SendError):
                    await channel.refresh()

    def has_site(self) -> bool:
        return bool(self._sites())

    def _sites(self) -> list[str]:
        return [c.name for c in self.settings.channel if c.kind == "site"]

    async def dispatch(
        self,
        watched: Sequence[str],
        listener: Listener = nobody_listens,
        on_watching: Callable[[], None] = lambda: None,
    ) -> RunEnd:
        """Send what is due until the watched announcements are settled, or nothing is due soon."""
        from fallback_cast.dispatch.desk import Desk
        from fallback_cast.ledger.lock import DispatcherLock
        from fallback_cast.workers import local

        assert self.ledger.path is not None
        desk = Desk(self.ledger)
        try:
            async with AsyncExitStack() as stack:
                for channel in self.channels.values():
                    await stack.enter_async_context(channel)
                lock = DispatcherLock(self.ledger.path)
                return await local.dispatch_here(
                    desk, lock, lambda: self._dispatcher_run(desk, watched, listener), watched, on_watching
                )
        finally:
            desk.close()

    async def _dispatcher_run(self, desk: Desk, watched: Sequence[str], listener: Listener) -> RunEnd:
        book = await self._book(desk)
        dispatcher = await self._dispatcher(desk, book, listener)
        dispatcher.collect = partial(self.collect_receipts, desk)
        return await dispatcher.run(watched)

    async def _dispatcher(self, desk: Desk, book: HealthBook, listener: Listener) -> Dispatcher:
        from fallback_cast.dispatch.dispatcher import Dispatcher, World
        from fallback_cast.dispatch.pacer import Pacer

        world = World(self.channels, self.settings.policies(), self.club.timezone, self.clock)
        pacer = Pacer(self.clock, await desk.run(load_paces))
        owner = f"{socket.gethostname()}/{os.getpid()}"
        return Dispatcher(desk, world, book, pacer, owner, listener)

    async def _book(self, desk: Desk) -> HealthBook:
        from fallback_cast.health.book import HealthBook

        machine = socket.gethostname()

        async def save(breakers: Sequence[Breaker], seen: Sequence[Evidence]) -> None:
            await desk.run(save_health, machine, breakers, seen)

        fingerprints = {c.name: fingerprint(c) for c in self.settings.channel}
        about = [(c.name, provider.name) for c in self.channels.values() for provider in c.providers]
        about += [("", reference) for reference in self.settings.health.references]
        return HealthBook(
            self.channels,
            await desk.run(load_breakers),
            self.clock,
            fingerprints,
            save,
            evidence=await desk.run(load_evidence, about),
            references=self.references,
            feeds=self.status_feeds,
            machine=machine,
        )

    # -- the scheduled check -------------------------------------------------------------------

    @cached_property
    def organisers(self) -> Sequence[Organiser]:
        """Who is told of outages. Raises UserError for an address that is none."""
        from fallback_cast.dispatch.notices import Organiser

        return [
            Organiser(o.name, tuple(self._route(name, given) for name, given in o.addresses.items()))
            for o in self.settings.health.organisers
        ]

    def _route(self, channel: str, address: str) -> Route:
        try:
            return Route(channel, self.channels[channel].normalise(address))
        except ValueError as error:
            raise UserError(
                Phrase("this is no address for {channel}: {why}", channel=channel, why=error.args[0]),
                where="[[health.organisers]]",
                hint="mend it in the settings",
            ) from None

    async def check_up(self, only: Sequence[str], within_s: float) -> tuple[Findings, bool]:
        """Probe, judge, tell organisers, then send what is due now.

        The second value is False if another process is sending: it sends what is due. Raises
        LedgerError if the ledger cannot be written.
        """
        from fallback_cast.dispatch.checkup import Checkup
        from fallback_cast.dispatch.desk import Desk

        desk = Desk(self.ledger)
        try:
            async with AsyncExitStack() as stack:
                for channel in self.channels.values():
                    await stack.enter_async_context(channel)
                book = await self._book(desk)
                stack.push_async_callback(book.close)
                checkup = Checkup(
                    desk,
                    book,
                    self.channels,
                    self.organisers,
                    self.club,
                    self.settings.policies(),
                    self.clock,
                )
                self.silent = await self.collect_receipts(desk)
                found = await checkup.run(only, within_s)
                await self._level_sites(only)
                sent = await self._send_due(desk, book)
                await self.thin(desk)
                return found, sent
        finally:
            desk.close()

    async def collect_receipts(self, desk: Desk) -> dict[str, str]:
        """Take in what has come back to the channels; returns those that could not be asked, and why.

        They are asked again the next time. Raises LedgerError.
        """
        from fallback_cast.dispatch.polling import poll
        from fallback_cast.ledger.receipts import receive

        async def take(receipts: Sequence[Receipt]) -> None:
            if receipts:
                await desk.run(receive, receipts, self.clock.now())

        silent = {}
        for name, channel in self.channels.items():
            try:
                await channel.collect(take)
            except SendError as error:
                silent[name] = error.reason
        await poll(desk, self.channels, self.clock.now())
        return silent

    async def _level_sites(self, only: Sequence[str]) -> None:
        """Copies of our site that were down when something was published are brought up to date."""
        from fallback_cast.channels.site.channel import SiteChannel

        for name, channel in self.channels.items():
            if isinstance(channel, SiteChannel) and (not only or name in only):
                await channel.level()

    async def thin(self, desk: Desk) -> None:
        """Let go of what has served its time, as the settings say. Raises LedgerError."""
        from fallback_cast.ledger.retention import Keep, thin

        privacy = self.settings.privacy
        keep = Keep(
            replies=privacy.replies,
            evidence=privacy.evidence,
            recipients=privacy.recipients,
            announcements=privacy.announcements,
        )
        await desk.run(thin, keep, self.clock.now())

    async def _send_due(self, desk: Desk, book: HealthBook) -> bool:
        """One pass of what is due now, unless another process holds the dispatcher lock."""
        from fallback_cast.ledger.lock import DispatcherLock

        assert self.ledger.path is not None
        if not await desk.run(open_ids):
            return True
        lock = DispatcherLock(self.ledger.path)
        if not lock.take():
            return False
        try:
            dispatcher = await self._dispatcher(desk, book, nobody_listens)
            dispatcher.soon = timedelta(0)
            await dispatcher.run()
        finally:
            lock.release()
        return True


@contextmanager
def open_app(settings: Settings, *, ask_posted: Ask | None = None) -> Iterator[App]:
    """Open the ledger. Raises LedgerError."""
    ledger = open_ledger(ledger_path(settings))
    try:
        yield App(settings, club_of(settings), ledger, SystemClock(), ask_posted)
    finally:
        ledger.close()


def club_of(settings: Settings) -> Club:
    c = settings.club
    return Club(
        c.name,
        c.language,
        c.timezone,
        site_url=str(c.site_url) if c.site_url else None,
        public_url=str(c.public_url) if c.public_url else None,
    )


def build_channels(
    settings: Settings,
    club: Club,
    ask_posted: Ask | None = None,
    only: Iterable[str] = (),
    signer: Signer | None = None,
) -> dict[str, Channel]:
    """Every channel of the settings (or only some), by name, in rank order.

    From now on names that this machine cannot look up are asked of the settings' second resolver.
    """
    net.use_second_resolver([names.parse_server(written) for written in settings.health.resolvers])
    wanted = set(only)
    context = BuildContext(
        club=club,
        base_dir=settings.base_dir,
        signer=signer,
        **({"ask_posted": ask_posted} if ask_posted else {}),
    )
    built = {}
    for c in settings.channel:
        if not wanted or c.name in wanted:
            built[c.name] = load_kind(c.kind).build(c, context)
            built[c.name].catch_up = c.catch_up
    return built


def ledger_path(settings: Settings) -> Path:
    """The file of a SQLite ledger, beside the settings unless the path is absolute."""
    url = settings.ledger.url
    if not url.startswith("sqlite:///"):
        raise UserError(
            "this release keeps its ledger in SQLite",
            where="[ledger] url",
            hint='write url = "sqlite:///fallback-cast.db"',
        )
    return (settings.base_dir / url.removeprefix("sqlite:///")).absolute()


def fingerprint(settings: ChannelSettings) -> str:
    """Changes when a channel's settings or secrets change; too short to guess a secret from it."""
    parts: list[str] = []
    _collect(settings, parts)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:6]


def _collect(value: object, parts: list[str]) -> None:
    if isinstance(value, Secret):
        parts.append(value.reveal())
    elif isinstance(value, BaseModel):
        for key, inner in value:
            parts.append(key)
            _collect(inner, parts)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _collect(inner, parts)
    else:
        parts.append(str(value))
