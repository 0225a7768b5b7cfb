"""Leases on limits: asking Redis seldom must never let more through than asking it every time."""

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from engine.errors import LimitExceeded
from engine.leases import HOLD_SECONDS, Lease
from engine.limits import Limits
from engine.rates import Rate, per_second
from engine.store import keys
from engine.store.limits import LimitStore
from tests.engine.conftest import link_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from engine.store.keys import KeySpace
    from engine.store.opening import AnyLink
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

WORKERS = 4
RATE = per_second(2000)
SECONDS = 1.5


class Worker:
    """One edge worker as far as limits go: a link of its own, and what it was allowed."""

    def __init__(self, link: "AnyLink", space: "KeySpace") -> None:
        self.link = link
        self.limits = Limits(LimitStore(link), space)
        self.allowed = 0
        self.refused = 0

    async def ask(self, subject: str, rate: Rate) -> None:
        try:
            await self.limits.charge("test", rate, subject)
            self.allowed += 1
        except LimitExceeded:
            self.refused += 1

    async def ask_without_pause(self, subject: str, until: float) -> None:
        while monotonic() < until:
            await self.ask(subject, RATE)
            await asyncio.sleep(0)  # the loop's other tasks: a refusal that is known already does not wait


@pytest.fixture
async def workers(redis_url: str, space: "KeySpace") -> "AsyncGenerator[list[Worker]]":
    async with AsyncExitStack() as stack:
        workers: list[Worker] = []
        for _ in range(WORKERS):
            link = await stack.enter_async_context(link_of(redis_url, deadline_ms=10_000, max_in_flight=10_000))
            await link.wait_up()
            workers.append(Worker(link, space))
            await stack.enter_async_context(workers[-1].limits)
        yield workers


@pytest.fixture
def subject() -> str:
    return uuid.uuid4().hex


async def test_four_busy_workers_get_what_the_limit_allows_and_ask_seldom(
    workers: list[Worker], subject: str
) -> None:
    started = monotonic()
    await asyncio.gather(
        *[worker.ask_without_pause(subject, started + SECONDS) for worker in workers for _ in range(8)]
    )
    took = monotonic() - started

    allowed = sum(worker.allowed for worker in workers)
    assert allowed <= RATE.quota * (1 + took)
    assert allowed >= 0.9 * RATE.quota * SECONDS
    assert sum(worker.refused for worker in workers) > 0


async def test_nine_tenths_of_a_limit_can_be_used_evenly(workers: list[Worker], subject: str) -> None:
    await asyncio.gather(*[workers[0].ask(subject, RATE) for _ in range(RATE.quota)])  # no burst is left over
    workers[0].allowed = workers[0].refused = 0
    each_s = WORKERS / (0.9 * RATE.quota)
    started = monotonic()

    async def ask_evenly(worker: Worker) -> None:
        for number in range(int(SECONDS / each_s)):
            await asyncio.sleep(max(started + number * each_s - monotonic(), 0))
            await worker.ask(subject, RATE)

    await asyncio.gather(*map(ask_evenly, workers))

    refused = sum(worker.refused for worker in workers)
    allowed = sum(worker.allowed for worker in workers)
    assert allowed >= 0.9 * (allowed + refused)


async def test_a_busy_worker_asks_redis_for_a_small_part_of_its_requests(
    workers: list[Worker], subject: str
) -> None:
    plenty = per_second(1_000_000)
    calls = workers[0].link.stats.calls

    for _ in range(5000):
        await workers[0].ask(subject, plenty)

    assert workers[0].allowed == 5000
    assert workers[0].link.stats.calls - calls < 500


async def test_nobody_who_came_later_is_served_before_those_who_wait(workers: list[Worker], subject: str) -> None:
    """A request waits for the renewal under way and the next one, at most, however many others come."""
    plenty, worker = per_second(1_000_000), workers[0]
    renewals: list[int] = []

    async def keep_asking() -> None:
        for _ in range(50):
            before = worker.link.stats.calls
            await worker.ask(subject, plenty)
            renewals.append(worker.link.stats.calls - before)

    await asyncio.gather(*[keep_asking() for _ in range(400)])

    assert worker.allowed == 20_000
    assert max(renewals) <= 2


async def test_simultaneous_requests_of_one_worker_never_exceed_the_quota(
    workers: list[Worker], subject: str
) -> None:
    rate = Rate(37, 3600)

    await asyncio.gather(*[worker.ask(subject, rate) for worker in workers for _ in range(50)])

    assert sum(worker.allowed for worker in workers) == rate.quota


async def test_what_is_not_used_is_given_back_at_the_end(
    workers: list[Worker], subject: str, space: "KeySpace", admin_redis: "Admin"
) -> None:
    rate = per_second(1000)
    key = keys.limit(space.place("limit", "test", subject))
    async with Limits(LimitStore(workers[0].link), space) as leaving:
        for _ in range(182):  # leases of 1, 2, 4, 8, 16 and then 25: the last one has just been begun
            await leaving.charge("test", rate, subject)
        charged_until = int(admin_redis.get(key) or 0)

    assert int(admin_redis.get(key) or 0) < charged_until


def test_a_quota_that_is_too_small_to_share_is_never_held() -> None:
    lease = Lease("test", Rate(60, 60))

    assert lease.hold_us == 0
    assert lease.size(now=1000.0) == 1


def test_a_lease_grows_with_use_and_only_so_far() -> None:
    lease = Lease("test", per_second(1000))
    sizes: list[int] = []
    now = 1000.0
    for _ in range(20):
        size = lease.size(now)
        sizes.append(size)
        lease.grant(size, remaining=0, reset_ms=0, now=now)
        assert all(lease.take(now) for _ in range(size))
        now += 0.0001

    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert sizes[-1] == 25  # half of what the limit lets through in HOLD_SECONDS


def test_what_has_been_held_too_long_is_not_used() -> None:
    lease = Lease("test", per_second(1000))
    lease.grant(10, remaining=0, reset_ms=0, now=1000.0)

    assert lease.take(1000.0)
    assert not lease.take(1000.001 + HOLD_SECONDS)


@pytest.mark.parametrize(("age_s", "freed_us"), [(0.0, 10_000), (0.004, 6_000), (1.0, 0)])
def test_giving_back_leaves_out_what_has_drained(age_s: float, freed_us: int) -> None:
    lease = Lease("test", per_second(1000))
    lease.grant(10, remaining=0, reset_ms=0, now=1000.0)

    assert lease.give_up(1000.0 + age_s) == pytest.approx(freed_us, abs=1)
    assert not lease.take(1000.0 + age_s)


def test_the_next_lease_is_asked_for_once_and_used_after_this_one() -> None:
    lease = Lease("test", per_second(1000))
    lease.grant(20, remaining=0, reset_ms=0, now=1000.0)
    low = 0
    for _ in range(20):
        assert lease.take(1000.0)
        low += lease.is_running_low
        if lease.is_running_low:
            lease.grant(3, remaining=0, reset_ms=0, now=1000.04)

    assert low == 1
    assert [lease.take(1000.06) for _ in range(4)] == [True, True, True, False]


def test_what_the_last_lease_has_left_grows_old_by_itself() -> None:
    lease = Lease("test", per_second(1000))
    lease.grant(10, remaining=0, reset_ms=0, now=1000.0)
    assert lease.take(1000.0)
    lease.grant(2, remaining=0, reset_ms=0, now=1000.04)

    assert [lease.take(1000.001 + HOLD_SECONDS) for _ in range(3)] == [True, True, False]


async def test_who_waits_in_vain_is_refused_and_does_not_queue(workers: list[Worker], subject: str) -> None:
    rate = per_second(1000)
    worker = workers[0]
    await asyncio.gather(*[worker.ask(subject, rate) for _ in range(rate.quota)])  # no burst is left over
    worker.allowed = worker.refused = 0
    started = time.monotonic()

    await asyncio.gather(*[worker.ask(subject, rate) for _ in range(500)])

    free_meanwhile = rate.quota * (time.monotonic() - started + HOLD_SECONDS)
    assert worker.refused >= 500 - free_meanwhile
