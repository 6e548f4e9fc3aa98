"""The book: evidence judged as it comes, our own line, failure domains, memory. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.health.book import NO_FEEDS, HealthBook
from fallback_cast.health.feeds import StatusWord
from fallback_cast.health.hints import Feed
from fallback_cast.health.judge import History, judge
from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import Check, Evidence, Signal, Verdict
from tests.dispatch.stage import StageChannel, StageProvider, refused
from tests.virtual_time import VirtualClock, run_virtually

UP, DOWN, UNKNOWN = Verdict.UP, Verdict.DOWN, Verdict.UNKNOWN


class FakeReference:
    """A reference that answers or not, after some time."""

    def __init__(self, name: str, answers: bool = True, after_s: float = 0.02) -> None:
        self.name, self.answers, self.after_s, self.looks = name, answers, after_s, 0

    async def look(self) -> Check:
        self.looks += 1
        await asyncio.sleep(self.after_s)
        return Check(Layer.ROUTE, self.answers, self.after_s, "" if self.answers else "no route to the host")


@dataclass
class Shelf:
    """What a ledger would keep of a book, and books opened from it."""

    channels: dict[str, StageChannel]
    references: Sequence[FakeReference] = ()
    breakers: dict[tuple[str, str], Breaker] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)

    async def save(self, breakers: Sequence[Breaker], seen: Sequence[Evidence]) -> None:
        self.breakers |= {(b.channel, b.provider): b for b in breakers}
        self.evidence += seen

    def open(
        self, machine: str = "laptop", forget: bool = False, feeds: Mapping[str, Feed] = NO_FEEDS
    ) -> HealthBook:
        return HealthBook(
            self.channels,
            self.breakers.values(),
            self.clock,
            self.fingerprints,
            self.save,
            self.changes.append,
            evidence=[] if forget else self.evidence,
            references=self.references,
            feeds=feeds,
            machine=machine,
        )


def shelf(*names: str, references: Sequence[FakeReference] = (), **domains: str) -> Shelf:
    channels = {
        name: StageChannel(name, StageProvider(name, [domains.get(name, name)]))
        for name in names or ("telegram", "email")
    }
    return Shelf(channels, references)


def three(answers: bool = True, after_s: float = 0.02) -> list[FakeReference]:
    return [FakeReference(f"tcp://r{n}:53", answers, after_s) for n in range(3)]


def story(main: Coroutine[Any, Any, None]) -> None:
    run_virtually(main)


def usable(book: HealthBook, channel: str) -> bool:
    return book.usable(channel, channel)


def fail(book: HealthBook, channel: str = "telegram", times: int = 3) -> None:
    for _ in range(times):
        book.failed(channel, channel, refused())


def test_three_failed_sends_take_a_provider_out_and_say_so_once() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        fail(book, times=2)
        assert usable(book, "telegram")
        fail(book, times=10)
        [standing] = book.standing("telegram").providers
        assert not standing.usable
        assert standing.reason == "down (connection refused)"
        assert standing.retry_at is not None
        assert kept.changes == ["telegram"] * 2  # in doubt, then down; the rest is no news
        await book.close()
        assert kept.breakers["telegram", "telegram"].verdict is DOWN

    story(main())


def test_the_next_run_begins_with_what_this_one_knew() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        fail(book)
        book.accepted("email", "email")
        await book.close()
        for again in (kept.open(), kept.open(forget=True)):  # from the evidence, or its verdict alone
            assert again.judgement("telegram", "telegram").verdict is DOWN
            assert (
                again.judgement("telegram", "telegram").retry_at
                == book.judgement("telegram", "telegram").retry_at
            )
            assert again.verdict("email") is UP
            assert not usable(again, "telegram")
            await again.close()

    story(main())


def test_an_outage_is_as_old_as_it_is_even_if_its_first_rows_are_not_read() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        fail(book)
        since = book.judgement("telegram", "telegram").since
        await asyncio.sleep(7200)
        fail(book)
        await book.close()
        kept.evidence = kept.evidence[-3:]
        assert kept.open().judgement("telegram", "telegram").since == since

    story(main())


def test_other_settings_begin_anew() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        book.failed("telegram", "telegram", AccessDenied("HTTP 401"))
        assert (
            book.standing("telegram").providers[0].reason == "our account or settings are refused (HTTP 401)"
        )
        await book.close()
        await asyncio.sleep(60)
        kept.fingerprints = {"telegram": "other"}
        again = kept.open()
        assert again.judgement("telegram", "telegram").verdict is UNKNOWN
        assert again.standing("telegram").providers[0].configured_at == kept.clock.now()
        await again.close()

    story(main())


def test_all_is_well_and_stays_so_costs_one_row_in_five_seconds() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        for _ in range(1000):
            book.accepted("telegram", "telegram")
            await asyncio.sleep(0.01)
        await book.close()
        assert [row.signal for row in kept.evidence] == [Signal.GOOD] * 2

    story(main())


def test_what_was_in_flight_at_the_opening_does_not_fill_the_ledger() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        fail(book, times=500)
        await book.close()
        assert len(kept.evidence) < 30
        assert book.judgement("telegram", "telegram").openings == 1

    story(main())


ERRORS: list[SendError | None] = [
    None,
    refused(),
    OutcomeUnknown("no answer in time"),
    Throttled("HTTP 429", 3.0),
    AddressRefused("550"),
    AccessDenied("HTTP 401"),
    Unavailable("certificate not valid: expired", layer=Layer.TLS),
]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["telegram", "email"]),
            st.sampled_from(ERRORS),
            st.sampled_from([0.0, 0.0, 1.0, 20.0, 400.0]),
        ),
        max_size=40,
    ),
    st.sampled_from(["", "+++", "---", "+--"]),
)
def test_what_is_judged_at_once_is_what_the_stored_evidence_says(
    events: list[tuple[str, SendError | None, float]], signs: str
) -> None:
    async def main() -> None:
        references = [FakeReference(f"tcp://r{n}:53", sign == "+") for n, sign in enumerate(signs)]
        kept = shelf(references=references)
        book = kept.open()
        begun_at = kept.clock.now()
        for channel, error, pause_s in events:
            if error is None:
                book.accepted(channel, channel)
            else:
                book.failed(channel, channel, error)
            await asyncio.sleep(pause_s)
        await asyncio.sleep(10)
        now = kept.clock.now()
        await book.save()
        for name in kept.channels:
            history = History(channel=name, provider=name, rows=kept.evidence, since=begun_at)
            mine, theirs = book.judgement(name, name), judge(history, now)
            assert (mine.verdict, mine.since, mine.retry_at, mine.openings) == (
                theirs.verdict,
                theirs.since,
                theirs.retry_at,
                theirs.openings,
            )
        await book.close()

    story(main())


# -- our own line ------------------------------------------------------------------------------------


def test_a_dead_router_is_blamed_on_no_platform() -> None:
    async def main() -> None:
        kept = shelf(references=three(answers=False))
        book = kept.open()
        fail(book, times=20)
        assert await book.online() is False
        await asyncio.sleep(0)
        assert book.judgement("telegram", "telegram").verdict is UNKNOWN
        assert book.offline is not None
        assert book.offline.reason == "our own network is down: none of the 3 references answers"
        assert {p.reason for p in book.standing("email").providers} == {"our own network is down"}
        assert set(kept.changes) == {"telegram", "email"}
        await book.close()

    story(main())


def test_the_first_failure_waits_for_the_answer_and_then_counts() -> None:
    async def main() -> None:
        kept = shelf(references=three())
        book = kept.open()
        fail(book)
        assert book.judgement("telegram", "telegram").verdict is UNKNOWN
        await asyncio.sleep(0.1)
        assert book.judgement("telegram", "telegram").verdict is DOWN
        assert [reference.looks for reference in kept.references] == [1, 1, 1]
        await book.close()

    story(main())


def test_a_line_that_dies_right_after_a_message_holds_everything_until_somebody_answers() -> None:
    async def main() -> None:
        kept = shelf(references=three())
        book = kept.open()
        assert await book.online() is True
        book.accepted("telegram", "telegram")
        await asyncio.sleep(1)
        for reference in kept.references:
            reference.answers = False
        for channel in kept.channels.values():
            channel.provider.fault = refused()
        fail(book, times=1)
        await asyncio.sleep(1)
        assert book.holds
        assert book.offline is None  # too early to say
        assert not usable(book, "email")
        assert book.judgement("telegram", "telegram").verdict is not Verdict.SUSPECT
        # The references stay silent, but a channel answers: the line works after all.
        kept.channels["email"].provider.fault = None
        for _ in range(40):
            book.look_around()
            await asyncio.sleep(0.25)
        assert not book.holds
        assert usable(book, "email")
        await book.close()

    story(main())


def test_a_feed_is_read_when_a_broadcast_begins_and_nobody_waits_for_it() -> None:
    class SlowFeed:
        async def look(self) -> StatusWord:
            await asyncio.sleep(5)
            return StatusWord(Signal.HINT, "its status page reports an incident (outage)")

    async def main() -> None:
        kept = shelf()
        book = kept.open(feeds={"telegram": SlowFeed()})
        book.prove(["telegram", "email"])
        await book.proven("telegram", 1)
        assert asyncio.get_running_loop().time() < 1
        await asyncio.sleep(6)
        assert [row.channel for row in kept.evidence if row.signal is Signal.HINT] == ["telegram"]
        book.prove(["telegram"])
        await book.close()  # ends what is being read

    story(main())


def test_one_answer_is_enough_to_be_online_and_silence_of_the_others_is_not_waited_for() -> None:
    async def main() -> None:
        quick, *slow = three(after_s=4.0)
        quick.after_s = 0.05
        book = shelf(references=[quick, *slow]).open()
        before = asyncio.get_running_loop().time()
        assert await book.online() is True
        assert asyncio.get_running_loop().time() - before < 0.1
        await asyncio.sleep(1)
        assert await book.online() is True
        assert quick.looks == 1  # asked again within five seconds
        await asyncio.sleep(20)
        assert await book.online() is True
        assert quick.looks == 2
        await book.close()

    story(main())


def test_a_line_that_breaks_right_after_a_look_is_still_blamed_on_nobody() -> None:
    async def main() -> None:
        kept = shelf(references=three())
        book = kept.open()
        assert await book.online() is True
        for reference in kept.references:
            reference.answers = False
        fail(book, times=20)
        await asyncio.sleep(1)
        assert book.judgement("telegram", "telegram").verdict is not DOWN
        assert book.offline is not None
        await book.close()

    story(main())


def test_references_are_not_asked_at_every_failure() -> None:
    async def main() -> None:
        kept = shelf(references=three())
        book = kept.open()
        for _ in range(200):
            fail(book, times=2)
            book.accepted("telegram", "telegram")
            await asyncio.sleep(0.01)
        assert kept.references[0].looks < 10
        await book.close()

    story(main())


def test_without_references_nobody_is_ever_offline() -> None:
    async def main() -> None:
        book = shelf().open()
        fail(book)
        assert await book.online() is None
        assert book.offline is None
        await book.close()

    story(main())


def test_one_answer_of_three_decides_nothing() -> None:
    async def main() -> None:
        first, *others = three(answers=False)
        first.answers = True
        book = shelf(references=[first, *others]).open()
        await book.online()
        await asyncio.sleep(1)
        fail(book)
        assert await book.online() is None
        assert book.offline is None
        assert book.judgement("telegram", "telegram").verdict is UNKNOWN
        await book.close()

    story(main())


def test_local_channels_go_on_while_we_are_offline_and_are_judged() -> None:
    async def main() -> None:
        kept = shelf(references=three(answers=False))
        kept.channels["modem"] = StageChannel("modem", local=True)
        book = kept.open()
        await book.online()
        assert usable(book, "modem")
        assert not usable(book, "telegram")
        fail(book, "modem")
        assert book.judgement("modem", "modem").verdict is DOWN
        await book.close()

    story(main())


def test_we_notice_by_ourselves_when_the_line_is_back() -> None:
    async def main() -> None:
        kept = shelf(references=three(answers=False))
        book = kept.open()
        await book.online()
        assert not usable(book, "telegram")
        for reference in kept.references:
            reference.answers = True
        kept.changes.clear()
        for _ in range(60):
            book.look_around()
            await asyncio.sleep(0.25)
        assert usable(book, "telegram")
        assert set(kept.changes) == {"telegram", "email"}
        await book.close()

    story(main())


def test_answers_that_were_under_way_when_the_line_broke_prove_nothing() -> None:
    async def main() -> None:
        book = shelf(references=three(answers=False, after_s=1.0)).open()
        fail(book, "email")
        for _ in range(10):
            book.accepted("telegram", "telegram")
        await asyncio.sleep(2)
        assert book.judgement("email", "email").verdict is UNKNOWN
        await book.close()

    story(main())


def test_references_that_are_cut_off_do_not_protect_a_dead_platform_for_ever() -> None:
    async def main() -> None:
        book = shelf(references=three(answers=False)).open()
        await book.online()
        await asyncio.sleep(3)
        book.accepted("email", "email")
        fail(book)
        await asyncio.sleep(0.1)
        assert book.judgement("telegram", "telegram").verdict is DOWN
        assert book.offline is None
        await book.close()

    story(main())


# -- failure domains ---------------------------------------------------------------------------------


def family() -> Shelf:
    return shelf("whatsapp", "page", "email", whatsapp="meta", page="meta")


def test_a_domain_that_is_down_takes_out_who_was_not_tried_yet() -> None:
    async def main() -> None:
        kept = family()
        kept.channels["page"].provider.fault = refused()
        book = kept.open()
        fail(book, "whatsapp")
        assert not usable(book, "page")
        assert book.standing("page").providers[0].reason == "down with its failure domain (meta)"
        assert usable(book, "email")
        await book.close()

    story(main())


def test_each_returns_by_its_own_good_probe() -> None:
    async def main() -> None:
        kept = family()
        book = kept.open()
        kept.channels["page"].provider.probe_s = 0.3
        fail(book, "whatsapp")
        assert not usable(book, "page")
        await asyncio.sleep(0.4)  # it is probed at once
        assert usable(book, "page")
        assert book.judgement("whatsapp", "whatsapp").verdict is DOWN
        await book.close()

    story(main())


def test_who_works_all_the_while_is_not_held() -> None:
    async def main() -> None:
        book = family().open()
        book.accepted("page", "page")
        fail(book, "whatsapp", 2)
        await asyncio.sleep(1)
        book.accepted("page", "page")  # not worth a row, but a sign of life
        fail(book, "whatsapp", 1)
        assert usable(book, "page")
        await book.close()

    story(main())


def test_when_the_domain_is_back_the_untried_show_first_that_they_work() -> None:
    async def main() -> None:
        kept = family()
        kept.channels["page"].provider.hangs = True
        book = kept.open()
        fail(book, "whatsapp")
        book.accepted("whatsapp", "whatsapp")
        assert book.judgement("page", "page").verdict is UNKNOWN
        assert "not shown in time" in book.standing("page").providers[0].reason
        kept.channels["page"].provider.hangs = False
        for _ in range(120):
            book.look_around()
            await asyncio.sleep(0.25)
        assert usable(book, "page")
        await book.close()

    story(main())


def test_the_next_run_knows_the_domain_too() -> None:
    async def main() -> None:
        kept = family()
        kept.channels["page"].provider.hangs = True
        book = kept.open()
        fail(book, "whatsapp")
        await book.close()
        again = kept.open()
        assert not usable(again, "page")
        await again.close()

    story(main())


# -- probes ------------------------------------------------------------------------------------------


def test_examine_probes_everybody_at_once_and_stores_what_was_seen() -> None:
    async def main() -> None:
        kept = shelf(references=three())
        kept.channels["telegram"].provider.fault = refused()
        for channel in kept.channels.values():
            channel.provider.probe_s = 1.0
        book = kept.open()
        before = asyncio.get_running_loop().time()
        checks = await book.examine()
        assert asyncio.get_running_loop().time() - before < 1.2
        assert {key: found[-1].ok for key, found in checks.items()} == {
            ("telegram", "telegram"): False,
            ("email", "email"): True,
        }
        assert {row.provider for row in kept.evidence} == {
            "telegram",
            "email",
            *(r.name for r in kept.references),
        }
        assert list(await book.examine(["email"])) == [("email", "email")]
        await book.close()

    story(main())


def test_a_suspicion_is_cleared_up_by_probes_every_ten_seconds() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        fail(book, times=1)
        for _ in range(50):
            book.look_around()
            await asyncio.sleep(0.25)
        assert book.judgement("telegram", "telegram").verdict is UP
        await book.close()

    story(main())


def test_probes_alone_bring_a_provider_back_when_nothing_is_to_be_sent() -> None:
    async def main() -> None:
        kept = shelf()
        kept.channels["telegram"].provider.fault = refused()
        book = kept.open()
        fail(book, times=2)
        await book.examine(["telegram"])
        assert book.judgement("telegram", "telegram").verdict is DOWN
        kept.channels["telegram"].provider.fault = None
        for _ in range(200):
            book.look_around()
            await asyncio.sleep(0.25)
        assert book.judgement("telegram", "telegram").verdict is UP
        assert kept.channels["telegram"].provider.probes == 3
        await book.close()

    story(main())


def test_a_limited_probe_is_a_sign_of_life() -> None:
    class Limited(StageProvider):
        async def probe(self) -> Sequence[Check]:
            return [Check(Layer.RATE, True, 0.0, "HTTP 429")]

    async def main() -> None:
        kept = Shelf({"telegram": StageChannel("telegram", Limited("telegram"))})
        book = kept.open()
        await book.examine()
        assert usable(book, "telegram")
        await book.close()

    story(main())


def test_what_other_machines_see_counts_as_soon_as_it_is_heard() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open("one")
        other = kept.open("two")
        fail(other)
        await other.save()
        book.hear(kept.evidence)
        assert book.judgement("telegram", "telegram").verdict is DOWN
        await book.close()
        await other.close()

    story(main())


def test_a_hint_raises_suspicion_only() -> None:
    async def main() -> None:
        kept = shelf()
        book = kept.open()
        book.accepted("telegram", "telegram")
        await asyncio.sleep(120)
        book.hint("telegram", "telegram", "incident")
        assert book.judgement("telegram", "telegram").verdict is Verdict.SUSPECT
        assert usable(book, "telegram")
        await book.close()

    story(main())


def test_a_broken_probe_or_reference_stops_nobody() -> None:
    class Broken(StageProvider):
        async def probe(self) -> Iterable[Check]:  # type: ignore[override]
            raise RuntimeError("a bug")

    class BrokenReference(FakeReference):
        async def look(self) -> Check:
            raise RuntimeError("a bug")

    async def main() -> None:
        kept = Shelf(
            {"telegram": StageChannel("telegram", Broken("telegram"))}, [BrokenReference("tcp://r:53")]
        )
        book = kept.open()
        checks = await book.examine()
        assert checks["telegram", "telegram"][0].detail == "the probe broke (RuntimeError)"
        assert await book.online() is False
        await book.close()

    story(main())
