"""What the parts of an answer to a challenge take: the functions that the edge calls, within one process.

Each part is done for all answers before the next one begins, as many at a time as the load has connections: calls
share their writes and reads as they do at the edge.
"""

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import msgspec
import redis
import uvloop

from bench.crowd import Asked, Crowd, for_each
from bench.servers import EDGE_CORE
from edge.authenticator import patches, wire
from edge.limits import x_rate_limit_headers
from engine import challenges, factors
from engine.assembly import Engine, open_engine
from engine.deployment import open_deployment
from engine.errors import LimitState
from engine.ids import FactorId
from engine.sealing import Keyring
from engine.store.challenges import AttemptReply, ChallengeStore, ConcludeStatus
from engine.store.deployment import DeploymentStore
from engine.store.keys import KeySpace, Place
from engine.totp import matching_step

_AT_ONCE = 64
_ANSWERS = 2000
_HOME = "https://edge.example/authenticator/v0.1/factors"


class Part(NamedTuple):
    """Microseconds per answer, of the edge's process and within Redis."""

    name: str
    edge_us: float
    redis_us: float = 0.0


@dataclass(slots=True)
class Answer:
    """A right answer, and what one part leaves for the next."""

    asked: Asked
    code: str
    body: bytes
    places: tuple[Place, Place] = field(init=False)  # of the challenge and of its factor
    counted: AttemptReply = field(init=False)
    record: challenges.Record = field(init=False)
    held: factors.Record = field(init=False)
    step: int | None = None

    @classmethod
    def to(cls, asked: Asked) -> "Answer":
        code = asked.proof.code()
        return cls(asked, code, b'[{"op":"add","path":"/code","value":"%s"}]' % code.encode())

    @property
    def factor_id(self) -> FactorId:
        return self.asked.proof.factor_id


def measure_split(crowd: Crowd, redis_url: str, *, rounds: int) -> list[Part]:
    """Medians over rounds, on the edge's core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {EDGE_CORE})
    try:
        samples = [_sample(crowd, redis_url) for _ in range(rounds + 1)][1:]  # the first one warms up
    finally:
        os.sched_setaffinity(0, cores)
    return [
        Part(parts[0].name, median(part.edge_us for part in parts), median(part.redis_us for part in parts))
        for parts in zip(*samples, strict=True)
    ]


def _sample(crowd: Crowd, redis_url: str) -> list[Part]:
    asked = crowd.challenge(crowd.enrol(_ANSWERS))
    answers = list(map(Answer.to, asked))
    with redis.Redis.from_url(redis_url) as server:
        return uvloop.run(_measure(crowd, server, answers))


async def _measure(crowd: Crowd, server: "redis.Redis", answers: list[Answer]) -> list[Part]:
    """The parts in the order in which an answer passes through them."""
    async with open_engine(crowd.options) as engine:
        keyring = crowd.options.keyring
        store = DeploymentStore(engine.link)
        space = await open_deployment(store, keyring=keyring, partitions=crowd.options.partitions)
        steps = Steps(engine, space, keyring, crowd)
        return [
            await _calls("access token, limit", steps.admit, answers, server),
            _loop("JSON Patch", steps.decode, answers),
            _loop("names of keys", steps.place, answers),
            await _calls("script: count", steps.count, answers, server),
            _loop("unseal", steps.unseal, answers),
            _loop("TOTP", steps.match, answers),
            await _calls("script: conclude", steps.conclude, answers, server),
            _loop("answer, headers of limits", steps.encode, answers),
        ]


async def _calls(
    name: str, work: Callable[[Answer], Awaitable[None]], answers: list[Answer], server: "redis.Redis"
) -> Part:
    server.config_resetstat()
    began = time.process_time()
    await for_each(answers, work, at_once=_AT_ONCE)
    edge_us = (time.process_time() - began) / len(answers) * 1e6
    return Part(name, edge_us, server.info("commandstats")["cmdstat_evalsha"]["usec"] / len(answers))


def _loop(name: str, work: Callable[[Answer], None], answers: list[Answer]) -> Part:
    began = time.process_time()
    for answer in answers:
        work(answer)
    return Part(name, (time.process_time() - began) / len(answers) * 1e6)


class Steps:
    """What `engine.challenges.Challenges.answer` and the edge around it do, one after another."""

    def __init__(self, engine: Engine, space: KeySpace, keyring: Keyring, crowd: Crowd) -> None:
        self._engine = engine
        self._space = space
        self._keyring = keyring
        self._tenant = crowd.tenant
        self._token = crowd.token
        self._store = ChallengeStore(engine.link)
        self._encoder = msgspec.json.Encoder()
        self._limits = (LimitState("client", 1_000_000, 1, 999_000, 1),)

    async def admit(self, _: Answer) -> None:
        await self._engine.clients.admit(self._token, scope="authenticator")

    def decode(self, answer: Answer) -> None:
        patches.challenge_code(answer.body)

    def place(self, answer: Answer) -> None:
        name = (self._tenant.id, answer.factor_id, answer.asked.challenge_id)
        factor = self._engine.factors.place(self._tenant.id, answer.factor_id)
        answer.places = self._space.place_in(factor.partition, "challenge", *name), factor

    async def count(self, answer: Answer) -> None:
        challenge, factor = answer.places
        answer.counted = await self._store.attempt(challenge=challenge, factor=factor)

    def unseal(self, answer: Answer) -> None:
        bound_to = answer.asked.challenge_id.encode()
        content = self._keyring.unseal(answer.counted.record, scope=self._tenant.id, bound_to=bound_to)
        answer.record = msgspec.msgpack.decode(content, type=challenges.Record)
        answer.held = self._engine.factors.unseal(self._tenant.id, answer.factor_id, answer.counted.held)

    def match(self, answer: Answer) -> None:
        held, now_s = answer.held, answer.counted.now_ms / 1000
        answer.step = matching_step(held.policy, held.secret, answer.code, now_s=now_s)

    async def conclude(self, answer: Answer) -> None:
        challenge, factor = answer.places
        concluded = await self._store.conclude(
            challenge=challenge,
            factor=factor,
            is_right=answer.step is not None,
            step=answer.step,
            free=self._tenant.challenge_policy.lock_after,
            first_ms=challenges.FIRST_LOCK_MS,
            longest_ms=challenges.LONGEST_LOCK_MS,
            due_as=f"{self._tenant.id} {answer.factor_id} {answer.asked.challenge_id}",
            notice="",
        )
        if concluded.status is not ConcludeStatus.VERIFIED:
            raise RuntimeError(f"a right code was answered with {concluded.status.name}")

    def encode(self, answer: Answer) -> None:
        counted = answer.counted
        ended = challenges.Challenge(
            answer.asked.challenge_id,
            challenges.State.VERIFIED,
            answer.record,
            counted.created_ms,
            counted.now_ms,
            counted.expires_ms,
        )
        self._encoder.encode(wire.challenge(ended, home=f"{_HOME}/{answer.factor_id}/challenges"))
        x_rate_limit_headers(self._limits)
