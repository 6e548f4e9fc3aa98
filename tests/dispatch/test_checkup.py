"""Stories of the scheduled check: who is told what, once, and what goes out with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from fallback_cast.dispatch.checkup import LOOKS
from fallback_cast.ledger.outages import outages_since, seen_since
from fallback_cast.ledger.view import recent_headers
from fallback_cast.model.announcement import Announcement, Club, Importance
from fallback_cast.model.channel import Traits
from fallback_cast.model.errors import AccessDenied, Layer, Unavailable
from fallback_cast.model.health import Check, Verdict
from fallback_cast.model.message import Message
from fallback_cast.model.texts import Phrase
from tests.dispatch.checkups import PlaceChannel, check, later, organiser, run_check
from tests.dispatch.stage import Stage, StageProvider, everyone, member, refused
from tests.virtual_time import BEGIN, run_virtually


@dataclass
class Words(PlaceChannel):
    """A channel that keeps the words of everything rendered for it."""

    name: str
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.name)

    def render(self, announcement: Announcement, page_url: str | None = None) -> Message:
        self.said.append(f"{announcement.title}: {announcement.body}")
        return super().render(announcement, page_url)


CLAIRE = organiser(("telegram", "claire"), ("email", "claire@example.org"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "ledger.db", {"telegram": Words("telegram"), "email": Words("email")})
    yield stage
    stage.close()


def told(stage: Stage, channel: str) -> list[str]:
    return [address for _, address in stage.channels[channel].provider.told]


def said(stage: Stage, channel: str) -> list[str]:
    return stage.channels[channel].said  # type: ignore[attr-defined]


def test_all_is_well_and_nobody_hears_of_it(stage: Stage) -> None:
    found = run_check(stage, [CLAIRE])
    assert [c.verdict for c in found.channels] == [Verdict.UP, Verdict.UP]
    assert not found.told
    assert told(stage, "telegram") == []


def test_an_organiser_is_told_once_over_the_second_channel_when_the_first_is_what_broke(stage: Stage) -> None:
    run_check(stage, [CLAIRE])
    stage.channels["telegram"].provider.fault = refused()
    found = run_check(stage, [CLAIRE])
    assert found.told
    assert [c.verdict for c in found.channels] == [Verdict.DOWN, Verdict.UP]
    for _ in range(5):
        assert not run_check(stage, [CLAIRE]).told
    assert told(stage, "email") == ["claire@example.org"]
    assert told(stage, "telegram") == []
    [words] = said(stage, "email")
    assert "telegram is down" in words
    assert "connection refused" in words

    stage.channels["telegram"].provider.fault = None
    for _ in range(6):
        run_check(stage, [CLAIRE])
    everything = said(stage, "telegram") + said(stage, "email")
    assert len([w for w in everything if "telegram is back" in w]) == 1
    assert len(told(stage, "telegram") + told(stage, "email")) == 2


def test_one_failed_probe_is_looked_at_again_before_anybody_is_alarmed(stage: Stage) -> None:
    run_check(stage, [CLAIRE])
    provider = stage.channels["telegram"].provider
    answers = iter([False, True])

    async def probe() -> list[Check]:
        return [Check(Layer.SERVICE, next(answers, True), 0.0, "no answer in time")]

    provider.probe = probe  # type: ignore[method-assign]
    found = run_check(stage, [CLAIRE])
    assert not found.told
    assert found.channels[0].verdict in (Verdict.UP, Verdict.RECOVERING)
    assert outages_since(stage.ledger, BEGIN) == []


def test_a_dead_channel_is_judged_within_one_check(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    found = run_check(stage)
    assert found.channels[0].verdict is Verdict.DOWN
    assert found.channels[0].layer is Layer.ROUTE
    assert stage.channels["telegram"].provider.probes <= LOOKS


def test_two_processes_that_see_the_same_change_tell_of_it_once(stage: Stage) -> None:
    async def both() -> None:
        import asyncio

        await asyncio.gather(check(stage, [CLAIRE], send=False), check(stage, [CLAIRE], send=False))

    run_check(stage, [CLAIRE])
    stage.channels["telegram"].provider.fault = refused()
    later(stage, 5)
    run_virtually(both())
    run_check(stage, [CLAIRE])
    assert told(stage, "email") == ["claire@example.org"]


def test_each_organiser_has_an_own_copy_and_an_own_way(stage: Stage) -> None:
    people = [CLAIRE, organiser(("email", "bob@example.org"), name="Bob")]
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage, people)
    assert sorted(told(stage, "email")) == ["bob@example.org", "claire@example.org"]


def test_several_changes_are_one_message(stage: Stage) -> None:
    stage.channels["sms"] = Words("sms")  # type: ignore[index]
    run_check(stage, [CLAIRE])
    for name in ("telegram", "sms"):
        stage.channels[name].provider.fault = refused()
    run_check(stage, [CLAIRE])
    [words] = said(stage, "email")
    assert words.startswith("News of 2 channels")
    assert "telegram: down since" in words
    assert "sms: down since" in words


def test_a_refused_account_says_that_a_person_is_needed(stage: Stage) -> None:
    run_check(stage, [CLAIRE])
    stage.channels["telegram"].provider.fault = AccessDenied("401 Unauthorized", layer=Layer.ACCOUNT)
    run_check(stage, [CLAIRE])
    run_check(stage, [CLAIRE])
    [words] = said(stage, "email")
    assert "telegram needs you" in words
    assert "401 Unauthorized" in words


def test_a_certificate_that_ends_soon_is_told_once_and_again_a_year_later(stage: Stage) -> None:
    left = [20]

    async def probe() -> list[Check]:
        words = Phrase("certificate valid for {days} days", days=left[0])
        return [Check(Layer.TLS, True, 0.0, words)]

    stage.channels["telegram"].provider.probe = probe  # type: ignore[method-assign]
    for days, count in ((20, 0), (14, 1), (13, 1), (90, 1), (9, 2)):
        left[0] = days
        found = run_check(stage, [CLAIRE])
        assert len(told(stage, "telegram")) == count, days
        assert found.channels[0].doubtful is (days <= 14)
    assert "ends in 14 days" in said(stage, "telegram")[0]


def test_when_nothing_works_the_notice_waits_for_what_comes_back_first(stage: Stage) -> None:
    for channel in stage.channels.values():
        channel.provider.fault = refused()
    run_check(stage, [CLAIRE])
    run_check(stage, [CLAIRE])
    assert told(stage, "telegram") + told(stage, "email") == []
    stage.channels["email"].provider.fault = None
    for _ in range(4):
        run_check(stage, [CLAIRE])
    words = said(stage, "email")
    assert any("News of 2 channels" in w for w in words)
    assert len([w for w in words if "telegram: down since" in w]) == 1


def test_an_outage_that_was_over_before_anybody_was_told_is_one_message(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage)  # nobody to tell yet
    stage.channels["telegram"].provider.fault = None
    for _ in range(5):
        run_check(stage)
    run_check(stage, [CLAIRE])
    run_check(stage, [CLAIRE])
    [words] = said(stage, "telegram") + said(stage, "email")
    assert "was down and is back" in words


def test_notices_are_no_announcements_of_the_club(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage, [CLAIRE])
    assert recent_headers(stage.ledger, 10) == []


def test_what_is_due_goes_out_with_the_check(stage: Stage) -> None:
    stage.announce([everyone("telegram", "email")], Importance.NORMAL)
    run_check(stage)
    assert told(stage, "telegram") == ["place"]
    assert stage.counts().states == {"reached": 1}


def test_what_is_not_due_yet_is_not_waited_for(stage: Stage) -> None:
    for channel in stage.channels.values():
        channel.provider.fault = Unavailable("busy")
    stage.announce([member("Ann", ("email", "ann@example.org"))], Importance.NORMAL)
    run_check(stage)
    assert stage.counts().states == {"open": 1}
    for channel in stage.channels.values():
        channel.provider.fault = None
    for _ in range(4):
        run_check(stage)
    assert told(stage, "email") == ["ann@example.org"]


def test_an_outage_of_a_channel_that_was_removed_ends(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage)
    stage.channels = {"email": stage.channels["email"]}
    run_check(stage, [CLAIRE])
    [outage] = outages_since(stage.ledger, BEGIN)
    assert outage.ended_at is not None
    assert told(stage, "email") == []


def test_a_person_is_not_called_down_because_nobody_sits_at_the_terminal(stage: Stage) -> None:
    by_hand = PlaceChannel("facebook", StageProvider("facebook"), interactive=True)
    by_hand.provider.fault = Unavailable("nobody is there to post it by hand")
    stage.channels["facebook"] = by_hand  # type: ignore[index]
    found = run_check(stage, [CLAIRE])
    assert by_hand.provider.probes == 0
    assert found.channels[-1].asked_by_hand
    assert not found.told


@dataclass
class Elsewhere:
    """A reference that answers, or not, as the story says."""

    name: str
    answers: bool = True

    async def look(self) -> Check:
        return Check(Layer.ROUTE, self.answers, 0.0, "" if self.answers else "no answer in time")


def test_while_we_are_offline_no_platform_is_blamed_and_nobody_is_alarmed(stage: Stage) -> None:
    line = [Elsewhere(f"tcp://192.0.2.{n}:53") for n in (1, 2, 3)]
    stage.references = line
    stage.channels["site"] = Words("site")  # type: ignore[index]
    stage.channels["site"].traits = Traits(local=True, publishes=True)
    run_check(stage, [CLAIRE])
    for reference in line:
        reference.answers = False
    for name in ("telegram", "email"):
        stage.channels[name].provider.fault = refused()
    found = run_check(stage, [CLAIRE])
    assert "our own network is down" in found.offline
    assert [c.verdict for c in found.channels] == [Verdict.OFFLINE, Verdict.OFFLINE, Verdict.UP]
    assert outages_since(stage.ledger, BEGIN) == []
    for reference in line:
        reference.answers = True
    for name in ("telegram", "email"):
        stage.channels[name].provider.fault = None
    back = run_check(stage, [CLAIRE])
    assert back.offline == ""
    assert [c.verdict for c in back.channels] == [Verdict.UP] * 3
    assert told(stage, "telegram") + told(stage, "email") == []


def test_a_notice_never_stands_on_the_public_page(stage: Stage) -> None:
    stage.channels["site"] = Words("site")  # type: ignore[index]
    stage.channels["site"].traits = Traits(local=True, publishes=True)
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage, [organiser(("site", "place"), ("email", "claire@example.org"))])
    assert told(stage, "email") == ["claire@example.org"]
    assert said(stage, "site") == []


def test_a_french_club_is_told_in_french(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.dispatch.checkups.CLUB", Club("Boules", "fr", "Europe/Paris"))
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage, [CLAIRE])
    [words] = said(stage, "email")
    assert words.startswith(
        "telegram est en panne: telegram : en panne depuis le 2026-11-28 13:05 : connexion refusée."
    )


def test_a_provider_s_own_words_are_no_markup(stage: Stage) -> None:
    fault = Unavailable("550 <b>no</b> [x](http://192.0.2.1) *now*", layer=Layer.SERVICE)
    stage.channels["telegram"].provider.fault = fault
    run_check(stage, [CLAIRE])
    [words] = said(stage, "email")
    assert r"550 \<b\>no\</b\> \[x\](http://192.0.2.1) \*now\*" in words


def test_an_outage_that_turns_into_a_refusal_is_told_again(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage, [CLAIRE])
    stage.channels["telegram"].provider.fault = AccessDenied("401 Unauthorized", layer=Layer.ACCOUNT)
    for _ in range(3):
        run_check(stage, [CLAIRE])
    first, second = said(stage, "email")
    assert "telegram is down" in first
    assert "telegram needs you" in second


def test_evidence_is_kept_for_three_months(stage: Stage) -> None:
    run_check(stage)
    assert seen_since(stage.ledger, BEGIN) != []
    run_check(stage, after_min=60 * 24 * 91)
    assert seen_since(stage.ledger, BEGIN)[0].at > BEGIN + timedelta(days=90)
