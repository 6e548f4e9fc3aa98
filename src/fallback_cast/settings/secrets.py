"""Where a secret comes from: `env:`, `file:`, `credential:` (systemd), `keyring:`, or the file itself.

No text here ever holds a value, and a value that may be one is never repeated.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Mistake

SCHEMES = ("env", "file", "credential", "keyring")
PLAIN = "plain"
KEYRING_SERVICE = "fallback-cast"

_REFERENCE = re.compile(r"\s*(?P<scheme>[A-Za-z]{2,12})\s*:(?!//)(?P<name>.*)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELL_VARIABLE = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
# Any right for others than owner and group. The group may read: a service's own group (0640) is the
# usual way to let `serve` read what an administrator owns.
_OTHERS = 0o007


@dataclass(frozen=True, slots=True)
class SecretResolver:
    """Turns what stands in the settings into a Secret. Raises Mistake.

    `base_dir` is where relative `file:` paths start; `environment` is the process's.
    """

    environment: Mapping[str, str]
    base_dir: Path

    def __call__(self, text: str) -> Secret:
        scheme, name = _split(text)
        if not scheme:
            return Secret(text, PLAIN)
        read: dict[str, Callable[[str], str]] = {
            "env": self._variable,
            "file": self._file,
            "credential": self._credential,
            "keyring": _from_keyring,
        }
        if not name or name != name.strip():
            raise Mistake(Phrase("after {scheme}: a name is wanted, without spaces", scheme=scheme))
        return Secret(_usable(read[scheme](name), scheme), scheme)

    def _variable(self, name: str) -> str:
        if not _VARIABLE.fullmatch(name):
            raise Mistake(
                Phrase("after env: the name of an environment variable is wanted"),
                Phrase("letters, digits and _, such as env:SMTP_PASSWORD"),
            )
        if name not in self.environment:
            raise Mistake(
                Phrase("the environment variable {name} is not set", name=name),
                Phrase("set it where fallback-cast is started"),
            )
        return self.environment[name]

    def _file(self, name: str) -> str:
        return _read(self.base_dir / os.path.expanduser(name), refuse_others=True)

    def _credential(self, name: str) -> str:
        if "/" in name or name in (".", ".."):
            raise Mistake(Phrase("after credential: a name without slashes is wanted"))
        folder = self.environment.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise Mistake(
                Phrase("systemd gave this program no credentials"),
                Phrase("add LoadCredential={name}:/path/of/the/file to its unit", name=name),
            )
        # systemd itself guards the folder: https://systemd.io/CREDENTIALS/, 2026-11
        return _read(Path(folder) / name, refuse_others=False)


def _split(text: str) -> tuple[str, str]:
    """Scheme and name of a reference; no scheme for a plain value. Refuses what looks like a slip."""
    if _SHELL_VARIABLE.fullmatch(text):
        raise Mistake(Phrase("$ is not understood here"), Phrase("write env: and the variable's name"))
    match = _REFERENCE.fullmatch(text)
    if not match:
        return "", text
    scheme = match["scheme"]
    if scheme in SCHEMES and text.startswith(f"{scheme}:"):
        return scheme, match["name"]
    if near := _nearest(scheme.lower()):
        raise Mistake(
            Phrase("this looks like {scheme}: but is written differently", scheme=near),
            Phrase("write {scheme}: in small letters, without spaces around it", scheme=near),
        )
    return "", text


def _nearest(word: str) -> str | None:
    meant = [scheme for scheme in SCHEMES if word.startswith(scheme)]
    return next(iter(meant or get_close_matches(word, SCHEMES, n=1, cutoff=0.6)), None)


def _read(path: Path, *, refuse_others: bool) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise Mistake(Phrase("{path} is not a file", path=path))
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except FileNotFoundError:
        raise Mistake(Phrase("the file {path} does not exist", path=path)) from None
    except OSError as error:
        reason = Phrase(error.strerror or type(error).__name__)
        raise Mistake(Phrase("the file {path} cannot be read ({reason})", path=path, reason=reason)) from None
    if refuse_others and os.name == "posix" and mode & _OTHERS:
        raise Mistake(
            Phrase("everybody on this machine may use the secret in {path}", path=path),
            Phrase("chmod o-rwx {path}", path=path),
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Mistake(Phrase("the file {path} is not UTF-8 text", path=path)) from None
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _from_keyring(name: str) -> str:
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise Mistake(
            Phrase("the keyring needs an extra package"), Phrase("pip install 'fallback-cast[keyring]'")
        ) from None
    try:
        value = keyring.get_password(KEYRING_SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise Mistake(
            Phrase("the keyring cannot be read ({reason})", reason=type(error).__name__),
            Phrase("without a desktop session use file: or credential:"),
        ) from None
    if value is None:
        raise Mistake(
            Phrase("the keyring holds nothing under {name}", name=name),
            Phrase("keyring set {service} {name}", service=KEYRING_SERVICE, name=name),
        )
    return str(value)


def _usable(value: str, scheme: str) -> str:
    if not value.strip():
        raise Mistake(Phrase("the secret that {scheme}: names is empty", scheme=scheme))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Mistake(Phrase("the secret that {scheme}: names is not UTF-8 text", scheme=scheme)) from None
    return value
