"""Our own line: is it us?"""

from __future__ import annotations

import pytest

from fallback_cast.health.line import Line, LineState, offline_by
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check, Evidence, Verdict
from fallback_cast.model.texts import say
from tests.health.cases import B, G, looks, moment, seen

WORKS, OFFLINE = LineState.WORKS, LineState.OFFLINE
UNDECIDED, UNKNOWN = LineState.UNDECIDED, LineState.UNKNOWN


def line_of(*rows: Evidence, local: frozenset[str] = frozenset()) -> Line:
    line = Line()
    for row in rows:
        line.take(row, local)
    return line


@pytest.mark.parametrize(
    ("signs", "state"),
    [
        ("+++", WORKS),
        ("++-", WORKS),
        ("+--", UNDECIDED),
        ("---", OFFLINE),
        ("+-", WORKS),
        ("--", OFFLINE),
        ("+", WORKS),
        ("-", OFFLINE),
        ("", UNKNOWN),
        ("++---", WORKS),
        ("+----", UNDECIDED),
    ],
)
def test_what_the_references_say(signs: str, state: LineState) -> None:
    assert line_of(*looks(0, signs)).state(moment(1)) is state


def test_a_look_says_something_for_a_minute() -> None:
    line = line_of(*looks(0, "---"))
    assert line.state(moment(60)) is OFFLINE
    assert line.state(moment(61)) is UNKNOWN


def test_a_new_look_replaces_the_old_one() -> None:
    line = line_of(*looks(0, "---"))
    line.take(looks(10, "+")[0], frozenset())
    assert line.state(moment(10)) is WORKS  # as soon as one answers, whatever was before


def test_nobody_is_offline_while_a_channel_worked_within_the_last_minute() -> None:
    line = line_of(seen(0, G, channel="email"), *looks(5, "---"))
    assert line.state(moment(6)) is UNDECIDED
    line = line_of(seen(0, G, channel="email"), *looks(5, "---"), *looks(61, "---"))
    assert line.state(moment(62)) is OFFLINE
    assert line.judgement(moment(62)).since == moment(5)


def test_a_channel_that_works_after_the_look_says_that_the_line_does() -> None:
    line = line_of(*looks(0, "---"), seen(3, G, channel="email"))
    assert line.state(moment(4)) is WORKS
    local = line_of(*looks(0, "---"), seen(3, G, channel="modem"), local=frozenset({"modem"}))
    assert local.state(moment(4)) is OFFLINE
    # What comes in right after the look may have been on its way before the line broke.
    assert line_of(*looks(0, "---"), seen(1, G, channel="email")).state(moment(4)) is UNDECIDED


def test_references_that_are_cut_off_are_not_believed_until_one_answers_again() -> None:
    line = line_of(*looks(0, "---"), seen(3, G, channel="email"), *looks(10, "---"))
    assert line.state(moment(11)) is WORKS
    assert line.state(moment(64)) is OFFLINE  # long ago
    line = line_of(*looks(0, "---"), seen(3, G, channel="email"), *looks(5, "+++"), *looks(10, "---"))
    assert line.state(moment(11)) is UNDECIDED


def test_failures_of_channels_say_nothing_about_the_line() -> None:
    assert line_of(*[seen(n, B) for n in range(50)]).state(moment(50)) is UNKNOWN


@pytest.mark.parametrize(
    ("signs", "worked_at", "silent"),
    [("---", -5, True), ("---", -90, True), ("+--", -5, False), ("+++", -5, False), ("---", 1, True)],
)
def test_silence_is_no_offline_yet_but_nothing_is_sent_into_it(
    signs: str, worked_at: int, silent: bool
) -> None:
    rows = sorted([seen(worked_at, G, channel="email"), *looks(0, signs)], key=lambda row: row.at)
    assert line_of(*rows).silent(moment(2)) is silent


def test_an_answer_after_the_silence_ends_it() -> None:
    assert not line_of(seen(-5, G), *looks(0, "---"), seen(3, G, channel="email")).silent(moment(3))


def test_one_look_at_everybody_tells_whether_we_are_offline() -> None:
    dead = Check(Layer.ROUTE, False, 0.1, "no route to the host")
    judged = offline_by([("r1", dead), ("r2", dead)], moment(0))
    assert judged is not None
    assert judged.reason == "our own network is down: none of the 2 references answers"
    assert offline_by([("r1", dead), ("r2", Check(Layer.ROUTE, True, 0.1))], moment(0)) is None
    assert offline_by([], moment(0)) is None  # without references nobody knows


def test_offline_has_its_sentence() -> None:
    judged = line_of(*looks(0, "---")).judgement(moment(1))
    assert judged.verdict is Verdict.OFFLINE
    assert judged.reason == "our own network is down: none of the 3 references answers"
    assert say("fr", judged.reason).startswith("notre propre réseau est en panne : aucune des 3")


def _portal(*details: str) -> Line:
    rows = looks(0, "-" * len(details))
    return line_of(
        *(
            Evidence(r.channel, r.provider, r.at, r.signal, r.source, r.layer, detail, r.machine)
            for r, detail in zip(rows, details, strict=True)
        )
    )


def test_a_sign_in_page_is_recognised_by_answering_for_everybody() -> None:
    page, other = "a wrong page answers (1a2b3c4d)", "a wrong page answers (ffffffff)"
    certificate = "a wrong certificate answers (99999999)"
    assert _portal(page, page, "no connection in time").judgement(moment(1)).captive
    assert _portal(page, certificate).judgement(moment(1)).captive
    assert not _portal(page, other).judgement(moment(1)).captive
    assert not _portal("no connection in time").judgement(moment(1)).captive
    assert "sign-in page" in _portal(page).judgement(moment(1)).reason
