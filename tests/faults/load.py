"""Clients at work, at a bounded rate: customers and agents with passcodes, back ends with challenges."""

import asyncio
import random
import time
from itertools import count
from typing import TYPE_CHECKING, Self

from anyio.from_thread import start_blocking_portal

from engine.policies import ChallengePolicy
from engine.totp import TotpPolicy
from tests.edge.apps import PHONE, Factor, code_operation, secret_of
from tests.edge.sockets import Answer, request
from tests.edge.tenants import fresh
from tests.faults.clients import Client
from tests.faults.history import History, Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from concurrent.futures import Future

    from tests.edge.apps import App
    from tests.edge.program import Edge

RACERS = 3
_CUSTOMERS, _BACK_ENDS, _AUDITORS = 4, 3, 8
_ROUND_SECONDS = 0.03
_FACTORS = "/authenticator/v0.1/factors"
# The codes of 21 steps are good at any time, and steps are long: so a factor can verify twenty challenges.
_TOTP = TotpPolicy(step_s=120, window=10)
_STEPS = range(-_TOTP.window, _TOTP.window + 1)
POLICY = ChallengePolicy(lock_after=100, totp=_TOTP)


class Load:
    """Entered, clients are at work.

    Customers submit a pass key of their own; every second one is fetched by several agents at once. Back ends open
    challenges and answer each several times at once, sometimes with a wrong code among right ones, until somebody
    is told what came of it. Each code is tried for two challenges.
    """

    def __init__(self, edge: "Edge", app: "App") -> None:
        self.history = History()
        self._edge = edge
        self._app = app
        self._tenant = app.tenant
        self._over = False
        self._codes: dict[str, bytes] = {}  # what may verify a challenge, by its path
        self._clients: list[Client] = []
        self._work: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._portals = start_blocking_portal("asyncio", {"use_uvloop": True})
        self._portal = self._portals.__enter__()
        self._work = [
            *[self._portal.start_task_soon(self._customer, name) for name in range(_CUSTOMERS)],
            *[self._portal.start_task_soon(self._back_end) for _ in range(_BACK_ENDS)],
        ]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._portal.call(self._close)
        self._portals.__exit__(None, None, None)

    def stop(self) -> None:
        """End the work, and wait for the last answers."""
        self._over = True
        for work in self._work:
            work.result()

    def audit(self) -> None:
        """Look for all that should be there or should not, once nothing is broken. It is noted as all else is."""
        self._portal.call(self._audit)

    def fetch_some(self, most: int) -> set[int]:
        """Fetch passcodes that were acknowledged and nobody has asked for; tell the statuses."""
        asked = {one.key for one in self.history.of(Kind.FETCH)}
        left = [one.key for one in self.history.of(Kind.SUBMIT) if one.is_done and one.key not in asked]
        chosen = left[:most]
        self._portal.call(self._share, self._fetch, chosen)
        return {one.status for one in self.history.of(Kind.FETCH) if one.key in {*chosen}}

    def verified(self) -> int:
        return sum(one.told == "VERIFIED" for one in self.history.of(Kind.ANSWER))

    def _clients_of(self, size: int) -> list[Client]:
        clients = [Client(self._edge, self.history) for _ in range(size)]
        self._clients += clients
        return clients

    async def _close(self) -> None:
        for client in self._clients:
            client.close()

    async def _customer(self, name: int) -> None:
        customer, *agents = self._clients_of(1 + RACERS)
        for number in count():
            if self._over:
                return
            pass_key = f"customer {name} {number}"
            await customer.ask(Kind.SUBMIT, pass_key, self._tenant.submit_request(pass_key))
            if number % 2:
                await asyncio.gather(*[self._fetch(agent, pass_key) for agent in agents])
            await asyncio.sleep(_ROUND_SECONDS)

    async def _fetch(self, agent: Client, pass_key: str) -> None:
        await agent.ask(Kind.FETCH, pass_key, self._tenant.fetch_request(pass_key))

    async def _back_end(self) -> None:
        clients = self._clients_of(RACERS)
        while not self._over:
            factor = await self._enrol(clients[0])
            if factor is not None:
                await self._use(clients, factor)
            await asyncio.sleep(_ROUND_SECONDS)

    async def _use(self, clients: list[Client], factor: Factor) -> None:
        """Two challenges for each of its codes that are good at any time."""
        for steps in _STEPS[1:]:
            code, name = factor.code(steps=steps), f"{factor.path} {steps}"
            for _ in range(2):
                if not self._over:
                    await self._challenge(clients, factor, code, name)

    async def _enrol(self, client: Client) -> Factor | None:
        """An active factor; None if it could not be had."""
        body = {"phone_number": PHONE, "external_user_id": fresh("user")}
        made = await client.exchange(self._app.post_request(_FACTORS, body))
        if isinstance(made, int) or made.status != 201:
            return None
        said = made.json()
        factor = Factor(f"{_FACTORS}/{said['factor_id']}", secret_of(said["url"]), _TOTP)
        first = code_operation(factor.code(steps=_STEPS[0]))
        activated = await client.ask(Kind.ENROL, factor.path, self._app.patch_request(factor.path, first))
        return factor if isinstance(activated, Answer) and activated.status == 200 else None

    async def _challenge(self, clients: list[Client], factor: Factor, code: str, name: str) -> None:
        path = await self._open(clients[0], factor, name)
        if path is not None:
            self._codes[path] = self._app.patch_request(path, code_operation(code))
            wrong = self._app.patch_request(path, code_operation(factor.wrong_code))
            sent = [self._codes[path]] * len(clients)
            if random.random() < 1 / RACERS:
                sent[random.randrange(len(sent))] = wrong
            while await self._answer(clients, path, sent) and not self._over:
                pass
        await asyncio.sleep(_ROUND_SECONDS)

    async def _answer(self, clients: list[Client], path: str, sent: list[bytes]) -> bool:
        """Answer several times at once; tell whether to try again, after a while."""
        asking = [client.ask(Kind.ANSWER, path, one) for client, one in zip(clients, sent, strict=True)]
        answers = await asyncio.gather(*asking)
        if any(isinstance(answer, int) or answer.status != 503 for answer in answers):
            return False
        await asyncio.sleep(_ROUND_SECONDS)
        return True

    async def _open(self, client: Client, factor: Factor, name: str) -> str | None:
        """The path of a new challenge; None if it could not be had."""
        challenges, asked = f"{factor.path}/challenges", time.monotonic()
        made = await client.exchange(self._app.post_request(challenges, {}))
        path = None
        if isinstance(made, Answer) and made.status == 201:
            path = f"{challenges}/{made.json()['challenge_id']}"
        self.history.note(Kind.OPEN, path or factor.path, asked, made, code=name)
        return path

    async def _audit(self) -> None:
        """Fetch what was never fetched, and what was; answer what was never answered, and what was."""
        await self._share(self._fetch, [one.key for one in self.history.of(Kind.SUBMIT)])
        await self._share(self._answer_again, self._codes)
        await self._share(self._read, self._codes)

    async def _answer_again(self, client: Client, path: str) -> None:
        await client.ask(Kind.ANSWER, path, self._codes[path])

    async def _read(self, client: Client, path: str) -> None:
        await client.ask(Kind.READ, path, request("GET", path, self._app.bearer.items()))

    async def _share(self, work: "Callable[[Client, str], Awaitable[None]]", keys: "Iterable[str]") -> None:
        """Do the work for each key, by several clients at once."""
        left = iter([*keys])

        async def take(client: Client) -> None:
            for key in left:
                await work(client, key)

        await asyncio.gather(*map(take, self._clients_of(_AUDITORS)))
