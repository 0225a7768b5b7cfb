"""What the parts of a right answer to a challenge take: the functions that the edge calls, within one process.

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
from edge.authenticator.callbacks import TOPIC
from edge.limits import x_rate_limit_headers
from engine import factor_records
from engine.assembly import Engine, open_engine
from engine.challenge_records import Challenge, ChallengeRecords, Due, Name, Record, State
from engine.challenges import FIRST_LOCK_MS, LONGEST_LOCK_MS, MOST_FAILURES
from engine.deployment import open_deployment
from engine.errors import LimitState
from engine.store.challenges import AttemptReply, ChallengeStore, ConcludeStatus
from engine.store.deployment import DeploymentStore
from engine.store.keys import KeySpace, Place
from engine.totp import matching_step

ANSWERS = 2000

_AT_ONCE = 64
_HOME = "https://edge.example/authenticator/v0.1/factors"


class Part(NamedTuple):
    """Microseconds per answer, of the edge's process and within Redis."""

    part: str
    edge_us: float
    redis_us: float = 0.0


@dataclass(slots=True)
class Answer:
    """What is known of an answer at first, and what each part leaves for the next."""

    name: Name
    code: str
    body: bytes
    places: tuple[Place, Place, Place] = field(init=False)  # of challenge, factor, and index of factors
    counted: AttemptReply = field(init=False)
    record: Record = field(init=False)
    held: factor_records.Record = field(init=False)
    step: int | None = None

    @classmethod
    def to(cls, crowd: Crowd, asked: Asked) -> "Answer":
        proof, challenge_id = asked
        code = proof.code()
        body = b'[{"op":"add","path":"/code","value":"%s"}]' % code.encode()
        return cls(Name(crowd.tenant.id, proof.factor_id, challenge_id), code, body)


def measure_split(crowd: Crowd, redis_url: str, *, rounds: int) -> list[Part]:
    """Medians over rounds, on the edge's core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {EDGE_CORE})
    try:
        samples = [split(crowd, redis_url) for _ in range(rounds + 1)][1:]  # the first one warms up
    finally:
        os.sched_setaffinity(0, cores)
    return [
        Part(parts[0].part, median(part.edge_us for part in parts), median(part.redis_us for part in parts))
        for parts in zip(*samples, strict=True)
    ]


def split(crowd: Crowd, redis_url: str, *, count: int = ANSWERS) -> list[Part]:
    """The parts in the order in which an answer passes through them."""
    answers = [Answer.to(crowd, asked) for asked in crowd.challenge(crowd.enrol(count))]
    with redis.Redis.from_url(redis_url) as server:
        return uvloop.run(_measure(crowd, server, answers))


async def _measure(crowd: Crowd, server: "redis.Redis", answers: list[Answer]) -> list[Part]:
    async with open_engine(crowd.options) as engine:
        store = DeploymentStore(engine.link)
        partitions = crowd.options.partitions
        space = await open_deployment(store, keyring=crowd.options.keyring, partitions=partitions)
        steps = Steps(engine, space, crowd)
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

    def __init__(self, engine: Engine, space: KeySpace, crowd: Crowd) -> None:
        self._crowd = crowd
        self._clients = engine.clients
        self._factors = engine.factors
        self._store = ChallengeStore(engine.link)
        self._records = ChallengeRecords(self._store, engine.factors, space, keyring=crowd.options.keyring)
        self._encoder = msgspec.json.Encoder()
        self._limits = (LimitState("client", 1_000_000, 1, 999_000, 1),)

    async def admit(self, _: Answer) -> None:
        await self._clients.admit(self._crowd.token, scope="authenticator")

    def decode(self, answer: Answer) -> None:
        patches.challenge_code(answer.body)

    def place(self, answer: Answer) -> None:
        tenant_id, factor_id, _ = answer.name
        factor = self._factors.place(tenant_id, factor_id)
        index = self._factors.index_place(tenant_id, factor)
        answer.places = self._records.beside(factor, answer.name), factor, index

    async def count(self, answer: Answer) -> None:
        challenge, factor, tenant = answer.places
        answer.counted = await self._store.attempt(
            challenge=challenge,
            factor=factor,
            tenant=tenant,
            factor_id=answer.name.factor_id,
            free=self._crowd.tenant.challenge_policy.lock_after,
            first_ms=FIRST_LOCK_MS,
            longest_ms=LONGEST_LOCK_MS,
            last=MOST_FAILURES,
            ids=self._crowd.options.keyring.opens,
        )

    def unseal(self, answer: Answer) -> None:
        name, counted = answer.name, answer.counted
        answer.record = self._records.unseal(name, counted.record)
        answer.held = self._factors.unseal(name.tenant_id, name.factor_id, counted.held)

    def match(self, answer: Answer) -> None:
        held, now_s = answer.held, answer.counted.now_ms / 1000
        answer.step = matching_step(held.policy, held.secret, answer.code, now_s=now_s)

    async def conclude(self, answer: Answer) -> None:
        challenge, factor, _ = answer.places
        concluded = await self._store.conclude(
            challenge=challenge,
            factor=factor,
            is_right=answer.step is not None,
            step=answer.step,
            due_as=Due(answer.name, TOPIC).text,
            notice="",
        )
        if concluded.status is not ConcludeStatus.VERIFIED:
            raise RuntimeError(f"a right code was answered with {concluded.status.name}")

    def encode(self, answer: Answer) -> None:
        name, counted = answer.name, answer.counted
        ended = Challenge(
            name.challenge_id,
            State.VERIFIED,
            answer.record,
            counted.created_ms,
            counted.now_ms,
            counted.expires_ms,
        )
        self._encoder.encode(wire.challenge(ended, home=f"{_HOME}/{name.factor_id}/challenges"))
        x_rate_limit_headers(self._limits)
