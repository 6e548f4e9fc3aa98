"""What every kind of channel promises, held against its fake (tests/channels/fake_<kind>.py)."""

from __future__ import annotations

import asyncio
import gc
import time
import traceback
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import BaseModel

from fallback_cast.channels.registry import MODULES
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.message import Accepted, Message, idempotency_key
from tests.channels.fake import TRANSPORT_CASES, Fake, Scene, announcement
from tests.channels.hosted_gateways import FAKES as HOSTED
from tests.channels.watching import logs, open_sockets, settled, text_of

SIX = (Unavailable, Throttled, AccessDenied, AddressRefused, MessageRefused, OutcomeUnknown)
CONNECTING = ("refused", "unresolvable")  # nothing reaches the provider
# Apprise sends in threads, which nothing can stop: the socket goes when the server does.
LINGERING = {("apprise", "drips")}
SEND_S = 10.0  # far above the short time-outs of the fakes: a send that needs it hangs
PROBE_S = 3.0  # the caller's deadline for a probe (Provider.probe)
BODY_WORDS = "terrain inondé"
LINK = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
SUBJECT = announcement(body=f"Le concours de samedi est annulé : {BODY_WORDS}.")


def _load(kind: str) -> Fake | Exception:
    try:
        fake: Fake = import_module(f"tests.channels.fake_{kind}").FAKE
    except Exception as error:  # one broken fake must not hide all the other kinds
        return error
    return fake


FAKES = {
    kind: _load(kind)
    for kind in sorted(
        {*MODULES, *(path.stem.removeprefix("fake_") for path in Path(__file__).parent.glob("fake_*.py"))}
    )
}
# One kind may stand on several providers: each of them keeps the whole contract.
FAKES |= {f"sms-{name}": fake for name, fake in HOSTED.items()}
CASES = [
    pytest.param(fake, case, id=f"{kind}-{case}")
    for kind, fake in FAKES.items()
    if isinstance(fake, Fake)
    for case in fake.cases
]
EDITING = [
    pytest.param(fake, case, id=f"{kind}-{case}")
    for kind, fake in FAKES.items()
    if isinstance(fake, Fake) and fake.edits
    for case in fake.cases
]
WELL = [pytest.param(fake, id=kind) for kind, fake in FAKES.items() if isinstance(fake, Fake)]


@pytest.mark.parametrize("kind", FAKES)
def test_every_kind_has_a_fake(kind: str) -> None:
    fake = FAKES[kind]
    if isinstance(fake, Exception):
        pytest.fail("".join(traceback.format_exception(fake)), pytrace=False)
    assert fake.kind == kind.partition("-")[0]
    assert fake.kind in MODULES, f"{kind} has a fake but no row in the registry"
    assert fake.cases.get("ok", SendError) is None, "the case 'ok' must be there, and accepted"
    if set(TRANSPORT_CASES) & set(fake.cases):
        assert set(TRANSPORT_CASES) <= set(fake.cases), "a kind with a network shows every transport fault"
    for case, error in fake.cases.items():
        assert error is None or error in SIX, f"{case}: not one of the six errors"


@pytest.mark.parametrize(("fake", "case"), CASES)
async def test_a_send_ends_as_agreed(fake: Fake, case: str) -> None:
    wanted = fake.cases[case]
    with logs() as records:
        async with _stage(fake, case) as scene:
            message = scene.channel.render(SUBJECT, LINK)
            outcome = await _send(scene, message, _key(scene))
            _look_at_outcome(outcome, wanted)
            _look_at_wire(scene, case, wanted)
            hidden = _hidden(fake, scene)
            if isinstance(outcome, SendError):
                _assert_silent(hidden, _shown(outcome), "the error")
            _assert_silent(hidden, _faces(scene.channel), "the channel")
        _assert_silent(hidden, "\n".join(text_of(record) for record in records), "the log")


@pytest.mark.parametrize("fake", WELL)
async def test_the_same_attempt_has_the_same_key(fake: Fake) -> None:
    async with _stage(fake, "ok") as scene:
        message = scene.channel.render(SUBJECT, LINK)
        key = _key(scene)
        assert isinstance(await _send(scene, message, key), Accepted)
        reached = scene.messages()
        assert isinstance(await _send(scene, message, key), Accepted)
        if reached and scene.channel.traits.deduplicates:
            assert scene.messages() == reached, "a channel that deduplicates made two messages of one key"
        later = announcement(body=f"Reporté : {BODY_WORDS}.", revision=2)
        other = idempotency_key(later.id, later.revision, scene.channel.name, scene.address)
        assert isinstance(await _send(scene, scene.channel.render(later, LINK), other), Accepted)
        if fake.key_on_wire:
            first, second, third = scene.keys()
            assert first == second != third
            assert key in first
            assert other in third


@pytest.mark.parametrize("fake", WELL)
async def test_what_was_published_can_be_edited(fake: Fake) -> None:
    async with _stage(fake, "ok") as scene:
        assert scene.channel.traits.edits == fake.edits
        if not fake.edits:
            with pytest.raises(NotImplementedError):
                await scene.channel.providers[0].edit(Message("text"), scene.address, "1", "key")
            return
        sent = await _send(scene, scene.channel.render(SUBJECT, LINK), _key(scene))
        assert isinstance(sent, Accepted)
        for revision in (2, 3):
            later = announcement(body=f"Reporté au {revision} : {BODY_WORDS}.", revision=revision)
            message, before = scene.channel.render(later, LINK), scene.requests()
            key = idempotency_key(later.id, revision, scene.channel.name, scene.address)
            for _ in range(2):  # an edit may always be repeated
                edited = await _edit(scene, message, sent, key)
                assert isinstance(edited, Accepted), edited
                assert edited.reference == sent.reference, "the next edit is given the same"
            assert scene.requests() == before + 2, "one request for one edit"


@pytest.mark.parametrize(("fake", "case"), EDITING)
async def test_an_edit_is_accepted_or_raises_one_of_six(fake: Fake, case: str) -> None:
    async with _stage(fake, "ok") as scene:
        sent = await _send(scene, scene.channel.render(SUBJECT, LINK), _key(scene))
        assert isinstance(sent, Accepted)
    with logs() as records:
        async with _stage(fake, case) as scene:
            later = announcement(body=f"Reporté : {BODY_WORDS}.", revision=2)
            key = idempotency_key(later.id, 2, scene.channel.name, scene.address)
            scene.hold(scene.channel.render(SUBJECT, LINK))
            outcome = await _edit(scene, scene.channel.render(later, LINK), sent, key)
            if case == "ok":  # this stage never had the message: it may say that it is gone
                assert isinstance(outcome, Accepted | MessageRefused), outcome
            else:
                _look_at_outcome(outcome, fake.cases[case])
                _look_at_wire(scene, case, fake.cases[case])
            hidden = _hidden(fake, scene)
            if isinstance(outcome, SendError):
                _assert_silent(hidden, _shown(outcome), "the error")
        _assert_silent(hidden, "\n".join(text_of(record) for record in records), "the log")


@pytest.mark.parametrize(("fake", "case"), CASES)
async def test_a_probe_messages_nobody(fake: Fake, case: str) -> None:
    with logs() as records:
        async with _stage(fake, case) as scene:
            before = scene.messages(), scene.requests()
            for provider in scene.channel.providers:
                _look_at_probe(await _probe(provider, case), case, _hidden(fake, scene))
            assert (scene.messages(), scene.requests()) == before, "a probe is no send"
            hidden = _hidden(fake, scene)
            # A probe leaves nothing behind that would spoil the next send.
            if fake.cases[case] is None:
                sent = await _send(scene, scene.channel.render(SUBJECT, LINK), _key(scene))
                assert isinstance(sent, Accepted)
        _assert_silent(hidden, "\n".join(text_of(record) for record in records), "the log")


@pytest.mark.parametrize("fake", WELL)
async def test_rendering_is_pure_and_carries_the_code(fake: Fake) -> None:
    async with _stage(fake, "ok") as scene:
        first = scene.channel.render(SUBJECT, LINK)
        assert first == scene.channel.render(SUBJECT, LINK)
        assert SUBJECT.code in first.text
        assert (scene.requests(), scene.messages()) == (0, 0), "rendering touches no wire"


@pytest.mark.parametrize("fake", WELL)
async def test_an_address_has_one_spelling(fake: Fake) -> None:
    async with _stage(fake, "ok") as scene:
        assert scene.channel.normalise(scene.address) == scene.address
        place = scene.channel.place()
        assert place is None or scene.channel.normalise(place) == place


@pytest.mark.parametrize("fake", WELL)
async def test_a_cancelled_send_ends_at_once(fake: Fake) -> None:
    if "silent" not in fake.cases:
        pytest.skip("no network behind this kind")
    async with _stage(fake, "silent") as scene:
        sending = asyncio.create_task(_send(scene, scene.channel.render(SUBJECT, LINK), _key(scene)))
        done, _ = await asyncio.wait({sending}, timeout=0.1)
        assert not done, "silence ended the send before its time-out"
        started = time.monotonic()
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        assert time.monotonic() - started < 2


# The stage: a scene, and afterwards nothing left open.


@asynccontextmanager
async def _stage(fake: Fake, case: str) -> AsyncIterator[Scene]:
    before = open_sockets()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        async with fake.serve(case) as scene:
            assert scene.channel.kind == fake.kind
            serving = open_sockets()
            async with scene.channel:
                yield scene
            if (fake.kind, case) not in LINGERING:
                await settled(serving)
            for provider in scene.channel.providers:
                await provider.close()  # a second time must be harmless
        await settled(before)
        gc.collect(1)  # what is left over is young; a full collection each time would take most of the run


def _key(scene: Scene) -> str:
    return idempotency_key(SUBJECT.id, SUBJECT.revision, scene.channel.name, scene.address)


async def _send(scene: Scene, message: Message, key: str) -> Accepted | SendError:
    try:
        async with asyncio.timeout(SEND_S):
            return await scene.channel.providers[0].send(message, scene.address, key)
    except SendError as error:
        return error


async def _edit(scene: Scene, message: Message, sent: Accepted, key: str) -> Accepted | SendError:
    try:
        async with asyncio.timeout(SEND_S):
            provider = scene.channel.providers[0]
            return await provider.edit(message, scene.address, sent.reference or "", key)
    except SendError as error:
        return error


async def _probe(provider: Provider, case: str) -> list[Check]:
    try:
        async with asyncio.timeout(PROBE_S):
            return list(await provider.probe())
    except TimeoutError:
        assert case == "silent", "the probe did not end"
        return [Check(Layer.SERVICE, False, PROBE_S)]


# What must be seen.


def _look_at_outcome(outcome: Accepted | SendError, wanted: type[SendError] | None) -> None:
    if wanted is None:
        assert isinstance(outcome, Accepted), outcome
        return
    assert type(outcome) is wanted, repr(outcome)
    assert outcome.reason, "an error says what was seen: it becomes evidence"
    if isinstance(outcome, Throttled):
        assert 0 <= outcome.retry_after <= 3600


def _look_at_wire(scene: Scene, case: str, wanted: type[SendError] | None) -> None:
    seen = scene.requests()
    if wanted is None or case == "lost":
        assert seen == 1, f"{seen} requests for one send"
    elif case in CONNECTING:
        assert seen == 0
    else:
        assert seen <= 1, f"{seen} requests for one send"


def _look_at_probe(checks: list[Check], case: str, hidden: set[str]) -> None:
    assert checks, "a probe says what it saw"
    failed = failed_check(checks)
    assert failed is None or failed is checks[-1], "a probe ends with the layer that failed"
    assert all(check.elapsed_s >= 0 for check in checks)
    _assert_silent(hidden, "\n".join(repr(check) for check in checks), "the probe")
    if case == "ok":
        assert failed is None, failed
    if case in TRANSPORT_CASES and case != "lost":
        assert failed is not None, "the probe found nothing wrong"
        layer = {"refused": Layer.ROUTE, "unresolvable": Layer.NAME}.get(case)
        assert layer is None or failed.layer is layer, failed


# What must not be seen.


def _hidden(fake: Fake, scene: Scene) -> set[str]:
    """Planted secrets, the address, the text; each also as it would stand in a URL.

    An address that is a plain word ("receiver") names nobody and is left out.
    """
    values = {*fake.secrets, SUBJECT.title, BODY_WORDS}
    if not scene.address.isalpha():
        values.add(scene.address)
    return values | {quote(value, safe="") for value in values}


def _assert_silent(hidden: set[str], text: str, where: str) -> None:
    shown = [value for value in hidden if value in text]
    assert not shown, f"{where} shows {shown}"


def _shown(error: SendError) -> str:
    return "\n".join((str(error), repr(error), error.reason, *traceback.format_exception(error)))


def _faces(channel: Channel) -> str:
    """How the channel, its providers and the settings they keep would look in a log or a traceback."""
    holders: list[object] = [channel, *channel.providers]
    for holder in tuple(holders):
        holders.extend(value for value in vars(holder).values() if isinstance(value, BaseModel))
    return "\n".join(text for holder in holders for text in (repr(holder), str(holder)))
