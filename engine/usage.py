"""Usage: what a tenant's callers did, hour by hour, for plots. Counted here, and written every few seconds."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

from engine.errors import LinkDown, Overloaded, ScriptFailed, Unavailable
from engine.ids import TenantId
from engine.reading import readable
from engine.store.keys import KeySpace, Place
from engine.store.usage import HOURS, UsageStore
from engine.turns import Turns

DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS

_WRITE_SECONDS = 5.0
_HOUR_S = 3600

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What this process has not written yet of a tenant."""

    submits: int = 0
    fetches: int = 0
    conflicts: int = 0
    gone: int = 0


class Hour(NamedTuple):
    """What was done in an hour that began at an instant, in seconds since the epoch."""

    at: int
    submits: int = 0
    fetches: int = 0
    conflicts: int = 0
    gone: int = 0


class Usage:
    """Entered for the time of serving, it writes what was counted, and the rest when it is left."""

    def __init__(self, store: UsageStore, space: KeySpace) -> None:
        self._store = store
        self._space = space
        self._counts: dict[TenantId, Counts] = {}
        self._turns = Turns()
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._keep_writing(), name="usage")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.write()

    def of(self, tenant_id: TenantId) -> Counts:
        """To be counted up at once: it may be written, and another begun, with the next turn of the loop."""
        counts = self._counts.get(tenant_id)
        if counts is None:
            counts = self._counts[tenant_id] = Counts()
        return counts

    async def write(self) -> None:
        """Add what was counted to what is kept. What may have been added is not added again."""
        counted, self._counts = self._counts, {}
        await self._turns.gather(self._add, counted.items())

    async def read(self, tenant_id: TenantId, *, hours: int) -> Sequence[Hour]:
        """The last hours, up to a week of them, the oldest first; the last one is not over yet."""
        reply = await self._store.read(tenant=self._place(tenant_id))
        kept, unreadable = readable(reply.lines, hour_of)
        if unreadable:
            _logger.error("%d hours of usage cannot be read", unreadable)
        known = {hour.at: hour for hour in kept}
        first = reply.hour - min(hours, HOURS) + 1
        return [known.get(hour * _HOUR_S, Hour(hour * _HOUR_S)) for hour in range(first, reply.hour + 1)]

    async def forget(self, tenant_id: TenantId) -> None:
        self._counts.pop(tenant_id, None)
        await self._store.forget(tenant=self._place(tenant_id))

    async def _add(self, counted: tuple[TenantId, Counts]) -> None:
        tenant_id, counts = counted
        add = partial(self._store.add, tenant=self._place(tenant_id))
        try:
            await add(submits=counts.submits, fetches=counts.fetches, conflicts=counts.conflicts, gone=counts.gone)
        except (LinkDown, Overloaded):  # not done: later
            later = self.of(tenant_id)
            later.submits += counts.submits
            later.fetches += counts.fetches
            later.conflicts += counts.conflicts
            later.gone += counts.gone
        except (Unavailable, ScriptFailed) as error:
            _logger.warning("usage of a tenant may not have been written: %s", str(error) or type(error).__name__)

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            await self.write()

    def _place(self, tenant_id: TenantId) -> Place:
        return self._space.place("tenant", tenant_id)


def hour_of(line: str) -> Hour:
    """Raises: ValueError."""
    hour, submits, fetches, conflicts, gone = map(int, line.split(" "))
    return Hour(hour * _HOUR_S, submits, fetches, conflicts, gone)
