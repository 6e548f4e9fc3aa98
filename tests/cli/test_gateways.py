"""Ranked SMS gateways under the whole program: each fails in its own way, the last carries the text."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.channels.hosted_gateways import HOSTED
from tests.cli.test_commands import SEND, settings
from tests.cli.test_demo import run
from tests.counterparts import http_faults as http
from tests.counterparts import vonage_api
from tests.counterparts.brevo_api import BrevoApi
from tests.counterparts.ovhcloud_api import OvhCloudApi
from tests.counterparts.vonage_api import VonageApi

PATIENT = '[policy.urgent]\nprobe_budget = "10s"\npatience = "60s"\n'  # a slow machine is no outage
JEANNE, ROGER = "+33612345678", "+33612345679"


def _toml(gateway: dict[str, Any]) -> str:
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in gateway.items())
    return f"[[channel.gateway]]\n{keys}"


def test_the_next_gateway_takes_over_and_a_refused_number_is_named(tmp_path: Path) -> None:
    brevo, vonage, ovhcloud = BrevoApi(credits=0), VonageApi(), OvhCloudApi(barred=frozenset({ROGER}))
    with ExitStack() as stack:
        nobody = stack.enter_context(http.refused_port())
        urls = {"twilio": f"http://127.0.0.1:{nobody}"}
        for name, api in (("brevo", brevo), ("vonage", vonage), ("ovhcloud", ovhcloud)):
            faults = stack.enter_context(http.http_faults())
            faults.always(api.answer)
            if name == "vonage":  # its balance is good, and each send meets an internal error
                faults.always(vonage_api.parts("5"), path="/sms/json")
            urls[name] = faults.url
        gateways = "".join(
            _toml(HOSTED[name].gateway(urls[name], name=name))
            for name in ("twilio", "brevo", "vonage", "ovhcloud")
        )
        settings(tmp_path, extra=f'[[channel]]\nname = "sms"\nkind = "sms"\n{gateways}{PATIENT}').chmod(0o600)
        (tmp_path / "members.csv").write_text(f"name,sms\nJeanne,{JEANNE}\nRoger,{ROGER}\n")
        imported = run("members", "import", "members.csv", cwd=tmp_path)
        assert imported.returncode == 0, imported.stderr
        sent = run(*SEND, "--json", "--recipients", "--yes", cwd=tmp_path)
    assert sent.returncode == 3, sent.stderr
    found = {one["recipient"]: one for one in json.loads(sent.stdout)["deliveries"]}
    jeanne, roger = found["Jeanne"]["attempts"], found["Roger"]["attempts"]
    # Twilio's and Brevo's probes had said that they would not send: nobody waited for them.
    assert [one["provider"] for one in jeanne] == ["vonage", "ovhcloud"]
    assert jeanne[-1]["outcome"] == "accepted"
    assert roger[-1]["error"] == "address-refused"
    assert [one["receivers"] for one in ovhcloud.messages] == [[JEANNE]]
    assert (brevo.messages, vonage.messages) == ([], [])
    talk = sent.stdout + sent.stderr
    assert not [s for hosted in HOSTED.values() for s in hosted.secrets if s in talk]
