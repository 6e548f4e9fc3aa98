"""A mail that Postfix accepted comes back: the next `health` reads it, and its member is told elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from tests.channels.telegram_emulator import TOKEN, Chat, Telegram
from tests.cli.test_demo import run
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.postfix import MailSite

SECRETS = {"SMTP": "", "BOT": TOKEN}


def settings(folder: Path, site: MailSite, telegram: str, password: str = "env:SMTP") -> None:
    (folder / "channels.toml").write_text(
        f"""
[club]
name = "Club"
language = "en"
[[channel]]
name = "email"
kind = "email"
sender = "Club <club@club.test>"
bounce_address = "{site.bounce_address}"
[[channel.relay]]
host = "{site.host}"
port = {site.port}
username = "{site.username}"
password = "env:SMTP"
ca_file = "{site.ca_file}"
[channel.inbox]
host = "{site.host}"
port = {site.imap_port}
security = "none"
username = "{site.bounce_username}"
password = "{password}"
[[channel]]
name = "telegram"
kind = "telegram"
token = "env:BOT"
base_url = "{telegram}"
"""
    )
    (folder / "members.csv").write_text(
        "name,email,telegram\nAnn,unknown@ext.test,1001\nBob,alice@ext.test,1002\n"
    )


def test_a_bounce_sends_its_member_on_to_the_next_channel(
    tmp_path: Path, mail_site: MailSite, http_faults: HttpFaults
) -> None:
    telegram = Telegram(Chat(1001, "private"), Chat(1002, "private"))
    http_faults.always(telegram)
    settings(tmp_path, mail_site, http_faults.url)
    environment = SECRETS | {"SMTP": mail_site.password}

    def fallback_cast(*words: str) -> str:
        done = run(*words, cwd=tmp_path, env=environment)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return done.stdout

    fallback_cast("members", "import", "members.csv")
    sent = json.loads(fallback_cast("send", "-t", "Flood", "-b", "No contest.", "--json"))
    assert sent["recipients"]["reached"] == 2
    assert telegram.sent == []  # both mails were accepted
    mail_site.wait_for_message(mail_site.bounce_address)

    fallback_cast("health", "--within", "20s")
    assert [message.chat for message in telegram.sent] == [1001]
    found = json.loads(fallback_cast("status", sent["id"], "--json", "--recipients"))
    assert (found["state"], found["recipients"]["reached"]) == ("settled", 2)
    assert found["fallbacks"] == 1
    ann = next(d for d in found["deliveries"] if d["recipient"] == "Ann")
    assert [(a["channel"], a["outcome"]) for a in ann["attempts"]] == [
        ("email", "failed"),
        ("telegram", "delivered"),
    ]

    fallback_cast("health", "--within", "20s")  # the same mail is not read again
    assert len(telegram.sent) == 1
    again = json.loads(fallback_cast("send", "-t", "Sunday", "-b", "It goes on.", "--json"))
    assert again["recipients"]["reached"] == 2
    assert [message.chat for message in telegram.sent] == [1001, 1001]  # her address is known to be gone


def test_a_mailbox_that_refuses_us_is_named(
    tmp_path: Path, mail_site: MailSite, http_faults: HttpFaults
) -> None:
    http_faults.always(Telegram(Chat(1001, "private")))
    settings(tmp_path, mail_site, http_faults.url, password="env:WRONG")
    done = run(
        "health",
        "--within",
        "20s",
        cwd=tmp_path,
        env=SECRETS | {"SMTP": mail_site.password, "WRONG": "not this one"},
    )
    assert "what came back to email could not be read" in done.stderr
    assert "refuses the login" in done.stderr
    assert "not this one" not in done.stderr + done.stdout
