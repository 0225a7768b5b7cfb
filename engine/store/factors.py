"""Factors in Redis. A factor lives in the partition of the user who got it, and carries that in its id."""

from enum import IntEnum
from typing import NamedTuple

from engine.store import keys
from engine.store.clock import clock
from engine.store.keys import Place
from engine.store.runner import Runner
from engine.store.scripts import load

_ENROL = load("factor/enrol")
_READ = load("factor/read")
_ATTEMPT = load("factor/attempt")
_CHANGE = load("factor/change")
_LIST = load("factor/list")
_SCAN = load("factor/scan")
_FORGET = load("factor/forget")


class EnrolStatus(IntEnum):
    ENROLLED = 0
    TAKEN = 1


class ReadStatus(IntEnum):
    FOUND = 0
    ABSENT = 1


class AttemptStatus(IntEnum):
    COUNTED = 0
    ABSENT = 1
    CLOSED = 2
    SEALED = 3


class ChangeStatus(IntEnum):
    CHANGED = 0
    STALE = 1
    ABSENT = 2
    REPLAYED = 3


class ListStatus(IntEnum):
    LISTED = 0


class ScanStatus(IntEnum):
    SCANNED = 0


class ForgetStatus(IntEnum):
    FORGOTTEN = 0
    ABSENT = 1


class EnrolReply(NamedTuple):
    status: EnrolStatus
    now_ms: int
    value: bytes


class ReadReply(NamedTuple):
    status: ReadStatus
    state: bytes
    version: int
    record: bytes
    created_ms: int
    updated_ms: int


class AttemptReply(NamedTuple):
    status: AttemptStatus
    attempts: int
    now_ms: int
    record: bytes


class ChangeReply(NamedTuple):
    status: ChangeStatus
    now_ms: int


class ListReply(NamedTuple):
    status: ListStatus
    total: int
    ids: bytes


class ScanReply(NamedTuple):
    status: ScanStatus
    cursor: bytes
    ids: bytes


class ForgetReply(NamedTuple):
    status: ForgetStatus


class FactorStore:
    """`tenant` is always the place of a tenant's factors in one partition, the partition of the factor."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def enrol(
        self,
        *,
        user: Place,
        factor: Place,
        tenant: Place,
        factor_id: str,
        record: bytes,
        life_ms: int,
        now_us: int | None = None,
    ) -> EnrolReply:
        reply = await self._runner.run(
            _ENROL,
            factor.partition,
            [keys.claim(user), keys.factor(factor), keys.pending_factors(tenant)],
            [factor_id, record, life_ms, clock(now_us)],
        )
        return EnrolReply(EnrolStatus(reply[0]), *reply[1:])

    async def read(self, *, factor: Place) -> ReadReply:
        reply = await self._runner.run(_READ, factor.partition, [keys.factor(factor)], [])
        return ReadReply(ReadStatus(reply[0]), *reply[1:])

    async def attempt(
        self, *, factor: Place, most: int, ids: bytes = b"", now_us: int | None = None
    ) -> AttemptReply:
        """`ids` are those of the keys that the caller has."""
        reply = await self._runner.run(
            _ATTEMPT, factor.partition, [keys.factor(factor)], [most, ids, clock(now_us)]
        )
        return AttemptReply(AttemptStatus(reply[0]), *reply[1:])

    async def change(
        self,
        *,
        factor: Place,
        user: Place,
        tenant: Place,
        factor_id: str,
        version: int,
        state: str,
        record: bytes,
        step: int | None,
        releases: str = "",
        until_ms: int | None = None,
        now_us: int | None = None,
    ) -> ChangeReply:
        """`user` is whose factor it was: in the factor's partition, or else its name is not released here."""
        reply = await self._runner.run(
            _CHANGE,
            factor.partition,
            [keys.factor(factor), keys.claim(user), *_index(tenant)],
            [factor_id, version, state, record, _or_empty(step), releases, _or_empty(until_ms), clock(now_us)],
        )
        return ChangeReply(ChangeStatus(reply[0]), reply[1])

    async def list(
        self,
        *,
        tenant: Place,
        states: str,
        is_oldest_first: bool,
        most: int,
        life_ms: int,
        now_us: int | None = None,
    ) -> ListReply:
        """`states` has the initials of those that are wanted. `most` counts for each of them."""
        order = "" if is_oldest_first else "REV"
        reply = await self._runner.run(
            _LIST, tenant.partition, _index(tenant), [states, order, most, life_ms, clock(now_us)]
        )
        return ListReply(ListStatus(reply[0]), *reply[1:])

    async def scan(self, *, tenant: Place, is_active: bool, cursor: bytes, most: int) -> ScanReply:
        """`cursor` is that of the reply before; `0` to begin with, and when there is no more."""
        index = keys.active_factors(tenant) if is_active else keys.inactive_factors(tenant)
        reply = await self._runner.run(_SCAN, tenant.partition, [index], [cursor, most])
        return ScanReply(ScanStatus(reply[0]), *reply[1:])

    async def forget(self, *, factor: Place, user: Place, tenant: Place, factor_id: str) -> ForgetReply:
        """`user` is whom the factor was enrolled for."""
        reply = await self._runner.run(
            _FORGET,
            factor.partition,
            [keys.factor(factor), keys.claim(user), *_index(tenant), keys.challenges(factor)],
            [factor_id],
        )
        return ForgetReply(ForgetStatus(reply[0]))


def _or_empty(number: int | None) -> int | str:
    return "" if number is None else number


def _index(tenant: Place) -> list[bytes]:
    return [keys.pending_factors(tenant), keys.active_factors(tenant), keys.inactive_factors(tenant)]
