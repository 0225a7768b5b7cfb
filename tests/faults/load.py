"""Clients at work, in a thread of their own and at a bounded rate, until they are told to stop."""

from typing import TYPE_CHECKING, Self

from anyio.from_thread import start_blocking_portal

from tests.faults.back_ends import BackEnds
from tests.faults.clients import Crew
from tests.faults.customers import Customers

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tests.edge.apps import App
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

_CUSTOMERS, _BACK_ENDS = 4, 3


class Load:
    """Entered, customers are at work, and back ends if there is an app."""

    def __init__(self, edge: "Edge", tenant: "Tenant", app: "App | None" = None) -> None:
        self._crew = Crew(edge)
        self._customers = Customers(self._crew, tenant)
        self._back_ends = None if app is None else BackEnds(self._crew, app)
        self._work: list[Future[None]] = []
        self.history = self._crew.history

    def __enter__(self) -> Self:
        self._portals = start_blocking_portal("asyncio", {"use_uvloop": True})
        self._portal = self._portals.__enter__()
        start = self._portal.start_task_soon
        self._work = [start(self._customers.work, name) for name in range(_CUSTOMERS)]
        if self._back_ends is not None:
            self._work += [start(self._back_ends.work, name) for name in range(_BACK_ENDS)]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._portal.call(self._crew.close)
        self._portals.__exit__(None, None, None)

    def stop(self) -> None:
        """End the work, and wait for the last answers."""
        self._crew.is_over = True
        for work in self._work:
            work.result()

    def audit(self) -> None:
        """Look for all that should be there or should not, once nothing is broken. It is noted as all else is."""
        self._portal.call(self._customers.audit)
        if self._back_ends is not None:
            self._portal.call(self._back_ends.audit)

    def fetch_some(self, most: int) -> set[int]:
        """Fetch passcodes that were acknowledged and nobody has asked for; tell the statuses."""
        return self._portal.call(self._customers.fetch_some, most)
