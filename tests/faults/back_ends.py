"""Back ends that challenge users and pass codes on, several at once for one challenge."""

import asyncio
import random
import time
from typing import TYPE_CHECKING

from engine.policies import ChallengePolicy
from engine.totp import TotpPolicy
from tests.edge.apps import PHONE, Factor, code_operation, secret_of
from tests.edge.sockets import Answer, request
from tests.edge.tenants import fresh
from tests.faults.history import Kind

if TYPE_CHECKING:
    from tests.edge.apps import App
    from tests.faults.clients import Client, Crew

_AT_ONCE = 3
_ROUND_SECONDS = 0.03
_FACTORS = "/authenticator/v0.1/factors"
# The codes of 21 steps are good at any time, and steps are long: so a factor can verify twenty challenges.
_TOTP = TotpPolicy(step_s=120, window=10)
_STEPS = range(-_TOTP.window, _TOTP.window + 1)
POLICY = ChallengePolicy(lock_after=100, totp=_TOTP)


class BackEnds:
    def __init__(self, crew: "Crew", app: "App") -> None:
        self._crew = crew
        self._app = app
        self._right: dict[str, bytes] = {}  # answers, by the path of the challenge

    async def work(self, name: int) -> None:
        """Enrol a user, use every code that is good at any time for two challenges, and go on with the next."""
        del name  # users have names of their own
        clients = self._crew.hire(_AT_ONCE)
        while not self._crew.is_over:
            factor = await self._enrol(clients[0])
            if factor is not None:
                await self._use(clients, factor)
            await asyncio.sleep(_ROUND_SECONDS)

    async def audit(self) -> None:
        """Answer once more whatever was opened, and read it."""
        await self._crew.share(self._answer_again, self._right)
        await self._crew.share(self._read, self._right)

    async def _enrol(self, client: "Client") -> Factor | None:
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

    async def _use(self, clients: "list[Client]", factor: Factor) -> None:
        for steps in _STEPS[1:]:
            code, name = factor.code(steps=steps), f"{factor.path} {steps}"
            for _ in range(2):
                if not self._crew.is_over:
                    await self._challenge(clients, factor, code, name)

    async def _challenge(self, clients: "list[Client]", factor: Factor, code: str, name: str) -> None:
        """Open a challenge and answer it until somebody hears what came of it; a wrong code may be among them."""
        path = await self._open(clients[0], factor, name)
        if path is not None:
            self._right[path] = self._app.patch_request(path, code_operation(code))
            sent = [self._right[path]] * len(clients)
            if random.random() < 1 / len(clients):
                wrong = self._app.patch_request(path, code_operation(factor.wrong_code))
                sent[random.randrange(len(sent))] = wrong
            while await self._answer(clients, path, sent) and not self._crew.is_over:
                pass
        await asyncio.sleep(_ROUND_SECONDS)

    async def _open(self, client: "Client", factor: Factor, name: str) -> str | None:
        """The path of a new challenge; None if it could not be had."""
        challenges, asked = f"{factor.path}/challenges", time.monotonic()
        made = await client.exchange(self._app.post_request(challenges, {}))
        path = None
        if isinstance(made, Answer) and made.status == 201:
            path = f"{challenges}/{made.json()['challenge_id']}"
        self._crew.history.note(Kind.OPEN, path or factor.path, asked, made, code=name)
        return path

    async def _answer(self, clients: "list[Client]", path: str, sent: list[bytes]) -> bool:
        """Answer several times at once; tell whether to try again, after a while."""
        asking = [client.ask(Kind.ANSWER, path, one) for client, one in zip(clients, sent, strict=True)]
        answers = await asyncio.gather(*asking)
        if any(isinstance(answer, int) or answer.status != 503 for answer in answers):
            return False
        await asyncio.sleep(_ROUND_SECONDS)
        return True

    async def _answer_again(self, client: "Client", path: str) -> None:
        await client.ask(Kind.ANSWER, path, self._right[path])

    async def _read(self, client: "Client", path: str) -> None:
        await client.ask(Kind.READ, path, request("GET", path, self._app.bearer.items()))
