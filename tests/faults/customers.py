"""Customers who submit pass keys, and agents who fetch passcodes, several at once for one key."""

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from tests.faults.history import Kind

if TYPE_CHECKING:
    from tests.edge.tenants import Tenant
    from tests.faults.clients import Client, Crew

_AGENTS = 3
_ROUND_SECONDS = 0.03


class Customers:
    def __init__(self, crew: "Crew", tenant: "Tenant") -> None:
        self._crew = crew
        self._tenant = tenant

    async def work(self, name: int) -> None:
        """Submit a pass key, have every second one fetched, and go on with the next, until it is over."""
        customer, *agents = self._crew.hire(1 + _AGENTS)
        for number in count():
            if self._crew.is_over:
                return
            pass_key = f"customer {name} {number}"
            await customer.ask(Kind.SUBMIT, pass_key, self._tenant.submit_request(pass_key))
            if number % 2:
                await asyncio.gather(*[self._fetch(agent, pass_key) for agent in agents])
            await asyncio.sleep(_ROUND_SECONDS)

    async def audit(self) -> None:
        """Fetch whatever was submitted, or seems not to have been, or was fetched before."""
        await self._crew.share(self._fetch, [one.key for one in self._crew.history.of(Kind.SUBMIT)])

    async def fetch_some(self, most: int) -> set[int]:
        """Fetch passcodes that were acknowledged and nobody has asked for; tell the statuses."""
        history = self._crew.history
        asked = {one.key for one in history.of(Kind.FETCH)}
        left = [one.key for one in history.of(Kind.SUBMIT) if one.is_done and one.key not in asked][:most]
        await self._crew.share(self._fetch, left)
        return {one.status for one in history.of(Kind.FETCH) if one.key in left}

    async def _fetch(self, agent: "Client", pass_key: str) -> None:
        await agent.ask(Kind.FETCH, pass_key, self._tenant.fetch_request(pass_key))
