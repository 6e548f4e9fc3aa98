"""WordPress: what the settings allow, what goes over the wire, and its rank among the channels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from fallback_cast.channels.wordpress.post import compose, revision_in
from fallback_cast.dispatch.accept import ranks
from fallback_cast.model.announcement import Importance
from fallback_cast.model.delivery import RecipientKind
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.policy import DEFAULT_POLICIES
from fallback_cast.routing.plan import Audience, plan
from tests.channels import fake_webhook
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_wordpress import Blog, build
from tests.counterparts.http_faults import HttpFaults

SUBJECT = announcement()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"url": "http://www.example.org/"}, "over https only"),
        ({"url": "https://www.example.org/?p=1"}, "has no ?"),
        ({"url": "https://a:b@www.example.org/"}, "no user name"),
        ({"url": "https://www.example.org/", "username": "a:b"}, "no colon"),
        ({"url": "https://www.example.org/", "password": "a\nb"}, "no line breaks"),
    ],
)
def test_settings_that_cannot_work(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        build(**keys)


async def test_a_club_with_only_a_wordpress_site_has_its_own_ground_first() -> None:
    hook, blog = fake_webhook.build("http://127.0.0.1:9/"), build("https://www.example.org/club")
    channels = {"hook": hook, "blog": blog}
    policy = DEFAULT_POLICIES[Importance.NORMAL]
    first, second = plan(ranks(channels), None, policy, Audience())
    assert (first.kind, [r.channel for r in first.routes]) == (RecipientKind.PLACE, ["blog"])
    assert (second.kind, [r.channel for r in second.routes]) == (RecipientKind.EVERYONE, ["hook"])
    assert list(plan(ranks(channels), None, policy, Audience(private=True))) == []
    assert not build("https://www.example.org", always=False).always


async def test_what_goes_over_the_wire(http_faults: HttpFaults) -> None:
    blog = Blog()
    blog.url = http_faults.url
    http_faults.always(blog)
    async with build(http_faults.url, categories=[3]) as channel:
        accepted = await channel.send(channel.render(SUBJECT), "posts", "k" * 32)
    look_up, write, read_back = http_faults.requests
    assert look_up.query == {
        "slug": f"fc-{SUBJECT.id},fc-{SUBJECT.id}-2",
        "status": "any",
        "context": "edit",
    }
    body = write.json()
    assert (body["slug"], body["status"], body["categories"]) == (f"fc-{SUBJECT.id}", "publish", [3])
    assert body["title"] == "&#91;URGENT&#93; Concours annulé"
    assert "authorization" not in read_back.headers, "readers have no password"
    assert accepted.delivered


async def test_a_page_elsewhere_is_not_fetched(http_faults: HttpFaults) -> None:
    """Only addresses in the settings are called."""
    blog = Blog()
    blog.url = "http://127.0.0.1:9"
    http_faults.always(blog)
    async with build(http_faults.url) as channel:
        accepted = await channel.send(channel.render(SUBJECT), "posts", "k" * 32)
    assert not accepted.delivered
    assert "nobody looked" in accepted.note


def test_the_marker_names_one_revision() -> None:
    for revision in (1, 12):
        message = compose(replace(SUBJECT, revision=revision), CLUB)
        assert revision_in(message.content.encode(), SUBJECT.id) == revision
        assert revision_in(message.content.replace('"', "").encode(), SUBJECT.id) == revision
        assert revision_in(message.content.encode(), SUBJECT.id + "x") is None


def test_an_id_that_is_no_short_name_is_refused() -> None:
    with pytest.raises(MessageRefused):
        build("https://www.example.org").render(announcement(id="../x"))
