"""The JSON Schema of channels.toml, for editors (taplo, Even Better TOML: a first line `#:schema …`).

`python -m fallback_cast.settings.schema > docs/settings.schema.json` writes the shipped one.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema

from fallback_cast.channels.registry import MODULES, load_kind
from fallback_cast.model.duration import format_duration
from fallback_cast.settings.models import (
    ClubSettings,
    HealthSettings,
    LedgerSettings,
    PolicySettings,
    PrivacySettings,
    ServeSettings,
    WebhookSettings,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MODULE_PATH = re.compile(r"fallback_cast__channels__([a-z]+)(?:__[a-z]+)*__Settings")


class _Schema(GenerateJsonSchema):
    """Leaves out what says nothing in a TOML file, where no key can be null."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> dict[str, Any]:
        written = super().default_schema(schema)
        if written.get("default", ...) is None:
            del written["default"]
        return written

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def settings_schema() -> dict[str, Any]:
    """The schema of a whole file (JSON Schema 2020-12), with every kind of channel."""
    kinds: Any = reduce(or_, [load_kind(kind).Settings for kind in sorted(MODULES)])
    channel: Any = Annotated[kinds, Field(discriminator="kind")]
    whole = create_model(
        "channels.toml",
        __config__=ConfigDict(extra="forbid"),
        club=(ClubSettings, ...),
        ledger=(LedgerSettings | None, None),
        channel=(list[channel], Field(min_length=1)),
        policy=(PolicySettings | None, None),
        health=(HealthSettings | None, None),
        webhook=(list[WebhookSettings] | None, None),
        serve=(ServeSettings | None, None),
        privacy=(PrivacySettings | None, None),
    )
    text = json.dumps(whole.model_json_schema(schema_generator=_Schema))
    # pydantic tells classes of one name apart by their modules, which is no business of an editor's.
    schema: dict[str, Any] = json.loads(_MODULE_PATH.sub(r"\1", text))
    return {"$schema": DIALECT} | schema


def schema_text() -> str:
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
