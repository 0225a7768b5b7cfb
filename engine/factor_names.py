"""The names of factors, each of which one factor has. A name and its factor may be in different partitions.

A factor that is to have a name holds it first, and has it then (docs/decisions/0021-names-that-heal.md). Whatever
is interrupted leaves a claim too many, never one too few: a claim whose factor does not have the name is given up
by the next who asks for it.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from engine.errors import UserTaken
from engine.ids import FactorId, TenantId, UserName
from engine.store.claims import ClaimStore, HoldStatus, ReadStatus
from engine.store.keys import KeySpace, Place

# What is held must be had within the first; it is given up after the second. In between there is time for two
# servers of Redis whose clocks differ.
_HAVE_WITHIN_MS = 30_000
_GIVE_UP_AFTER_MS = 60_000


class Held(NamedTuple):
    """A name that a factor may come to have until `until_ms`, by the clock of Redis."""

    value: str
    until_ms: int


class Claim(NamedTuple):
    """A claim by its value. Of a factor that was enrolled under the name, the instant is 0."""

    owner: FactorId
    taken_ms: int

    @classmethod
    def parse(cls, value: bytes) -> "Claim":
        owner, *rest = value.decode().split()
        return cls(FactorId(owner), int(rest[0]) if rest else 0)


class FactorNames:
    """`name_of` tells the name that a factor has, None = there is no such factor."""

    def __init__(
        self,
        claims: ClaimStore,
        space: KeySpace,
        name_of: Callable[[TenantId, FactorId], Awaitable[UserName | None]],
    ) -> None:
        self._claims = claims
        self._space = space
        self._name_of = name_of

    def place(self, tenant_id: TenantId, user: UserName) -> Place:
        return self._space.place("user", tenant_id, user)

    async def owner(self, tenant_id: TenantId, user: UserName) -> FactorId | None:
        """Who has claimed a name. Whether it has it, only the factor itself knows."""
        reply = await self._claims.read(name=self.place(tenant_id, user))
        return None if reply.status is ReadStatus.FREE else Claim.parse(reply.value).owner

    async def hold(
        self, tenant_id: TenantId, factor_id: FactorId, user: UserName, *, lapse_ms: int | None
    ) -> Held:
        """Claim a name for a factor, which may have it already. None = it does not lapse.

        Raises:
            UserTaken
        """
        while True:
            reply = await self._claims.hold(
                name=self.place(tenant_id, user),
                owner=factor_id,
                nonce=secrets.token_hex(8),
                lapse_ms=lapse_ms,
            )
            if reply.status is HoldStatus.HELD:
                return Held(reply.value.decode(), reply.now_ms + _HAVE_WITHIN_MS)
            await self.give_up(tenant_id, user, reply.value, now_ms=reply.now_ms)

    async def release(self, tenant_id: TenantId, user: UserName, value: str) -> None:
        """Free a name that its factor has no longer. If it holds it anew, that stands."""
        await self._claims.release(name=self.place(tenant_id, user), value=value)

    async def give_up(self, tenant_id: TenantId, user: UserName, value: bytes, *, now_ms: int) -> None:
        """Free a name whose factor does not have it and cannot come to have it by this claim. Then try again.

        Raises:
            UserTaken: it has it, or may be about to.
        """
        claim = Claim.parse(value)
        name = await self._name_of(tenant_id, claim.owner)
        is_fresh = now_ms <= claim.taken_ms + _GIVE_UP_AFTER_MS
        if name is not None and (name == user or is_fresh):
            raise UserTaken
        await self._claims.release(name=self.place(tenant_id, user), value=value)
