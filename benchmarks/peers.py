"""How the peers on Node.js are started, and what of them is missing here."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.servers import Missing, program

NODE = Path(__file__).parent / "node"


def node(script: str, **options: object) -> list[object]:
    words = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return [shutil.which("node") or "node", NODE / script, *words]


def no_node(package: str) -> str:
    """Why a package of Node.js cannot run, or nothing."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not NODE.joinpath("node_modules", package).is_dir():
        return "run npm install --no-package-lock --prefix benchmarks/node"
    return ""


def no_program(name: str) -> str:
    try:
        program(name)
    except Missing as missing:
        return str(missing)
    return ""
