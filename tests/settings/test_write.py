"""What `init` writes loads again to the same answers, is its owner's alone, and replaces nothing."""

import stat
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fallback_cast.model.errors import UserError
from fallback_cast.settings import Settings, load_settings
from fallback_cast.settings.answers import (
    Answers,
    AppriseAnswers,
    EmailAnswers,
    ManualAnswers,
    MatrixAnswers,
    RelayAnswers,
    SiteAnswers,
    SmsAnswers,
    TelegramAnswers,
)
from fallback_cast.settings.mailboxes import MAILBOXES, mailbox_of, refusal_of
from fallback_cast.settings.write import render_settings, toml_value, write_secret, write_settings

ENVIRONMENT = {
    "TELEGRAM": "123456789:AAE-x_y",
    "SECRET": "a secret of some length",
    "TOKEN": "syt_x",
    "APPRISE": "jsons://chat.example.org/token",
}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
names = texts.filter(lambda text: text.isprintable() and text == text.strip())
hosts = st.sampled_from(["smtp.example.org", "127.0.0.1", "mail.example.net"])
relays = st.builds(
    RelayAnswers,
    host=hosts,
    port=st.integers(1, 65535),
    security=st.sampled_from(["starttls", "tls"]),
    username=names,
    password=st.just("env:SECRET"),
    max_per_day=st.none() | st.integers(1, 100_000),
    ca_file=st.none() | names.map(lambda name: name.replace("\x00", "")),
)
emails = st.builds(
    EmailAnswers,
    sender=st.sampled_from(
        ["Club <club@example.org>", '"Club, le" <club@example.org>', "Été <c@example.org>"]
    ),
    relays=st.lists(relays, min_size=1, max_size=3, unique_by=lambda relay: relay.host).map(tuple),
    to=st.sampled_from([(), ("tous@example.org",), ("a@example.org", "b@example.org")]),
    everybody_reads=st.booleans(),
)
telegrams = st.builds(
    TelegramAnswers,
    token=st.just("env:TELEGRAM"),
    chat=st.sampled_from([None, "@sainteanne", "-1001234567890"]),
    everybody_reads=st.booleans(),
)
matrices = st.builds(
    MatrixAnswers,
    homeserver=st.just("https://matrix.example.org/"),
    access_token=st.just("env:TOKEN"),
    room=st.sampled_from([None, "!abc:example.org"]),
    everybody_reads=st.booleans(),
)
messages = st.builds(
    SmsAnswers,
    gateway=st.sampled_from(["kannel", "smsgate"]),
    url=st.just("http://192.0.2.10:8080/x"),
    username=st.just("club"),
    password=st.just("env:SECRET"),
    sender=st.sampled_from([None, "Petanque"]),
    local=st.booleans(),
)
answers = st.builds(
    Answers,
    club_name=names,
    language=st.sampled_from(["fr", "en"]),
    timezone=st.sampled_from(["Europe/Paris", "Indian/Reunion", "UTC"]),
    site_url=st.sampled_from([None, "https://example.org/annonces/"]),
    site=st.just(SiteAnswers(directory="public"))
    | st.builds(SiteAnswers, directory=names.map("site-{}".format)),
    telegram=st.none() | telegrams,
    matrix=st.none() | matrices,
    email=st.none() | emails,
    sms=st.none() | messages,
    apprise=st.sampled_from([(), (AppriseAnswers(name="chat", url="env:APPRISE", everybody_reads=False),)]),
    manual=st.lists(names, max_size=2).map(
        lambda found: tuple(ManualAnswers(name=f"m{i}", instructions=text) for i, text in enumerate(found))
    ),
    organiser=st.sampled_from([None, "claire@example.org"]),
)


def answers_from(settings: Settings, data: dict[str, Any]) -> Answers:
    """The way back: read values where they are kept, references from the file."""
    written = {entry["name"]: entry for entry in data["channel"]}
    read = {channel.name: channel for channel in settings.channel}

    def everybody(name: str) -> bool:
        return read[name].audience == "everyone"

    def one(name: str, make: Any) -> Any:
        return make(read[name], written[name]) if name in read else None

    return Answers(
        club_name=settings.club.name,
        language=settings.club.language,
        timezone=settings.club.timezone,
        site_url=settings.club.site_url and str(settings.club.site_url),
        site=one("site", lambda c, w: SiteAnswers(directory=w["directory"])),
        telegram=one(
            "telegram",
            lambda c, w: TelegramAnswers(
                token=w["token"], chat=c.chat, everybody_reads=everybody("telegram")
            ),
        ),
        matrix=one(
            "matrix",
            lambda c, w: MatrixAnswers(
                homeserver=str(c.homeserver),
                access_token=w["access_token"],
                room=c.room,
                everybody_reads=everybody("matrix"),
            ),
        ),
        email=one(
            "email",
            lambda c, w: EmailAnswers(
                sender=c.sender,
                relays=tuple(
                    RelayAnswers(
                        host=r.host,
                        port=r.port,
                        security=r.security,
                        username=r.username,
                        password=v["password"],
                        max_per_day=r.max_per_day,
                        ca_file=v.get("ca_file"),
                    )
                    for r, v in zip(c.relay, w["relay"], strict=True)
                ),
                to=c.to,
                everybody_reads=everybody("email"),
            ),
        ),
        sms=one(
            "sms",
            lambda c, w: SmsAnswers(
                gateway=c.gateway[0].kind,
                url=str(c.gateway[0].url),
                username=c.gateway[0].username,
                password=w["gateway"][0]["password"],
                sender=c.sender,
                local=c.gateway[0].needs == "local",
            ),
        ),
        apprise=tuple(
            AppriseAnswers(name=c.name, url=written[c.name]["url"], everybody_reads=everybody(c.name))
            for c in settings.channel
            if c.kind == "apprise"
        ),
        manual=tuple(
            ManualAnswers(name=c.name, instructions=written[c.name]["instructions"])
            for c in settings.channel
            if c.kind == "manual"
        ),
        references=settings.health.references,
        organiser=next((o.addresses["email"] for o in settings.health.organisers), None),
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(answers)
def test_what_is_written_loads_to_the_same_answers(tmp_path: Path, answers: Answers):
    path = tmp_path / "channels.toml"
    path.unlink(missing_ok=True)
    write_settings(path, answers)
    settings = load_settings(path, ENVIRONMENT)
    if answers.email is None:  # the organiser is known by an email address
        answers = replace(answers, organiser=None)
    assert answers_from(settings, tomllib.loads(path.read_text(encoding="utf-8"))) == answers
    assert settings.warnings == ()


@given(
    st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.booleans() | st.lists(st.text())
)
def test_values_are_toml(value: Any):
    if isinstance(value, list):
        value = [text.encode("utf-8", "replace").decode() for text in value]
    assert tomllib.loads(f"x = {toml_value(value)}") == {"x": value}


def test_comments_are_in_the_clubs_language_and_the_rank_is_kept():
    text = render_settings(
        Answers(
            club_name="Club",
            language="en",
            site=SiteAnswers(),
            email=EmailAnswers(
                sender="Club <c@example.org>",
                relays=(RelayAnswers.of(MAILBOXES["gmail"], "c@example.org", "file:secrets/email"),),
            ),
            manual=(ManualAnswers(name="facebook", instructions="Paste it"),),
        )
    )
    assert "# The club's own pages come first" in text
    assert [line for line in text.splitlines() if line.startswith("name")] == [
        'name = "Club"',
        'name = "site"',
        'name = "email"',
        'name = "facebook"',
    ]
    assert "max_per_day = 500" in text
    assert 'audience = "some"' in text


def test_the_file_is_the_owners_alone_and_never_replaced(tmp_path: Path):
    path = tmp_path / "channels.toml"
    write_settings(path, Answers(club_name="Club", site=SiteAnswers()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(UserError, match="exists already and was left as it is") as caught:
        write_settings(path, Answers(club_name="Other", site=SiteAnswers()))
    assert caught.value.where == str(path)
    assert path.read_bytes() == before
    (tmp_path / "link.toml").symlink_to("nowhere.toml")
    with pytest.raises(UserError, match="exists already"):
        write_settings(tmp_path / "link.toml", Answers(club_name="Club", site=SiteAnswers()))
    with pytest.raises(UserError, match="cannot be written"):
        write_settings(tmp_path / "none" / "channels.toml", Answers(club_name="Club", site=SiteAnswers()))


def test_a_secret_is_kept_beside_the_settings(tmp_path: Path):
    path = tmp_path / "channels.toml"
    assert write_secret(path, "matrix", "syt_x") == "file:secrets/matrix"
    folder, file = tmp_path / "secrets", tmp_path / "secrets" / "matrix"
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    matrix = MatrixAnswers(homeserver="https://matrix.example.org", access_token="file:secrets/matrix")
    write_settings(path, Answers(club_name="Club", matrix=matrix))
    (channel,) = load_settings(path, {}).channel
    assert channel.access_token.reveal() == "syt_x"  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="exists already"):
        write_secret(path, "matrix", "other")
    assert file.read_text() == "syt_x\n"
    with pytest.raises(ValueError, match="small letters"):
        write_secret(path, "../matrix", "x")


@pytest.mark.parametrize("name", MAILBOXES)
def test_every_mailbox_makes_a_relay_that_loads(tmp_path: Path, name: str):
    mailbox = MAILBOXES[name]
    username = mailbox.username("club@example.org") or "login"
    email = EmailAnswers(
        sender="Club <club@example.org>", relays=(RelayAnswers.of(mailbox, username, "env:SECRET"),)
    )
    write_settings(tmp_path / "channels.toml", Answers(club_name="Club", email=email))
    (channel,) = load_settings(tmp_path / "channels.toml", ENVIRONMENT).channel
    (relay,) = channel.relay  # type: ignore[attr-defined]
    assert (relay.host, relay.port, relay.security) == (mailbox.host, mailbox.port, mailbox.security)
    assert relay.max_per_day == mailbox.per_day


def test_a_mailbox_is_known_by_its_address():
    gmail = mailbox_of("club@GMAIL.com")
    assert gmail is MAILBOXES["gmail"]
    assert gmail is not None
    assert (gmail.per_day, gmail.username("club@gmail.com")) == (500, "club@gmail.com")
    free = mailbox_of("club@free.fr")
    assert free is not None
    assert free.username("club@free.fr") == "club"
    assert mailbox_of("club@example.org") is None
    assert MAILBOXES["brevo"].username("club@example.org") is None
    assert refusal_of("club@hotmail.fr")
    assert refusal_of("club@gmail.com") is None
