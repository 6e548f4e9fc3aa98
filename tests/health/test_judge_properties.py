"""What holds for any evidence in any order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.health.judge import in_order
from fallback_cast.health.line import Line
from fallback_cast.health.rules import RULES
from fallback_cast.health.tally import Tally
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal, Verdict
from tests.health.cases import G, judged, looks, moment, seen

FAILURES = [Signal.BAD, Signal.HALF, Signal.CONFIRMED, Signal.DENIED]
LAYERS = [Layer.NAME, Layer.ROUTE, Layer.TLS, Layer.SERVICE]
MANY = settings(max_examples=300, deadline=None)

times = st.integers(0, 4000).map(lambda step: step * 5.0)


@st.composite
def rows_of_channels(draw: st.DrawFn, signals: Sequence[Signal] = tuple(Signal)) -> Evidence:
    signal = draw(st.sampled_from(signals))
    return seen(
        draw(times),
        signal,
        "feed" if signal is Signal.HINT else draw(st.sampled_from(["probe", "send"])),
        draw(st.sampled_from(LAYERS)),
        draw(st.sampled_from(["one thing", "another"])),
        draw(st.sampled_from(["m", "n"])),
        draw(st.sampled_from(["telegram", "telegram", "telegram", "email"])),
    )


rounds = st.builds(looks, times, st.sampled_from(["+++", "+--", "---", "++-"]), st.sampled_from(["m", "n"]))


@st.composite
def histories(draw: st.DrawFn, signals: Sequence[Signal] = tuple(Signal)) -> list[Evidence]:
    rows = draw(st.lists(rows_of_channels(signals), max_size=40))
    for look in draw(st.lists(rounds, max_size=6)):
        rows += look
    return rows


END = 20_001.0


@MANY
@given(histories(), st.randoms(use_true_random=False))
def test_equal_moments_may_be_stored_in_any_order(rows: list[Evidence], chance: random.Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert judged(rows, END) == judged(shuffled, END)


@MANY
@given(histories([signal for signal in Signal if signal is not Signal.HINT]))
def test_a_good_word_always_ends_suspicion(rows: list[Evidence]) -> None:
    """Whatever came before: after a good word it is up, or on its way back from an outage."""
    before = judged(rows, END)
    for source in ("probe", "send"):
        after = judged([*rows, seen(END, G, source)], END)
        assert after.failures == 0.0
        if before.verdict in (Verdict.DOWN, Verdict.RECOVERING):
            assert after.verdict in (Verdict.RECOVERING, Verdict.UP)
        else:
            assert after.verdict is Verdict.UP


@MANY
@given(histories())
def test_what_an_offline_machine_sees_moves_nothing(rows: list[Evidence]) -> None:
    calm = [*rows, *looks(END, "---", "gone")]
    noise = [
        seen(END + 1 + number, signal, "send", layer, machine="gone")
        for number, (signal, layer) in enumerate((s, at) for s in FAILURES for at in LAYERS)
    ]
    before, after = judged(calm, END + 30), judged([*calm, *noise], END + 30)
    assert (after.verdict, after.since, after.openings, after.retry_at, after.failures) == (
        before.verdict,
        before.since,
        before.openings,
        before.retry_at,
        before.failures,
    )


@MANY
@given(st.lists(rows_of_channels([Signal.GOOD, Signal.HINT, Signal.LIMITED]), max_size=40))
def test_hints_and_limits_never_open(rows: list[Evidence]) -> None:
    for at in sorted({(row.at - moment(0)).total_seconds() for row in rows}):
        assert judged(rows, at).verdict in (Verdict.UP, Verdict.UNKNOWN, Verdict.SUSPECT)


@MANY
@given(histories())
def test_a_hint_changes_no_verdict_but_up(rows: list[Evidence]) -> None:
    before, after = judged(rows, END), judged([*rows, seen(END, Signal.HINT, "feed")], END)
    assert after.verdict is before.verdict or before.verdict is Verdict.UP
    assert after.verdict in (before.verdict, Verdict.SUSPECT)


@MANY
@given(histories())
def test_it_is_always_up_again_after_the_steps_back(rows: list[Evidence]) -> None:
    back = [*rows, seen(END, G, "probe"), seen(END + 1, G, "send")]
    soon = judged(back, END + 2)
    assert soon.verdict in (Verdict.UP, Verdict.RECOVERING)
    assert soon.verdict is Verdict.UP or soon.flapping
    assert judged(back, END + RULES.quiet.total_seconds() + 5000).verdict in (Verdict.UP, Verdict.SUSPECT)


@MANY
@given(histories())
def test_down_rests_on_failures_of_weight_three_or_on_a_refused_account(rows: list[Evidence]) -> None:
    result = judged(rows, END)
    if result.verdict is not Verdict.DOWN:
        return
    mine = [row for row in rows if row.channel == "telegram" and row.signal in FAILURES]
    weights = {Signal.BAD: 1.0, Signal.HALF: 0.5, Signal.CONFIRMED: 3.0, Signal.DENIED: 3.0, Signal.HINT: 1.0}
    hinted = any(row.signal is Signal.HINT for row in rows)
    assert sum(weights[row.signal] for row in mine) + hinted >= RULES.open_at
    assert result.evidence
    assert set(result.evidence) <= set(mine)
    assert result.retry_at is not None
    assert RULES.rest <= result.retry_at - result.since


@MANY
@given(histories(), st.lists(times, max_size=20))
def test_asking_often_changes_nothing(rows: list[Evidence], asked: list[float]) -> None:
    """Taking row by row, with judgements in between, gives what one look at all of it gives."""
    tally, lines, pending = Tally(moment(0)), dict[str, Line](), sorted(asked)
    for row in in_order(rows):
        while pending and moment(pending[0]) <= row.at:
            tally.judgement(moment(pending.pop(0)))
        line = lines.setdefault(row.machine, Line())
        if row.about == ("telegram", "telegram"):
            tally.take(row, blamed=line.blames(row))
        line.take(row, frozenset())
    assert tally.judgement(moment(END)) == judged(rows, END)


@MANY
@given(histories())
def test_every_judgement_has_its_sentence(rows: list[Evidence]) -> None:
    for at in (0.0, END / 2, END):
        assert str(judged(rows, at).reason)
