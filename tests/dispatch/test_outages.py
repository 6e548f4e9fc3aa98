"""Stories of outages: ours, theirs, and of a whole family of platforms."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from fallback_cast.dispatch.events import Happening
from fallback_cast.ledger import memory
from fallback_cast.model.errors import Layer, Unavailable
from fallback_cast.model.health import Verdict
from fallback_cast.model.message import Accepted
from tests.dispatch.stage import Stage, StageChannel, StageProvider, everyone, member, refused, until
from tests.health.test_book import FakeReference, three
from tests.virtual_time import run_virtually


def unrouted() -> Unavailable:
    return Unavailable("no route to the host", layer=Layer.ROUTE)


def cut_off(stage: Stage, *, yes: bool) -> None:
    """Our own line: nothing of the internet is reached, or everything again."""
    for reference in stage.references:
        assert isinstance(reference, FakeReference)
        reference.answers = not yes
    for channel in stage.channels.values():
        if not channel.traits.local:
            channel.provider.fault = unrouted() if yes else None


def verdicts(stage: Stage) -> dict[str, Verdict]:
    return {breaker.channel: breaker.verdict for breaker in memory.load_breakers(stage.ledger)}


def test_our_own_line_breaks_in_mid_broadcast_and_nothing_is_burnt(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "ledger.db", {name: StageChannel(name) for name in ("telegram", "email")})
    stage.references = three()
    telegram = stage.channels["telegram"].provider

    async def breaks(address: str, number: int) -> Accepted:
        if number == 300:
            cut_off(stage, yes=True)
            raise unrouted()
        await asyncio.sleep(0.01)
        return Accepted()

    telegram.behave = breaks
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(500)]
    )

    async def story() -> None:
        run = asyncio.create_task(stage.dispatch())
        await until(lambda: len(telegram.sent) >= 300)
        await asyncio.sleep(100)
        assert stage.counts().states.get("unreached") is None
        assert stage.counts().held > 0
        assert Verdict.DOWN not in verdicts(stage).values()
        sent = len(telegram.sent) + len(stage.channels["email"].provider.sent)
        await asyncio.sleep(60)
        assert len(telegram.sent) + len(stage.channels["email"].provider.sent) == sent  # nothing is tried
        telegram.behave = None
        cut_off(stage, yes=False)
        await run

    run_virtually(story())
    told = Counter(address for channel in stage.channels.values() for _, address in channel.provider.told)
    assert set(told.values()) == {1}
    assert stage.counts().states == {"reached": 500}
    assert Happening.CHANNEL_DOWN not in {event.what for event in stage.events}
    stage.close()


def test_a_broadcast_begun_offline_waits_and_tries_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "ledger.db", {name: StageChannel(name) for name in ("telegram", "email")})
    stage.references = three(answers=False)
    cut_off(stage, yes=True)
    stage.announce([everyone("telegram", "email")])

    async def story() -> None:
        run = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(50)
        assert all(channel.provider.sent == [] for channel in stage.channels.values())
        cut_off(stage, yes=False)
        await run

    run_virtually(story())
    assert [address for _, address in stage.channels["telegram"].provider.told] == ["place"]
    assert stage.counts().states == {"reached": 1}
    stage.close()


def test_a_phone_on_our_own_network_goes_on_while_we_are_offline(tmp_path: Path) -> None:
    channels = {"telegram": StageChannel("telegram"), "sms": StageChannel("sms", local=True)}
    stage = Stage(tmp_path / "ledger.db", channels, references=three(answers=False))
    cut_off(stage, yes=True)
    stage.announce([member(f"m{n}", ("telegram", f"t{n}"), ("sms", f"+3319900000{n}")) for n in range(5)])
    run_virtually(stage.dispatch())
    assert len(channels["sms"].provider.told) == 5
    assert channels["telegram"].provider.sent == []
    stage.close()


def test_a_family_of_platforms_goes_down_together(tmp_path: Path) -> None:
    """After three failures on one of them the untried ones are passed over too."""
    channels = {
        "whatsapp": StageChannel("whatsapp", StageProvider("whatsapp", ["meta"])),
        "page": StageChannel("page", StageProvider("page", ["meta"])),
        "email": StageChannel("email"),
    }
    stage = Stage(tmp_path / "ledger.db", channels)
    whatsapp, page = channels["whatsapp"].provider, channels["page"].provider

    async def dies(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        if number > 100:
            whatsapp.fault, page.hangs = refused(), True
            raise refused()
        return Accepted()

    whatsapp.behave = dies
    routes = ("whatsapp", "page", "email")
    stage.announce([member(f"m{n}", *((name, f"{name}-{n}") for name in routes)) for n in range(300)])
    run_virtually(stage.dispatch())
    assert page.sent == []
    assert stage.counts().states == {"reached": 300}
    assert len(whatsapp.told) + len(channels["email"].provider.told) == 300
    stage.close()


def test_references_that_answer_do_not_slow_a_known_outage(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "ledger.db", {name: StageChannel(name) for name in ("telegram", "email")})
    stage.references = three(after_s=0.5)
    stage.channels["telegram"].provider.fault = refused()

    async def story() -> float:
        for number in range(3):
            stage.announce([everyone("telegram", "email")], id=f"x{number}", at=stage.clock.now())
            await stage.dispatch()
            await asyncio.sleep(8)
        assert verdicts(stage)["telegram"] is Verdict.DOWN
        stage.announce([everyone("telegram", "email")], id="a9", at=stage.clock.now())
        before = asyncio.get_running_loop().time()
        await stage.dispatch()
        return stage.channels["email"].provider.told[-1][0] - before

    assert run_virtually(story()) < 0.05
    stage.close()
