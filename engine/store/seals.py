"""Values in Redis that are sealed for good, whatever they are: a field of a hash each."""

from enum import IntEnum
from typing import NamedTuple

from engine.store.runner import Runner
from engine.store.scripts import load

_READ = load("seal/read")
_REPLACE = load("seal/replace")


class ReadStatus(IntEnum):
    FOUND = 0
    ABSENT = 1


class ReplaceStatus(IntEnum):
    REPLACED = 0
    STALE = 1


class ReadReply(NamedTuple):
    status: ReadStatus
    sealed: bytes


class ReplaceReply(NamedTuple):
    status: ReplaceStatus


class SealStore:
    """`holder` is the key of a hash in a partition."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def read(self, *, partition: int, holder: bytes, field: str) -> ReadReply:
        reply = await self._runner.run(_READ, partition, [holder], [field])
        return ReadReply(ReadStatus(reply[0]), reply[1])

    async def replace(
        self, *, partition: int, holder: bytes, field: str, found: bytes, sealed: bytes
    ) -> ReplaceReply:
        reply = await self._runner.run(_REPLACE, partition, [holder], [field, found, sealed])
        return ReplaceReply(ReplaceStatus(reply[0]))
