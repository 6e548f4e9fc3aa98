"""A club's mail as in life: a Postfix relay with login, a Postfix that receives, and Dovecot for IMAP.

    club  --STARTTLS, AUTH-->  relay (club.test)  -->  destination (ext.test)
                               its bounces mailbox  <--  bounces; read over IMAP

At the destination live alice and bob; `full@`, `policy@` and any unknown address are refused. Mail to
`down.test` stays in the relay's queue, because nobody listens there.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port, says
from tests.counterparts.processes import run, running, tail, wait_for
from tests.counterparts.tls import Certificates

MAIL_OWNER = 5000  # a number is enough: the mailboxes need an owner, not an account
RELAY, DESTINATION = "club.test", "ext.test"


@dataclass(frozen=True)
class Postfix:
    """One Postfix instance, which can be stopped, frozen and started again."""

    port: int
    directory: Path

    @property
    def log(self) -> Path:
        return self.directory / "maillog"

    def start(self) -> None:
        self._command("start")
        wait_for(lambda: says(self.port, b"220 "), f"Postfix in {self.directory}")

    def stop(self) -> None:
        """`postfix stop` ends the instance of this directory only; it fails if there is none."""
        if self._pids():
            self._command("stop")

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nobody listens inside this block; what is queued survives it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are accepted by the kernel, and nobody answers them."""
        pids = self._pids()
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def _command(self, word: str) -> None:
        run([require.program("postfix"), "-c", self.directory / "conf", word])

    def _pids(self) -> list[int]:
        """The master and its children; the master made a session of its own."""
        file = self.directory / "spool" / "pid" / "master.pid"
        master = file.read_text().strip() if file.exists() else ""
        children = Path("/proc", master, "task", master, "children")
        return [int(pid) for pid in (master, *children.read_text().split())] if children.exists() else []


@dataclass(frozen=True)
class MailSite:
    """Send through `relay` as `username`; read what arrived with `messages` or over IMAP."""

    host: str
    port: int
    imap_port: int
    username: str
    password: str = field(repr=False)
    bounce_address: str
    bounce_username: str
    ca_file: Path
    relay: Postfix
    destination: Postfix

    def messages(self, address: str) -> list[EmailMessage]:
        """The mails of a mailbox, oldest first; `bounces+x@` has the mailbox of `bounces@`."""
        name, _, domain = address.partition("@")
        instance = self.relay if domain == RELAY else self.destination
        folder = instance.directory / "mail" / name.partition("+")[0]
        while True:
            files = [file for part in ("cur", "new") for file in folder.joinpath(part).glob("*")]
            try:
                return [_parse(file) for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]
            except FileNotFoundError:  # who reads the mailbox moves mails from `new` to `cur`
                continue

    def wait_for_message(
        self,
        address: str,
        wanted: Callable[[EmailMessage], bool] = lambda message: True,
        deadline: float = 20,
    ) -> EmailMessage:
        def arrived() -> EmailMessage | None:
            return next(filter(wanted, self.messages(address)), None)

        try:
            # An EmailMessage without headers would be false, so it is wrapped.
            return wait_for(
                lambda: [found] if (found := arrived()) else None, f"mail to {address}", deadline
            )[0]
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {tail(self.relay.log)}") from None

    def forget(self) -> None:
        """Empty all mailboxes."""
        for instance in (self.relay, self.destination):
            for folder in ("new", "cur"):
                for file in instance.directory.glob(f"mail/*/{folder}/*"):
                    file.unlink(missing_ok=True)


@contextmanager
def postfix(directory: Path, certificates: Certificates) -> Iterator[MailSite]:
    """`directory` must be open to other users all the way up: see `public_directory`."""
    require.root("Postfix changes to users of its own")
    require.program("postfix")
    require.program("dovecot")
    relay = Postfix(free_port(), directory / "relay")
    destination = Postfix(free_port(), directory / "destination")
    site = MailSite(
        host="localhost",
        port=relay.port,
        imap_port=free_port(),
        username="club",
        password="pw-mail",
        bounce_address=f"bounces@{RELAY}",
        bounce_username="bounces",
        ca_file=certificates.ca_file,
        relay=relay,
        destination=destination,
    )
    _configure(relay, _relay_settings(relay, destination, certificates))
    _configure(destination, _destination_settings(relay))
    with ExitStack() as stack:
        stack.enter_context(_dovecot(directory / "dovecot", site))
        for instance in (relay, destination):
            stack.callback(instance.stop)
            instance.start()
        yield site


def _signal(pids: list[int], sign: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sign)


def _parse(file: Path) -> EmailMessage:
    return message_from_bytes(file.read_bytes(), policy=default)


def _configure(instance: Postfix, settings: str) -> None:
    conf, mail, data = (instance.directory / name for name in ("conf", "mail", "data"))
    for path in (conf, mail, data, instance.directory / "spool"):
        path.mkdir(parents=True)
        path.chmod(0o755)
    os.chown(mail, MAIL_OWNER, MAIL_OWNER)
    conf.joinpath("main.cf").write_text(_common_settings(instance) + settings)
    conf.joinpath("master.cf").write_text(_services(instance))
    shutil.chown(data, "postfix")


def _common_settings(instance: Postfix) -> str:
    place = instance.directory
    return f"""\
compatibility_level = 3.6
queue_directory = {place}/spool
data_directory = {place}/data
maillog_file = {place}/maillog
maillog_file_prefixes = {place}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = {place.name}.{RELAY}
mydestination =
mynetworks =
inet_interfaces = {HOST}
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtputf8_enable = yes
virtual_mailbox_base = {place}/mail
virtual_uid_maps = static:{MAIL_OWNER}
virtual_gid_maps = static:{MAIL_OWNER}
virtual_minimum_uid = 100
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_client_connection_rate_limit = 0
smtpd_client_event_limit_exceptions = static:all
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
smtpd_banner = $myhostname ESMTP
recipient_delimiter = +
"""


def _relay_settings(relay: Postfix, destination: Postfix, certificates: Certificates) -> str:
    # Unauthenticated mail is taken for our own domain only: that is how bounces come back.
    return f"""\
virtual_mailbox_domains = {RELAY}
virtual_mailbox_maps = inline:{{ {{bounces@{RELAY}=bounces/}} {{@{RELAY}=club/}} }}
transport_maps = inline:{{
  {{{DESTINATION}=smtp:[{HOST}]:{destination.port}}}
  {{down.test=smtp:[{HOST}]:9}} }}
smtpd_tls_chain_files = {certificates.good}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {relay.directory}/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
"""


def _destination_settings(relay: Postfix) -> str:
    return f"""\
virtual_mailbox_domains = {DESTINATION}
virtual_mailbox_maps = inline:{{ {{alice@{DESTINATION}=alice/}} {{bob@{DESTINATION}=bob/}} }}
transport_maps = inline:{{ {{{RELAY}=smtp:[{HOST}]:{relay.port}}} }}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{full@{DESTINATION} = 452 4.2.2 Mailbox full}}
  {{policy@{DESTINATION} = 550 5.7.1 Refused by policy}} }}
"""


def _services(instance: Postfix) -> str:
    """master.cf: what Debian ships, less what needs a chroot, a network or a local user."""
    return f"""\
{HOST}:{instance.port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def _dovecot(directory: Path, site: MailSite) -> Iterator[None]:
    directory.mkdir()
    mail = site.relay.directory / "mail"
    accounts = (site.username, site.bounce_username)
    directory.joinpath("users").write_text("".join(f"{name}:{{PLAIN}}{site.password}\n" for name in accounts))
    conf = directory / "dovecot.conf"
    conf.write_text(_dovecot_settings(directory, mail, site))
    for path in directory, conf, directory / "users":
        path.chmod(0o755)
    command = [require.program("dovecot"), "-F", "-c", conf]
    with running(command, directory / "log", port=site.imap_port):
        wait_for(site.relay.directory.joinpath("auth").exists, "Dovecot's auth socket")
        yield


def _dovecot_settings(directory: Path, mail: Path, site: MailSite) -> str:
    """For Dovecot 2.3, the one of Debian 12 and Ubuntu 24.04; 2.4 speaks another language."""
    return f"""\
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols = imap
listen = {HOST}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
first_valid_uid = 1
mail_location = maildir:{mail}/%n
passdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users
}}
userdb {{
  driver = static
  args = uid={MAIL_OWNER} gid={MAIL_OWNER} home={mail}/%n
}}
service auth {{
  unix_listener {site.relay.directory}/auth {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {site.imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
