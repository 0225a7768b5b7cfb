"""Waiting for what happens in another process or task: no test sleeps for a guessed time."""

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.01


def wait_until(predicate: "Callable[[], object]", within: float = 5.0, *, message: str = "") -> None:
    """Return as soon as the predicate holds; fail when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(_failure(predicate, within, message))
        time.sleep(POLL_SECONDS)


async def wait_until_async(
    predicate: "Callable[[], Awaitable[object] | object]", within: float = 5.0, *, message: str = ""
) -> None:
    """Like wait_until(), leaving the event loop to others; the predicate may be async."""
    deadline = time.monotonic() + within
    while True:
        holds = predicate()
        if await holds if inspect.isawaitable(holds) else holds:
            return
        if time.monotonic() > deadline:
            raise AssertionError(_failure(predicate, within, message))
        await asyncio.sleep(POLL_SECONDS)


def _failure(predicate: object, within: float, message: str) -> str:
    return f"{message or getattr(predicate, '__qualname__', predicate)}: not within {within} s"
