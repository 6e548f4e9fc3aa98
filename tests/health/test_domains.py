"""What goes down together."""

from __future__ import annotations

from collections.abc import Sequence

from fallback_cast.health.domains import Platform, down_domains
from fallback_cast.health.judge import History, judge
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence
from tests.health.cases import B, C, D, G, L, moment, seen
from tests.virtual_time import BEGIN


def platform(name: str, domains: str, rows: Sequence[Evidence]) -> Platform:
    history = History(channel=name, provider=name, rows=rows, since=BEGIN)
    judged = judge(history, moment(1000))
    return Platform(name, name, frozenset(domains.split()), judged, judged.lived_at)


def down(name: str, domains: str, at: float = 100) -> Platform:
    return platform(name, domains, [seen(at + n, B, channel=name) for n in range(3)])


def good(name: str, domains: str, at: float) -> Platform:
    return platform(name, domains, [seen(at, G, channel=name)])


def test_a_platform_that_is_down_takes_its_domain_with_it() -> None:
    found = down_domains([down("whatsapp", "meta"), good("page", "meta", 50), good("email", "host", 50)])
    assert {domain: p.channel for domain, p in found.items()} == {"meta": "whatsapp"}


def test_life_since_the_outage_began_speaks_against_it() -> None:
    assert not down_domains([down("whatsapp", "meta"), good("page", "meta", 101)])
    throttled = platform("page", "meta", [seen(101, L, channel="page")])
    assert not down_domains([down("whatsapp", "meta"), throttled])


def test_nobody_has_been_tried_yet() -> None:
    assert set(down_domains([down("whatsapp", "meta"), platform("page", "meta", [])])) == {"meta"}


def test_each_domain_is_judged_for_itself() -> None:
    found = down_domains([down("whatsapp", "meta host"), good("page", "meta", 200)])
    assert set(found) == {"host"}


def test_what_concerns_one_platform_alone_speaks_for_nobody_else() -> None:
    account = platform("whatsapp", "meta", [seen(0, D, layer=Layer.ACCOUNT, channel="whatsapp")])
    invalid = "certificate not valid: certificate has expired"
    certificate = platform(
        "whatsapp", "meta", [seen(0, C, layer=Layer.TLS, detail=invalid, channel="whatsapp")]
    )
    suspect = platform("whatsapp", "meta", [seen(0, B, channel="whatsapp")])
    for alone in (account, certificate, suspect):
        assert not down_domains([alone, good("page", "meta", -50)])


def test_the_oldest_outage_speaks_for_the_domain() -> None:
    found = down_domains([down("page", "meta", 200), down("whatsapp", "meta", 100)])
    assert found["meta"].channel == "whatsapp"
