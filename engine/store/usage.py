"""What tenants use, hour by hour, in Redis: one hash for each tenant."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_ADD = load("usage/add")
_READ = load("usage/read")
_FORGET = load("usage/forget")

HOURS = 8 * 24  # a week, and the day that is not over yet


class AddStatus(IntEnum):
    ADDED = 0


class ReadStatus(IntEnum):
    READ = 0


class ForgetStatus(IntEnum):
    FORGOTTEN = 0
    ABSENT = 1


class AddReply(NamedTuple):
    status: AddStatus


class ReadReply(NamedTuple):
    status: ReadStatus
    hour: int
    lines: bytes


class ForgetReply(NamedTuple):
    status: ForgetStatus


class UsageStore:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def add(
        self,
        *,
        tenant: Place,
        submits: int,
        fetches: int,
        conflicts: int,
        gone: int,
        now_us: int | None = None,
    ) -> AddReply:
        reply = await self._runner.run(
            _ADD,
            tenant.partition,
            [keys.usage(tenant)],
            [submits, fetches, conflicts, gone, HOURS, clock(now_us)],
        )
        return AddReply(AddStatus(reply[0]))

    async def read(self, *, tenant: Place, now_us: int | None = None) -> ReadReply:
        reply = await self._runner.run(_READ, tenant.partition, [keys.usage(tenant)], [clock(now_us)])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def forget(self, *, tenant: Place) -> ForgetReply:
        reply = await self._runner.run(_FORGET, tenant.partition, [keys.usage(tenant)], [])
        return ForgetReply(ForgetStatus(reply[0]))
