"""Folders on servers, as a hosting company offers them: OpenSSH's SFTP, vsftpd's FTPS, Apache's WebDAV.

What is written in `folder` is what a web server would show; `keys` are those of a `[[channel.server]]`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counterparts import require
from tests.counterparts.ports import HOST, answers, free_port
from tests.counterparts.processes import Daemon, run
from tests.counterparts.tls import Certificates


@dataclass(frozen=True)
class FolderServer:
    folder: Path
    keys: dict[str, Any] = field(repr=False)
    daemon: Daemon

    def forget(self) -> None:
        """As it was at first: empty, and everything allowed."""
        for found in self.folder.iterdir():
            shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
        self.folder.chmod(0o755)


def login() -> tuple[str, str]:
    """The user of this machine that .ci/install-counterparts made for these servers, and the password."""
    require.root("the servers log in as another user")
    name, _, password = require.installed("site-user").read_text().strip().partition(":")
    return name, password


def _folder(directory: Path, owner: str) -> Path:
    folder = directory / "www"
    folder.mkdir()
    shutil.chown(folder, owner)
    return folder


@contextmanager
def sshd(directory: Path) -> Iterator[FolderServer]:
    """OpenSSH; `host_key` is in the keys, and `known_hosts` beside the folder names the server too."""
    program, keygen = require.program("sshd"), require.program("ssh-keygen")
    user, password = login()
    folder, port = _folder(directory, user), free_port()
    key = directory / "host_key"
    run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key])
    public = key.with_suffix(".pub").read_text().split()[:2]
    (directory / "known_hosts").write_text(f"[{HOST}]:{port} {' '.join(public)}\n")
    run([keygen, "-q", "-t", "ed25519", "-N", "pass phrase", "-f", directory / "user_key"])
    shutil.copy(directory / "user_key.pub", directory / "authorized_keys")
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(public[1])).digest()).decode().rstrip("=")
    conf = directory / "sshd_config"
    conf.write_text(f"""\
Port {port}
ListenAddress {HOST}
HostKey {key}
PidFile {directory}/pid
UsePAM no
PasswordAuthentication yes
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
AllowUsers {user}
Subsystem sftp internal-sftp
ForceCommand internal-sftp
MaxStartups 100
""")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd parts with its rights
    command = [program, "-D", "-e", "-f", conf]
    keys = {
        "target": f"sftp://{user}@{HOST}:{port}{folder}",
        "password": password,
        "host_key": f"SHA256:{digest}",
    }
    with Daemon(command, directory / "log", lambda: answers(port)).running() as daemon:
        yield FolderServer(folder, keys, daemon)


@contextmanager
def vsftpd(directory: Path, certificates: Certificates) -> Iterator[FolderServer]:
    """vsftpd; whoever logs in sees the folder as `/`, as with a hosting company."""
    program = require.program("vsftpd")
    user, password = login()
    folder, port = _folder(directory, user), free_port()
    empty = directory / "empty"
    empty.mkdir()
    conf = directory / "vsftpd.conf"
    first = _free_range(8)
    conf.write_text(f"""\
listen=YES
listen_address={HOST}
listen_port={port}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_root={directory}
chroot_local_user=YES
allow_writeable_chroot=YES
pasv_enable=YES
pasv_min_port={first}
pasv_max_port={first + 7}
pasv_address={HOST}
ssl_enable=YES
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
rsa_cert_file={certificates.good}
rsa_private_key_file={certificates.good}
delay_failed_login=0
seccomp_sandbox=NO
secure_chroot_dir={empty}
pam_service_name=vsftpd
local_umask=022
vsftpd_log_file={directory}/vsftpd.log
""")
    keys = {
        "target": f"ftps://{user}@{HOST}:{port}/www",
        "password": password,
        "ca_file": certificates.ca_file,
    }
    with Daemon([program, conf], directory / "log", lambda: answers(port)).running() as daemon:
        yield FolderServer(folder, keys, daemon)


def _free_range(length: int) -> int:
    """The first of some ports in a row that nobody has now."""
    for first in range(20000 + os.getpid() % 9000, 32000, length):
        try:
            for port in range(first, first + length):
                with socket.socket() as sock:
                    sock.bind((HOST, port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports in a row")


MODULES = (
    "mpm_event",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "dav",
    "dav_fs",
    "ssl",
    "socache_shmcb",
    "mime",
)


@contextmanager
def apache(directory: Path, certificates: Certificates) -> Iterator[FolderServer]:
    program = require.program("apache2")
    require.root("Apache parts with its rights")
    folder, port = _folder(directory, "www-data"), free_port()
    state = directory / "state"
    state.mkdir()
    shutil.chown(state, "www-data")
    password = "dav-s3cret"
    digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
    (directory / "users").write_text(f"club:{{SHA}}{digest}\n")
    loads = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES)
    conf = directory / "apache.conf"
    conf.write_text(f"""\
{loads}
ServerName {HOST}
Listen {HOST}:{port}
PidFile {directory}/pid
ErrorLog {directory}/error.log
DefaultRuntimeDir {directory}
User www-data
Group www-data
DavLockDB {state}/lock
TypesConfig /etc/mime.types
DocumentRoot {directory}
SSLEngine on
SSLCertificateFile {certificates.good}
SSLCertificateKeyFile {certificates.good}
<Directory {directory}>
  Require all denied
</Directory>
<Directory {folder}>
  Options None
  Dav On
  AuthType Basic
  AuthName club
  AuthUserFile {directory}/users
  Require valid-user
</Directory>
""")
    keys = {
        "target": f"davs://club@{HOST}:{port}/www",
        "password": password,
        "ca_file": certificates.ca_file,
    }
    command = [program, "-D", "FOREGROUND", "-f", conf]
    with Daemon(command, directory / "log", lambda: answers(port)).running() as daemon:
        yield FolderServer(folder, keys, daemon)
