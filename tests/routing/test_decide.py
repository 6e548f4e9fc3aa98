"""Tables of `decide`: each row of design §5, and everything that stands in a route's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fallback_cast.model.delivery import Attempt, Route, State, Why
from fallback_cast.routing.decide import Close, Send, Wait, decide
from tests.routing.cases import (
    NORMAL,
    ask,
    at,
    attempt,
    channel,
    delivery,
    outlook,
    provider,
    with_policy,
)

BOTH = delivery("telegram", "email")
WORLD = outlook(channel("telegram"), channel("email"))


def send(name: str, by: str | None = None) -> Send:
    return Send(Route(name, f"ann@{name}"), by or name)


def wait_until(action: object) -> float:
    assert isinstance(action, Wait)
    return (action.until - at(0)).total_seconds()


# -- the beginning and the end ---------------------------------------------------------------------


def test_the_first_route_goes_first() -> None:
    assert ask(BOTH, [], WORLD, 0) == send("telegram")


@pytest.mark.parametrize("outcome", ["accepted", "delivered"])
def test_a_success_closes(outcome: str) -> None:
    assert ask(BOTH, [attempt("email", outcome, 0)], WORLD, 1) == Close(State.REACHED, "email")


def test_a_success_counts_even_after_expiry_and_cancelling() -> None:
    told = [attempt("email", "accepted", 0)]
    late = delivery("email", expires_at=at(5), cancelled=True)
    assert ask(late, told, WORLD, 9) == Close(State.REACHED, "email")


def test_cancelled_ends_it_at_once() -> None:
    assert ask(delivery("email", cancelled=True), [], WORLD, 0) == Close(State.CANCELLED)


def test_without_a_route_nobody_is_reached() -> None:
    assert ask(delivery(), [], WORLD, 0) == Close(
        State.UNREACHED, None, ("no route: no address on any channel",)
    )


def test_expired_says_what_stood_in_the_way() -> None:
    world = outlook(channel("telegram", provider("telegram", usable=False, reason="down (refused)")))
    closed = ask(delivery("telegram", "email", expires_at=at(10)), [], world, 10)
    assert closed == Close(
        State.EXPIRED, None, ("email: channel removed from the settings", "telegram: down (refused)")
    )


def test_expired_without_any_other_reason_says_so() -> None:
    assert ask(delivery("email", expires_at=at(10)), [], WORLD, 10) == Close(
        State.EXPIRED, None, ("it expired before it could be sent",)
    )


def test_what_is_in_the_air_at_expiry_may_still_end_well_but_not_for_ever() -> None:
    case, flying = delivery("email", expires_at=at(10)), [attempt("email", "begun", 8)]
    waits = ask(case, flying, WORLD, 10)
    assert wait_until(waits) == 8 + 20 + 5
    assert ask(case, flying, WORLD, 33) == Close(State.EXPIRED, None, ("email: no answer yet",))


@pytest.mark.parametrize("error", ["throttled", "unavailable"])
def test_the_last_word_of_each_route_is_named(error: str) -> None:
    closed = ask(delivery("email", expires_at=at(50)), [attempt("email", error, 0)], WORLD, 50)
    assert closed == Close(State.EXPIRED, None, (f"email: {error} (told so)",))


# -- the rows of the error table ---------------------------------------------------------------------


def test_unavailable_is_tried_again_within_the_patience() -> None:
    waits = ask(BOTH, [attempt("telegram", "unavailable", 0)], WORLD, 0.1)
    assert isinstance(waits, Wait)
    assert waits.lane == "telegram"
    assert 1.25 <= wait_until(waits) <= 3.75
    assert ask(BOTH, [attempt("telegram", "unavailable", 0)], WORLD, 4) == send("telegram")


def test_unavailable_is_left_when_the_patience_ends() -> None:
    tries = [attempt("telegram", "unavailable", second, number=n) for n, second in enumerate((0, 3, 12), 1)]
    assert ask(BOTH, tries, WORLD, 20) == send("email")


def test_unavailable_where_the_domain_is_judged_down_is_left_at_once() -> None:
    world = outlook(channel("telegram", provider("telegram", usable=False)), channel("email"))
    assert ask(BOTH, [attempt("telegram", "unavailable", 0)], world, 0) == send("email")


def test_unavailable_is_tried_later_if_nothing_else_is_left() -> None:
    waits = ask(delivery("telegram"), [attempt("telegram", "unavailable", 0)], WORLD, 30)
    assert waits == send("telegram")


def test_throttled_waits_as_told() -> None:
    told = [attempt("telegram", "throttled", 0, not_before=at(12))]
    assert wait_until(ask(BOTH, told, WORLD, 1)) == 12
    assert ask(BOTH, told, WORLD, 12) == send("telegram")


def test_throttled_beyond_the_patience_takes_the_next_route() -> None:
    told = [attempt("telegram", "throttled", 0, not_before=at(21))]
    assert ask(BOTH, told, WORLD, 1) == send("email")


def test_access_denied_takes_the_next_route_at_once() -> None:
    assert ask(BOTH, [attempt("telegram", "access-denied", 0)], WORLD, 0) == send("email")


def test_access_denied_is_not_tried_again_until_the_settings_change() -> None:
    denied, alone = [attempt("telegram", "access-denied", 10)], delivery("telegram")
    before = outlook(channel("telegram", provider("telegram", configured_at=at(9))))
    after = outlook(channel("telegram", provider("telegram", configured_at=at(11))))
    assert ask(alone, denied, before, 5000) == Close(
        State.UNREACHED, None, ("telegram: access denied (told so)",)
    )
    assert ask(alone, denied, after, 5000) == send("telegram")


def test_access_denied_is_tried_again_when_the_organiser_says_retry() -> None:
    reopened = delivery("telegram", opened_at=at(60))
    assert ask(reopened, [attempt("telegram", "access-denied", 10)], WORLD, 60) == send("telegram")


def test_address_refused_is_never_used_again() -> None:
    refused = [attempt("telegram", "address-refused", 0)]
    assert ask(BOTH, refused, WORLD, 0) == send("email")
    assert ask(delivery("telegram", opened_at=at(5000)), refused, WORLD, 5000) == Close(
        State.UNREACHED, None, ("telegram: address refused (told so)",)
    )


def test_another_address_on_the_same_channel_is_another_route() -> None:
    refused = [attempt("email", "address-refused", 0)]
    two = delivery(routes=(Route("email", "ann@email"), Route("email", "ann@example.org")))
    assert ask(two, refused, WORLD, 0) == Send(Route("email", "ann@example.org"), "email")


def test_message_refused_takes_the_next_route_and_not_this_one_again() -> None:
    refused = [attempt("telegram", "message-refused", 0)]
    assert ask(BOTH, refused, WORLD, 0) == send("email")
    assert ask(delivery("telegram", opened_at=at(5000)), refused, WORLD, 5000) == Close(
        State.UNREACHED, None, ("telegram: message refused (told so)",)
    )


def test_three_refused_texts_end_the_channel() -> None:
    world = outlook(channel("telegram", ended="this text was refused three times"), channel("email"))
    assert ask(BOTH, [], world, 0) == send("email")


def test_outcome_unknown_waits_for_the_grace_then_falls_back() -> None:
    lost = [attempt("telegram", "unknown", 0, 1)]
    waits = ask(BOTH, lost, WORLD, 1)
    assert isinstance(waits, Wait)
    assert (waits.why, wait_until(waits)) == (Why.GRACE, 6)
    assert ask(BOTH, lost, WORLD, 6) == send("email")


def test_outcome_unknown_is_never_sent_again_where_nobody_recognises_it() -> None:
    lost = [attempt("telegram", "unknown", 0, 1)]
    assert ask(delivery("telegram"), lost, WORLD, 5000) == Close(
        State.UNREACHED, None, ("telegram: outcome unknown (told so)",)
    )
    reopened = delivery("telegram", opened_at=at(5000))
    assert isinstance(ask(reopened, lost, WORLD, 5001), Close)


# -- where the key is recognised ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "standing",
    [
        channel("matrix", deduplicates=True),
        channel("matrix", provider("matrix", deduplicates=True)),
    ],
)
def test_a_recognised_key_goes_again_without_waiting_for_the_grace(standing: object) -> None:
    world = outlook(standing, channel("email"))  # type: ignore[arg-type]
    lost = [attempt("matrix", "unknown", 0, 0)]
    assert wait_until(ask(delivery("matrix", "email"), lost, world, 0.1)) < 4
    assert ask(delivery("matrix", "email"), lost, world, 4) == send("matrix")


def test_a_key_is_recognised_only_as_long_as_the_provider_remembers_it() -> None:
    world = outlook(channel("matrix", deduplicates=True, deduplicates_for=10.0), channel("email"))
    lost = [attempt("matrix", "unknown", 0, 0)]
    assert ask(delivery("matrix", "email"), lost, world, 9) == send("matrix")
    assert ask(delivery("matrix", "email"), lost, world, 10) == send("email")


def test_a_changed_account_does_not_recognise_the_key() -> None:
    world = outlook(channel("matrix", provider("matrix", configured_at=at(5)), deduplicates=True))
    lost = [attempt("matrix", "unknown", 0, 0)]
    assert isinstance(ask(delivery("matrix"), lost, world, 60), Close)


def test_a_recognised_key_still_waits_for_the_grace_of_another_route() -> None:
    world = outlook(channel("matrix", deduplicates=True), channel("telegram"))
    lost = [attempt("matrix", "unknown", 0, 0), attempt("telegram", "unknown", 10, 10)]
    waits = ask(delivery("matrix", "telegram"), lost, world, 11)
    assert isinstance(waits, Wait)
    assert (waits.why, wait_until(waits)) == (Why.GRACE, 15)


# -- patience, grace, what is in the air ----------------------------------------------------------


def test_while_something_is_in_the_air_everybody_waits() -> None:
    waits = ask(BOTH, [attempt("telegram", "begun", 0)], WORLD, 1)
    assert (wait_until(waits), waits.lane) == (25, "email")  # type: ignore[union-attr]


def test_patience_ends_in_mid_attempt_the_next_route_follows_after_the_grace() -> None:
    flying = [attempt("telegram", "begun", 0)]
    assert isinstance(ask(BOTH, flying, WORLD, 24.9), Wait)
    assert ask(BOTH, flying, WORLD, 25) == send("email")


def test_an_attempt_that_begins_after_the_patience_is_given_the_grace_too() -> None:
    """Everything was down for long: what is back first may be slow, and must not be overtaken."""
    tries = [attempt("telegram", "unavailable", 0), attempt("telegram", "begun", 60, number=2)]
    waits = ask(BOTH, tries, WORLD, 60.6)
    assert isinstance(waits, Wait)
    assert wait_until(waits) == 65
    assert ask(BOTH, tries, WORLD, 65) == send("email")


def test_nothing_more_goes_to_an_address_while_one_is_in_the_air() -> None:
    """Not by another relay either: what hangs may go out yet."""
    flying = [attempt("email", "begun", 0, provider="relay-1")]
    world = outlook(channel("email", provider("relay-1"), provider("relay-2"), deduplicates=True))
    waits = ask(delivery("email"), flying, world, 600)
    assert isinstance(waits, Wait)
    assert (waits.why, waits.lane) == (Why.SENDING, "email")


def test_grace_runs_from_the_end_of_the_unknown_attempt() -> None:
    lost = [attempt("telegram", "unknown", 0, 15)]
    assert isinstance(ask(BOTH, lost, WORLD, 19.9), Wait)
    assert ask(BOTH, lost, WORLD, 20) == send("email")


def test_patience_starts_anew_when_the_delivery_is_opened_again() -> None:
    tries = [attempt("telegram", "unavailable", 0), attempt("telegram", "unavailable", 1000, number=2)]
    reopened = delivery("telegram", "email", opened_at=at(1000))
    waits = ask(reopened, tries, WORLD, 1000)
    assert isinstance(waits, Wait)
    assert waits.lane == "telegram"


# -- who is up -----------------------------------------------------------------------------------


def test_what_is_down_is_passed_over() -> None:
    world = outlook(channel("telegram", provider("telegram", usable=False)), channel("email"))
    assert ask(BOTH, [], world, 0) == send("email")


def test_with_everything_down_it_waits_for_the_first_that_may_be_back() -> None:
    world = outlook(
        channel("telegram", provider("telegram", usable=False, retry_at=at(60), reason="down (refused)")),
        channel("email", provider("email", usable=False, retry_at=at(30), reason="down (421)")),
    )
    waits = ask(BOTH, [], world, 0)
    assert waits == Wait(at(30), Why.RETRY, "email", "down (421)")


def test_who_is_looked_at_right_now_is_not_asked_for_every_moment() -> None:
    world = outlook(channel("email", provider("email", usable=False, retry_at=at(-3))))
    assert wait_until(ask(delivery("email"), [], world, 0)) == 10


def test_offline_holds() -> None:
    world = outlook(channel("email", provider("email", usable=False)), offline=True)
    waits = ask(delivery("email"), [], world, 0)
    assert isinstance(waits, Wait)
    assert waits.why is Why.HELD


def test_what_failed_while_we_were_offline_burns_no_patience_and_no_route() -> None:
    world = outlook(channel("telegram"), channel("email"))
    ours = [attempt("telegram", "unavailable", n, offline=True) for n in range(3)]
    assert ask(BOTH, ours, world, 600) == send("telegram")
    theirs = [replace(one, offline=False) for one in ours]
    assert ask(BOTH, theirs, world, 600) == send("email")


def test_no_wait_goes_beyond_expiry() -> None:
    world = outlook(channel("email", provider("email", usable=False, retry_at=at(500))))
    assert wait_until(ask(delivery("email", expires_at=at(90)), [], world, 0)) == 90


def test_the_next_relay_is_tried_at_once_for_what_surely_did_not_go_out() -> None:
    world = outlook(channel("email", provider("relay-1"), provider("relay-2")), channel("sms"))
    failed = [attempt("email", "unavailable", 0, provider="relay-1")]
    assert ask(delivery("email", "sms"), failed, world, 0) == send("email", "relay-2")


def test_a_relay_of_the_same_domain_is_not() -> None:
    shared = frozenset({"example-hosting"})
    relays = (provider("relay-1", domains=shared), provider("relay-2", domains=shared))
    world = outlook(channel("email", *relays), channel("sms"))
    failed = [attempt("email", "unavailable", 0, provider="relay-1")]
    assert isinstance(ask(delivery("email", "sms"), failed, world, 0), Wait)
    assert ask(delivery("email", "sms"), failed, world, 20) == send("sms")


def test_after_an_unknown_outcome_the_next_relay_waits_for_the_grace() -> None:
    world = outlook(channel("email", provider("relay-1"), provider("relay-2")))
    lost = [attempt("email", "unknown", 0, 0, provider="relay-1")]
    assert wait_until(ask(delivery("email"), lost, world, 0)) == 5
    assert ask(delivery("email"), lost, world, 5) == send("email", "relay-2")


def test_what_failed_takes_its_domain_with_it_while_another_is_up() -> None:
    meta = frozenset({"meta"})
    world = outlook(
        channel("whatsapp", provider("whatsapp", domains=meta)),
        channel("messenger", provider("messenger", domains=meta)),
        channel("sms"),
    )
    failed = [attempt("whatsapp", "unavailable", 0)]
    case = delivery("whatsapp", "messenger", "sms")
    assert ask(case, failed, world, 20) == send("sms")
    without_sms = outlook(*(c for name, c in world.channels.items() if name != "sms"))
    assert ask(case, failed, without_sms, 20) in (send("whatsapp"), send("messenger"))


# -- quiet hours, suppression, audience, settings --------------------------------------------------


def test_quiet_hours_hold_what_rings_and_nothing_else() -> None:
    world = outlook(channel("sms", rings=True), channel("email"), quiet_until=at(3600))
    waits = ask(delivery("sms", "email"), [], world, 0, NORMAL)
    assert waits == Wait(at(3600), Why.QUIET_HOURS, "sms", "")
    assert ask(delivery("email", "sms"), [], world, 0, NORMAL) == send("email")
    assert ask(delivery("sms"), [], world, 0) == send("sms")  # urgent


def test_quiet_hours_do_not_hold_up_the_retry_of_a_silent_channel() -> None:
    world = outlook(channel("email"), channel("sms", rings=True), quiet_until=at(8000))
    failed = [attempt("email", "throttled", 0, not_before=at(700))]
    waits = ask(delivery("email", "sms"), failed, world, 601, NORMAL)
    assert (wait_until(waits), waits.lane) == (700, "email")  # type: ignore[union-attr]


def test_a_suppressed_address_is_passed_over() -> None:
    case = delivery("telegram", "email", suppressed=frozenset({Route("telegram", "ann@telegram")}))
    assert ask(case, [], WORLD, 0) == send("email")


def test_a_channel_that_was_removed_is_passed_over_with_that_reason() -> None:
    world = outlook(channel("email"))
    assert ask(BOTH, [], world, 0) == send("email")
    assert ask(BOTH, [attempt("email", "address-refused", 0)], world, 1) == Close(
        State.UNREACHED,
        None,
        ("telegram: channel removed from the settings", "email: address refused (told so)"),
    )


# -- receipts ------------------------------------------------------------------------------------

REPORTING = outlook(channel("sms", reports_back=True), channel("email"))


def test_a_channel_that_reports_back_is_given_its_time() -> None:
    told = [attempt("sms", "accepted", 0, 2)]
    waits = ask(delivery("sms", "email"), told, REPORTING, 3)
    assert waits == Wait(at(602), Why.RECEIPT, "sms")
    assert ask(delivery("sms", "email"), told, REPORTING, 602) == send("email")


def test_its_receipt_ends_the_chain() -> None:
    told = [attempt("sms", "delivered", 0, 2)]
    assert ask(delivery("sms", "email"), told, REPORTING, 3) == Close(State.REACHED, "sms")


def test_a_failed_receipt_takes_the_next_route() -> None:
    assert ask(delivery("sms", "email"), [attempt("sms", "address-refused", 0, 9)], REPORTING, 9) == send(
        "email"
    )


def test_not_confirmed_and_nothing_left_is_unreached_and_says_so() -> None:
    assert ask(delivery("sms"), [attempt("sms", "accepted", 0, 2)], REPORTING, 602) == Close(
        State.UNREACHED, None, ("sms: accepted, not confirmed",)
    )


def test_an_unconfirmed_yes_is_not_enough_for_a_policy_that_confirms() -> None:
    world, told = (
        outlook(channel("apprise", confirms=False), channel("email")),
        [attempt("apprise", "accepted", 0)],
    )
    assert ask(delivery("apprise", "email"), told, world, 1) == send("email")
    assert ask(delivery("apprise", "email"), told, world, 1, NORMAL) == Close(State.REACHED, "apprise")


def test_where_nothing_reports_back_accepted_is_enough() -> None:
    assert ask(BOTH, [attempt("telegram", "accepted", 0)], WORLD, 1) == Close(State.REACHED, "telegram")


# -- every channel ---------------------------------------------------------------------------------

ALL = with_policy(reach="all")


def test_all_channels_are_told() -> None:
    assert set(decide(BOTH, [], WORLD, ALL, at(0))) == {send("telegram"), send("email")}
    told = [attempt("telegram", "accepted", 0)]
    assert decide(BOTH, told, WORLD, ALL, at(1)) == (send("email"),)
    assert decide(BOTH, [*told, attempt("email", "accepted", 1)], WORLD, ALL, at(2)) == (
        Close(State.REACHED, "telegram"),
    )


def test_all_channels_each_for_itself_one_that_may_have_told_holds_up_no_other() -> None:
    for attempts in ([attempt("telegram", "unknown", 0)], [attempt("telegram", "begun", 0)]):
        assert decide(BOTH, attempts, WORLD, ALL, at(1)) == (send("email"),)


def test_all_channels_one_refused_and_one_reached_is_reached() -> None:
    attempts = [attempt("telegram", "message-refused", 0), attempt("email", "accepted", 1)]
    assert decide(BOTH, attempts, WORLD, ALL, at(2)) == (Close(State.REACHED, "email"),)


def test_all_channels_end_by_expiry() -> None:
    case = delivery("telegram", "email", expires_at=at(100))
    told: list[Attempt] = [attempt("telegram", "accepted", 0)]
    down = outlook(channel("telegram"), channel("email", provider("email", usable=False, retry_at=at(999))))
    [waits] = decide(case, told, down, ALL, at(1))
    assert wait_until(waits) == 100
    assert decide(case, told, down, ALL, at(100)) == (Close(State.REACHED, "telegram"),)


def test_patience_of_an_hour_keeps_the_waits_of_the_ledger_within_it() -> None:
    patient = with_policy(patience=timedelta(hours=1))
    failed = [attempt("telegram", "unavailable", 0)]
    waits = ask(BOTH, failed, WORLD, 1, patient)
    assert isinstance(waits, Wait)
    assert (15 <= wait_until(waits) <= 45, waits.lane) == (True, "telegram")
