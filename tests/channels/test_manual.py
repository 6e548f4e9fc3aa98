"""A person posts: never accepted without their yes, and never the reason why the program stays."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from pydantic import ValidationError

from fallback_cast.model.errors import MessageRefused, OutcomeUnknown, Scope
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import announcement
from tests.channels.fake_manual import INSTRUCTIONS, Person, build
from tests.counterparts.require import ROOT

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"


async def test_the_person_sees_what_to_do_and_what_to_paste() -> None:
    person = Person(lambda: True)
    channel = build(person)
    message = channel.render(announcement(place="Boulodrome"), PAGE)
    accepted = await channel.send(message, "person", "key")
    ((name, text),) = person.asked
    assert name == "page"
    assert text.startswith(INSTRUCTIONS)
    assert message.text in text
    for words in ("[URGENT] Concours annulé", "terrain inondé", "Boulodrome", PAGE, "K7F3", "Sainte-Anne"):
        assert words in message.text
    assert accepted.note
    assert not accepted.delivered, "a person's word is no proof of the platform"


async def test_the_question_waits_in_a_thread_that_holds_nobody() -> None:
    person = Person(lambda: True)
    channel = build(person)
    await channel.send(channel.render(announcement()), "person", "key")
    (thread,) = person.threads
    assert thread.daemon
    assert thread is not threading.main_thread()


async def test_a_no_is_about_this_place_alone() -> None:
    channel = build(Person(lambda: False))
    with pytest.raises(MessageRefused) as caught:
        await channel.send(channel.render(announcement()), "person", "key")
    assert caught.value.scope is Scope.PLACE


async def test_only_yes_is_yes() -> None:
    channel = build(Person(lambda: "yes"))  # type: ignore[arg-type, return-value]
    with pytest.raises(MessageRefused):
        await channel.send(channel.render(announcement()), "person", "key")


async def test_questions_come_one_after_the_other() -> None:
    """Two prompts at once on one terminal: the answer would go to either."""
    open_questions = []
    most = []
    answer = threading.Event()

    def reply() -> bool:
        open_questions.append(1)
        most.append(len(open_questions))
        answer.wait(0.02)
        open_questions.pop()
        return True

    channel = build(Person(reply))
    message = channel.render(announcement())
    outcomes = await asyncio.gather(*(channel.send(message, "person", f"k{n}") for n in range(3)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert most == [1, 1, 1]


async def test_whoever_gives_up_waiting_is_free_at_once() -> None:
    answer = threading.Event()
    channel = build(Person(lambda: answer.wait(30)))
    sending = asyncio.create_task(channel.send(channel.render(announcement()), "person", "key"))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    answer.set()


async def test_a_broken_question_may_have_been_posted() -> None:
    def reply() -> bool:
        raise EOFError("K7F3")

    channel = build(Person(reply))
    with pytest.raises(OutcomeUnknown) as caught:
        await channel.send(channel.render(announcement()), "person", "key")
    assert "K7F3" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("person", [Person(lambda: True), None])
async def test_the_probe_asks_nobody_but_whether_somebody_could_be_asked(person: Person | None) -> None:
    (check,) = await build(person).probe()
    assert check.ok is (person is not None)
    assert failed_check([check]) is None, "a platform would be blamed for an empty chair"
    assert not (person and person.asked)


def test_traits_and_address() -> None:
    channel = build(None, needs="local", failure_domains=["meta"], audience="some")
    assert channel.traits.interactive
    assert channel.traits.confirms
    assert channel.traits.local
    assert not channel.traits.retries_briefly
    assert channel.audience_some
    assert channel.failure_domains == {"meta"}
    assert build(None).failure_domains == {"page"}
    assert channel.normalise(channel.place()) == "person"
    with pytest.raises(ValueError, match="one address"):
        channel.normalise("+33199001234")
    with pytest.raises(ValidationError):
        build(None, instructions="")


def test_mentions_ring_nobody() -> None:
    text = build(None).render(announcement(title="@everyone", body="@channel")).text
    assert "@everyone" not in text
    assert "@channel" not in text


def test_a_person_who_never_answers_does_not_hold_the_exit() -> None:
    script = """
import asyncio, time
from tests.channels.fake import announcement
from tests.channels.fake_manual import Person, build

async def main():
    channel = build(Person(lambda: time.sleep(60) or True))
    try:
        async with asyncio.timeout(0.2):
            await channel.send(channel.render(announcement()), "person", "key")
    except TimeoutError:
        print("left")

asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=ROOT)
    assert done.stdout == "left\n", done.stderr
    assert done.returncode == 0
