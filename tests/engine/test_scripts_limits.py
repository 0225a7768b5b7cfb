"""limit/charge and limit/give_back: the generic cell rate algorithm to the microsecond, on every server."""

from math import ceil
from random import Random
from typing import TYPE_CHECKING

import pytest

from engine.store import keys
from engine.store.keys import KeySpace, Place
from engine.store.limits import Charge, ChargeStatus, GiveBackStatus, LimitStore
from tests.engine.conftest import Backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Charger = Callable[..., Awaitable[Charge]]

pytestmark = pytest.mark.anyio

# Keys live by the clock of the server, whatever time a test passes in. So windows are long: no key ends meanwhile.
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
NOW_US = 1_790_000_000_123_456

rates = pytest.mark.parametrize(
    ("quota", "window_us"),
    [
        (1, HOUR_US),
        (3, 1000 * SECOND_US),
        (6, 1000 * SECOND_US),
        (7, HOUR_US),
        (60, HOUR_US),
        (600, HOUR_US),
        (1300, 24 * HOUR_US),
    ],
)


@pytest.fixture
def store(backend: Backend) -> LimitStore:
    return LimitStore(backend.runner)


@pytest.fixture
def subject(space: KeySpace) -> Place:
    return space.place("limit", "address", "192.0.2.1")


@pytest.fixture
def charge(store: LimitStore, subject: Place) -> "Charger":
    async def charge(
        quota: int, window_us: int, now_us: int = NOW_US, *, count: int = 1, hold_us: int = 0
    ) -> Charge:
        return await store.charge(
            subject=subject, quota=quota, window_us=window_us, hold_us=hold_us, count=count, now_us=now_us
        )

    return charge


@rates
async def test_the_quota_is_there_at_once_and_not_one_more(charge: "Charger", quota: int, window_us: int) -> None:
    emission_us = ceil(window_us / quota)
    for number in range(1, quota + 1):
        reset_ms = ceil(number * emission_us / 1000)
        assert await charge(quota, window_us) == (ChargeStatus.ALLOWED, 1, quota - number, reset_ms, 0)
    for _ in range(2):
        reset_ms, retry_after_ms = ceil(quota * emission_us / 1000), ceil(emission_us / 1000)
        assert await charge(quota, window_us) == (ChargeStatus.EXCEEDED, 0, 0, reset_ms, retry_after_ms)


@rates
async def test_an_exhausted_quota_comes_back_one_by_one(charge: "Charger", quota: int, window_us: int) -> None:
    emission_us = ceil(window_us / quota)
    await charge(quota, window_us, count=quota)
    for number in range(1, 5):
        due_us = NOW_US + number * emission_us
        assert (await charge(quota, window_us, due_us - 1)).status is ChargeStatus.EXCEEDED
        assert (await charge(quota, window_us, due_us))[:3] == (ChargeStatus.ALLOWED, 1, 0)
        assert (await charge(quota, window_us, due_us)).status is ChargeStatus.EXCEEDED


@rates
async def test_whoever_waits_as_told_is_allowed(charge: "Charger", quota: int, window_us: int) -> None:
    await charge(quota, window_us, count=quota)
    refused = await charge(quota, window_us)
    later_us = NOW_US + refused.retry_after_ms * 1000
    assert (await charge(quota, window_us, later_us)).status is ChargeStatus.ALLOWED


async def test_the_whole_quota_is_back_after_the_reset(charge: "Charger") -> None:
    charges = [await charge(5, 500 * SECOND_US) for _ in range(5)]
    assert charges[-1] == (ChargeStatus.ALLOWED, 1, 0, 500_000, 0)
    later_us = NOW_US + charges[-1].reset_ms * 1000
    assert await charge(5, 500 * SECOND_US, later_us) == (ChargeStatus.ALLOWED, 1, 4, 100_000, 0)


async def test_a_refused_request_costs_nothing(backend: Backend, charge: "Charger", subject: Place) -> None:
    await charge(1, 60 * SECOND_US)
    stored = backend.admin.get(keys.limit(subject))
    backend.age_to(keys.limit(subject), 30_000)
    for _ in range(10):
        await charge(1, 60 * SECOND_US)
    assert backend.admin.get(keys.limit(subject)) == stored
    assert backend.remaining_ms(keys.limit(subject)) <= 30_000


async def test_a_limit_is_forgotten_when_its_quota_is_whole_again(
    backend: Backend, charge: "Charger", subject: Place
) -> None:
    for number in range(1, 4):
        await charge(3, 60 * SECOND_US)
        remaining_ms = backend.remaining_ms(keys.limit(subject))
        assert number * 20_000 - 5000 < remaining_ms <= number * 20_000


async def test_the_clock_of_the_server_is_used(store: LimitStore, subject: Place) -> None:
    allowed = await store.charge(subject=subject, quota=1, window_us=HOUR_US)
    refused = await store.charge(subject=subject, quota=1, window_us=HOUR_US)
    assert allowed == (ChargeStatus.ALLOWED, 1, 0, 3_600_000, 0)
    assert refused.status is ChargeStatus.EXCEEDED
    assert 3_590_000 < refused.retry_after_ms <= 3_600_000


async def test_a_clock_that_goes_back_takes_nothing_away_for_good(charge: "Charger") -> None:
    await charge(2, 200 * SECOND_US)
    assert await charge(2, 200 * SECOND_US, NOW_US - 50 * SECOND_US) == (
        ChargeStatus.EXCEEDED,
        0,
        0,
        150_000,
        50_000,
    )
    assert (await charge(2, 200 * SECOND_US)).status is ChargeStatus.ALLOWED


async def test_one_subject_does_not_pay_for_another(store: LimitStore, space: KeySpace, subject: Place) -> None:
    other = space.place("limit", "address", "192.0.2.2")
    for place in (subject, other):
        charge = await store.charge(subject=place, quota=1, window_us=SECOND_US, now_us=NOW_US)
        assert charge.status is ChargeStatus.ALLOWED


# Charging ahead


async def test_of_many_asked_for_as_many_are_granted_as_there_are(charge: "Charger") -> None:
    assert await charge(10, 1000 * SECOND_US, count=4) == (ChargeStatus.ALLOWED, 4, 6, 400_000, 0)
    assert await charge(10, 1000 * SECOND_US, count=10) == (ChargeStatus.ALLOWED, 6, 0, 1_000_000, 0)
    assert await charge(10, 1000 * SECOND_US, count=10) == (ChargeStatus.EXCEEDED, 0, 0, 1_000_000, 100_000)


async def test_what_may_be_held_back_is_kept_free(charge: "Charger") -> None:
    window_us, hold_us = 1000 * SECOND_US, 50 * SECOND_US
    granted = await charge(100, window_us, count=200, hold_us=hold_us)
    refused = await charge(100, window_us, hold_us=hold_us)
    assert granted == (ChargeStatus.ALLOWED, 95, 0, 950_000, 0)
    assert refused == (ChargeStatus.EXCEEDED, 0, 0, 950_000, 10_000)


@pytest.mark.parametrize("seed", range(5))
async def test_requests_that_were_held_back_keep_to_the_quota_too(charge: "Charger", seed: int) -> None:
    random = Random(seed)
    quota, window_us, hold_us = random.choice([90, 100]), 1000 * SECOND_US, 50 * SECOND_US
    now_us, arrivals_us = NOW_US, list[int]()
    for _ in range(100):
        now_us += random.choice([0, hold_us // 2, hold_us, 2 * window_us])
        granted = (await charge(quota, window_us, now_us, count=random.randrange(1, 200), hold_us=hold_us)).granted
        arrivals_us += [now_us + random.choice([0, hold_us])] * granted
    assert len(arrivals_us) > quota
    assert_within(quota, ceil(window_us / quota), sorted(arrivals_us))


def assert_within(quota: int, emission_us: int, arrivals_us: list[int]) -> None:
    """The algorithm in its plain form, for requests that are charged when they arrive."""
    next_us = 0
    for now_us in arrivals_us:
        next_us = max(next_us, now_us) + emission_us
        assert next_us - now_us <= quota * emission_us


async def test_what_was_not_used_is_given_back(charge: "Charger", store: LimitStore, subject: Place) -> None:
    await charge(10, 1000 * SECOND_US, count=10)
    assert await store.give_back(subject=subject, back_us=400 * SECOND_US) == (GiveBackStatus.TAKEN,)
    assert await charge(10, 1000 * SECOND_US, count=10) == (ChargeStatus.ALLOWED, 4, 0, 1_000_000, 0)


async def test_giving_back_lengthens_no_life_and_makes_no_key(
    backend: Backend, charge: "Charger", store: LimitStore, subject: Place
) -> None:
    assert await store.give_back(subject=subject, back_us=400_000) == (GiveBackStatus.EMPTY,)
    assert not backend.names()
    await charge(10, 100 * SECOND_US, count=10)
    backend.age_to(keys.limit(subject), 30_000)
    await store.give_back(subject=subject, back_us=400_000)
    assert 25_000 < backend.remaining_ms(keys.limit(subject)) <= 30_000


async def test_giving_back_more_than_was_charged_gives_no_more_than_the_quota(
    charge: "Charger", store: LimitStore, subject: Place
) -> None:
    await charge(10, 1000 * SECOND_US)
    await store.give_back(subject=subject, back_us=HOUR_US)
    assert (await charge(10, 1000 * SECOND_US, count=20)).granted == 10
