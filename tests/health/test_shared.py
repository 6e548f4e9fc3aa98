"""Who goes down together: tables of what is known, and properties that hold whatever is known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.health.facts import (
    Certificate,
    Facts,
    Findings,
    Kind,
    Member,
    Reach,
    Role,
    Subject,
    is_private,
    network_of,
)
from fallback_cast.health.operators import operator, registrable
from fallback_cast.health.shared import Shared, Weight, shared, ties, too_near, unknown
from fallback_cast.model.channel import Endpoint


def reach(*hosts: str, declared: Iterable[str] = ()) -> Reach:
    return Reach(tuple(Endpoint(host, 443, True) for host in hosts), frozenset(declared))


def channel(name: str, rank: int, *providers: Reach, mail_domain: str | None = None) -> Subject:
    return Subject(Member(Role.CHANNEL, name, rank), providers, mail_domain)


def facts(*addresses: str, servers: Iterable[str] = (), owner: str | None = None) -> Facts:
    return Facts(
        addresses=addresses,
        name_servers=(tuple(servers),) if servers else (),
        certificates=(Certificate(owner, 90),) if owner else (),
    )


def named(found: Iterable[Shared]) -> list[tuple[Kind, str, tuple[str, ...]]]:
    return [(one.kind, one.name, tuple(member.name for member in one.members)) for one in found]


A, B = reach("a.test"), reach("b.example")
PAIR = [channel("first", 1, A), channel("second", 2, B)]


@pytest.mark.parametrize(
    ("of_a", "of_b", "expected"),
    [
        (facts("203.0.113.7"), facts("198.51.100.7"), []),
        (facts("203.0.113.7"), facts("203.0.113.7"), [(Kind.ADDRESS, "203.0.113.7")]),
        (facts("203.0.113.7"), facts("203.0.113.200"), [(Kind.NETWORK, "203.0.113.0/24")]),
        (facts("2001:db8:1:1::1"), facts("2001:db8:1:9::1"), [(Kind.NETWORK, "2001:db8:1::/48")]),
        (facts("2001:db8:1::1"), facts("2001:db8:2::1"), []),
        # one family in common is enough: it is the same place
        (facts("203.0.113.7", "2001:db8:1::1"), facts("203.0.113.8"), [(Kind.NETWORK, "203.0.113.0/24")]),
        # homes: the same numbers everywhere, except for the very same machine
        (facts("192.168.1.10"), facts("192.168.1.20"), []),
        (facts("192.168.1.10"), facts("192.168.1.10"), [(Kind.ADDRESS, "192.168.1.10")]),
        (facts("10.0.0.1"), facts("10.0.0.2"), []),
        (facts("fd00::1"), facts("fd00::2"), []),
        (facts("127.0.0.1"), facts("127.0.0.1"), []),
        (facts("::1"), facts("::1"), []),
        (
            facts(servers=["ns1.dns.example.net", "ns2.dns.example.net"]),
            facts(servers=["ns9.example.net"]),
            [(Kind.NAME_SERVERS, "example.net")],
        ),
        # a zone with a second company survives the first one
        (facts(servers=["ns1.one.net", "ns1.two.net"]), facts(servers=["ns2.one.net"]), []),
        (
            facts(servers=["ns1.one.net", "ns1.two.net"]),
            facts(servers=["ns2.two.net", "ns2.one.net"]),
            [(Kind.NAME_SERVERS, "one.net + two.net")],
        ),
        # one company's many registered domains
        (
            facts(servers=["ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"]),
            facts(servers=["ns-3.awsdns-33.com"]),
            [(Kind.NAME_SERVERS, "amazonaws.com")],
        ),
        (facts(owner="Big Company"), facts(owner="Big Company"), [(Kind.CERTIFICATE, "Big Company")]),
        (facts(owner="Big Company"), facts(owner="Small Company"), []),
        # different parts of one company
        (facts(servers=["ns1.big.net"]), facts(owner="big.net"), [(Kind.OPERATOR, "big.net")]),
    ],
)
def test_two_ranks(of_a: Facts, of_b: Facts, expected: list[tuple[Kind, str]]) -> None:
    found = shared(PAIR, Findings({"a.test": of_a, "b.example": of_b}))
    assert named(found) == [(kind, name, ("first", "second")) for kind, name in expected]
    assert all(one.weight is Weight.FIRST for one in found)


def test_a_declared_domain_is_shared_whatever_the_names_say() -> None:
    both = [
        channel("whatsapp", 1, reach("a.test", declared=["meta"])),
        channel("messenger", 2, reach("b.example", declared=["meta", "messenger"])),
    ]
    [found] = shared(both, Findings({}))
    assert (found.kind, found.name, found.weight) == (Kind.PROVIDER, "meta", Weight.FIRST)


def test_the_registered_domain_needs_no_look_up() -> None:
    both = [channel("one", 2, reach("a.club.co.uk")), channel("two", 3, reach("b.club.co.uk"))]
    [found] = shared(both, Findings({}))
    assert (found.kind, found.name, found.weight) == (Kind.ZONE, "club.co.uk", Weight.RANKS)
    strangers = [channel("one", 1, reach("club.co.uk")), channel("two", 2, reach("other.co.uk"))]
    assert shared(strangers, Findings({})) == []


def test_a_second_relay_elsewhere_makes_a_channel_independent() -> None:
    known = Findings({"a.test": facts("203.0.113.7"), "b.example": facts("203.0.113.7")})
    two_relays = channel("email", 2, reach("b.example"), reach("c.example"))
    assert shared([channel("first", 1, A), two_relays], known) == []
    both_there = channel("email", 2, reach("b.example"), reach("a.test"))
    assert shared([channel("first", 1, A), both_there], known)


def test_an_alias_hangs_on_both_zones() -> None:
    known = Findings({"a.test": Facts(aliases=("club.hosting.example",))})
    [found] = shared([channel("one", 1, A), channel("two", 2, reach("x.hosting.example"))], known)
    assert (found.kind, found.name) == (Kind.ZONE, "hosting.example")


def test_mail_of_a_domain_hangs_on_that_domain() -> None:
    """A Matrix server and mail in the club's own name: without the name both are gone."""
    both = [
        channel("matrix", 1, reach("matrix.club.test")),
        channel("email", 2, reach("smtp.b.example"), mail_domain="club.test"),
    ]
    [found] = shared(both, Findings({}))
    assert (found.kind, found.name) == (Kind.ZONE, "club.test")


def test_a_weaker_tie_of_the_same_members_is_evidence() -> None:
    same = facts("203.0.113.7", servers=["ns1.big.net"], owner="Big Company")
    [found] = shared(PAIR, Findings({"a.test": same, "b.example": same}))
    assert (found.kind, found.name) == (Kind.ADDRESS, "203.0.113.7")
    assert [reason.fields["name"] for reason in found.evidence] == ["203.0.113.7", "big.net", "Big Company"]


def test_what_the_ranks_share_with_the_site_is_told_once() -> None:
    """The site and one channel on one machine say nothing more than the network of all three."""
    known = Findings(
        {
            "www.club.test": facts("203.0.113.1"),
            "a.test": facts("203.0.113.1"),
            "b.example": facts("203.0.113.2"),
        }
    )
    [found] = shared([SITE, *PAIR], known)
    assert (found.kind, [member.name for member in found.members]) == (
        Kind.NETWORK,
        ["site", "first", "second"],
    )
    assert found.kinds == (Kind.NETWORK, Kind.ADDRESS)


def test_a_wider_tie_is_said_beside_a_narrow_one_and_the_worst_first() -> None:
    three = [*PAIR, channel("third", 3, reach("c.example.org"))]
    dns = ["ns1.big.net"]
    known = Findings(
        {
            "a.test": facts("203.0.113.7", servers=dns),
            "b.example": facts("198.51.100.1", servers=dns),
            "c.example.org": facts("198.51.100.2", servers=dns),
        }
    )
    assert named(shared(three, known)) == [
        (Kind.NAME_SERVERS, "big.net", ("first", "second", "third")),
        (Kind.NETWORK, "198.51.100.0/24", ("second", "third")),
    ]


SITE = Subject(Member(Role.SITE, "site"), (reach("www.club.test"),))
MAIL = Subject(Member(Role.MAIL, "club.example"), mail_domain="club.example")
PROGRAM = Subject(Member(Role.PROGRAM))


def ground(site: str, mail: str, *own: str) -> Findings:
    return Findings(
        {
            "www.club.test": facts(site),
            "club.example": Facts(exchangers=("mx.mail.test",)),
            "mx.mail.test": facts(mail),
        },
        own,
    )


@pytest.mark.parametrize(
    ("known", "weight", "roles"),
    [
        (
            ground("203.0.113.1", "203.0.113.2", "203.0.113.3"),
            Weight.GROUND,
            [Role.SITE, Role.MAIL, Role.PROGRAM],
        ),
        (ground("203.0.113.1", "203.0.113.2", "198.51.100.3"), Weight.ADVICE, [Role.SITE, Role.MAIL]),
        (ground("203.0.113.1", "198.51.100.2", "203.0.113.1"), Weight.ADVICE, [Role.SITE, Role.PROGRAM]),
        (ground("203.0.113.1", "198.51.100.2", "192.0.2.3"), None, []),
        (ground("192.168.1.10", "198.51.100.2", "192.168.1.20"), None, []),
        # our own web server at home, seen from itself
        (ground("192.168.1.10", "198.51.100.2", "192.168.1.10"), Weight.ADVICE, [Role.SITE, Role.PROGRAM]),
    ],
)
def test_site_mail_and_program(known: Findings, weight: Weight | None, roles: list[Role]) -> None:
    found = shared([SITE, MAIL, PROGRAM], known)
    assert [one.weight for one in found] == ([weight] if weight else [])
    assert {member.role for one in found for member in one.members} == set(roles)


def test_the_site_and_a_channel_is_no_fault_of_the_ranks() -> None:
    known = Findings({"www.club.test": facts("203.0.113.1"), "b.example": facts("203.0.113.1")})
    [found] = shared([SITE, channel("matrix", 1, B)], known)
    assert found.weight is Weight.ADVICE


def test_a_channel_beside_this_machine_is_nobodys_fault() -> None:
    known = Findings({"a.test": facts("203.0.113.1")}, ("203.0.113.2",))
    assert shared([channel("matrix", 1, A), PROGRAM], known) == []


def test_what_failed_is_unknown_for_everybody_who_needs_it() -> None:
    broken = Facts(unknown={Kind.NAME_SERVERS: "no answer in time"})
    both = [channel("one", 1, A), channel("two", 2, A, B)]
    [found] = unknown(both, Findings({"a.test": broken, "b.example": facts("203.0.113.1")}))
    assert (found.kind, found.host, found.reason) == (Kind.NAME_SERVERS, "a.test", "no answer in time")
    assert [member.name for member in found.members] == ["one", "two"]


def test_behind_a_router_our_own_place_is_unknown() -> None:
    at_home = ground("203.0.113.1", "198.51.100.2", "192.168.1.20")
    assert [one.kind for one in unknown([SITE, MAIL, PROGRAM], at_home)] == [Kind.NETWORK]
    hosted = ground("203.0.113.1", "198.51.100.2", "192.168.1.20", "203.0.113.9")
    assert unknown([SITE, MAIL, PROGRAM], hosted) == []
    assert unknown([channel("one", 1, A), PROGRAM], at_home) == []  # nothing to compare with


def test_references_in_one_place_with_what_they_judge() -> None:
    def reference(host: str) -> Subject:
        return Subject(Member(Role.REFERENCE, f"tcp://{host}:53"), (reach(host),))

    references = [reference("203.0.113.53"), reference("198.51.100.53"), reference("198.51.100.54")]
    known = Findings(
        {
            "a.test": facts("203.0.113.7"),
            **{host: facts(host) for host in ("203.0.113.53", "198.51.100.53", "198.51.100.54")},
        }
    )
    found = [(one.name, other.name, name) for one, other, name in too_near(references, PAIR, known)]
    assert found == [
        ("tcp://203.0.113.53:53", "first", "203.0.113.0/24"),
        ("tcp://198.51.100.54:53", "tcp://198.51.100.53:53", "198.51.100.0/24"),
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.telegram.org", "telegram.org"),
        ("SSL0.OVH.NET.", "ovh.net"),
        ("club.github.io", "github.io"),  # its pages go down with github.io
        ("club.asso.fr", "club.asso.fr"),
        ("www.club.asso.fr", "club.asso.fr"),
        ("a.b.test", "b.test"),
        ("co.uk", None),
        ("localhost", None),
        ("nas.local", None),
        ("box.home.arpa", None),
        ("192.168.1.1", None),
        ("2001:db8::1", None),
    ],
)
def test_registered_domains(host: str, expected: str | None) -> None:
    assert registrable(host) == expected


def test_operators() -> None:
    assert operator([]) is None
    assert operator(["localhost"]) is None
    assert operator(["ns2.one.net", "ns1.one.net", "ns.two.net"]) == "one.net + two.net"


@pytest.mark.parametrize(
    ("address", "private", "network"),
    [
        ("127.0.0.1", True, None),
        ("172.20.0.1", True, None),
        ("100.64.0.1", True, None),
        ("169.254.1.1", True, None),
        ("fe80::1", True, None),
        ("fdab::1", True, None),
        ("172.32.0.1", False, "172.32.0.0/24"),
        ("2001:db8:5:6::1", False, "2001:db8:5::/48"),
    ],
)
def test_networks(address: str, private: bool, network: str | None) -> None:
    assert (is_private(address), network_of(address)) == (private, network)


HOSTS = ["www.club.test", "mx.club.test", "a.example", "b.example", "nas.local", "c.example.org"]
ADDRESSES = ["203.0.113.1", "203.0.113.2", "198.51.100.1", "192.168.1.1", "127.0.0.1", "2001:db8::1"]
SERVERS = ["ns1.one.net", "ns2.one.net", "ns1.two.net"]

some_facts = st.builds(
    Facts,
    addresses=st.lists(st.sampled_from(ADDRESSES), max_size=2).map(tuple),
    aliases=st.lists(st.sampled_from(HOSTS), max_size=1).map(tuple),
    name_servers=st.lists(st.lists(st.sampled_from(SERVERS), min_size=1).map(tuple), max_size=2).map(tuple),
    exchangers=st.lists(st.sampled_from(HOSTS), max_size=2).map(tuple),
    certificates=st.lists(
        st.builds(Certificate, st.sampled_from([None, "one.net", "Company"])), max_size=1
    ).map(tuple),
    unknown=st.dictionaries(
        st.sampled_from([Kind.ADDRESS, Kind.NAME_SERVERS, Kind.CERTIFICATE]), st.just("late"), max_size=2
    ),
)
reaches = st.builds(
    Reach,
    st.lists(st.sampled_from(HOSTS).map(lambda host: Endpoint(host, 443)), max_size=2).map(tuple),
    st.frozensets(st.sampled_from(["meta", "one.net"]), max_size=1),
)
providers = st.lists(reaches, max_size=2).map(tuple)


@st.composite
def clubs(draw: st.DrawFn) -> tuple[list[Subject], Findings]:
    count = draw(st.integers(0, 4))
    mail = st.none() | st.sampled_from(HOSTS)
    subjects = [
        Subject(Member(Role.CHANNEL, f"c{rank}", rank), draw(providers), draw(mail))
        for rank in range(1, count + 1)
    ]
    subjects.append(Subject(Member(Role.SITE, "site"), draw(providers)))
    subjects.append(Subject(Member(Role.MAIL, "m"), mail_domain=draw(mail)))
    subjects.append(PROGRAM)
    own = tuple(draw(st.lists(st.sampled_from(ADDRESSES), max_size=2)))
    return subjects, Findings(draw(st.dictionaries(st.sampled_from(HOSTS), some_facts)), own)


@given(clubs(), st.randoms(use_true_random=False))
def test_order_does_not_matter(club: tuple[list[Subject], Findings], chance: random.Random) -> None:
    subjects, known = club
    mixed = chance.sample(subjects, len(subjects))
    turned = Findings(dict(reversed(known.hosts.items())), known.own[::-1])
    assert shared(mixed, turned) == shared(subjects, known)
    assert unknown(mixed, turned) == unknown(subjects, known)


@given(clubs())
def test_every_pair_that_shares_is_told_and_no_other(club: tuple[list[Subject], Findings]) -> None:
    subjects, known = club
    found = shared(subjects, known)
    things = {one.member: {(tie.kind, tie.name) for tie in ties(one, known)} for one in subjects}
    names = {member: {name for _, name in held} for member, held in things.items()}
    for one in found:
        assert len(one.members) > 1
        assert one.weight > Weight.NONE
        assert one.evidence
        for member in one.members:
            if one.kind is Kind.OPERATOR:
                assert one.name in names[member]
            else:
                assert (one.kind, one.name) in things[member]
    ranked = [member for member in things if member.rank]
    for left, right in itertools.combinations(ranked, 2):
        if things[left] & things[right]:
            assert any({left, right} <= set(one.members) for one in found)


@given(clubs())
def test_homes_and_loopback_are_no_network(club: tuple[list[Subject], Findings]) -> None:
    for one in shared(*club):
        assert one.kind is not Kind.NETWORK or not one.name.startswith(("192.168", "127."))
        assert one.name != "127.0.0.1"


@given(clubs())
def test_no_failed_look_up_is_forgotten(club: tuple[list[Subject], Findings]) -> None:
    subjects, known = club
    told = {(one.host, one.kind, member) for one in unknown(subjects, known) for member in one.members}
    for subject in subjects:
        for reached in subject.providers:
            for endpoint in reached.endpoints:
                for kind in known.hosts.get(endpoint.host, Facts()).unknown:
                    assert (endpoint.host, kind, subject.member) in told
