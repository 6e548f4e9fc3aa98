"""What the settings say can be read in French: keys, limits, and whole sentences."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from fallback_cast.channels.registry import MODULES, load_kind
from fallback_cast.model.french import FRENCH
from fallback_cast.settings.mistakes import _LIMITS, _models_in
from fallback_cast.settings.models import (
    ClubSettings,
    HealthSettings,
    LedgerSettings,
    PolicySettings,
    WebhookSettings,
)
from tests.settings.conftest import BASE, SITE, Desk

SECTIONS = (ClubSettings, LedgerSettings, PolicySettings, HealthSettings, WebhookSettings)


def descriptions(model: type[BaseModel]) -> Iterator[str]:
    for field in model.model_fields.values():
        if field.description:
            yield field.description
        for inner in _models_in(field.annotation):
            yield from descriptions(inner)


@pytest.mark.parametrize("model", [*SECTIONS, *(load_kind(kind).Settings for kind in MODULES)])
def test_every_key_is_described_in_french(model: type[BaseModel]):
    assert [text for text in descriptions(model) if text not in FRENCH] == []


def test_limits_are_told_in_french():
    assert [template for template, _ in _LIMITS.values() if template not in FRENCH] == []


def test_a_sentence_is_put_together_in_french(desk: Desk):
    error = desk.error(BASE + SITE + 'kep = 3\nalways = "oui"\n[policy.urgent]\npatience = "20"\n')
    assert error.in_language("fr").splitlines() == [
        "channels.toml, ligne 7, canal site : clé kep : cette clé est inconnue ; vouliez-vous dire keep ?",
        (
            "channels.toml, ligne 8, canal site : clé always : il faut ici true ou false, sans guillemets ; "
            "Reçoit chaque annonce pour lui-même, en premier (le site : true)"
        ),
        (
            "channels.toml, ligne 10, [policy.urgent] : clé patience : ce n’est pas une durée ; "
            "écrivez par exemple 20s, 10m, 1h ou 3d"
        ),
    ]


def test_gateways_say_what_they_want(desk: Desk):
    text = BASE + SITE + '[[channel]]\nname = "sms"\nkind = "sms"\n[[channel.gateway]]\nkind = "{}"\n'
    brevo = desk.error(text.format("brevo") + 'api_key = "env:KEY"\n', {"KEY": "une clé secrète"})
    assert "une clé de passerelle est un seul mot" in brevo.in_language("fr")
    assert "secrète" not in brevo.in_language("fr")
    vonage = desk.error(text.format("vonage") + 'api_key = "a"\napi_secret = "env:KEY"\n', {"KEY": "x1"})
    assert "la passerelle rest.nexmo.com veut un expéditeur" in vonage.in_language("fr")
