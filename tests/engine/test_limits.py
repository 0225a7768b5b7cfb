"""Rates, and limits as one worker and as many see them."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import LimitExceeded, LimitState
from engine.limits import Limits
from engine.rates import NO_LIMIT, Rate
from engine.store.keys import KeySpace
from engine.store.limits import LimitStore
from engine.store.opening import AnyLink
from tests.engine.conftest import LINKS
from tests.engine.servers import scan

if TYPE_CHECKING:
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

SLOW = Rate(17, 3600)


@pytest.fixture
def workers(links: list[AnyLink], space: KeySpace) -> list[Limits]:
    """Limits as several processes have them: each on a link of its own."""
    return [Limits(LimitStore(link), space) for link in links]


async def is_allowed(limits: Limits, rate: Rate) -> bool:
    try:
        await limits.charge("address", rate, "192.0.2.1")
    except LimitExceeded:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "rate"), [("60/60", Rate(60, 60)), ("1/1", Rate(1, 1)), ("0", NO_LIMIT), ("5/86400", Rate(5, 86400))]
)
def test_a_rate_is_written_as_quota_and_seconds(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "1", "0/1", "1/0", "-1/1", "1/1 ", "01/1", "1.5/1", "1/s", "٣/1", "9" * 20])
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="quota/seconds"):
        Rate.parse(text)


async def test_where_there_is_no_limit_nothing_is_charged(workers: list[Limits], admin_redis: "Admin") -> None:
    assert await workers[0].charge("address", NO_LIMIT, "192.0.2.1") == ()
    assert not list(scan(admin_redis))


async def test_whoever_is_charged_learns_where_it_stands(workers: list[Limits]) -> None:
    (state,) = await workers[0].charge("address", Rate(2, 3600), "192.0.2.1")
    assert state[:4] == ("address", 2, 3600, 1)
    assert 1_799_000 < state.reset_ms <= 1_800_000
    await workers[0].charge("address", Rate(2, 3600), "192.0.2.1")
    with pytest.raises(LimitExceeded) as refusal:
        await workers[0].charge("address", Rate(2, 3600), "192.0.2.1")
    assert isinstance(refusal.value.state, LimitState)
    assert refusal.value.state.remaining == 0
    assert 1_799_000 < refusal.value.retry_after_ms <= 1_800_001


async def test_limits_of_one_policy_and_subject_do_not_touch_others(workers: list[Limits]) -> None:
    once = Rate(1, 3600)
    for policy, *subject in (("address", "a"), ("address", "b"), ("email", "a"), ("address", "a", "b")):
        await workers[0].charge(policy, once, *subject)
    with pytest.raises(LimitExceeded):
        await workers[0].charge("address", once, "a")


@pytest.mark.parametrize("count", [1, LINKS])
async def test_of_many_at_once_exactly_the_quota_is_allowed(workers: list[Limits], count: int) -> None:
    charges = [is_allowed(workers[number % count], SLOW) for number in range(200)]
    assert sum(await asyncio.gather(*charges)) == SLOW.quota
