"""The index of a tenant's factors: it has a share in every partition, kept by the scripts, and is merged here."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from engine.ids import FactorId, TenantId
from engine.store.factors import FactorStore, ScanReply
from engine.store.keys import KeySpace
from engine.turns import Turns

# What a partition is asked for beyond its fair share, so that asking twice is rare.
_SLACK = 16


class _Listed(NamedTuple):
    """Sorts as Redis sorts: those of one instant by their ids, forwards or backwards with the rest."""

    created_ms: int
    id: FactorId


class _Part(NamedTuple):
    """The first of a partition, in order, and how many there are."""

    total: int
    first: list[_Listed]

    def may_have_more(self, ahead: set[_Listed]) -> bool:
        """Whether there may be something that was not listed, ahead of the last one that is wanted."""
        return len(self.first) < self.total and self.first[-1] in ahead


class _Asked(NamedTuple):
    """What a partition is asked for."""

    tenant_id: TenantId
    share: int
    states: str
    is_oldest_first: bool


class FactorIndex:
    def __init__(self, store: FactorStore, space: KeySpace, *, pending_life_ms: int) -> None:
        self._store = store
        self._space = space
        self._pending_life_ms = pending_life_ms
        self._turns = Turns()

    async def top(
        self, tenant_id: TenantId, count: int, *, states: str, is_oldest_first: bool
    ) -> tuple[int, list[FactorId]]:
        """How many factors a tenant has in these states, by their initials, and the first of them in order of age.

        Each partition is asked for its share, and for more only if it may have more of those that are wanted. All
        of them are read: a page far down costs as much as all that is above it.
        """
        parts: dict[int, _Part] = {}
        wanted = list(range(self._space.partitions))
        share = count // self._space.partitions + _SLACK
        top: list[_Listed] = []
        while wanted:
            asked = _Asked(tenant_id, share, states, is_oldest_first)
            read = await self._turns.gather(partial(self._part, asked), wanted)
            parts.update(zip(wanted, read, strict=True))
            listed = chain.from_iterable(part.first for part in parts.values())
            top = sorted(listed, reverse=not is_oldest_first)[:count]
            ahead = set(top[: count - 1])
            wanted = [number for number, part in parts.items() if part.may_have_more(ahead)]
            share *= 2
        return sum(part.total for part in parts.values()), [listed.id for listed in top]

    async def kept(self, tenant_id: TenantId, *, step: int) -> AsyncIterator[Sequence[FactorId]]:
        """The ids of all that live for good, some of a partition at a time.

        A factor becomes active, then inactive, and never goes back: so of those there from the first to the last
        step none is missed, whatever becomes of it.
        """
        for is_active in (True, False):
            wanted: list[tuple[int, bytes]] = [(number, b"0") for number in range(self._space.partitions)]
            while wanted:
                scan = partial(self._scan, tenant_id, is_active=is_active, step=step)
                replies = await self._turns.gather(scan, wanted)
                for reply in replies:
                    if ids := reply.ids.decode().split():
                        yield [*map(FactorId, ids)]
                cursors = [(number, reply.cursor) for (number, _), reply in zip(wanted, replies, strict=True)]
                wanted = [(number, cursor) for number, cursor in cursors if cursor != b"0"]

    async def _scan(
        self, tenant_id: TenantId, wanted: tuple[int, bytes], *, is_active: bool, step: int
    ) -> ScanReply:
        number, cursor = wanted
        tenant = self._space.place_in(number, "factors", tenant_id)
        return await self._store.scan(tenant=tenant, is_active=is_active, cursor=cursor, most=step)

    async def _part(self, asked: _Asked, number: int) -> _Part:
        reply = await self._store.list(
            tenant=self._space.place_in(number, "factors", asked.tenant_id),
            states=asked.states,
            is_oldest_first=asked.is_oldest_first,
            most=asked.share,
            life_ms=self._pending_life_ms,
        )
        words = reply.ids.decode().split()
        listed = [
            _Listed(int(created_ms), FactorId(factor_id))
            for factor_id, created_ms in zip(words[::2], words[1::2], strict=True)
        ]
        return _Part(reply.total, sorted(listed, reverse=not asked.is_oldest_first)[: asked.share])
