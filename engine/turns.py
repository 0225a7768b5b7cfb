"""Many calls for one caller, a few at a time: so that the link has room for the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_MOST_AT_ONCE = 32


class Turns:
    """All who share it wait for each other, so that many callers at once have no more under way than one."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def gather(self, call: Callable[[A], Awaitable[B]], each: Iterable[A]) -> list[B]:
        """What a call says of each, in order. Raises what the call raises first."""

        async def in_turn(one: A) -> B:
            async with self._turns:
                return await call(one)

        return await asyncio.gather(*map(in_turn, each))
