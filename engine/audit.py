"""The audit trails as they are read: of one tenant or, in the journals, of the whole deployment.

A trail has a share in every partition (engine.recording). They are merged here by time, some of each at a time, so
that neither Redis nor this process has much to do at once.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from engine.audit_events import MOST, Event, Filter, Position, parse_line
from engine.ids import AdminId, TenantId
from engine.pass_keys import normalise
from engine.reading import readable
from engine.recording import trail_of_admin, trail_of_passcodes, trail_of_tenant
from engine.store import keys
from engine.store.audit import AuditStore, ReadStatus
from engine.store.keys import KeySpace
from engine.tenants import Tenants
from engine.turns import Turns

_STEP = 500  # entries that one call looks at
_LEAST_STEP = 16
_PAGE_CALLS = 400  # of half a millisecond of Redis each
_FOLLOW_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """Some events, in order. `after` is where the next page begins: there may be one, unless it is None.

    A page may be short of events, or have none, and yet have a next one: of a long trail of which little is looked
    for, a page reads a bounded part.
    """

    events: list[Event]
    after: Position | None


class _Share:
    """A trail in one partition, how far it was read, and what of that was not told yet."""

    def __init__(self, number: int, partition: int, trail: bytes) -> None:
        self.number = number
        self.partition = partition
        self.trail = trail
        self.looked: Position | None = None
        self.found: list[Event] = []  # the next one is the last
        self.is_ended = False


class _Asked(NamedTuple):
    sought: Filter
    is_oldest_first: bool
    step: int
    after: Position | None = None

    def bounds(self, share: _Share) -> tuple[str, str]:
        """Where to go on in a share, and where to end."""
        after = share.looked or self.after
        low, high = self.sought.range
        if self.is_oldest_first:
            return (low if after is None else after.bound(share.number, is_oldest_first=True)), high
        return (high if after is None else after.bound(share.number, is_oldest_first=False)), low

    def turn(self, position: Position | None) -> tuple[int, int, int]:
        """Sorts as the events are told; what was not looked at yet comes first."""
        if position is None:
            return (-MOST, 0, 0)
        return position if self.is_oldest_first else (-position.at_ms, -position.sequence, -position.share)


class Audit:
    def __init__(self, store: AuditStore, space: KeySpace, tenants: Tenants) -> None:
        self._store = store
        self._space = space
        self._tenants = tenants
        self._turns = Turns()

    async def read(
        self,
        tenant_id: TenantId | None,
        sought: Filter,
        *,
        most: int,
        after: Position | None = None,
        is_oldest_first: bool = False,
    ) -> Page:
        """A page of a tenant's events, or of the journals of all tenants, which tell of no passcodes.

        Raises:
            UnknownTenant
        """
        shares = await self._shares(tenant_id)
        step = min(most // len(shares) + _LEAST_STEP, _STEP)
        asked = _Asked(sought, is_oldest_first, step, after)
        events: list[Event] = []
        calls = 0
        async with aclosing(self._merge(shares, asked)) as merged:
            async for event in merged:
                if isinstance(event, _Looked):
                    calls += event.calls
                    if event.at is not None and calls >= _PAGE_CALLS:  # each share was asked once at least
                        return Page(events, event.at)
                    continue
                events.append(event)
                if len(events) == most:
                    return Page(events, event.position)
        return Page(events, None)

    async def export(self, tenant_id: TenantId | None, sought: Filter) -> AsyncGenerator[Event]:
        """Every event, the oldest first, as `read` has them.

        Raises:
            UnknownTenant
        """
        shares = await self._shares(tenant_id)
        async with aclosing(self._merge(shares, _Asked(sought, is_oldest_first=True, step=_STEP))) as merged:
            async for event in merged:
                if isinstance(event, Event):
                    yield event

    async def follow(self, tenant_id: TenantId | None, sought: Filter, *, last: int) -> AsyncGenerator[Event]:
        """The last events, the oldest first, then those that come, without end. `sought` has no bounds of time.

        Raises:
            UnknownTenant
        """
        shares = await self._shares(tenant_id)
        newest = _Asked(Filter(), is_oldest_first=False, step=1)
        await self._turns.gather(partial(self._look, newest), shares)
        reached = {share.number: share.looked for share in shares}
        told = (await self.read(tenant_id, sought, most=last)).events if last else []
        for event in reversed(told):
            yield event
            reached[event.position.share] = max(reached[event.position.share] or event.position, event.position)
        while True:
            for share in shares:
                share.looked = reached[share.number] or Position(0, 0, share.number)
                share.is_ended, share.found = False, []
            async with aclosing(self._merge(shares, _Asked(sought, is_oldest_first=True, step=_STEP))) as merged:
                async for event in merged:
                    if isinstance(event, Event):
                        yield event
            reached = {share.number: share.looked for share in shares}
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def subject(self, tenant_id: TenantId, pass_key: str) -> str:
        """What a pass key is called in the events of a tenant.

        Raises:
            UnknownTenant, Invalid
        """
        tenant = await self._tenants.read(tenant_id)
        key = normalise(pass_key, country_code=tenant.country_code)
        return self._space.place("passcode", tenant_id, key).digest.decode()

    async def forget(self, tenant_id: TenantId) -> None:
        """Remove a tenant's own trails. What the journals tell of it stays as long as it is kept."""
        for number in range(self._space.partitions):
            await self._store.forget(owner=trail_of_passcodes(self._space, number, tenant_id))
        await self._store.forget(owner=trail_of_tenant(self._space, tenant_id))

    async def _shares(self, tenant_id: TenantId | None) -> Sequence[_Share]:
        """Raises: UnknownTenant."""
        space, partitions = self._space, range(self._space.partitions)
        if tenant_id is None:
            return [_Share(number, number, keys.journal(space.partition(number))) for number in partitions]
        owner: AdminId | None = (await self._tenants.read(tenant_id)).owner
        # Of one instant, what was done to a tenant is told ahead of what was done with it.
        trails = [trail_of_tenant(space, tenant_id)]
        trails += [trail_of_passcodes(space, number, tenant_id) for number in partitions]
        shares = [_Share(number, trail.partition, keys.audit(trail)) for number, trail in enumerate(trails, 1)]
        if owner is not None:
            trail = trail_of_admin(space, owner)
            shares.append(_Share(0, trail.partition, keys.audit(trail)))
        return shares

    async def _merge(self, shares: Sequence[_Share], asked: _Asked) -> "AsyncGenerator[Event | _Looked]":
        """Events in order, and after each round of calls how far all of them are told.

        Of each share that is not at its end there is one item in the heap: its next event or, where none is known,
        how far it was looked at. When that is the first, nothing more can be told before the share is asked again.
        """
        heap = [(asked.turn(share.looked), share.number) for share in shares]
        heapify(heap)
        of = {share.number: share for share in shares}
        while heap:
            share = of[heap[0][1]]
            if share.found:
                heappop(heap)
                event = share.found.pop()
                if share.found or not share.is_ended:
                    at = share.found[-1].position if share.found else share.looked
                    heappush(heap, (asked.turn(at), share.number))
                yield event
                continue
            dry = [share for share in shares if not share.found and not share.is_ended]
            yield _Looked(len(dry), share.looked)
            await self._turns.gather(partial(self._look, asked), dry)
            left = [share for share in shares if share.found or not share.is_ended]
            heap = [
                (asked.turn(share.found[-1].position if share.found else share.looked), share.number)
                for share in left
            ]
            heapify(heap)

    async def _look(self, asked: _Asked, share: _Share) -> None:
        first, last = asked.bounds(share)
        reply = await self._store.read(
            partition=share.partition,
            trail=share.trail,
            is_oldest_first=asked.is_oldest_first,
            first=first,
            last=last,
            most=asked.step,
            sought=asked.sought.sought,
        )
        share.is_ended = reply.status is ReadStatus.ENDED
        if reply.looked:
            share.looked = Position.of_id(reply.looked.decode(), share.number)
        found, unreadable = readable(reply.entries, partial(parse_line, share.number))
        if unreadable:
            _logger.error("%d events of an audit trail cannot be read", unreadable)
        share.found = found[::-1]


class _Looked(NamedTuple):
    """How many shares are about to be asked, and up to where all events were told before."""

    calls: int
    at: Position | None
