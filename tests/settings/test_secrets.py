"""Every place a secret can come from, every way it can be missing, and no word about its value."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallback_cast.settings.errors import Mistake
from fallback_cast.settings.secrets import SecretResolver
from tests.settings.conftest import BASE, WHSEC, Desk

HOOK = BASE + '[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "https://example.org/in"\nsecret = "{}"\n'


@pytest.fixture
def resolve(tmp_path: Path) -> SecretResolver:
    return SecretResolver({"TOKEN": "hush", "EMPTY": "", "BLANK": " \n"}, tmp_path)


def keep(path: Path, content: bytes = b"hush\n", mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def test_from_the_environment(resolve: SecretResolver):
    secret = resolve("env:TOKEN")
    assert (secret.reveal(), secret.source) == ("hush", "env")
    assert "hush" not in f"{secret} {secret!r}"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"hush", "hush"),
        (b"hush\n", "hush"),
        (b"hush\r\n", "hush"),
        (b"hush\n\n", "hush\n"),
        (b" hush ", " hush "),
        ("é€".encode(), "é€"),
    ],
)
def test_from_a_file_without_one_line_end(
    resolve: SecretResolver, tmp_path: Path, content: bytes, value: str
):
    keep(tmp_path / "token", content)
    assert resolve("file:token").reveal() == value
    assert resolve(f"file:{tmp_path}/token").reveal() == value


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_owner_and_group_may_read_a_file(resolve: SecretResolver, tmp_path: Path, mode: int):
    keep(tmp_path / "token", mode=mode)
    assert resolve("file:token").reveal() == "hush"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o666])
def test_a_file_for_everybody_is_refused(resolve: SecretResolver, tmp_path: Path, mode: int):
    keep(tmp_path / "token", mode=mode)
    with pytest.raises(Mistake, match="everybody on this machine may use the secret in") as caught:
        resolve("file:token")
    assert caught.value.hint == f"chmod o-rwx {tmp_path}/token"


def test_a_pipe_is_not_waited_for(resolve: SecretResolver, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(Mistake, match="is not a file"):
        resolve("file:pipe")


def test_from_systemd(tmp_path: Path):
    keep(tmp_path / "smtp", mode=0o440)
    resolve = SecretResolver({"CREDENTIALS_DIRECTORY": str(tmp_path)}, Path("/nowhere"))
    assert resolve("credential:smtp").reveal() == "hush"
    with pytest.raises(Mistake, match="does not exist"):
        resolve("credential:other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env:MISSING", "the environment variable MISSING is not set"),
        ("env:EMPTY", "the secret that env: names is empty"),
        ("env:BLANK", "the secret that env: names is empty"),
        ("env:", "after env: a name is wanted"),
        ("env: TOKEN", "after env: a name is wanted, without spaces"),
        ("env:to-ken", "the name of an environment variable is wanted"),
        ("file:none", "none does not exist"),
        ("file:.", "is not a file"),
        ("file:empty", "the secret that file: names is empty"),
        ("file:latin", "is not UTF-8 text"),
        ("credential:smtp", "systemd gave this program no credentials"),
        ("credential:../smtp", "a name without slashes is wanted"),
        ("credential:..", "a name without slashes is wanted"),
    ],
)
def test_what_is_missing(resolve: SecretResolver, tmp_path: Path, text: str, said: str):
    keep(tmp_path / "empty", b"\n")
    keep(tmp_path / "latin", "é".encode("latin-1"))
    with pytest.raises(Mistake, match=said):
        resolve(text)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("ENV:hush", "env"),
        ("evn:hush", "env"),
        ("environment:hush", "env"),
        (" env:hush", "env"),
        ("env :hush", "env"),
        ("File:hush", "file"),
        ("files:hush", "file"),
        ("credentials:hush", "credential"),
        ("keychain:hush", "keyring"),
    ],
)
def test_a_slip_is_refused_without_repeating_it(resolve: SecretResolver, text: str, scheme: str):
    with pytest.raises(Mistake, match=f"looks like {scheme}: but") as caught:
        resolve(text)
    assert "hush" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("text", ["$TOKEN", "${TOKEN}"])
def test_a_shell_variable_is_refused(resolve: SecretResolver, text: str):
    with pytest.raises(Mistake, match=r"\$ is not understood here"):
        resolve(text)


@pytest.mark.parametrize(
    "text",
    ["123456:AAE-x", "json://example.org/hush", "files://x", "hush", "whsec_x", "a:b", "p@ss: w$rd", "é:x"],
)
def test_plain_values_stay_as_they_are(resolve: SecretResolver, text: str):
    secret = resolve(text)
    assert (secret.reveal(), secret.source) == (text, "plain")


class TestKeyring:
    @pytest.fixture
    def stored(self) -> Iterator[dict[tuple[str, str], str]]:
        keyring = pytest.importorskip("keyring")
        backend = pytest.importorskip("keyring.backend")
        held: dict[tuple[str, str], str] = {("fallback-cast", "smtp"): "hush"}

        class Held(backend.KeyringBackend):  # type: ignore[misc, name-defined]
            priority = 1

            def get_password(self, service: str, username: str) -> str | None:
                if username == "locked":
                    raise keyring.errors.KeyringLocked("hush")
                return held.get((service, username))

            def set_password(self, service: str, username: str, password: str) -> None:
                held[service, username] = password

        before = keyring.get_keyring()
        keyring.set_keyring(Held())
        yield held
        keyring.set_keyring(before)

    def test_a_stored_secret(self, resolve: SecretResolver, stored: object):
        assert resolve("keyring:smtp").reveal() == "hush"

    def test_nothing_stored(self, resolve: SecretResolver, stored: object):
        with pytest.raises(Mistake, match="the keyring holds nothing under other") as caught:
            resolve("keyring:other")
        assert caught.value.hint == "keyring set fallback-cast other"

    def test_a_locked_keyring(self, resolve: SecretResolver, stored: object):
        with pytest.raises(Mistake, match=r"cannot be read \(KeyringLocked\)"):
            resolve("keyring:locked")

    def test_the_extra_is_not_installed(self, resolve: SecretResolver, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(Mistake, match="needs an extra package") as caught:
            resolve("keyring:smtp")
        assert caught.value.hint == "pip install 'fallback-cast[keyring]'"


class TestInTheFile:
    def test_a_bare_secret_is_a_warning_with_its_line(self, desk: Desk):
        (warning,) = desk.load(HOOK.format(WHSEC)).warnings
        assert str(warning).startswith(
            "channels.toml, line 7, channel hook: key secret: this secret stands in the file itself; env:NAME"
        )
        assert WHSEC not in str(warning)

    @pytest.mark.parametrize("mode", [0o644, 0o604])
    def test_a_bare_secret_that_everybody_can_read_is_refused(self, desk: Desk, mode: int):
        (complaint,) = desk.complaints(HOOK.format(WHSEC), mode=mode)
        assert "line 7, channel hook: key secret: this secret stands in a file that everybody" in complaint
        assert "chmod 600 channels.toml" in complaint
        assert WHSEC not in complaint

    def test_without_bare_secrets_everybody_may_read_it(self, desk: Desk):
        assert desk.load(HOOK.format("env:HOOK"), mode=0o644).warnings == ()

    def test_a_password_in_the_ledgers_address(self, desk: Desk):
        plain = HOOK.format("env:HOOK") + '[ledger]\nurl = "postgresql://me:hush@db.example.org/club"\n'
        (warning,) = desk.load(plain).warnings
        assert "line 9, [ledger]: key url: this secret stands in the file itself" in str(warning)
        assert "everybody" in str(desk.error(plain, mode=0o644))
        reference = HOOK.format("env:HOOK") + '[ledger]\nurl = "env:DATABASE"\n'
        settings = desk.load(
            reference, {"HOOK": WHSEC, "DATABASE": "postgresql://me:hush@db.example.org/club"}
        )
        assert settings.warnings == ()
        assert settings.ledger.url == "postgresql://me:hush@db.example.org/club"

    def test_missing_secrets_are_reported_together(self, desk: Desk):
        second = HOOK.removeprefix(BASE).replace('"hook"', '"other"')
        complaints = desk.complaints(HOOK.format("env:A") + second.format("file:b"), environment={})
        assert [line.split(": ", 2)[2].split(";")[0] for line in complaints] == [
            "the environment variable A is not set",
            f"the file {desk.folder}/b does not exist",
        ]
