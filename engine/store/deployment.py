"""What is fixed when a deployment is first started."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.runner import Runner
from engine.store.scripts import load

_OPEN = load("deployment/open")
_KEEP = load("deployment/keep")
_LIST = load("deployment/list")


class OpenStatus(IntEnum):
    FOUNDED = 0
    JOINED = 1


class KeepStatus(IntEnum):
    KEPT = 0
    FOUND = 1


class ListStatus(IntEnum):
    LISTED = 0


class ListReply(NamedTuple):
    status: ListStatus
    names: bytes


class KeepReply(NamedTuple):
    status: KeepStatus
    secret: bytes


class OpenReply(NamedTuple):
    status: OpenStatus
    partitions: int
    index_key: bytes


class DeploymentStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def open(self, *, partitions: int, index_key: bytes) -> OpenReply:
        reply = await self._runner.run(_OPEN, 0, [keys.DEPLOYMENT], [partitions, index_key])
        return OpenReply(OpenStatus(reply[0]), *reply[1:])

    async def keep(self, *, name: str, proposal: bytes) -> KeepReply:
        reply = await self._runner.run(_KEEP, 0, [keys.DEPLOYMENT], [name, proposal])
        return KeepReply(KeepStatus(reply[0]), reply[1])

    async def list(self) -> ListReply:
        """The names of all that is kept, one a line."""
        reply = await self._runner.run(_LIST, 0, [keys.DEPLOYMENT], [])
        return ListReply(ListStatus(reply[0]), reply[1])
