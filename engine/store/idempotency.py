"""Idempotency-Keys in Redis."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_CLAIM = load("idempotency/claim")


class RequestStatus(IntEnum):
    MATCHED = 0
    MISMATCH = 1


class RequestReply(NamedTuple):
    status: RequestStatus


class IdempotencyStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def claim(self, *, request: Place, fingerprint: str, ttl_ms: int) -> RequestReply:
        reply = await self._runner.run(_CLAIM, request.partition, [keys.request(request)], [fingerprint, ttl_ms])
        return RequestReply(RequestStatus(reply[0]))
