"""The whole program on a machine whose own name server fails: `send` and `check` go on by the second one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.channels.test_probe_names import ZONE_CLUB, broken, second
from tests.cli.test_commands import SEND, settings
from tests.counterparts import http_faults as http
from tests.counterparts.netns import Namespace, Network


def run(namespace: Namespace, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    program = [sys.executable, "-c", "from fallback_cast.cli.app import main; main()", *arguments]
    words = [str(word) for word in namespace.command(*program)]
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=90, check=False
    )


def hook(found: dict[str, Any]) -> dict[str, Any]:
    [channel] = [channel for channel in found["channels"] if channel["name"] == "hook1"]
    return channel


def test_sending_goes_on_when_the_systems_resolver_fails(private_network: Network, tmp_path: Path) -> None:
    client = private_network.client
    with ExitStack() as stack:
        with private_network.server.entered():
            server = stack.enter_context(http.http_faults(host=private_network.server.address, port=80))
        server.always(http.reply(200))
        resolver = stack.enter_context(second(private_network, ZONE_CLUB))
        stack.enter_context(broken(private_network, "club.test"))

        settings(tmp_path, "http://club.test/hook")
        alone = run(client, "check", "--json", cwd=tmp_path)
        assert hook(json.loads(alone.stdout))["layer"] == "name"

        settings(tmp_path, "http://club.test/hook", extra=f'[health]\nresolvers = ["{resolver}"]\n')
        checked = hook(json.loads(run(client, "check", "--json", cwd=tmp_path).stdout))
        assert checked["verdict"] == "up"
        system, detour = (row for row in checked["checks"] if row["layer"] == "name")
        assert not system["ok"]
        assert system["detail"].startswith("the name server does not answer")
        assert (detour["ok"], detour["detail"]) == (True, "second resolver: it finds the name")
        french = run(client, "check", "--lang", "fr", cwd=tmp_path)
        assert "second serveur de noms : il trouve le nom" in french.stdout + french.stderr

        sent = run(client, *SEND, "--json", cwd=tmp_path)
        assert sent.returncode == 0, sent.stderr
        assert hook(json.loads(sent.stdout))["accepted"] == 1
        assert len([request for request in server.requests if request.method == "POST"]) == 1
