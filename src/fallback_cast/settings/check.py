"""What no single section can know: names that fit together, folders that do not overlap, bare secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fallback_cast.channels.kit.settings import ChannelSettings
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Problem, did_you_mean
from fallback_cast.settings.locate import KeyPath
from fallback_cast.settings.models import HealthSettings, LedgerSettings, PolicySettings, holds_password
from fallback_cast.settings.secrets import PLAIN
from fallback_cast.settings.source import Source

_OTHERS_READ = 0o004


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: where it stands, what was written, what was read."""

    path: KeyPath
    written: Any
    read: Any


def leaves(path: KeyPath, written: Any, read: Any) -> Iterator[Leaf]:
    """Every value that was written in a table, beside what a model made of it."""
    match written, read:
        case dict(), BaseModel():
            for name, field in type(read).model_fields.items():
                key = field.alias or name
                if key in written:
                    yield from leaves((*path, key), written[key], getattr(read, name))
        case dict(), dict():
            for key in written.keys() & read.keys():
                yield from leaves((*path, key), written[key], read[key])
        case list(), list() | tuple():
            for index, (one, other) in enumerate(zip(written, read, strict=False)):
                yield from leaves((*path, index), one, other)
        case _:
            yield Leaf(path, written, read)


def loosely_written(source: Source, found: Iterable[Leaf]) -> Iterator[Problem]:
    """pydantic reads "587" as 587 and 1 as true; the JSON Schema and people's eyes do not."""
    for leaf in found:
        wanted = None
        if isinstance(leaf.read, bool):
            if not isinstance(leaf.written, bool):
                wanted = Phrase("true or false is wanted, without quotation marks")
        elif isinstance(leaf.read, (int, float)) and isinstance(leaf.written, (str, bool)):
            wanted = Phrase("a number is wanted, without quotation marks")
        if wanted:
            yield source.problem(leaf.path, wanted)


def bare_secrets(source: Source, found: Iterable[Leaf]) -> tuple[list[Problem], list[Problem]]:
    """Mistakes and warnings about secrets that stand in the file itself."""
    bare = [leaf.path for leaf in found if _is_bare(leaf)]
    if os.name == "posix" and bare and source.mode & _OTHERS_READ:
        what = Phrase("this secret stands in a file that everybody on this machine can read")
        hint = Phrase("chmod 600 {file}, or write env:NAME or file:PATH instead", file=source.name)
        return [source.problem(path, what, hint) for path in bare], []
    what = Phrase("this secret stands in the file itself")
    hint = Phrase("env:NAME, file:PATH, credential:NAME or keyring:NAME keep it elsewhere")
    return [], [source.problem(path, what, hint) for path in bare]


def _is_bare(leaf: Leaf) -> bool:
    if leaf.path == ("ledger", "url"):
        return leaf.written == leaf.read and holds_password(leaf.read)
    return isinstance(leaf.read, Secret) and leaf.read.source == PLAIN


def same_names(source: Source, table: str) -> Iterator[Problem]:
    """Two `[[channel]]` (or `[[webhook]]`) of one name."""
    entries = source.data.get(table, [])
    first: dict[str, int] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            line = source.lines.get((table, first[name], "name"))
            yield source.problem(
                (table, index, "name"), Phrase("this name is already taken on line {line}", line=line)
            )


def unknown_in_orders(source: Source, policy: PolicySettings, names: Sequence[str]) -> Iterator[Problem]:
    """Names in `[policy]` that no `[[channel]]` has, or that stand twice."""
    for importance in ("info", "normal", "urgent"):
        order = getattr(policy, importance).order or ()
        for index, name in enumerate(order):
            path: KeyPath = ("policy", importance, "order", index)
            if name not in names:
                yield _no_channel(source, path, name, names)
            elif name in order[:index]:
                yield source.problem(path, Phrase("{name} stands here twice", name=name))


def unknown_in_addresses(source: Source, health: HealthSettings, names: Sequence[str]) -> Iterator[Problem]:
    """Names of channels in organisers' addresses that no `[[channel]]` has."""
    for index, organiser in enumerate(health.organisers):
        for name in organiser.addresses:
            if name not in names:
                yield _no_channel(source, ("health", "organisers", index, "addresses", name), name, names)


def _no_channel(source: Source, path: KeyPath, name: str, names: Sequence[str]) -> Problem:
    return source.problem(path, Phrase("there is no channel {name}", name=name), did_you_mean(name, names))


def site_folders(
    source: Source, channels: Mapping[int, ChannelSettings]
) -> tuple[dict[Path, str], list[Problem]]:
    """The folders that are published, with their channel; two sites in one folder are a mistake."""
    folders: dict[Path, str] = {}
    problems = []
    for index, channel in channels.items():
        directory = getattr(channel, "directory", None)
        if channel.kind != "site" or not isinstance(directory, Path):
            continue
        folder = (source.path.parent / directory).resolve()
        if folder in folders:
            what = Phrase("channel {name} has the same folder", name=folders[folder])
            problems.append(source.problem(("channel", index, "directory"), what))
        folders.setdefault(folder, channel.name)
    return folders, problems


def hidden_files(
    source: Source, ledger: LedgerSettings | None, found: Iterable[Leaf]
) -> Iterator[tuple[KeyPath, Path]]:
    """Files that nobody else may see, and the keys that name them."""
    base = source.path.parent
    yield (), source.path
    if ledger and ledger.file:
        yield ("ledger", "url"), base / ledger.file
    for leaf in found:
        if isinstance(leaf.read, Secret) and str(leaf.written).startswith("file:"):
            yield leaf.path, base / os.path.expanduser(leaf.written.removeprefix("file:"))


def published(
    source: Source, folders: Mapping[Path, str], hidden: Iterable[tuple[KeyPath, Path]]
) -> Iterator[Problem]:
    """Settings, ledger or secrets inside a folder that the web server shows."""
    for path, file in hidden:
        for folder, name in folders.items():
            if file.resolve().is_relative_to(folder):
                yield source.problem(
                    path,
                    Phrase(
                        "{file} would be published: channel {name} shows its folder",
                        file=file.name,
                        name=name,
                    ),
                    Phrase("give the site a folder of its own, such as public"),
                )
