"""A tiny server of the Identity surface that keeps its promises or not, by tenant."""

import asyncio
import json
import secrets
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Self

from bench.tenants import Tenant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_PREFIX = "/api/v2/"
_REASONS = {200: "OK", 409: "Conflict", 410: "Gone"}

Reply = tuple[int, dict[str, object]]


class Ways(Enum):
    """What becomes of a code that was acknowledged."""

    HONEST = "00000000-0000-4000-8000-000000000001"
    ONE_CODE_FOR_ALL = "00000000-0000-4000-8000-000000000002"
    FETCHED_FOR_EVER = "00000000-0000-4000-8000-000000000003"
    LOST = "00000000-0000-4000-8000-000000000004"

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.value, "key" + self.value.replace("-", ""))

    @property
    def setting(self) -> str:
        return f"{self.tenant.id}:{self.tenant.api_key}"


class Liar:
    """Knows no idempotency, no limits and no expiry."""

    def __init__(self) -> None:
        self.url = ""
        self._codes: dict[tuple[str, str], str] = {}

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> "AsyncGenerator[Self]":
        liar = cls()
        server = await asyncio.start_server(liar._talk, "127.0.0.1", 0)
        liar.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield liar
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not reader.at_eof():
                method, path, body = await _request(reader)
                status, said = self._answer(method, path.removeprefix(_PREFIX), body)
                content = json.dumps(said).encode()
                head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> Reply:
        tenant_id, *_, key = path.split("/")
        if key == "config":
            return 200, {"tenant_config_details": json.dumps({"pass_phrase": "system", "pass_key_expires": 60})}
        if method == "POST":
            return self._submit(tenant_id, json.loads(body)["pass_key"])
        return self._fetch(Ways(tenant_id), (tenant_id, key))

    def _submit(self, tenant_id: str, typed: str) -> Reply:
        place = tenant_id, "".join(filter(str.isdecimal, typed))
        if place in self._codes:
            return 409, {"status": "Failed", "message": "Key already taken by another user"}
        code = self._codes[place] = f"{1 + secrets.randbelow(999_999):06d}"
        return 200, {"status": "Success", "data": {"pass_key": typed, "pass_phrase": code}}

    def _fetch(self, way: Ways, place: tuple[str, str]) -> Reply:
        code = self._codes.get(place)
        if way is Ways.ONE_CODE_FOR_ALL and code is not None:
            code = "000000"
        if way is not Ways.FETCHED_FOR_EVER:
            self._codes.pop(place, None)
        if code is None or way is Ways.LOST:
            return 410, {"status": "Failed", "message": "Pass Key Expired"}
        return 200, {"status": "Success", "pass_phrase": code}


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, path, _ = head.split(" ", 2)
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    return method, path, await reader.readexactly(int(headers.get("content-length", 0)))
