"""Settings and addresses of the `email` channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fallback_cast.channels.email import EmailChannel, Settings, build
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import UserError
from tests.channels.fake import CLUB
from tests.channels.fake_email import SENDER, channel, plain_relay

RELAY = {"host": "smtp.example.org", "username": "club", "password": "pw"}


def made(*relays: dict[str, Any], **keys: Any) -> EmailChannel:
    common = {"name": "email", "kind": "email", "sender": SENDER, "relay": list(relays) or [RELAY]}
    return build(Settings.model_validate(common | keys), BuildContext(club=CLUB))


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("Jeanne@Example.ORG", "Jeanne@example.org"),
        (" jeanne@example.org ", "jeanne@example.org"),
        ("jeanne+club@exämple.org", "jeanne+club@xn--exmple-cua.org"),
        ("jérôme@example.org", "jérôme@example.org"),
        ("club@mail.club.test", "club@mail.club.test"),
    ],
)
def test_an_address_has_one_spelling(written: str, spelt: str) -> None:
    assert made().normalise(written) == spelt


@pytest.mark.parametrize(
    "written",
    [
        "",
        "jeanne",
        "jeanne@",
        "@example.org",
        "jeanne@example",
        "jeanne@example.1",
        "a b@example.org",
        '"a b"@example.org',
        "jeanne@[127.0.0.1]",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "jeanne@example.org>",
    ],
)
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(ValueError, match="address"):
        made().normalise(written)


def test_a_place_may_have_several_addresses() -> None:
    email = made(to=["A@Example.org", "b@example.org", "b@EXAMPLE.org"])
    assert email.place() == "A@example.org, b@example.org"
    assert email.normalise("A@example.org,b@Example.ORG") == email.place()
    with pytest.raises(ValueError, match="only the channel's own place"):
        email.normalise("b@example.org, A@example.org")
    assert made().place() is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sender": "nobody"}, "sender"),
        ({"sender": "A, B <a@example.org>"}, "quotes"),
        ({"sender": "é@example.org"}, "accents"),
        ({"sender": "A\nB <a@example.org>"}, "write the sender as"),
        ({"sender": "a@example.org, b@example.org"}, "write the sender as"),
        ({"to": ["nobody"]}, "not an email address"),
        ({"to": [f"m{n}@example.org" for n in range(51)]}, "at most 50"),
        ({"bounce_address": f"{'b' * 32}@example.org"}, "31 signs"),
        ({"list_id": "a list"}, "host name"),
        ({"relay": []}, "at least 1"),
        ({"relay": [RELAY, RELAY]}, "name of its own"),
        ({"relay": [RELAY | {"security": "opportunistic"}]}, "starttls"),
        ({"relay": [RELAY | {"security": "none"}]}, "in clear"),
        ({"relay": [RELAY | {"security": "none", "host": "9.9.9.9"}]}, "in clear"),
        ({"relay": [{"host": "smtp.example.org", "username": "club"}]}, "both username and password"),
        ({"relay": [RELAY | {"rate": 0}]}, "greater than 0"),
        ({"relay": [RELAY | {"host": "smtp example"}]}, "pattern"),
        ({"relay": [RELAY | {"timeout": "3s"}]}, "Extra inputs"),
        ({"subject": "x"}, "Extra inputs"),
    ],
)
def test_mistakes_in_the_settings(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made(**keys)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "192.168.1.5", "nas", "mail.lan", "::1"])
def test_a_password_may_go_in_clear_only_nearby(host: str) -> None:
    assert made(RELAY | {"security": "none", "host": host}).providers[0].name == host


def test_relays_are_providers_in_rank_order() -> None:
    email = made(RELAY | {"max_connections": 2}, RELAY | {"name": "second", "failure_domains": ["isp"]})
    first, second = email.providers
    assert (first.name, second.name) == ("smtp.example.org", "second")
    assert first.failure_domains == {"smtp.example.org"}
    assert second.failure_domains == {"isp"}
    assert first.max_in_flight == 4  # one on each connection, one behind it
    common = made(failure_domains=["our-server"])
    assert common.providers[0].failure_domains == {"our-server"}


def test_paces_of_a_relay() -> None:
    plain = made().providers[0].paces("jeanne@example.org")
    assert [(pace.interval, pace.burst) for pace in plain] == [(0.1, 10)]
    limited = made(RELAY | {"max_per_day": 480, "rate": 0.5}).providers[0].paces("jeanne@example.org")
    assert [(pace.interval, pace.burst) for pace in limited] == [(180.0, 480), (2.0, 1)]
    assert len({pace.key for pace in limited}) == 2


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_usual_ports(security: str, port: int) -> None:
    settings = Settings.model_validate(
        {"name": "email", "kind": "email", "sender": SENDER, "relay": [{"host": "nas", "security": security}]}
    )
    assert settings.relay[0].usual_port == port


def test_a_certificate_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="certificate authority"):
        made(RELAY | {"ca_file": "missing.pem"})


def test_nothing_private_in_a_repr() -> None:
    keys = plain_relay(25, username="club-relay", password="pw-secret", host="localhost")
    settings = Settings.model_validate(
        {"name": "email", "kind": "email", "sender": SENDER, "to": ["jeanne@example.org"], "relay": [keys]}
    )
    for shown in (repr(settings), repr(channel(keys)), repr(channel(keys).providers[0])):
        for secret in ("pw-secret", "club-relay", "jeanne", "club@"):
            assert secret not in shown


def test_traits() -> None:
    assert not made().traits.deduplicates
    assert not made().traits.local
    assert made(needs="local").traits.local
