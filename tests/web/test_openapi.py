"""What `/openapi.json` says is true: schemathesis finds no answer that it does not describe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.specs.openapi import checks

from fallback_cast.dispatch.desk import Desk
from fallback_cast.settings import load_settings
from fallback_cast.web.front import FrontDesk
from fallback_cast.web.server import build
from fallback_cast.wiring.app import open_app
from tests.web.club import HOOK, SECRETS, TOKEN, make_club


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.schemas.BaseSchema]:
    club = make_club(tmp_path_factory.mktemp("club"), HOOK)
    found = load_settings(club.folder / "channels.toml", SECRETS)
    with open_app(found) as app:
        desk = Desk(app.ledger)
        web = build(
            FrontDesk(app, desk, lambda: None), found.serve.token, {hook.name: hook for hook in found.webhook}
        )
        yield schemathesis.openapi.from_asgi("/openapi.json", web)
        desk.close()


# No schema can say that an announcement must not expire before it begins, or that a title needs letters.
MORE_RULES = [checks.positive_data_acceptance]


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_answer_is_as_described(
    api: schemathesis.schemas.BaseSchema, mode: schemathesis.GenerationMode
) -> None:
    seen = set()
    for found in api.get_all_operations():
        operation = found.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and operation.method == "get":
            continue  # an address without conditions cannot be asked wrongly

        seen.add(f"{operation.method.upper()} {operation.path}")

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def calls(case: Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=MORE_RULES)

        calls()
    assert {"POST /v1/announcements", "POST /hooks/{name}"} <= seen
