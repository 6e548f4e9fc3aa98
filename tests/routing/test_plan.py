"""Who is told, by which routes, in which order (design §4)."""

from __future__ import annotations

from dataclasses import replace

from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Traits
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.policy import DEFAULT_POLICIES, Policy
from fallback_cast.routing.plan import Audience, ChannelRank, Person, Recipient, plan

NORMAL, INFO = DEFAULT_POLICIES[Importance.NORMAL], DEFAULT_POLICIES[Importance.INFO]


def rank(name: str, place: str | None = "place", *, some: bool = False, **traits: bool) -> ChannelRank:
    return ChannelRank(name, Traits(**traits), place, bool(traits.get("publishes")), some)


SITE = rank("site", publishes=True)
TELEGRAM, EMAIL, SMS = rank("telegram"), rank("email", None), rank("sms", None, paid=True, rings=True)


def planned(
    *ranks: ChannelRank,
    people: list[Person] | None = None,
    policy: Policy = NORMAL,
    audience: Audience | None = None,
) -> list[Recipient]:
    return list(plan(ranks, people, policy, audience or Audience()))


def names(recipient: Recipient) -> list[str]:
    return [route.channel for route in recipient.routes]


ANN = Person(1, "Ann", {"sms": "+33199000001", "email": "ann@example.org", "telegram": "place"}, ("board",))
BOB = Person(2, "Bob", {"email": "bob@example.org"})


def test_without_members_there_is_one_recipient_over_the_places() -> None:
    [everyone] = planned(TELEGRAM, rank("matrix"), EMAIL)
    assert (everyone.kind, names(everyone)) == (RecipientKind.EVERYONE, ["telegram", "matrix"])


def test_our_own_site_is_first_and_outside_the_chain_whatever_its_rank() -> None:
    site, everyone = planned(TELEGRAM, SITE)
    assert (site.kind, names(site), names(everyone)) == (RecipientKind.PLACE, ["site"], ["telegram"])


def test_the_site_alone_is_the_chain() -> None:
    [everyone] = planned(SITE)
    assert (everyone.kind, names(everyone)) == (RecipientKind.EVERYONE, ["site"])


def test_a_place_that_only_some_read_gets_it_too_and_the_chain_goes_on() -> None:
    found = planned(rank("group", some=True), TELEGRAM)
    assert [(r.kind, names(r)) for r in found] == [
        (RecipientKind.PLACE, ["group"]),
        (RecipientKind.EVERYONE, ["telegram"]),
    ]


def test_members_have_their_own_routes_in_the_order_of_the_settings() -> None:
    ann, bob = planned(TELEGRAM, EMAIL, SMS, people=[ANN, BOB])
    assert ann.routes == (
        Route("telegram", "place"),
        Route("email", "ann@example.org"),
        Route("sms", "+33199000001"),
    )
    assert (bob.member_id, names(bob)) == (2, ["email"])


def test_money_comes_last_for_info_and_never_where_it_is_refused() -> None:
    [ann] = planned(SMS, EMAIL, people=[ANN], policy=INFO)
    assert names(ann) == ["email", "sms"]
    [ann] = planned(SMS, EMAIL, people=[ANN], policy=replace(NORMAL, paid="no"))
    assert names(ann) == ["email"]
    [ann] = planned(SMS, EMAIL, people=[ANN])
    assert names(ann) == ["sms", "email"]


def test_a_policy_may_name_its_own_order() -> None:
    [ann] = planned(TELEGRAM, EMAIL, SMS, people=[ANN], policy=replace(NORMAL, order=("sms", "email")))
    assert names(ann) == ["sms", "email", "telegram"]


def test_who_is_paused_elsewhere_or_without_address_is_named_with_the_reason() -> None:
    zoe = replace(BOB, id=3, name="Zoe", addresses={})
    found = planned(EMAIL, people=[replace(ANN, paused=True), BOB, zoe])
    assert [(r.name, r.excluded) for r in found] == [
        ("Ann", "paused"),
        ("Bob", None),
        ("Zoe", "no address on any channel"),
    ]
    found = planned(EMAIL, people=[ANN, BOB], audience=Audience(groups=frozenset({"board"})))
    assert [r.excluded for r in found] == [None, "not in the group"]


def test_nothing_for_a_group_or_private_goes_to_public_places() -> None:
    for audience in (Audience(groups=frozenset({"board"})), Audience(private=True)):
        found = planned(SITE, TELEGRAM, EMAIL, people=[ANN], audience=audience)
        assert [(r.kind, names(r)) for r in found] == [(RecipientKind.MEMBER, ["email"])]
    open_again = Audience(private=True, public=True)
    assert [names(r) for r in planned(SITE, TELEGRAM, people=[ANN], audience=open_again)] == [
        ["site"],
        ["telegram"],
    ]


def test_only_the_channels_that_were_asked_for() -> None:
    found = planned(SITE, TELEGRAM, EMAIL, people=[ANN], audience=Audience(channels=frozenset({"email"})))
    assert [names(r) for r in found] == [["email"]]


def test_members_stream_through() -> None:
    """One by one: the plan never holds them all."""
    taken: list[int] = []

    def people() -> object:
        for number in range(5):
            taken.append(number)
            yield replace(BOB, id=number)

    stream = plan([EMAIL], people(), NORMAL, Audience())  # type: ignore[arg-type]
    next(stream)
    assert taken == [0]
