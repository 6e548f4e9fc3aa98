"""What all probes together tell of our own name server; and what the settings name for health."""

from __future__ import annotations

from pathlib import Path

import pytest

from fallback_cast.health.look import own_resolver_fails, took_detour
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.settings import load_settings
from fallback_cast.wiring.app import open_app

NO_WORD = "the name server does not answer for this name"
FINDS = "second resolver: it finds the name"


def name(ok: bool, detail: str = "", decisive: bool = True) -> Check:
    return Check(Layer.NAME, ok, 0.01, detail, decisive)


WELL = (name(True, FINDS, False), name(True))
DETOUR = (name(False, NO_WORD, False), name(True, FINDS), Check(Layer.ROUTE, True, 0.01))
APPRISE = (name(True, FINDS, False), name(False, NO_WORD))
GONE = (name(False, "second resolver: the look-up of this name fails (SERVFAIL)"), name(False, NO_WORD))
BLOCKED = (name(False, "second resolver: no answer yet", False), name(True))
ALONE = (name(True), Check(Layer.ROUTE, True, 0.01))
LOCAL = (Check(Layer.SERVICE, True, 0.0, "the folder can be written"),)


@pytest.mark.parametrize(
    ("probes", "fails"),
    [
        ([], False),
        ([ALONE, LOCAL], False),
        ([WELL, WELL], False),
        ([DETOUR], True),
        ([DETOUR, DETOUR, LOCAL, ALONE], True),
        ([DETOUR, APPRISE], True),
        ([DETOUR, GONE], True),
        ([DETOUR, WELL], False),  # this one name's servers are at fault
        ([GONE, GONE], False),
        ([BLOCKED, BLOCKED], False),
    ],
)
def test_our_own_resolver_fails_where_the_second_one_knows_every_name(
    probes: list[tuple[Check, ...]], fails: bool
) -> None:
    assert own_resolver_fails(probes) is fails


def test_who_took_the_detour() -> None:
    assert took_detour(DETOUR)
    assert not any(map(took_detour, (WELL, APPRISE, GONE, BLOCKED, ALONE, LOCAL)))


def test_the_settings_name_references_and_status_feeds(tmp_path: Path) -> None:
    path = tmp_path / "channels.toml"
    path.write_text(
        '[club]\nname = "Club"\n[[channel]]\nname = "site"\nkind = "site"\ndirectory = "public"\n'
        'status_feed = { kind = "instatus", url = "https://status.example.org" }\n'
        '[health]\nreferences = ["tcp://9.9.9.9:53", "https://www.example.org/"]\n'
    )
    with open_app(load_settings(path, {})) as app:
        assert [reference.name for reference in app.references] == [
            "tcp://9.9.9.9:53",
            "https://www.example.org/",
        ]
        assert set(app.status_feeds) == {"site"}
