"""Seats: where values are kept that are sealed for good, and how each is sealed anew, or changed."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from engine.sealing import Keyring
from engine.store.seals import ReadStatus, ReplaceStatus, SealStore


class Seat(NamedTuple):
    """A field of a hash in Redis, and what its value opens with."""

    partition: int
    key: bytes
    field: str
    scope: str
    bound_to: bytes


class Resealed(StrEnum):
    """What became of a value."""

    DONE = "done"
    CURRENT = "current"  # it was sealed with the first key before
    LOST = "lost"  # nothing here opens it
    GONE = "gone"


class Seats:
    def __init__(self, store: SealStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def read(self, seat: Seat) -> bytes | None:
        """The sealed value, None if there is none any more."""
        reply = await self._store.read(partition=seat.partition, holder=seat.key, field=seat.field)
        return reply.sealed if reply.status is ReadStatus.FOUND else None

    async def reseal(self, seat: Seat) -> Resealed:
        """Seal a value with the first key. Whoever changes it at the same time wins, and is looked at again.

        Raises:
            CannotUnseal
        """
        while (found := await self.read(seat)) is not None:
            if self._keyring.is_current(found):
                return Resealed.CURRENT
            if await self._replace(seat, found, self._opened(seat, found)):
                return Resealed.DONE
        return Resealed.GONE

    async def rewrite(self, seat: Seat, change: Callable[[bytes], bytes]) -> bool:
        """Replace a value by what `change` makes of it; it is called again if somebody was faster. False = there
        is none.

        Raises:
            CannotUnseal
        """
        while (found := await self.read(seat)) is not None:
            if await self._replace(seat, found, change(self._opened(seat, found))):
                return True
        return False

    def _opened(self, seat: Seat, found: bytes) -> bytes:
        """Raises: CannotUnseal."""
        return self._keyring.unseal(found, scope=seat.scope, bound_to=seat.bound_to)

    async def _replace(self, seat: Seat, found: bytes, content: bytes) -> bool:
        """False = somebody was faster."""
        reply = await self._store.replace(
            partition=seat.partition,
            holder=seat.key,
            field=seat.field,
            found=found,
            sealed=self._keyring.seal(content, scope=seat.scope, bound_to=seat.bound_to),
        )
        return reply.status is ReplaceStatus.REPLACED
