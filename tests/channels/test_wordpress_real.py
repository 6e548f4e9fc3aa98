"""WordPress, the real one on MariaDB: posts made, corrected and read back, and what its outages look like."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fallback_cast.channels import wordpress
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.wordpress.channel import WordPressChannel
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.errors import AccessDenied, Layer, MessageRefused, OutcomeUnknown, Unavailable
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import idempotency_key
from tests.channels.fake import CLUB, announcement
from tests.counterparts.wordpress import WordPress


def new(**changes: Any) -> Announcement:
    return announcement(id=f"20261128-{secrets.token_hex(3)}", **changes)


def club(site: WordPress, role: str = "editor", **keys: Any) -> WordPressChannel:
    values = {
        "name": "blog",
        "kind": "wordpress",
        "url": site.url,
        "username": role,
        "password": site.passwords.get(role, ""),
        **keys,
    }
    settings = wordpress.Settings.model_validate(values)
    return WordPressChannel(settings, BuildContext(club=replace(CLUB, site_url=None)))


def key(subject: Announcement) -> str:
    return idempotency_key(subject.id, subject.revision, "blog", "posts")


async def send(channel: WordPressChannel, subject: Announcement) -> Any:
    return await channel.send(channel.render(subject), "posts", key(subject))


async def edit(channel: WordPressChannel, subject: Announcement, reference: str) -> Any:
    return await channel.edit(channel.render(subject), "posts", reference, key(subject))


@pytest.mark.parametrize("role", ["administrator", "editor", "author"])
async def test_readers_see_the_announcement(wordpress_site: WordPress, role: str) -> None:
    subject = new(
        event_at=datetime(2026, 11, 29, 13, 0, tzinfo=UTC),
        place="Boulodrome",
        link="https://sainte-anne.example/a?b=1&c=2",
    )
    async with club(wordpress_site, role) as channel:
        accepted = await send(channel, subject)
    assert accepted.note == ""
    assert accepted.delivered
    assert accepted.reference == f"{wordpress_site.url}/fc-{subject.id}/"
    page = wordpress_site.page(f"/fc-{subject.id}/")
    assert "&#091;URGENT&#093; Concours annulé" in page or "[URGENT] Concours annulé" in page
    assert "<p>Le concours de <strong>samedi</strong> est annulé : terrain inondé.</p>" in page
    assert '<a href="https://sainte-anne.example/">le site</a>' in page
    assert "dimanche 29 novembre 2026" in page
    assert "<strong>Où :</strong> Boulodrome<br>" in page
    assert 'href="https://sainte-anne.example/a?b=1&#038;c=2"' in page or "a?b=1&amp;c=2" in page
    assert "<strong>Code :</strong> K7F3</p>" in page
    assert "Concours annulé" in wordpress_site.page("/feed/")


async def test_the_same_announcement_is_one_post(wordpress_site: WordPress) -> None:
    subject = new()
    async with club(wordpress_site) as channel:
        first, second = [await send(channel, subject) for _ in range(2)]
    assert first == second
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_text_stays_text(wordpress_site: WordPress) -> None:
    """Neither tags, short codes, embeds nor back-slashes do anything; even an author's post keeps all."""
    subject = new(
        title=r"1 < 2 & <script>alert(1)</script> [gallery] C:\temp",
        body="<script>alert(2)</script> [gallery] C:\\new 🎱 `[x]`\n\n"
        "https://video.example/watch\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "1. un\n2. deux\n\n```\nx <  y\n  z\n```\n\n[a](https://a.example/[b])",
    )
    for role in ("editor", "author"):
        async with club(wordpress_site, role) as channel:
            written = replace(subject, id=f"20261128-{secrets.token_hex(3)}")
            assert (await send(channel, written)).delivered
        (post,) = wordpress_site.posts(f"fc-{written.id}")
        shown = post["content"]["rendered"]
        assert "<script" not in shown + post["title"]["rendered"]
        assert "alert(2)" in shown
        assert "<iframe" not in shown
        assert "wp-block-gallery" not in shown
        assert "gallery" in shown
        assert "C:\\new 🎱" in shown
        assert "C:\\temp" in post["title"]["rendered"]
        assert "<td>1</td>" in shown
        assert "<pre><code>x &lt;  y\n  z\n</code></pre>" in shown
        assert shown.count("<br") == shown.count("<br>"), "WordPress made lines of its own"


async def test_a_correction_is_an_edit(wordpress_site: WordPress) -> None:
    subject = new()
    async with club(wordpress_site) as channel:
        first = await send(channel, subject)
        later = replace(subject, revision=2, title="Concours reporté")
        second = await edit(channel, later, first.reference)
        cancelled = await edit(channel, replace(later, revision=3, cancelled=True), first.reference)
        assert (second.reference, second.delivered) == (first.reference, True)
        assert cancelled.delivered
        late = await send(channel, subject)
    (post,) = wordpress_site.posts(f"fc-{subject.id}")
    assert "ANNULÉ" in post["title"]["raw"], "what is late undoes no correction"
    assert late.delivered
    assert post["link"] == first.reference


async def test_a_post_in_the_bin_cannot_be_edited(wordpress_site: WordPress) -> None:
    subject = new()
    async with club(wordpress_site) as channel:
        first = await send(channel, subject)
        (post,) = wordpress_site.posts(f"fc-{subject.id}")
        wordpress_site.call("DELETE", f"posts/{post['id']}")
        with pytest.raises(MessageRefused, match="the post is gone"):
            await edit(channel, replace(subject, revision=2), first.reference)
        again = await send(channel, replace(subject, revision=2))
    assert again.delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_a_draft_of_that_name_is_published(wordpress_site: WordPress) -> None:
    subject = new()
    wordpress_site.call("POST", "posts", {"title": "?", "slug": f"fc-{subject.id}", "status": "draft"})
    async with club(wordpress_site) as channel:
        assert (await send(channel, subject)).delivered
    (post,) = wordpress_site.posts(f"fc-{subject.id}")
    assert post["status"] == "publish"


async def test_a_name_that_is_taken_by_a_hidden_post(wordpress_site: WordPress) -> None:
    """An author does not see the drafts of others: WordPress gives another name; we find it again."""
    subject = new()
    wordpress_site.call("POST", "posts", {"title": "?", "slug": f"fc-{subject.id}", "status": "draft"})
    async with club(wordpress_site, "author") as channel:
        first = await send(channel, subject)
        second = await edit(channel, replace(subject, revision=2), first.reference)
    assert first.delivered
    assert second.delivered
    names = sorted(post["slug"] for post in wordpress_site.posts(f"fc-{subject.id}"))
    assert names == [f"fc-{subject.id}", f"fc-{subject.id}-2"]


# What `check` and a send say of accounts


@pytest.mark.parametrize("role", ["administrator", "editor", "author"])
async def test_check_of_an_account_that_may_publish(wordpress_site: WordPress, role: str) -> None:
    before = wordpress_site.posts()
    async with club(wordpress_site, role) as channel:
        checks = await channel.probe()
    assert [check.ok for check in checks] == [True] * len(checks)
    assert checks[-1].detail == "the account may publish"
    assert wordpress_site.posts() == before


@pytest.mark.parametrize("role", ["contributor", "subscriber"])
async def test_a_role_that_may_not_publish(wordpress_site: WordPress, role: str) -> None:
    subject = new()
    async with club(wordpress_site, role) as channel:
        failed = failed_check(await channel.probe())
        with pytest.raises(AccessDenied) as caught:
            await send(channel, subject)
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT
    assert failed.detail == caught.value.reason
    assert "needs the role Author or Editor" in failed.detail
    assert wordpress_site.posts(f"fc-{subject.id}") == []


@pytest.mark.parametrize(("user", "password"), [("editor", "nnnn oooo"), ("nobody", "nnnn oooo")])
async def test_a_wrong_password(wordpress_site: WordPress, user: str, password: str) -> None:
    async with club(wordpress_site, user, password=password) as channel:
        failed = failed_check(await channel.probe())
        with pytest.raises(AccessDenied, match="does not know the account"):
            await send(channel, new())
    assert failed is not None
    assert failed.layer is Layer.ACCOUNT
    assert "application password" in failed.detail


async def test_a_web_server_that_holds_back_the_password(wordpress_site: WordPress) -> None:
    with wordpress_site.plugin("unset($_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW']);"):
        async with club(wordpress_site) as channel:
            failed = failed_check(await channel.probe())
            with pytest.raises(AccessDenied, match="holds them back"):
                await send(channel, new())
    assert failed is not None
    assert "holds them back" in failed.detail


async def test_a_site_without_application_passwords(wordpress_site: WordPress) -> None:
    with wordpress_site.plugin("add_filter('wp_is_application_passwords_available', '__return_false');"):
        async with club(wordpress_site) as channel:
            failed = failed_check(await channel.probe())
    assert failed is not None
    assert failed.detail == "WordPress takes no application passwords here"


async def test_a_url_that_is_no_wordpress(wordpress_site: WordPress) -> None:
    async with club(wordpress_site, url=f"{wordpress_site.url}/nowhere") as channel:
        failed = failed_check(await channel.probe())
        with pytest.raises(AccessDenied):
            await send(channel, new())
    assert failed is not None


# Outages


async def test_the_database_is_stopped(wordpress_site: WordPress) -> None:
    subject = new()
    async with club(wordpress_site) as channel:
        with wordpress_site.database.down():
            failed = failed_check(await channel.probe())
            with pytest.raises(Unavailable):
                await send(channel, subject)
        assert failed is not None
        assert failed.layer is Layer.SERVICE
        assert failed_check(await channel.probe()) is None
        assert (await send(channel, subject)).delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_the_database_hangs(wordpress_site: WordPress) -> None:
    subject = new()
    async with club(wordpress_site, timeout="1s") as channel:
        with wordpress_site.database.frozen():
            failed = failed_check(await channel.probe())
            with pytest.raises(Unavailable, match="no answer"):
                await send(channel, subject)
        assert failed is not None
        assert (await send(channel, subject)).delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_the_web_server_is_stopped(wordpress_site: WordPress) -> None:
    async with club(wordpress_site) as channel:
        with wordpress_site.web.down(), pytest.raises(Unavailable):
            await send(channel, new())
        assert (await send(channel, new())).delivered


async def test_maintenance(wordpress_site: WordPress) -> None:
    with wordpress_site.under_maintenance():
        async with club(wordpress_site) as channel:
            failed = failed_check(await channel.probe())
            with pytest.raises(Unavailable, match="under maintenance"):
                await send(channel, new())
    assert failed is not None
    assert failed.detail == "WordPress is under maintenance"


async def test_the_answer_comes_too_late_but_the_post_is_there(wordpress_site: WordPress) -> None:
    """Looking the short name up again tells how a lost answer ended."""
    subject = new()
    slow = "add_action('rest_after_insert_post', function () { usleep(2500000); });"
    with wordpress_site.plugin(slow):
        async with club(wordpress_site, timeout="1s") as channel:
            accepted = await send(channel, subject)
    assert accepted.delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_a_plugin_that_dies_after_the_post_is_stored(wordpress_site: WordPress) -> None:
    subject = new()
    with wordpress_site.plugin("add_action('save_post', function () { no_such_function(); });"):
        async with club(wordpress_site) as channel:
            accepted = await send(channel, subject)
    assert accepted.delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_an_answer_lost_before_the_post_is_there(wordpress_site: WordPress) -> None:
    """Not there yet proves nothing; the next try finds it, and does not make a second one."""
    subject = new()
    slow = "add_filter('wp_insert_post_data', function ($data) { usleep(3000000); return $data; });"
    async with club(wordpress_site, timeout="1s") as channel:
        with wordpress_site.plugin(slow), pytest.raises(OutcomeUnknown):
            await send(channel, subject)
        await asyncio.sleep(3)
        assert (await send(channel, subject)).delivered
    assert len(wordpress_site.posts(f"fc-{subject.id}")) == 1


async def test_a_page_that_readers_cannot_see_is_not_delivered(wordpress_site: WordPress) -> None:
    hidden = "add_action('template_redirect', function () { if (!is_feed()) wp_die('Soon', '', 503); });"
    with wordpress_site.plugin(hidden):
        async with club(wordpress_site) as channel:
            accepted = await send(channel, new())
    assert not accepted.delivered
    assert accepted.note == "the public address does not show the page: HTTP 503"


async def test_a_page_without_the_marker_is_not_delivered(wordpress_site: WordPress) -> None:
    with wordpress_site.plugin("add_filter('the_content', fn () => 'For members only', 99);"):
        async with club(wordpress_site) as channel:
            accepted = await send(channel, new())
    assert not accepted.delivered
    assert accepted.note == "the public address shows another page"
