"""Reading a whole file: what is taken, what is refused, and in which words."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import UserError
from fallback_cast.model.policy import DEFAULT_POLICIES
from fallback_cast.settings import SettingsError, find_settings, load_settings
from tests.settings.conftest import BASE, SITE, WHSEC, Desk

HOOK = '[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "https://example.org/in"\nsecret = "env:HOOK"\n'


def test_a_small_file(desk: Desk):
    settings = desk.load(BASE + SITE + HOOK)
    assert settings.club.name == "Pétanque club"
    assert (settings.club.language, settings.club.timezone) == ("fr", "Europe/Paris")
    assert [channel.name for channel in settings.channel] == ["site", "hook"]
    assert settings.base_dir == desk.folder
    assert settings.ledger_path == desk.folder / "fallback-cast.db"
    assert settings.policies() == DEFAULT_POLICIES
    assert settings.warnings == ()


def test_no_secret_is_shown(desk: Desk):
    settings = desk.load(BASE + HOOK + '[ledger]\nurl = "postgresql://me:hush@db.example.org/club"\n')
    assert WHSEC not in repr(settings)
    assert "hush" not in repr(settings)
    assert settings.ledger.url.endswith("/club")
    assert settings.ledger_path is None


def test_only_the_kinds_in_use_are_imported(desk: Desk):
    desk.write(BASE + SITE)
    program = (
        "import os, sys; from pathlib import Path; from fallback_cast.settings import load_settings;"
        f"load_settings(Path({str(desk.path)!r}), {{}});"
        "print([m for m in sys.modules if m.startswith('fallback_cast.channels.')])"
        "; print('apprise' in sys.modules, 'sqlalchemy' in sys.modules, 'keyring' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "channels.site" in shown
    for other in ("apprise", "email", "matrix", "sms", "telegram", "webhook"):
        assert f"fallback_cast.channels.{other}" not in shown
    assert "False False False" in shown


def test_policies_override_the_usual_ones(desk: Desk):
    settings = desk.load(
        BASE
        + SITE
        + HOOK
        + """
        [policy.urgent]
        patience = "90s"
        confirm_within = "off"
        order = ["hook", "site"]
        [policy.info]
        paid = "no"
        acknowledge_within = "1h"
        quiet_hours = false
        """.replace("        ", "")
    )
    policies = settings.policies()
    urgent, usual = policies[Importance.URGENT], DEFAULT_POLICIES[Importance.URGENT]
    assert (urgent.patience, urgent.confirm_within) == (timedelta(seconds=90), None)
    assert urgent.order == ("hook", "site")
    assert urgent.grace == usual.grace
    info = policies[Importance.INFO]
    assert (info.paid, info.acknowledge_within, info.quiet_hours) == ("no", timedelta(hours=1), False)
    assert policies[Importance.NORMAL] == DEFAULT_POLICIES[Importance.NORMAL]


def test_health_and_webhooks(desk: Desk):
    settings = desk.load(
        BASE
        + SITE
        + """
[health]
references = ["tcp://9.9.9.9:53", "tcp://[2620:fe::fe]:53", "https://www.example.org/"]
[[health.organisers]]
name = "Claire"
addresses = { site = "folder" }
[[webhook]]
name = "wordpress"
kind = "wordpress"
secret = "env:HOOK"
groups = ["juniors"]
[[webhook]]
name = "alerts"
kind = "alertmanager"
token = "env:HOOK"
max_importance = "urgent"
"""
    )
    assert len(settings.health.references) == 3
    assert settings.health.organisers[0].addresses == {"site": "folder"}
    first, second = settings.webhook
    assert (first.max_importance, first.paid, first.max_per_day, first.groups) == (
        "normal",
        False,
        20,
        ("juniors",),
    )
    assert first.secret is not None
    assert second.token is not None
    assert second.token.reveal() == WHSEC


def test_all_mistakes_are_reported_together_in_the_order_of_the_file(desk: Desk):
    complaints = desk.complaints(
        """\
        [club]
        name = "Club"
        language = "de"
        timezone = "Europe/Pari"

        [[channel]]
        name = "site"
        kind = "site"
        directory = "public"
        keep = "many"

        [[channel]]
        name = "hook"
        kind = "webhok"

        [[channel]]
        name = "hook"
        kind = "webhook"
        url = "ftp://example.org"
        secrt = "env:HOOK"

        [healt]
        """
    )
    assert complaints == [
        "channels.toml, line 3, [club]: key language: one of these is wanted: fr, en",
        "channels.toml, line 4, [club]: key timezone: this is no time zone; did you mean Europe/Paris?",
        (
            "channels.toml, line 10, channel site: key keep: a whole number is wanted, without quotation "
            "marks; How many announcements the index lists"
        ),
        "channels.toml, line 14, channel hook: key kind: this kind is unknown; did you mean webhook?",
        (
            "channels.toml, line 16, channel hook: key secret: this key is missing; "
            "whsec_… of the receiver, with which each message is signed"
        ),
        "channels.toml, line 17, channel hook: key name: this name is already taken on line 13",
        (
            "channels.toml, line 19, channel hook: key url: a web address such as https://example.org/ "
            "is wanted; Where the announcement is posted; this is the place"
        ),
        "channels.toml, line 20, channel hook: key secrt: this key is unknown; did you mean secret?",
        "channels.toml, line 22, [healt]: this section is unknown; did you mean health?",
    ]


def test_a_single_mistake_has_what_where_and_hint(desk: Desk):
    error = desk.error(BASE + SITE + "kep = 3\n")
    assert isinstance(error, UserError)
    assert error.where == "channels.toml, line 7, channel site: key kep"
    assert error.what == "this key is unknown"
    assert error.hint == "did you mean keep?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[club]\nname = Club\n", r"line 2, column 8: this is not TOML: .*; texts stand in quotation marks"),
        ("[club]\nname = “Club”\n", r"line 2, column 8: .*; use straight quotation marks"),
        ('[club]\nname = "a\\club"\n', r"line 2, column \d+: .*; write / instead of \\ in paths"),
        ("[club]\nhello\n", r"line 2, column \d+: .*each line is a key and its value"),
        ('[club]\nname = "x"\n[club]\n', r"line 3, column \d+: this is not TOML"),
        ('[club]\nname = ["x"', r"line 2, column 12: this is not TOML"),
    ],
)
def test_what_is_not_toml_has_line_and_column(desk: Desk, text: str, said: str):
    (complaint,) = desk.complaints(text)
    assert re.search(said, complaint)


def test_a_value_is_not_repeated_by_a_syntax_error(desk: Desk):
    assert "hush-hush" not in str(desk.error('[club]\nname = "x" \ntoken = hush-hush\n'))


def test_another_encoding_names_the_line(desk: Desk):
    desk.path.write_bytes('[club]\nname = "Pétanque"\n'.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"line 2: the file is not UTF-8 text; save it as UTF-8"):
        load_settings(desk.path, {})


def test_a_byte_order_mark_is_no_mistake(desk: Desk):
    desk.path.write_bytes(b"\xef\xbb\xbf" + (BASE + SITE).replace("\n", "\r\n").encode())
    assert load_settings(desk.path, {}).channel[0].name == "site"


def test_a_missing_and_an_unreadable_file(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"does not exist; `fallback-cast init`"):
        load_settings(tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match=r"cannot be read \(Is a directory\)"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SITE, "channels.toml: the section [club] is missing; write [club]"),
        (BASE, "channels.toml: there is no [[channel]]"),
        (
            BASE + SITE.replace("[[channel]]", "[channel]"),
            "[channel]: this section may stand several times; write [[channel]]",
        ),
        ("club = 3\n" + SITE, "line 1: key club: a section with keys of its own is wanted"),
        (
            BASE + SITE.replace('"site"\nkind', '"Le site"\nkind'),
            "key name: this is not written as wanted; small letters",
        ),
        (BASE + SITE.replace('kind = "site"\n', ""), "key kind: this key is missing; known are: apprise, e"),
        (BASE.replace("Pétanque club", "a\\nb") + SITE, "key name: a name on one line is wanted"),
        (
            BASE + 'site_url = "https://me:pw@example.org/"\n' + SITE,
            "key site_url: a public address holds no",
        ),
    ],
)
def test_mistakes_in_the_frame(desk: Desk, text: str, said: str):
    (complaint,) = desk.complaints(text)
    assert said in complaint
    assert "pw" not in complaint


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('audience = "nobody"', "key audience: one of these is wanted: everyone, some"),
        ('always = "true"', "key always: true or false is wanted, without quotation marks"),
        ("always = 1", "key always: true or false is wanted"),
        ('keep = "3"', "key keep: a number is wanted, without quotation marks"),
        ("keep = true", "key keep: a number is wanted"),
        ("keep = 0", "key keep: at least 1 is wanted"),
        ('failure_domains = "x"', "key failure_domains: a list is wanted, such as"),
        ("failure_domains = [1]", "key failure_domains #1: a text in quotation marks is wanted"),
        ('[ledger]\nurl = "mysql://x/y"', "[ledger]: key url: this is no address of a ledger"),
        ('[ledger]\nurl = "sqlite:///"', "this is no address of a ledger"),
        ('[ledger]\nurl = "sqlite:///a.db?mode=ro"', "only the path of a file is wanted"),
    ],
)
def test_mistakes_in_a_channel_and_the_ledger(desk: Desk, written: str, said: str):
    (complaint,) = desk.complaints(f"{BASE}{SITE}{written}\n")
    assert said in complaint


@pytest.mark.parametrize(
    ("section", "written", "said"),
    [
        (
            "urgent",
            'patience = "20"',
            "line 8, [policy.urgent]: key patience: this is no duration; write for",
        ),
        ("urgent", 'patience = "0s"', "key patience: more than 0 is wanted"),
        ("urgent", "patience = 20", "key patience: a duration is a text such as 20s"),
        ("urgent", "order = []", "key order: there must be at least 1"),
        ("urgnt", 'patience = "20s"', "key urgnt: this key is unknown; did you mean urgent?"),
        ("info", 'order = ["site", "sit"]', "key order #2: there is no channel sit; did you mean site?"),
        ("info", 'order = ["site", "site"]', "key order #2: site stands here twice"),
    ],
)
def test_mistakes_in_policies(desk: Desk, section: str, written: str, said: str):
    (complaint,) = desk.complaints(f"{BASE}{SITE}[policy.{section}]\n{written}\n")
    assert said in complaint


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('references = ["9.9.9.9"]', "[health]: key references #1: this is no reference; write tcp://"),
        ('references = ["tcp://9.9.9.9"]', "this is no reference"),
        ('references = ["tcp://9.9.9.9:99999"]', "this is no reference"),
        ('references = ["tcp://9.9.9.9:53/x"]', "this is no reference"),
        ('references = ["https://"]', "this is no reference"),
        ('references = ["https://a:b@example.org/"]', "holds no user name or password"),
        (
            'resolvers = ["dns.example.org"]',
            "key resolvers #1: this is no address of a name server; write 9.9",
        ),
        ('resolvers = ["9.9.9.9:0"]', "this is no address of a name server"),
        ('resolvers = "9.9.9.9"', "a list is wanted"),
        (
            '[[health.organisers]]\nname = "C"\naddresses = { sms = "+33" }',
            "line 10, [health.organisers #1.addresses]: key sms: there is no channel sms",
        ),
        (
            '[health.organisers]\nname = "C"',
            "key organisers: this section may stand several times; write its",
        ),
    ],
)
def test_mistakes_about_health(desk: Desk, written: str, said: str):
    (complaint,) = desk.complaints(f"{BASE}{SITE}[health]\n{written}\n")
    assert said in complaint


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            'kind = "standard"',
            "line 7, webhook w: a webhook of kind standard needs a secret; write for example",
        ),
        ('kind = "cap"\nsecret = "env:HOOK"', "a webhook of kind cap needs a token"),
        ('kind = "cap"\ntoken = "env:HOOK"\nsecret = "env:HOOK"', "a webhook of kind cap has no secret"),
        ('kind = "github"\nsecret = "env:SHORT"', "at least 16 characters"),
        ('kind = "slack"\nsecret = "env:HOOK"', "key kind: one of these is wanted: standard, wordpress"),
    ],
)
def test_mistakes_in_webhooks(desk: Desk, written: str, said: str):
    text = f'{BASE}{SITE}[[webhook]]\nname = "w"\n{written}\n'
    (complaint,) = desk.complaints(text, environment={"HOOK": WHSEC, "SHORT": "short"})
    assert said in complaint
    assert WHSEC not in complaint


class TestFolders:
    def test_two_sites_in_one_folder(self, desk: Desk):
        other = SITE.replace('"site"\nkind', '"mirror"\nkind').replace('"public"', '"x/../public"')
        (complaint,) = desk.complaints(BASE + SITE + other)
        assert complaint.endswith("line 10, channel mirror: key directory: channel site has the same folder")

    def test_two_sites_behind_one_link(self, desk: Desk):
        (desk.folder / "public").mkdir()
        (desk.folder / "link").symlink_to("public")
        other = SITE.replace('"site"\nkind', '"mirror"\nkind').replace('"public"', '"link"')
        assert "has the same folder" in str(desk.error(BASE + SITE + other))

    @pytest.mark.parametrize(
        "file", ["public/x.db", "public/deep/x.db", "x/../public/x.db", "{folder}/public/x.db"]
    )
    def test_a_ledger_in_a_published_folder(self, desk: Desk, file: str):
        url = f"sqlite:///{file.format(folder=desk.folder)}"
        (complaint,) = desk.complaints(BASE + SITE + f'[ledger]\nurl = "{url}"\n')
        assert (
            "line 8, [ledger]: key url: x.db would be published: channel site shows its folder" in complaint
        )

    def test_settings_in_a_published_folder(self, desk: Desk):
        complaints = desk.complaints(BASE + SITE.replace('"public"', '"."'))
        assert "channels.toml would be published" in complaints[0]
        assert "fallback-cast.db would be published" in complaints[1]

    def test_a_secret_in_a_published_folder(self, desk: Desk):
        (desk.folder / "public").mkdir()
        secret = desk.folder / "public" / "hook"
        secret.write_text(WHSEC)
        secret.chmod(0o600)
        (complaint,) = desk.complaints(BASE + SITE + HOOK.replace("env:HOOK", "file:public/hook"))
        assert "line 11, channel hook: key secret: hook would be published" in complaint

    def test_a_neighbour_with_a_longer_name_is_not_inside(self, desk: Desk):
        settings = desk.load(BASE + SITE + '[ledger]\nurl = "sqlite:///public-not/x.db"\n')
        assert settings.ledger_path == desk.folder / "public-not" / "x.db"


class TestFinding:
    def test_the_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        here, home, named = tmp_path / "here", tmp_path / "config", tmp_path / "named.toml"
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
        here.mkdir()
        monkeypatch.chdir(here)
        with pytest.raises(
            SettingsError, match=r"no settings file: .*channels\.toml.*; `fallback-cast init`"
        ) as none:
            find_settings(None, {})
        assert str(home / "fallback-cast" / "channels.toml") in str(none.value)
        users = home / "fallback-cast" / "channels.toml"
        users.parent.mkdir(parents=True)
        users.touch()
        assert find_settings(None, {}) == users
        (here / "channels.toml").touch()
        assert find_settings(None, {}).resolve() == here / "channels.toml"
        named.touch()
        environment = {"FALLBACK_CAST_CONFIG": str(named)}
        assert find_settings(None, environment) == named
        assert find_settings(Path("channels.toml"), environment) == Path("channels.toml")

    def test_what_is_named_must_be_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "channels.toml").touch()
        with pytest.raises(SettingsError, match=r"gone\.toml: the file does not exist; `fallback-cast init`"):
            find_settings(Path("gone.toml"), {})
        with pytest.raises(
            SettingsError, match=r"\$FALLBACK_CAST_CONFIG = gone\.toml: the file does not exist"
        ):
            find_settings(None, {"FALLBACK_CAST_CONFIG": "gone.toml"})

    def test_a_file_in_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "club.toml").touch()
        assert find_settings(None, {"FALLBACK_CAST_CONFIG": "~/club.toml"}) == tmp_path / "club.toml"


def test_a_second_resolver_and_a_status_feed(desk: Desk):
    feed = 'status_feed = { kind = "statuspage", url = "https://status.example.org", components = ["API"] }\n'
    health = '[health]\nresolvers = ["9.9.9.9", "[2620:fe::fe]:53", "127.0.0.1:5300"]\n'
    settings = desk.load(BASE + SITE + feed + health)
    assert len(settings.health.resolvers) == 3
    found = settings.channel[0].status_feed
    assert found is not None
    assert (found.kind, str(found.url)) == ("statuspage", "https://status.example.org/")
    assert found.components == ("API",)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{ kind = "statuspag", url = "https://status.example.org" }', "statuspage"),
        ('{ kind = "statuspage" }', "this key is missing"),
        ('{ kind = "statuspage", url = "status.example.org" }', "a web address"),
        ('{ kind = "statuspage", url = "https://a:b@status.example.org" }', "no user name or password"),
        (
            '{ kind = "meta", url = "https://example.org/x.rss", components = ["a"] }',
            "one feed for each product",
        ),
        ('"https://status.example.org"', "a section with keys of its own"),
    ],
)
def test_mistakes_about_a_status_feed(desk: Desk, written: str, said: str):
    (complaint,) = desk.complaints(f"{BASE}{SITE}status_feed = {written}\n")
    assert said in complaint
    assert "status_feed" in complaint
    assert "a:b" not in complaint
