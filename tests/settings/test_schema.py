"""The shipped schema is the generated one, and agrees with the loader about the example and about slips."""

import json
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fallback_cast.channels.registry import MODULES
from fallback_cast.settings import Settings, load_settings
from fallback_cast.settings.schema import schema_text, settings_schema

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "channels.example.toml"
SHIPPED = ROOT / "docs" / "settings.schema.json"

# What the example takes from the environment; none of these is a real secret.
ENVIRONMENT = {
    "TELEGRAM_TOKEN": "123456789:AAE-x_y",
    "MATRIX_TOKEN": "syt_x",
    "WORDPRESS_PASSWORD": "abcd efgh ijkl mnop",
    "SMTP_PASSWORD": "hush-hush-hush",
    "KANNEL_PASSWORD": "hush-hush-hush",
    "SMSGATE_PASSWORD": "hush-hush-hush",
    "OVH_APPLICATION_KEY": "hush-hush-hush",
    "OVH_APPLICATION_SECRET": "hush-hush-hush",
    "OVH_CONSUMER_KEY": "hush-hush-hush",
    "BREVO_API_KEY": "hush-hush-hush",
    "TWILIO_AUTH_TOKEN": "hush-hush-hush",
    "VONAGE_API_SECRET": "hush-hush-hush",
    "APPRISE_URL": "mmosts://chat.example.org/token",
    "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "ALERTS_TOKEN": "a token of some length",
}


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    schema = settings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture
def loaded(tmp_path: Path) -> Settings:
    path = tmp_path / "channels.toml"
    path.write_bytes(EXAMPLE.read_bytes())
    return load_settings(path, ENVIRONMENT)


def test_the_shipped_schema_is_the_generated_one():
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(), (
        "python -m fallback_cast.settings.schema > docs/settings.schema.json"
    )


def test_the_example_fits_the_schema(validator: Any, example: dict[str, Any]):
    assert [error.message for error in validator.iter_errors(example)] == []


def test_the_example_loads_as_it_stands(loaded: Settings):
    assert loaded.warnings == ()
    assert {channel.kind for channel in loaded.channel} == set(MODULES)
    assert loaded.channel[0].kind == "site"
    assert {hook.name for hook in loaded.webhook} == {"website", "alerts"}


def test_every_key_stands_in_the_example():
    """As a key or as a comment: who looks for one finds it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    schema = json.loads(schema_text())
    keys = {key for table in schema["$defs"].values() for key in table.get("properties", {})}
    missing = {
        key for key in keys if f"{key} = " not in text and f"[{key}" not in text and f".{key}]" not in text
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("club", "langage"), "fr"),
        (("club", "language"), "de"),
        (("channel", 0, "keep"), "50"),
        (("channel", 0, "kind"), "webb"),
        (("policy", "urgent", "patience"), "20"),
        (("health", "references"), "tcp://9.9.9.9:53"),
        (("webhook", 0, "kind"), "slack"),
        (("extra",), 1),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(
    validator: Any, example: dict[str, Any], path: tuple[str | int, ...], value: object
):
    changed: Any = deepcopy(example)
    table = changed
    for part in path[:-1]:
        table = table[part]
    table[path[-1]] = value
    assert list(validator.iter_errors(changed))


def test_no_default_in_the_schema_is_a_secret_or_a_null():
    text = schema_text()
    assert "Secret(" not in text
    assert '"default": null' not in text
    assert '"null"' not in text
