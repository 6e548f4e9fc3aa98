"""Gammu SMSD: the spool by itself, then the real daemon with its dummy phone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fallback_cast.channels.sms import SmsChannel
from fallback_cast.channels.sms.gammu import Gammu
from fallback_cast.channels.sms.gsm import encode
from fallback_cast.channels.sms.smsbackup import write_backup
from fallback_cast.channels.sms.spool import State, runs
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import AccessDenied, Layer, Unavailable
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import announcement
from tests.channels.fake_sms import channel
from tests.channels.gammu_spool import SpoolFolders, spool_folders
from tests.counterparts.gammu import Gammu as Daemon

NUMBER = "+33639980011"
KEY = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
NAME = f"OUTA_{KEY}.smsbackup"


@pytest.fixture
def folders(tmp_path: Path) -> SpoolFolders:
    return spool_folders(tmp_path)


def gateway(made: SmsChannel) -> Gammu:
    [provider] = made.providers
    assert isinstance(provider, Gammu)
    return provider


async def send(made: SmsChannel, key: str = KEY, **about: Any) -> Accepted:
    return await gateway(made).send(made.render(announcement(**about)), NUMBER, key)


class TestFile:
    def test_one_part(self) -> None:
        assert write_backup("Été €", "+33", KEY).splitlines() == [
            "[SMSBackup000]",
            "PDU = Submit",
            "State = UnSent",
            'Number = "+33"',
            "NumberUnicode = 002B00330033",
            "Text00 = 00C9007400E9002020AC",
            "Coding = Default_No_Compression",
            "Length = 5",
            "Class = -1",
            "Folder = 1",
        ]

    @pytest.mark.parametrize(
        ("text", "sizes"),
        [("€" * 81, [76, 5]), ("😀" * 36, [66, 6]), ("ê" * 135, [67, 67, 1]), ("a" * 1530, [153] * 10)],
    )
    def test_parts(self, text: str, sizes: list[int]) -> None:
        """Length counts what stands in the text lines: characters, of an emoji both halves."""
        sections = write_backup(text, NUMBER, KEY).split("[SMSBackup")[1:]
        assert [int(re.findall(r"Length = (\d+)", section)[0]) for section in sections] == sizes
        headers = [re.findall(r"UDH = 050003(..)(..)(..)", section)[0] for section in sections]
        assert len({reference for reference, _, _ in headers}) == 1
        assert [(int(total, 16), int(number, 16)) for _, total, number in headers] == [
            (len(sizes), number) for number in range(1, len(sizes) + 1)
        ]
        lines = [line for section in sections for line in re.findall(r"Text\d\d = (\w+)", section)]
        assert bytes.fromhex("".join(lines)).decode("utf-16-be") == text
        assert all(len(line) <= 200 for line in lines)


class TestSpool:
    async def test_a_key_is_handed_over_once(self, folders: SpoolFolders) -> None:
        made = channel(folders.settings)
        first = await send(made)
        assert first == Accepted(NAME)
        assert await send(made) == Accepted(NAME, note="was already there")
        assert [path.name for path in folders.files()] == [NAME]
        assert await gateway(made).outcome(NAME) is State.WAITING
        (folders.outbox / NAME).rename(folders.sent / NAME)
        assert await send(made) == Accepted(NAME, note="was already there")
        assert folders.files() == [folders.sent / NAME]
        assert await gateway(made).outcome(NAME) is State.SENT

    async def test_what_the_daemon_gave_up_on_may_be_tried_again(self, folders: SpoolFolders) -> None:
        made = channel(folders.settings)
        await send(made)
        (folders.outbox / NAME).rename(folders.errors / NAME)
        assert await gateway(made).outcome(NAME) is State.FAILED
        assert await send(made) == Accepted(NAME)
        assert await gateway(made).outcome(NAME) is State.WAITING
        (folders.outbox / NAME).rename(folders.sent / NAME)
        assert await gateway(made).outcome(NAME) is State.SENT

    async def test_a_file_that_is_gone_tells_nothing(self, folders: SpoolFolders) -> None:
        assert await gateway(channel(folders.settings)).outcome(NAME) is None

    async def test_urgent_goes_first(self, folders: SpoolFolders) -> None:
        made = channel(folders.settings)
        await send(made, OTHER, importance=Importance.INFO)
        await send(made, KEY, importance=Importance.URGENT)
        assert [KEY in path.name for path in folders.files()] == [True, False]

    async def test_only_the_daemons_group_reads_it(self, folders: SpoolFolders) -> None:
        if os.geteuid() == 0:  # only root may give a folder to any group
            os.chown(folders.outbox, -1, 54321)
        await send(channel(folders.settings))
        written = (folders.outbox / NAME).stat()
        assert written.st_mode & 0o777 == 0o640
        assert written.st_gid == folders.outbox.stat().st_gid

    async def test_a_half_written_file_of_a_crash_is_no_hindrance(self, folders: SpoolFolders) -> None:
        (folders.outbox / f".{NAME}").write_text("[SMSBack")
        assert await send(channel(folders.settings)) == Accepted(NAME)
        assert [path.name for path in folders.files()] == [NAME]

    @pytest.mark.parametrize(("waited", "stuck"), [(100, False), (200, True)])
    async def test_nothing_is_put_behind_a_stick_that_is_stuck(
        self, folders: SpoolFolders, waited: float, stuck: bool
    ) -> None:
        made = channel(folders.settings)
        folders.leave_waiting(waited)
        failed = failed_check(await gateway(made).probe())
        assert (failed is not None) is stuck
        if stuck:
            with pytest.raises(Unavailable, match="wait for 3 min"):
                await send(made)
            assert len(folders.files()) == 1
        else:
            await send(made)

    async def test_a_long_queue_that_moves_is_not_stuck(self, folders: SpoolFolders) -> None:
        folders.leave_waiting(3600)
        (folders.sent / "OUTC20261125_065500_00_+33639980018_sms0.smsbackup").write_text("")
        assert failed_check(await gateway(channel(folders.settings)).probe()) is None

    async def test_other_files_do_not_wait(self, folders: SpoolFolders) -> None:
        folders.leave_waiting(3600)
        [waiting] = folders.files()
        waiting.rename(folders.outbox / f".{waiting.name}")
        (folders.outbox / "README").write_text("")
        for folder in (folders.sent, folders.errors):
            os.utime(folder, (0, 0))
        assert failed_check(await gateway(channel(folders.settings)).probe()) is None

    async def test_a_daemon_that_is_not_there(self, folders: SpoolFolders) -> None:
        made = channel(folders.settings | {"daemon_here": True})
        failed = failed_check(await gateway(made).probe())
        assert failed is not None
        assert "does not run" in failed.detail
        with pytest.raises(Unavailable, match="does not run"):
            await send(made)
        assert folders.files() == []

    def test_who_holds_the_shared_memory(self, folders: SpoolFolders, tmp_path: Path) -> None:
        file = folders.config.stat()
        key = 1 << 24 | (file.st_dev & 0xFF) << 16 | file.st_ino & 0xFFFF
        table = tmp_path / "shm"
        for key_there, attached, expected in ((key, 1, True), (key, 0, False), (key + 1, 1, False)):
            row = f"{key_there} 4 744 928 20506 20512 {attached} 0 0 0 0 1 1 1 4096 0"
            table.write_text(f"key shmid perms size cpid lpid nattch\n{row}\n")
            assert runs(folders.config, table) is expected
        assert runs(folders.config, tmp_path / "nothing") is None

    async def test_configuration_as_people_write_it(self, folders: SpoolFolders) -> None:
        folders.config.write_text(
            f"[SMSD]\nService=FILES\nPIN = 1234\nOutboxPath={folders.outbox}/\n"
            f"# by day\nsentsmspath = {folders.sent}/\nErrorSMSPath = {folders.errors}/\n"
        )
        assert await send(channel(folders.settings)) == Accepted(NAME)

    def test_settings(self, folders: SpoolFolders) -> None:
        made = channel(folders.settings, needs="local")
        assert made.traits.local
        assert made.traits.deduplicates
        assert not channel(folders.settings).traits.local
        assert channel(folders.settings | {"needs": "local"}).traits.local
        assert gateway(made).name == "gammu"
        assert gateway(made).failure_domains == {"gammu"}
        with pytest.raises(ValidationError, match="name of its own"):
            channel(folders.settings, folders.settings)


@pytest.mark.counterpart
class TestDaemon:
    def channel(self, stick: Daemon, **settings: Any) -> SmsChannel:
        return channel({"kind": "gammu", "config": str(stick.config), "needs": "local"}, **settings)

    @pytest.mark.parametrize(
        ("body", "mode", "parts"),
        [
            ("À 5 € [ok] ~ ñ Ç {ù} | ^ \\", "auto", 1),
            ("é è à ù 5 € [ok] ~ ñ Ç {ù} | ^ \\", "never", 1),
            ("ça gèle ☂ 😀", "never", 1),
            ("Le reçu à l’hôtel « dégâts » été € " * 30, "auto", 3),
            ("été 😀 " * 60, "auto", 3),
        ],
    )
    async def test_the_phone_gets_what_we_sent(
        self, sms_stick: Daemon, body: str, mode: str, parts: int
    ) -> None:
        made = self.channel(sms_stick, transliterate=mode)
        message = made.render(announcement(body=body))
        accepted = await gateway(made).send(message, NUMBER, KEY)
        [sms] = sms_stick.wait_for_sms()
        assert sms.to == NUMBER
        assert sms.parts == encode(message.text).parts
        assert len(sms.parts) == message.parts == parts
        assert await gateway(made).outcome(str(accepted.reference)) is State.SENT
        # The daemon has not written into it: a restart in the middle would send all parts again, in order.
        assert (sms_stick.sent / NAME).read_text() == write_backup(message.text, NUMBER, KEY)

    async def test_our_file_says_what_the_daemons_own_tool_says(self, sms_stick: Daemon) -> None:
        with sms_stick.daemon.down():
            theirs = sms_stick.inject(NUMBER, "ça ê €")
        ours = write_backup("ça ê €", NUMBER, KEY)
        wanted = ("Number", "NumberUnicode", "Text00", "Coding", "Length", "Class", "PDU")
        for name in wanted:
            pattern = rf"^{name} = .*$"
            assert re.findall(pattern, ours, re.M) == re.findall(pattern, theirs.replace("\r", ""), re.M)

    async def test_probe_messages_nobody(self, sms_stick: Daemon) -> None:
        checks = await gateway(self.channel(sms_stick)).probe()
        assert failed_check(checks) is None
        assert checks[-1].detail == "Gammu SMSD takes messages"
        assert not any(sms_stick.outbox.iterdir())

    @pytest.mark.parametrize("end", ["stop", "kill"])
    async def test_a_daemon_that_ended_takes_nothing(self, sms_stick: Daemon, end: str) -> None:
        made = self.channel(sms_stick)
        getattr(sms_stick.daemon, end)()
        try:
            failed = failed_check(await gateway(made).probe())
            with pytest.raises(Unavailable):
                await send(made)
        finally:
            sms_stick.daemon.start()
        assert failed is not None
        assert failed.layer is Layer.SERVICE
        assert not any(sms_stick.outbox.iterdir())
        assert failed_check(await gateway(made).probe()) is None

    async def test_two_tries_are_one_sms(self, sms_stick: Daemon) -> None:
        made = self.channel(sms_stick)
        with sms_stick.daemon.frozen():
            await send(made)
            assert (await send(made)).note == "was already there"
            assert await gateway(made).outcome(NAME) is State.WAITING
        sms_stick.wait_for_sms()
        assert (await send(made)).note == "was already there"
        await send(made, OTHER)
        assert len(sms_stick.wait_for_sms(2)) == 2
        assert not any(sms_stick.outbox.iterdir())

    async def test_what_was_handed_over_survives_the_daemon(self, sms_stick: Daemon) -> None:
        made = self.channel(sms_stick)
        with sms_stick.daemon.frozen():
            await send(made)
        sms_stick.daemon.kill()
        sms_stick.daemon.start()
        sms_stick.wait_for_sms()
        assert await gateway(made).outcome(NAME) is State.SENT

    async def test_what_the_daemon_cannot_send_has_failed_and_may_be_tried_again(
        self, sms_stick: Daemon
    ) -> None:
        made = self.channel(sms_stick)
        with sms_stick.daemon.frozen():
            await send(made)
            (sms_stick.outbox / NAME).write_text("cut by a full disk")
        sms_stick.wait_until_empty()
        assert await gateway(made).outcome(NAME) is State.FAILED
        assert sms_stick.handed_to_phone() == []
        await send(made)
        sms_stick.wait_for_sms()
        assert await gateway(made).outcome(NAME) is State.SENT

    async def test_a_phone_that_answers_no_more_is_stuck(self, sms_stick: Daemon) -> None:
        made = self.channel(sms_stick)
        with sms_stick.daemon.frozen():
            await send(made)
            then = (sms_stick.outbox / NAME).stat().st_mtime - 600
            for path in (sms_stick.outbox / NAME, sms_stick.sent, sms_stick.errors):
                os.utime(path, (then, then))
            failed = failed_check(await gateway(made).probe())
            with pytest.raises(Unavailable, match="sends none"):
                await send(made, OTHER)
        sms_stick.wait_for_sms()
        assert failed is not None
        assert failed_check(await gateway(made).probe()) is None

    async def test_another_configuration_has_no_daemon(self, sms_stick: Daemon, tmp_path: Path) -> None:
        copy = tmp_path / "gammu-smsdrc"
        copy.write_bytes(sms_stick.config.read_bytes())
        made = channel({"kind": "gammu", "config": str(copy)})
        with pytest.raises(Unavailable):
            await send(made)


async def test_an_outbox_of_another_group(folders: SpoolFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run as root, who may everything: the refusal is put in by hand."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(AccessDenied, match="group"):
        await send(channel(folders.settings))
    assert folders.files() == []
