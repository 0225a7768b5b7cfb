"""Calls that follow upon a change: if Redis cannot be asked any more, nobody may be told that nothing was done."""

from collections.abc import Awaitable
from typing import TypeVar

from engine.errors import OutcomeUnknown, Unavailable

T = TypeVar("T")


async def once_changed(call: Awaitable[T]) -> T:
    """Await a call after another one has changed something.

    Raises:
        OutcomeUnknown: it failed, and what was done is done.
    """
    try:
        return await call
    except Unavailable:
        raise OutcomeUnknown from None
