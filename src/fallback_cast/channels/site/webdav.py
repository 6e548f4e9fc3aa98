"""WebDAV (RFC 4918) over HTTPS: PUT under a temporary name, then MOVE over the old file."""

from __future__ import annotations

from urllib.parse import quote

from fallback_cast.channels.kit.http import Answer, HttpClient, raise_for_answer
from fallback_cast.channels.site.remote import Wire
from fallback_cast.channels.site.target import Target
from fallback_cast.model.errors import AccessDenied, MessageRefused, Unavailable

CONNECT_S = 5.0
RESOURCE_TYPE = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
)


class WebDavWire(Wire):
    """A server follows links by itself or not, and does not tell: only its settings can forbid it."""

    def __init__(self, target: Target, step_s: float) -> None:
        self._folder = quote(target.folder.rstrip("/"))
        assert target.password is not None
        self._client = HttpClient(
            f"https://{target.host}:{target.port}",
            auth=(target.username, target.password),
            ca_file=target.ca_file,
            connect_s=min(CONNECT_S, step_s),
            read_s=step_s,
            max_connections=1,
        )

    async def open(self) -> None:
        kind = await self._kind(self._folder + "/")
        if kind == "missing":
            raise AccessDenied("the folder does not exist")
        if kind == "file":
            raise AccessDenied("the path is not a folder")

    async def kind(self, name: str) -> str:
        return await self._kind(self._path(name))

    async def read(self, name: str) -> bytes:
        answer = await self._client.request("GET", self._path(name))
        _judge(answer)
        return answer.content

    async def put(self, name: str, content: bytes) -> None:
        _judge(await self._client.request("PUT", self._path(name), content=content))

    async def replace(self, old: str, new: str) -> None:
        """RFC 4918 §9.9: with `Overwrite: T` the server removes what is there, then moves."""
        where = {"destination": self._client.base_url + self._path(new), "overwrite": "T"}
        _judge(await self._client.request("MOVE", self._path(old), headers=where))

    async def remove(self, name: str) -> None:
        answer = await self._client.request("DELETE", self._path(name))
        if answer.status_code != 404:
            _judge(answer)

    async def close(self) -> None:
        await self._client.close()

    async def _kind(self, path: str) -> str:
        answer = await self._client.request(
            "PROPFIND", path, content=RESOURCE_TYPE, headers={"depth": "0", "content-type": "application/xml"}
        )
        if answer.status_code == 404:
            return "missing"
        _judge(answer)
        if answer.status_code != 207:
            raise AccessDenied("the server does not speak WebDAV there")
        return "other" if _is_folder(answer.content) else "file"

    def _path(self, name: str) -> str:
        return f"{self._folder}/{quote(name)}"


def _is_folder(content: bytes) -> bool:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        return fromstring(content).find(".//{DAV:}resourcetype/{DAV:}collection") is not None
    except (ParseError, DefusedXmlException, ValueError):
        raise AccessDenied("the server does not speak WebDAV there") from None


def _judge(answer: Answer) -> None:
    """What a status means for a file; the rest is as for every HTTP provider."""
    match answer.status_code:
        case 401:
            raise AccessDenied("the login is refused")
        case 403:
            raise AccessDenied("no right to write in the folder")
        case 404 | 409:
            raise AccessDenied("the folder does not exist")
        case 405 | 501:
            raise AccessDenied("the server does not speak WebDAV there")
        case 423:
            raise Unavailable("another process is writing to the folder")
        case 507:
            raise Unavailable("the disk is full")
        case status if 300 <= status < 400:
            raise AccessDenied("the server sends us elsewhere: name the folder by its own address")
    try:
        raise_for_answer(answer)
    except MessageRefused as error:
        raise AccessDenied(error.reason) from None
