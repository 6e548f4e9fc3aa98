"""Finds and reads channels.toml. Every mistake in it is reported at once, with file, line and key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_config_path
from pydantic import BaseModel, ValidationError

from fallback_cast.channels.kit.settings import ChannelSettings
from fallback_cast.channels.registry import MODULES, load_kind
from fallback_cast.model.texts import Phrase
from fallback_cast.settings import check
from fallback_cast.settings.errors import Problem, SettingsError, did_you_mean
from fallback_cast.settings.locate import KeyPath
from fallback_cast.settings.mistakes import problems_of
from fallback_cast.settings.models import (
    ClubSettings,
    HealthSettings,
    LedgerSettings,
    PolicySettings,
    PrivacySettings,
    ServeSettings,
    Settings,
    WebhookSettings,
)
from fallback_cast.settings.secrets import SecretResolver
from fallback_cast.settings.source import Source, read_source

FILE_NAME = "channels.toml"
CONFIG_VARIABLE = "FALLBACK_CAST_CONFIG"
SECTIONS = ("club", "ledger", "channel", "policy", "health", "webhook", "serve", "privacy")

Model = TypeVar("Model", bound=BaseModel)


def find_settings(explicit: Path | None, environment: Mapping[str, str]) -> Path:
    """`--config`, `$FALLBACK_CAST_CONFIG`, `./channels.toml`, then the user's config folder.

    A file that is named must exist. Raises SettingsError, which says where was looked.
    """
    named = str(explicit or "") or environment.get(CONFIG_VARIABLE, "")
    if named:
        path = Path(os.path.expanduser(named))
        if not path.exists():
            where = str(path) if explicit else f"${CONFIG_VARIABLE} = {path}"
            raise SettingsError([Problem(Phrase("the file does not exist"), where, _how_to_make_one())])
        return path
    places = (Path(FILE_NAME), user_config_path("fallback-cast") / FILE_NAME)
    for path in places:
        if path.exists():
            return path
    what = Phrase(
        "there is no settings file: neither {first} nor {second}", first=places[0], second=places[1]
    )
    raise SettingsError([Problem(what, hint=_how_to_make_one())])


def _how_to_make_one() -> Phrase:
    return Phrase("`fallback-cast init` writes one with you")


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read and check a settings file; its secrets are read from where it says.

    Raises SettingsError with every mistake that was found.
    """
    path = Path(os.path.expanduser(path)).absolute()
    source = read_source(path)
    reading = _Reading(source, {"secrets": SecretResolver(environment, path.parent)})
    reading.unknown_sections()
    reading.brackets()
    club = reading.club()
    ledger = reading.section("ledger", LedgerSettings)
    policy = reading.section("policy", PolicySettings)
    health = reading.section("health", HealthSettings)
    serve = reading.section("serve", ServeSettings)
    privacy = reading.section("privacy", PrivacySettings)
    channels = reading.channels()
    webhooks = reading.tables("webhook", WebhookSettings)
    reading.check_values()
    reading.check_names(policy, health)
    reading.check_folders(channels, ledger)
    if reading.problems or not (club and ledger and policy and health and serve and privacy):
        raise SettingsError(reading.problems)
    return Settings(
        path=path,
        base_dir=path.parent,
        club=club,
        ledger=ledger,
        channel=tuple(channels.values()),
        policy=policy,
        health=health,
        webhook=tuple(webhooks.values()),
        serve=serve,
        privacy=privacy,
        warnings=tuple(sorted(reading.warnings, key=lambda warning: warning.line)),
    )


@dataclass(slots=True)
class _Reading:
    """One pass over a file, gathering mistakes instead of stopping at the first."""

    source: Source
    context: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)
    warnings: Sequence[Problem] = ()
    leaves: list[check.Leaf] = field(default_factory=list)

    def complain(self, path: KeyPath, what: str, hint: str = "") -> None:
        self.problems.append(self.source.problem(path, what, hint))

    def unknown_sections(self) -> None:
        for name in self.source.data:
            if name not in SECTIONS:
                self.complain((name,), Phrase("this section is unknown"), did_you_mean(name, SECTIONS))

    def club(self) -> ClubSettings | None:
        if "club" not in self.source.data:
            self.complain(
                (), Phrase("the section [club] is missing"), Phrase('write [club] and below it name = "…"')
            )
            return None
        return self.section("club", ClubSettings)

    def section(self, name: str, model: type[Model]) -> Model | None:
        """A `[section]`; None if it has mistakes. One that was left out has its defaults."""
        if name not in self.source.data:
            return model()
        return self.table((name,), model)

    def table(self, path: KeyPath, model: type[Model]) -> Model | None:
        raw = self.source.at(path)
        try:
            read = model.model_validate(raw, context=dict(self.context))
        except ValidationError as error:
            self.problems += problems_of(self.source, path, model, error)
            return None
        self.leaves += check.leaves(path, raw, read)
        return read

    def tables(self, name: str, model: type[Model]) -> dict[int, Model]:
        """Those of `[[name]]` that have no mistakes, by their place."""
        found = {index: self.table((name, index), model) for index in self.indexes(name)}
        return {index: read for index, read in found.items() if read is not None}

    def indexes(self, name: str) -> range:
        """The places of all `[[name]]`; none if it is written otherwise."""
        entries = self.source.data.get(name, [])
        whole = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        return range(len(entries)) if whole else range(0)

    def brackets(self) -> None:
        for name in ("channel", "webhook"):
            if name in self.source.data and not self.indexes(name):
                self.complain(
                    (name,),
                    Phrase("this section may stand several times"),
                    Phrase("write [[{name}]] with two pairs of brackets", name=name),
                )

    def channels(self) -> dict[int, ChannelSettings]:
        """The channels without mistakes; only the kinds in use are imported."""
        if "channel" not in self.source.data:
            self.complain((), Phrase("there is no [[channel]]: nobody could be told anything"))
        found: dict[int, ChannelSettings] = {}
        for index in self.indexes("channel"):
            model = self.channel_model(index)
            read = self.table(("channel", index), model) if model else None
            if read is not None:
                found[index] = read
        return found

    def channel_model(self, index: int) -> type[ChannelSettings] | None:
        kind = self.source.data["channel"][index].get("kind")
        path: KeyPath = ("channel", index, "kind")
        if isinstance(kind, str) and kind in MODULES:
            return load_kind(kind).Settings
        what = Phrase("this key is missing") if kind is None else Phrase("this kind is unknown")
        self.complain(path, what, did_you_mean(str(kind or "?"), list(MODULES)))
        return None

    def check_values(self) -> None:
        self.problems += check.loosely_written(self.source, self.leaves)
        mistakes, self.warnings = check.bare_secrets(self.source, self.leaves)
        self.problems += mistakes

    def check_names(self, policy: PolicySettings | None, health: HealthSettings | None) -> None:
        names = [str(self.source.data["channel"][index].get("name", "")) for index in self.indexes("channel")]
        for table in ("channel", "webhook"):
            self.problems += check.same_names(self.source, table)
        if policy:
            self.problems += check.unknown_in_orders(self.source, policy, names)
        if health:
            self.problems += check.unknown_in_addresses(self.source, health, names)

    def check_folders(self, channels: Mapping[int, ChannelSettings], ledger: LedgerSettings | None) -> None:
        folders, problems = check.site_folders(self.source, channels)
        self.problems += problems
        self.problems += check.published(
            self.source, folders, check.hidden_files(self.source, ledger, self.leaves)
        )
