"""The clock that ages calls, counted in sweeps: an edge that was stopped does not take its calls for old."""

import asyncio
from collections.abc import Callable

_PER_DEADLINE = 5


class Sweeps:
    """One for all links of a process, so that a call keeps its age when it goes from one to another.

    Args:
        deadline_ms: a call is answered by then, or has failed: it does so in the last fifth of it.
    """

    def __init__(self, deadline_ms: int) -> None:
        self.now = 0
        self._seconds = deadline_ms / 1000 / _PER_DEADLINE

    @property
    def overdue(self) -> int:
        """Calls that were made before this sweep are overdue."""
        return self.now - _PER_DEADLINE + 1

    @property
    def stalled(self) -> int:
        """A server that has not answered a call made before this sweep hangs, or the way to it is dead."""
        return self.overdue - _PER_DEADLINE

    @property
    def begins_deadline(self) -> bool:
        """Whether this sweep is the first one of a deadline."""
        return self.now % _PER_DEADLINE == 0

    async def keep(self, sweep: Callable[[], None]) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            self.now += 1
            sweep()
