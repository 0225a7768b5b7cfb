"""Tenants that are told of the ends of challenges: some have a receiver that answers, others one that hangs."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle, islice

import uvloop

from bench.crowd import Asked, Crowd
from bench.receiver import Receiver
from bench.requests import environ_for
from bench.servers import redis_server
from engine.assembly import open_engine

ANSWERING = 16
HANGING = 4  # times a quarter of a courier's slots is all of them
PATIENCE_SECONDS = 300.0

_FACTORS = 100  # of a tenant, in as many partitions as there are; they share its challenges
_PACE_SECONDS = (0.02, 0.1)  # between two ends: no multiple of the courier's pause


class Told:
    """The tenants, on a Redis of their own."""

    def __init__(self, stack: ExitStack, receiver: Receiver, *, courier: str) -> None:
        self.redis_url, _ = stack.enter_context(redis_server())
        own = environ_for(self.redis_url, courier=courier)
        self.environ = {**own, "WATCHWORD_CALLBACK_NETWORKS": "127.0.0.0/8"}
        self.receiver = receiver
        self.answering = [self._crowd(f"answers {number}", receiver.url) for number in range(ANSWERING)]
        self.hanging = [self._crowd(f"hangs {number}", receiver.hanging_url) for number in range(HANGING)]

    def end(self, crowds: Sequence[Crowd], events: int) -> set[str]:
        """End so many challenges, shared out among the tenants, by taking them back. Tells which."""
        ended: set[str] = set()
        for crowd in crowds:
            count = events // len(crowds)
            proofs = crowd.enrol(min(count, _FACTORS))
            asked = crowd.challenge(islice(cycle(proofs), count))
            crowd.cancel(asked)
            ended.update(one.challenge_id for one in asked)
        return ended

    def end_in_pace(self, events: int) -> list[float]:
        """End challenges of one tenant one by one. Seconds from each end to its receipt."""
        crowd = self.answering[0]
        ended = uvloop.run(_end_in_pace(crowd, crowd.challenge(crowd.enrol(1) * events)))
        self.receiver.wait_until_told(set(ended), within=PATIENCE_SECONDS)
        return [self.receiver.told[challenge_id] - at for challenge_id, at in ended.items()]

    def _crowd(self, name: str, url: str) -> Crowd:
        return Crowd.gather(self.environ, name=name, callback_url=url)


async def _end_in_pace(crowd: Crowd, challenges: list[Asked]) -> dict[str, float]:
    ended: dict[str, float] = {}
    async with open_engine(crowd.options) as engine:
        for asked in challenges:
            ended[asked.challenge_id] = time.perf_counter()
            await engine.challenges.cancel(crowd.tenant, asked.proof.factor_id, asked.challenge_id)
            await asyncio.sleep(random.uniform(*_PACE_SECONDS))
    return ended
