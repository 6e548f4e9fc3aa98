"""From evidence to verdicts, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal, Verdict
from fallback_cast.model.texts import say
from tests.health.cases import B, C, D, G, H, L, N, judged, looks, moment, run, seen

UP, DOWN, SUSPECT = Verdict.UP, Verdict.DOWN, Verdict.SUSPECT
RECOVERING, UNKNOWN = Verdict.RECOVERING, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("signals", "verdict"),
    [
        ([], UNKNOWN),
        ([G], UP),
        ([B], SUSPECT),
        ([G, B, B], SUSPECT),
        ([G, B, B, B], DOWN),
        ([B, B, G, B, B], SUSPECT),
        ([H] * 5, SUSPECT),
        ([H] * 6, DOWN),
        ([B, B, H], SUSPECT),
        ([B, B, H, H], DOWN),
        ([C], SUSPECT),
        ([C, B], DOWN),
        ([D], DOWN),
        ([L] * 50, UNKNOWN),
        ([G, L, L], UP),
        ([B, L, B, L, B], DOWN),
        ([B, B, B, G], RECOVERING),
        ([B, B, B, G, G], UP),
        ([B, B, B, G, B], DOWN),
        ([B, B, B, G, H], RECOVERING),
        ([B, B, B, G, H, H], DOWN),
        ([N] * 20, UNKNOWN),
        ([G, *[N] * 20], SUSPECT),
        ([G, N, N, N, N, N, N, N, N, B, B], DOWN),
    ],
)
def test_probes_in_a_row(signals: Sequence[Signal], verdict: Verdict) -> None:
    assert judged(run(signals), len(signals) * 10).verdict is verdict


def test_a_certificate_that_is_not_valid_needs_no_second_look() -> None:
    [row] = [seen(0, C, layer=Layer.TLS, detail="certificate not valid: certificate has expired")]
    result = judged([row], 1)
    assert (result.verdict, result.layer, result.certificate) == (DOWN, Layer.TLS, True)


def test_one_probe_then_one_message_then_all() -> None:
    rows = [*run([B, B, B, G]), seen(40, G, "send")]
    assert judged(rows[:4], 35).verdict is RECOVERING
    assert judged(rows, 45).verdict is UP


def test_what_probes_cannot_see_only_a_message_can_end() -> None:
    """Probes are answered all the while that sending fails."""
    rows = [seen(0, G)]
    for turn in range(3):
        rows += [seen(10 + turn * 10, B, "send"), seen(15 + turn * 10, G)]
    assert judged(rows[:-1], 31).verdict is DOWN
    assert judged(rows, 36).verdict is RECOVERING
    assert judged([*rows, seen(50, G), seen(60, G)], 61).verdict is RECOVERING
    assert judged([*rows, seen(50, G), seen(60, G)], 30 + 900).verdict is UP  # or a quiet time
    assert judged([*rows, seen(50, G), seen(60, G, "send")], 61).verdict is UP


def test_the_rest_grows_with_each_failed_try_and_no_further_than_five_minutes() -> None:
    rows, at = run([B, B, B], every=1), 2.0
    rests = []
    for _ in range(12):
        retry_at = judged(rows, at + 1).retry_at
        assert retry_at is not None
        rests.append((retry_at - moment(at)).total_seconds())
        at = (retry_at - moment(0)).total_seconds()
        rows.append(seen(at, B))
    assert rests[:4] == [30, 60, 90, 120]
    assert rests[-1] == 300


def test_what_was_in_flight_at_the_opening_does_not_lengthen_the_rest() -> None:
    rows = run([B] * 50, "send", every=0.01)
    result = judged(rows, 1)
    assert (result.openings, result.retry_at) == (1, moment(0.02) + timedelta(seconds=30))


def _flapping(turns: int) -> list[Evidence]:
    rows: list[Evidence] = []
    for turn in range(turns):
        rows += [seen(turn * 120 + n, B) for n in range(3)]
        rows += [seen(turn * 120 + 60, G), seen(turn * 120 + 70, G, "send")]
    return rows


def test_who_comes_and_goes_gets_one_message_at_a_time_until_it_is_quiet() -> None:
    assert judged(_flapping(2), 200).verdict is UP
    rows = _flapping(3)
    held = judged(rows, 320)
    assert (held.verdict, held.flapping) == (RECOVERING, True)
    rows += [seen(330 + n * 30, G, "send") for n in range(20)]
    last_bad = 242
    assert judged(rows, last_bad + 899).verdict is RECOVERING
    quiet = judged(rows, last_bad + 900)
    assert (quiet.verdict, quiet.since, quiet.openings) == (UP, moment(last_bad + 900), 0)


def test_a_failure_of_an_offline_machine_does_not_count() -> None:
    rows = [*looks(0, "---"), *[seen(n, B, "send") for n in range(1, 9)]]
    assert judged(rows, 10).verdict is UNKNOWN
    others = [*looks(0, "+++", "n"), *[seen(n + 0.5, B, machine="n") for n in range(1, 4)]]
    assert judged([*rows, *others], 10).verdict is DOWN


@pytest.mark.parametrize(
    ("signs", "counts"),
    [("", True), ("+++", True), ("++-", True), ("+-", True), ("+--", False), ("---", False), ("-", False)],
)
def test_which_references_blame_the_platform(signs: str, counts: bool) -> None:
    rows = [*looks(0, signs), *[seen(n, B) for n in (1, 2, 3)]]
    assert (judged(rows, 4).verdict is DOWN) is counts


def test_a_local_channel_is_judged_whatever_our_line_does() -> None:
    rows = [*looks(0, "---"), *[seen(n, B) for n in (1, 2, 3)]]
    assert judged(rows, 4, local=frozenset({"telegram"})).verdict is DOWN


def test_a_channel_that_works_outweighs_silent_references() -> None:
    bad = [seen(n, B) for n in (4, 5, 5.5)]
    assert judged([*looks(0, "---"), seen(3, G, channel="email"), *bad], 6).verdict is DOWN
    # A good word before the look says nothing about the line after it.
    assert judged([seen(0, G, channel="email"), *looks(1, "---"), *bad], 6).verdict is UNKNOWN
    # Nor does a channel that needs no line.
    local = judged([*looks(0, "---"), seen(3, G, channel="modem"), *bad], 6, local=frozenset({"modem"}))
    assert local.verdict is UNKNOWN


def test_names_that_nobody_here_finds_are_our_own_resolver() -> None:
    lost = [seen(n, B, layer=Layer.NAME) for n in (1, 2, 3)]
    names = looks(0, "++-", layer=Layer.NAME)
    assert judged([*names, *lost], 4).verdict is UNKNOWN
    assert judged([*looks(0, "++-"), *lost], 4).verdict is DOWN
    assert judged([*names, *[seen(n, B) for n in (1, 2, 3)]], 4).verdict is DOWN


def test_a_status_feed_is_a_hint_only_and_a_good_word_outweighs_it() -> None:
    assert judged([seen(0, G), seen(30, N, "feed")], 40).verdict is UP
    hinted = judged([seen(0, G), seen(100, N, "feed")], 110)
    assert (hinted.verdict, hinted.since) == (SUSPECT, moment(100))
    assert judged([seen(0, G), seen(100, N, "feed"), seen(120, B), seen(130, B)], 140).verdict is DOWN
    assert judged([seen(0, G), seen(100, N, "feed")], 100 + 2 * 3600).verdict is UP


def test_an_old_suspicion_says_nothing_about_now() -> None:
    rows = [seen(0, B), seen(10, B)]
    assert judged(rows, 3600).verdict is SUSPECT
    assert judged(rows, 10 + 7200).verdict is UNKNOWN
    assert judged([*rows, seen(8000, B)], 8001).verdict is SUSPECT


def test_what_was_seen_with_other_settings_is_forgotten() -> None:
    rows = run([D, B, B, B])
    assert judged(rows, 40).verdict is DOWN
    assert judged(rows, 40, configured_at=moment(35)).verdict is UNKNOWN


def test_a_refused_account_is_ours_until_the_platform_is_out_too() -> None:
    refused = judged(run([D]), 10)
    assert (refused.verdict, refused.configuration) == (DOWN, True)
    assert not judged(run([D, B, B, B]), 40).configuration
    assert judged(run([D, G]), 20).verdict is RECOVERING


def test_an_outage_is_as_old_as_its_first_failure() -> None:
    result = judged(run([G, B, B, B]), 40)
    assert (result.began_at, result.since) == (moment(10), moment(30))
    assert [row.at for row in result.evidence] == [moment(10), moment(20), moment(30)]


@pytest.mark.parametrize(
    ("rows", "at", "english", "french"),
    [
        ([], 1, "nothing is known yet: nobody has looked", "on ne sait encore rien : personne n'a regardé"),
        (
            [seen(0, G, "send")],
            1,
            "it works: the last message was taken",
            "il marche : le dernier message a été pris",
        ),
        ([seen(0, B)], 1, "in doubt: one failure (HTTP 503)", "à surveiller : un échec (HTTP 503)"),
        (
            [seen(n, B, layer=Layer.ROUTE, detail="connection refused") for n in range(3)],
            4,
            "down: no connection to it comes about (connection refused)",
            "en panne : aucune connexion ne s'établit (connexion refusée)",
        ),
        (
            [seen(n, B, layer=Layer.NAME, detail="the name does not exist") for n in range(3)],
            4,
            "down: its name is not found on the internet (the name does not exist)",
            "en panne : son nom est introuvable sur internet (le nom n'existe pas)",
        ),
        (
            [seen(0, D, layer=Layer.ACCOUNT, detail="HTTP 401")],
            1,
            "our account or our settings are refused there (HTTP 401)",
            "notre compte ou nos réglages y sont refusés (HTTP 401)",
        ),
        (
            run([B, B, B, G]),
            35,
            "it comes back: one message goes first",
            "il revient : un seul message d'abord",
        ),
    ],
)
def test_the_reason_is_one_sentence_in_both_languages(
    rows: list[Evidence], at: float, english: str, french: str
) -> None:
    reason = judged(rows, at).reason
    assert say("en", reason) == english
    assert say("fr", reason) == french
