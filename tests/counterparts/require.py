"""One rule for what is missing: a named skip on a user's machine, a failure in CI, where all must be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".counterparts"
# Daemons live in sbin, which is not on everybody's path; Postfix keeps its own in a folder of its own.
PLACES = os.pathsep.join(
    (os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/postfix/sbin")
)


def missing(what: str) -> NoReturn:
    reason = f"counterpart missing: {what} (run .ci/install-counterparts)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    found = shutil.which(name, path=PLACES)
    return found if found else missing(f"program {name}")


def installed(*parts: str) -> Path:
    """A path below `.counterparts`, where the install script puts what apt does not have."""
    path = INSTALLED.joinpath(*parts)
    return path if path.exists() else missing(f".counterparts/{'/'.join(parts)}")


def node_package(name: str) -> Path:
    return installed("npm", "node_modules", name)


def root(why: str) -> None:
    if os.geteuid() != 0:
        missing(f"root, because {why}")
