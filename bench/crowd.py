"""Users with factors, and challenges to answer, made through the engine itself: what bench/challenges.py asks for.

A challenge is answered once, and a time step is accepted once per factor. So each right answer has a factor of its
own, and its code is computed last: it is good for half a minute at the least, which is longer than a round.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec
import uvloop

from edge.authenticator.callbacks import TOPIC
from edge.scopes import SCOPES
from engine.assembly import Engine, Options, open_engine
from engine.errors import WrongCode
from engine.factor_records import Changes
from engine.ids import ChallengeId, FactorId, TenantId, UserName
from engine.policies import MAX_LIFE_S, MAX_LOCK_AFTER, ChallengePolicy
from engine.tenants import ChallengeSetup, State, Tenant
from engine.tokens import Kind, mint
from engine.totp import TotpPolicy, code_at
from watchword.options import engine_options
from watchword.settings import read_settings

S = TypeVar("S")
T = TypeVar("T")

WRITERS = 128
WRONG_CODE = "00000000"

# Eight digits cost what six do. Of a hundred thousand factors with six, some would have a code twice in a row.
_TOTP = TotpPolicy(digits=8)
_POLICY = ChallengePolicy(life_s=MAX_LIFE_S, lock_after=MAX_LOCK_AFTER, totp=_TOTP)


class Proof(NamedTuple):
    """A factor that was activated, and its secret."""

    factor_id: FactorId
    secret: bytes

    def code(self, *, steps: int = 0) -> str:
        """What the user's app shows now, or so many steps later."""
        return code_at(_TOTP, self.secret, now_s=time.time() + steps * _TOTP.step_s)


class Asked(NamedTuple):
    """A pending challenge, and who can answer it."""

    proof: Proof
    challenge_id: ChallengeId


@dataclass(frozen=True, slots=True)
class Crowd:
    """The users of one tenant."""

    options: Options
    tenant: Tenant
    token: str
    unknown_token: str

    @classmethod
    def gather(cls, environ: Mapping[str, str], *, name: str, callback_url: str | None = None) -> "Crowd":
        """Of a new tenant, which is told of the ends of its challenges if there is an address."""
        options = engine_options(read_settings(environ))
        return uvloop.run(_gather(options, name, callback_url))

    def enrol(self, count: int) -> list[Proof]:
        """Further users, whose factors are active."""
        first = time.time_ns()

        async def enrol(engine: Engine, number: int) -> Proof:
            user = UserName(f"user {first + number}")
            factor = await engine.factors.enrol(self.tenant.id, user=user, policy=_TOTP)
            proof = Proof(factor.id, factor.record.secret)
            await _activate(engine, self.tenant.id, proof)
            return proof

        return self._each(enrol, range(count))

    def challenge(self, proofs: Iterable[Proof]) -> list[Asked]:
        async def challenge(engine: Engine, proof: Proof) -> Asked:
            opened = await engine.challenges.open(self.tenant, proof.factor_id, topic=TOPIC)
            return Asked(proof, opened.id)

        return self._each(challenge, proofs)

    def cancel(self, challenges: Iterable[Asked]) -> None:
        async def cancel(engine: Engine, asked: Asked) -> None:
            await engine.challenges.cancel(self.tenant, asked.proof.factor_id, asked.challenge_id)

        self._each(cancel, challenges)

    def _each(self, work: Callable[[Engine, S], Awaitable[T]], given: Iterable[S]) -> list[T]:
        async def run() -> list[T]:
            async with open_engine(self.options) as engine:
                return await for_each(given, lambda one: work(engine, one))

        return uvloop.run(run())


async def for_each(given: Iterable[S], work: Callable[[S], Awaitable[T]], *, at_once: int = WRITERS) -> list[T]:
    """What comes of each, so many of them at once; in the order in which they come to an end."""
    waiting, done = iter(given), list[T]()

    async def keep_working() -> None:
        for one in waiting:
            done.append(await work(one))

    await asyncio.gather(*[keep_working() for _ in range(at_once)])
    return done


async def _gather(options: Options, name: str, callback_url: str | None) -> Crowd:
    async with open_engine(options) as engine:
        made = await engine.tenants.create(name=name, state=State.ACTIVE)
        setup = ChallengeSetup(issuer=name, callback_url=callback_url)
        await engine.configurations.change_challenges(made.id, lambda _: setup)
        tenant = await engine.tenants.change(made.id, _with_policy)
        client = await engine.clients.create(made.id, name="bench", scopes=SCOPES)
        token = await engine.clients.issue_token(*client, scopes=SCOPES, address="127.0.0.1")
        return Crowd(options, tenant, token.text, mint(Kind.ACCESS_TOKEN, _hex(made.id)))


async def _activate(engine: Engine, tenant_id: TenantId, proof: Proof) -> None:
    """By the code of the step before, so that the present one is good. Again, if the clock turned meanwhile."""
    try:
        await engine.factors.change(tenant_id, proof.factor_id, Changes(code=proof.code(steps=-1)))
    except WrongCode:
        await _activate(engine, tenant_id, proof)


def _with_policy(tenant: Tenant) -> Tenant:
    return msgspec.structs.replace(tenant, challenge_policy=_POLICY)


def _hex(tenant_id: TenantId) -> str:
    return tenant_id.replace("-", "")
