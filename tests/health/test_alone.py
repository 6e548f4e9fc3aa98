"""Who hangs on one failure domain only: what all channels of a person have in common."""

from __future__ import annotations

import pytest

from fallback_cast.health.alone import Domain, domains_of, hanging, only_domain
from fallback_cast.health.facts import Facts, Findings, Kind, Subject
from fallback_cast.routing.forecast import Names
from tests.health.test_shared import channel, facts, reach

SAME_SERVERS = ("ns1.dns.example", "ns2.dns.example")


def domains(*subjects: Subject, **hosts: Facts) -> dict[str, frozenset[Domain]]:
    return domains_of(subjects, Findings({name.replace("_", "."): found for name, found in hosts.items()}))


@pytest.mark.parametrize(
    ("of_a", "of_b", "only"),
    [
        (facts("203.0.113.7"), facts("198.51.100.7"), None),
        (facts("203.0.113.7"), facts("203.0.113.7"), Domain(Kind.ADDRESS, "203.0.113.7")),
        (facts("203.0.113.7"), facts("203.0.113.9"), Domain(Kind.NETWORK, "203.0.113.0/24")),
        (
            facts("203.0.113.7", servers=SAME_SERVERS),
            facts("198.51.100.7", servers=SAME_SERVERS),
            Domain(Kind.NAME_SERVERS, "dns.example"),
        ),
        # Name servers here, the certificate there: one company all the same.
        (
            facts("203.0.113.7", servers=SAME_SERVERS),
            facts("198.51.100.7", owner="dns.example"),
            Domain(Kind.OPERATOR, "dns.example"),
        ),
    ],
)
def test_two_channels_hang_on_what_both_need(of_a: Facts, of_b: Facts, only: Domain | None) -> None:
    pair = (channel("first", 1, reach("a.test")), channel("second", 2, reach("b.example")))
    found = domains(*pair, a_test=of_a, b_example=of_b)
    assert only_domain(("first", "second"), found) == only


def test_a_declared_domain_is_the_strongest() -> None:
    pair = (
        channel("first", 1, reach("a.test", declared=["meta"])),
        channel("second", 2, reach("b.test", declared=["meta", "other"])),
    )
    found = domains(*pair, a_test=facts("203.0.113.7"), b_test=facts("203.0.113.7"))
    assert only_domain(("first", "second"), found) == Domain(Kind.PROVIDER, "meta")


def test_one_channel_with_two_independent_gateways_hangs_on_none() -> None:
    one = channel("sms", 1, reach("a.test", declared=["a"]), reach("b.example", declared=["b"]))
    assert only_domain(("sms",), domains(one)) is None
    assert only_domain((), domains(one)) is None
    assert only_domain(("removed",), domains(one)) is None


def test_people_are_counted_by_domain() -> None:
    found = domains(
        channel("first", 1, reach("a.test", declared=["meta"])),
        channel("second", 2, reach("b.test", declared=["meta"])),
        channel("third", 3, reach("c.example", declared=["other"])),
    )

    def names(*given: str) -> Names:
        people = Names()
        for name in given:
            people.add(name)
        return people

    listed = hanging(
        {
            ("third",): names("Zoé"),
            ("first",): names("Ann", "Bob"),
            ("first", "second"): names("Cid"),
            ("first", "third"): names("Dan"),
        },
        found,
    )
    assert [(one.domain.name, one.channels, one.people.count, one.people.first) for one in listed] == [
        ("meta", ("first", "second"), 3, ["Ann", "Bob", "Cid"]),
        ("other", ("third",), 1, ["Zoé"]),
    ]
