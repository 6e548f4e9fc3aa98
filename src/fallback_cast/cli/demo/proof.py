"""What the demo promised, checked: the ledger's word against what the servers took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fallback_cast.cli.demo import club
from fallback_cast.cli.demo.servers import Servers, Taken
from fallback_cast.ledger.members import Member, each_member
from fallback_cast.ledger.view import DeliveryView, each_delivery, header
from fallback_cast.model.delivery import Outcome
from fallback_cast.model.texts import Phrase
from fallback_cast.wiring.app import App


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of the program, and whether it was kept this time."""

    what: Phrase
    kept: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both sides of one announcement: the ledger's and the servers'."""

    code: str
    page_url: str | None
    page: Path | None
    died_at: datetime | None
    members: Mapping[str, Member]
    views: Mapping[str, DeliveryView]  # of members, by name
    site: DeliveryView
    taken: Sequence[Taken]

    def of_member(self, name: str) -> list[Taken]:
        """What the servers took for one member."""
        places = set(self.members[name].addresses.items())
        return [taken for taken in self.taken if (taken.server, taken.address) in places]

    def fallen_back(self) -> list[DeliveryView]:
        """Members with Telegram who were reached otherwise after its death."""
        return [v for v in self.views.values() if "telegram" in v.channels and v.via in ("email", "sms")]

    def longest_switch_s(self) -> float | None:
        """Seconds from the death to the last of those who could be sent on at once."""
        if self.died_at is None:
            return None
        ends = [
            a.ended_at
            for view in self.fallen_back()
            if not any(a.outcome is Outcome.UNKNOWN for a in view.attempts)
            for a in view.attempts
            if a.outcome.success and a.ended_at is not None and a.ended_at > self.died_at
        ]
        return (max(ends) - self.died_at).total_seconds() if ends else None


def gather(app: App, id: str, servers: Servers, public: Path) -> Evidence:
    head = header(app.ledger, id)
    assert head is not None
    deliveries = list(each_delivery(app.ledger, id))
    page = public / head.page_url.rpartition("/")[2] if head.page_url else None
    return Evidence(
        code=head.code,
        page_url=head.page_url,
        page=page,
        died_at=servers.died_at,
        members={member.name: member for member in each_member(app.ledger)},
        views={view.recipient: view for view in deliveries if view.kind == "member"},
        site=next(view for view in deliveries if view.kind == "place"),
        taken=servers.taken(),
    )


def promises(seen: Evidence) -> list[Promise]:
    """Each one true or false, from the records alone."""
    return [
        _own_ground_first(seen),
        _died_in_the_middle(seen),
        _everybody_accounted_for(seen),
        _nobody_twice(seen),
        _the_record_is_true(seen),
        _one_for_the_couple(seen),
        _carries_page_and_code(seen),
        _named_with_reasons(seen),
    ]


def _own_ground_first(seen: Evidence) -> Promise:
    published = [a.ended_at for a in seen.site.attempts if a.outcome.success and a.ended_at]
    others = [a.begun_at for view in seen.views.values() for a in view.attempts]
    first = bool(published and others) and published[0] <= min(others)
    there = seen.page is not None and seen.page.is_file()
    return Promise(Phrase("the site had its page before anybody was written to"), first and there)


def _died_in_the_middle(seen: Evidence) -> Promise:
    by_telegram = sum(view.via == "telegram" for view in seen.views.values())
    fallen = seen.fallen_back()
    everybody = by_telegram + len(fallen) == sum("telegram" in v.channels for v in seen.views.values())
    what = Phrase(
        "Telegram died after {count} messages; all {others} others who use it were reached without it",
        count=by_telegram,
        others=len(fallen),
    )
    in_the_middle = seen.died_at is not None and by_telegram == club.DIES_AFTER and bool(fallen)
    return Promise(what, in_the_middle and everybody)


def _everybody_accounted_for(seen: Evidence) -> Promise:
    states = Counter(view.state for view in seen.views.values())
    what = Phrase(
        "{total} members, all accounted for: {reached} reached, {others} not, with the reason",
        total=len(seen.members),
        reached=states["reached"],
        others=states["unreached"] + states["excluded"],
    )
    closed = states["reached"] + states["unreached"] + states["excluded"]
    return Promise(what, closed == len(seen.views) == len(seen.members) == club.MEMBERS)


def _nobody_twice(seen: Evidence) -> Promise:
    at_each = Counter((taken.server, taken.address) for taken in seen.taken)
    per_member = [len(seen.of_member(name)) for name in seen.members]
    what = Phrase("nobody was told twice: the servers took {count} messages", count=len(seen.taken))
    return Promise(what, max(at_each.values(), default=0) == 1 and max(per_member, default=0) == 1)


def _the_record_is_true(seen: Evidence) -> Promise:
    agree = all(
        [taken.server for taken in seen.of_member(name)] == ([view.via] if view.state == "reached" else [])
        for name, view in seen.views.items()
    )
    return Promise(Phrase("the ledger and the servers agree about every member"), agree)


def _one_for_the_couple(seen: Evidence) -> Promise:
    address = club.addresses(club.COUPLE[0])["email"]
    letters = [taken for taken in seen.taken if taken.address == address]
    covered = [name for name, m in seen.members.items() if m.addresses.get("email") == address]
    reached = all(seen.views[name].state == "reached" for name in covered)
    what = Phrase("two members share a mailbox: both were reached, by one message")
    return Promise(what, len(letters) == 1 and len(covered) == 2 and reached)


def _carries_page_and_code(seen: Evidence) -> Promise:
    carried = all(
        seen.code in taken.text and seen.page_url is not None and seen.page_url in taken.text
        for taken in seen.taken
    )
    what = Phrase("every message carries the page's address and the code {code}", code=seen.code)
    return Promise(what, carried and bool(seen.taken))


def _named_with_reasons(seen: Evidence) -> Promise:
    missed = [view for view in seen.views.values() if view.state != "reached"]
    what = Phrase("who was not reached stands there by name, to be telephoned")
    return Promise(what, len(missed) == 2 and all(view.reasons for view in missed))
