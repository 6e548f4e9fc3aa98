"""A bare loop over aiosmtplib: connections kept, the message prepared once, nothing remembered."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.policy import SMTP as WIRE

import aiosmtplib

from benchmarks.loads.http_bare import LOOPS, run
from benchmarks.loads.meter import measured
from benchmarks.loads.text import BODY, SENDER, TITLE, address


def prepared() -> bytes:
    """Everything but what differs for each recipient."""
    message = EmailMessage(policy=WIRE)
    message["From"] = f"Example club <{SENDER}>"
    message["Subject"] = TITLE
    message.set_content(BODY, cte="quoted-printable")
    message.add_alternative(f"<p>{BODY}</p>", subtype="html", cte="quoted-printable")
    return message.as_bytes()


async def _work(port: int, numbers: Iterator[int], common: bytes) -> None:
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, use_tls=False)
    async with smtp:
        for number in numbers:
            person = address(number)
            head = f"To: {person}\r\nMessage-ID: <benchmark.{number}@example.org>\r\n".encode()
            await smtp.sendmail(SENDER, [person], head + common)


async def _send_all(port: int, count: int, connections: int) -> None:
    numbers, common = iter(range(1, count + 1)), prepared()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_work(port, numbers, common))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.email_bare")
    parser.add_argument("--loop", choices=LOOPS, default="asyncio")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--connections", type=int, default=10)
    given = parser.parse_args(arguments)
    with measured(given.count) as reading:
        run(given.loop, _send_all(given.port, given.count, given.connections))
    reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
