"""`health` as timers and monitoring systems use it: exit codes, formats, the dead-man's switch."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fallback_cast.cli.health_formats import exit_code, to_nagios, to_object, to_prometheus
from fallback_cast.dispatch.checkup import ChannelFinding, Findings, Looked
from fallback_cast.health.ping import failure_url
from fallback_cast.ledger.lock import DispatcherLock
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check, Verdict
from fallback_cast.model.texts import Phrase
from tests.cli.test_commands import settings
from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults, hang, refused_port, reply
from tests.virtual_time import BEGIN

QUICK = ("--within", "2s")  # no second look
DEAD = ChannelFinding(
    name="telegram",
    kind="telegram",
    verdict=Verdict.DOWN,
    layer=Layer.NAME,
    since=BEGIN,
    reason='odd | "reason"\nof \\ two lines',
    failure_domains=("telegram",),
    checks=(Looked("telegram", Check(Layer.NAME, False, 0.25, 'a "quoted" name\\')),),
)
ALIVE = ChannelFinding(
    name="email",
    kind="email",
    verdict=Verdict.UP,
    since=BEGIN,
    checks=(
        Looked("a.example", Check(Layer.ROUTE, True, 0.5)),
        Looked("a.example", Check(Layer.ROUTE, False, 0.25, "one address is silent", decisive=False)),
        Looked(
            "a.example", Check(Layer.TLS, True, 0.25, Phrase("certificate valid for {days} days", days=9))
        ),
        Looked("b.example", Check(Layer.ROUTE, True, 0.125)),
    ),
)
BY_HAND = ChannelFinding(name="facebook", kind="manual", verdict=Verdict.UNKNOWN, asked_by_hand=True)


def findings(*channels: ChannelFinding, offline: str = "") -> Findings:
    return Findings(at=BEGIN, channels=channels, offline=offline)


def finding(verdict: Verdict, *, doubtful: bool = False) -> ChannelFinding:
    return ChannelFinding(name="x", kind="x", verdict=verdict, doubtful=doubtful)


@pytest.mark.parametrize(
    ("channels", "code"),
    [
        ([Verdict.UP], 0),
        ([Verdict.UP, Verdict.SUSPECT], 1),
        ([Verdict.RECOVERING], 1),
        ([Verdict.UNKNOWN, Verdict.SUSPECT], 3),
        ([Verdict.UNKNOWN, Verdict.DOWN], 2),
        ([Verdict.OFFLINE], 2),
        ([], 3),
    ],
)
def test_the_gravest_channel_gives_the_exit_code(channels: list[Verdict], code: int) -> None:
    assert exit_code(findings(*(finding(verdict) for verdict in channels))) == code


def test_a_second_relay_that_is_out_is_a_warning_and_a_person_is_none() -> None:
    assert exit_code(findings(finding(Verdict.UP, doubtful=True))) == 1
    assert exit_code(findings(ALIVE, BY_HAND)) == 0
    assert exit_code(findings(ALIVE, offline="no reference answers")) == 2


def test_json_has_the_keys_that_are_promised() -> None:
    found = to_object(findings(DEAD, ALIVE))
    assert list(found) == ["verdict", "offline", "channels", "own_resolver_fails"]
    assert (found["verdict"], found["offline"]) == ("down", False)
    for channel in found["channels"]:
        assert list(channel) == [
            "name",
            "kind",
            "verdict",
            "layer",
            "since",
            "reason",
            "failure_domains",
            "checks",
        ]
        for check in channel["checks"]:
            assert list(check) == ["layer", "ok", "elapsed_s", "detail"]
    json.dumps(found)


def test_the_plugin_s_line_is_one_line_with_one_bar() -> None:
    line = to_nagios(findings(DEAD, ALIVE, BY_HAND), "en")
    assert line.startswith("CRITICAL - telegram: odd / ")
    _, figures = line.split(" | ")
    assert "\n" not in line
    assert "facebook" not in line
    assert figures.split() == ["'up'=1;;;0;2", "'telegram'=0.2500s;;;0;", "'email'=1.1250s;;;0;"]
    assert to_nagios(findings(ALIVE), "fr").startswith("OK - 1 canal marche | ")


def test_a_real_parser_reads_the_figures() -> None:
    text = to_prometheus(findings(DEAD, ALIVE))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.type == "gauge" and family.documentation for family in families.values())
    up = {s.labels["channel"]: s.value for s in families["fallback_cast_channel_up"].samples}
    assert up == {"telegram": 0, "email": 1}
    held = [s.labels for s in families["fallback_cast_channel_verdict"].samples if s.value]
    assert held == [{"channel": "telegram", "verdict": "down"}, {"channel": "email", "verdict": "up"}]
    took = {
        (s.labels["provider"], s.labels["layer"]): s.value
        for s in families["fallback_cast_probe_duration_seconds"].samples
    }
    assert took[("a.example", "route")] == 0.5  # the look aside is none of ours
    [days] = families["fallback_cast_certificate_days_left"].samples
    assert (days.labels, days.value) == ({"channel": "email", "provider": "a.example"}, 9)
    [ran] = families["fallback_cast_health_last_run_seconds"].samples
    assert ran.value == BEGIN.timestamp()
    seen = [(s.name, tuple(sorted(s.labels.items()))) for f in families.values() for s in f.samples]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://hc-ping.com/1234-abcd", "https://hc-ping.com/1234-abcd/fail"),
        ("https://hc-ping.com/1234-abcd/", "https://hc-ping.com/1234-abcd/fail"),
        (
            "https://alarm.example/ping/0123456789/club?x=1",
            "https://alarm.example/ping/0123456789/club/fail?x=1",
        ),
        ("https://uptime.example/api/push/abc?status=up", None),
    ],
)
def test_a_failure_is_signalled_only_where_that_is_documented(url: str, failure: str | None) -> None:
    assert failure_url(url) == failure


# -- the command ---------------------------------------------------------------------------------


def test_all_is_well_and_the_switch_is_called(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    extra = f'[health]\nping = "{http_faults.url}/ping/0123456789?a=b"\n'
    settings(tmp_path, http_faults.url, extra=extra)
    done = run("health", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "hook1: up" in done.stdout
    [switch] = [r for r in http_faults.requests if r.path.startswith("/ping")]
    assert (switch.method, switch.target) == ("GET", "/ping/0123456789?a=b")


def test_a_dead_channel_is_told_to_the_organiser_once_over_the_other(
    tmp_path: Path, http_faults: HttpFaults
) -> None:
    http_faults.always(reply(200))
    with refused_port() as port:
        organiser = (
            '[[health.organisers]]\nname = "C"\naddresses = { hook1 = "receiver", hook2 = "receiver" }\n'
        )
        settings(tmp_path, f"http://127.0.0.1:{port}/", http_faults.url, extra=organiser)
        first = run("health", "--json", cwd=tmp_path)
        second = run("health", "--format", "nagios", *QUICK, cwd=tmp_path)
    assert (first.returncode, second.returncode) == (2, 2)
    found = json.loads(first.stdout)
    assert found["verdict"] == "down"
    assert {c["name"]: c["verdict"] for c in found["channels"]} == {
        "site": "up",
        "hook1": "down",
        "hook2": "up",
    }
    assert second.stdout.startswith(
        "CRITICAL - hook1: down: no connection to it comes about (connection refused) | "
    )
    posts = [r.json()["data"] for r in http_faults.requests if r.method == "POST"]
    assert [post["title"] for post in posts] == ["hook1 is down"]
    assert not list((tmp_path / "public").glob("2*.html"))  # the club's page is not for that
    assert "announcement yet" in run("list", cwd=tmp_path).stderr


def test_a_silent_switch_is_said_and_is_not_fatal(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    with refused_port() as port:
        settings(tmp_path, http_faults.url)
        url = f"http://127.0.0.1:{port}/ping/very-secret-code"
        done = run("health", *QUICK, "--ping", url, cwd=tmp_path)
    assert done.returncode == 0
    assert "did not hear us" in done.stderr
    assert "very-secret" not in done.stdout + done.stderr


def test_a_switch_that_answers_no_is_said(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(lambda request: reply(404 if request.path.startswith("/ping") else 200))
    settings(tmp_path, http_faults.url)
    done = run("health", *QUICK, "--ping", http_faults.url + "/ping/0123456789", cwd=tmp_path)
    assert done.returncode == 0
    assert "404" in done.stderr


def test_when_nothing_works_the_switch_hears_of_a_failure(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    path = settings(tmp_path, http_faults.url)
    path.write_text(
        path.read_text().replace('kind = "site"\ndirectory = "public"', 'kind = "manual"\ninstructions = "x"')
    )
    with refused_port() as port:
        path.write_text(path.read_text().replace(http_faults.url, f"http://127.0.0.1:{port}/"))
        done = run("health", "--ping", http_faults.url + "/ping/0123456789", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert [r.path for r in http_faults.requests] == ["/ping/0123456789/fail"]


def test_a_file_is_replaced_in_one_step_and_others_may_read_it(
    tmp_path: Path, http_faults: HttpFaults
) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    out = tmp_path / "figures.prom"
    out.write_text("old")
    before = out.stat().st_ino
    done = run("health", *QUICK, "--format", "prometheus", "--output", "figures.prom", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert list(text_string_to_metric_families(out.read_text()))
    assert out.stat().st_ino != before
    assert out.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in tmp_path.glob(".figures*")] == []
    missing = run("health", *QUICK, "--output", "none/figures.prom", cwd=tmp_path)
    assert missing.returncode == 2
    assert "none/figures.prom" in missing.stderr


def test_what_is_due_is_sent_and_another_sender_is_left_alone(
    tmp_path: Path, http_faults: HttpFaults
) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    run("send", "-t", "Title", "-b", "Text", "--detach", cwd=tmp_path)
    lock = DispatcherLock(tmp_path / "fallback-cast.db")
    assert lock.take()
    try:
        held = run("health", *QUICK, cwd=tmp_path)
        assert "another fallback-cast is sending" in held.stderr
        assert [r for r in http_faults.requests if r.method == "POST"] == []
    finally:
        lock.release()
    assert run("health", *QUICK, cwd=tmp_path).returncode == 0
    assert len([r for r in http_faults.requests if r.method == "POST"]) == 1


def test_a_channel_that_hangs_does_not_hold_up_the_check(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(hang())
    settings(tmp_path, http_faults.url)
    done = run("health", "--within", "3s", "--json", cwd=tmp_path)
    found = {c["name"]: c for c in json.loads(done.stdout)["channels"]}
    assert found["site"]["verdict"] == "up"
    [look] = found["hook1"]["checks"]
    assert (look["elapsed_s"], look["detail"]) == (3, "no answer to the probe in time")
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--format", "xml"), "prometheus"),
        (("--ping", "ftp://x"), "--ping"),
        (("--within", "soon"), "--within"),
        (("pigeon",), "pigeon"),
        (("--install", "--ping", "http://x/"), "settings"),
        (("--install", "--every", "7m"), "divide"),
        (("--install", "--units", "lxc"), "units"),
    ],
)
def test_each_mistake_is_one_clear_message(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    settings(tmp_path)
    done = run("health", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plugin_that_cannot_look_says_unknown_on_standard_output(tmp_path: Path) -> None:
    (tmp_path / "channels.toml").write_text("[club]\n")
    done = run("health", "--format", "nagios", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout.startswith("UNKNOWN - ")
    assert len(done.stdout.splitlines()) == 1


def test_a_bad_address_of_a_switch_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    settings(tmp_path, extra='[health]\nping = "not a web address"\n')
    done = run("health", cwd=tmp_path)
    assert done.returncode == 2
    assert "ping" in done.stderr


def test_a_full_ledger_is_no_success_for_the_switch(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url)
    run("list", cwd=tmp_path)
    connection = sqlite3.connect(tmp_path / "fallback-cast.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    done = run("health", *QUICK, "--ping", http_faults.url + "/ping/0123456789", cwd=tmp_path)
    connection.execute("ROLLBACK")
    connection.close()
    assert done.returncode == 2
    assert [r for r in http_faults.requests if r.path.startswith("/ping")] == []


def test_the_module_runs_by_the_interpreter_s_path(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fallback_cast.cli", "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout.startswith("fallback-cast ")


def test_a_receiver_that_was_out_gets_what_it_missed_once(tmp_path: Path, http_faults: HttpFaults) -> None:
    broken = [True]
    http_faults.always(lambda request: reply(503 if broken[0] and request.path.startswith("/first") else 200))
    settings(tmp_path, f"{http_faults.url}/first", f"{http_faults.url}/second")

    def posts() -> list[str]:
        return [r.path for r in http_faults.requests if r.method == "POST"]

    assert run("health", cwd=tmp_path).returncode == 2
    sent = run("send", "-t", "Contest cancelled", "-b", "Flooded.", "-i", "urgent", "--json", cwd=tmp_path)
    assert json.loads(sent.stdout)["fallbacks"] == 1
    assert posts() == ["/second"]
    broken[0] = False
    back = run("health", *QUICK, cwd=tmp_path)
    assert "catch up" in back.stderr
    assert posts() == ["/second", "/first"]
    run("health", *QUICK, cwd=tmp_path)
    assert posts() == ["/second", "/first"]
    found = json.loads(run("status", json.loads(sent.stdout)["id"], "--json", cwd=tmp_path).stdout)
    assert found["recipients"] == json.loads(sent.stdout)["recipients"]
    assert found["state"] == "settled"


def test_two_timers_at_once_tell_the_organiser_once(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(lambda request: reply(503 if request.path == "/first" else 200))
    organiser = '[[health.organisers]]\nname = "C"\naddresses = { hook1 = "receiver", hook2 = "receiver" }\n'
    settings(tmp_path, f"{http_faults.url}/first", f"{http_faults.url}/second", extra=organiser)
    run("list", cwd=tmp_path)
    command = [sys.executable, "-m", "fallback_cast.cli", "health"]
    both = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(timeout=90) for process in both] == [2, 2]
    run("health", cwd=tmp_path)
    assert [r.path for r in http_faults.requests if r.method == "POST"] == ["/second"]
