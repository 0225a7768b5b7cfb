"""The index of a tenant's factors, merged over 16 partitions, against a sort of everything."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from engine.factor_index import FactorIndex
from engine.ids import FactorId, TenantId
from engine.store.factors import ChangeStatus, EnrolStatus, FactorStore, ForgetStatus
from engine.store.keys import KeySpace, Place
from engine.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.store.connection import Argument
    from engine.store.opening import AnyLink
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

PARTITIONS = 16
TENANT, OTHER = TenantId("tenant"), TenantId("other")
STATES = {"P": "PENDING", "A": "ACTIVE", "I": "INACTIVE"}
LIFE_MS = 3_600_000


class Known(NamedTuple):
    """What the tests know of a factor. Sorts by age, and those of one instant by their ids."""

    created_ms: int
    id: str
    user: Place
    state: str


class Counting:
    """A link that tells how many factors were asked for, by partition."""

    def __init__(self, link: "AnyLink") -> None:
        self._link = link
        self.asked = Counter[int]()

    async def run(
        self,
        script: Script,
        partition: int,
        keys: Sequence[bytes],
        args: "Sequence[Argument]",
        *,
        watches: bool = False,
    ) -> list[Any]:
        if script.name == "factor/list":
            self.asked[partition] += int(args[2])
        return await self._link.run(script, partition, keys, args, watches=watches)


class Index:
    """Factors of one tenant, enrolled at instants that the tests choose."""

    def __init__(self, link: "AnyLink") -> None:
        self.runner = Counting(link)
        self.space = KeySpace(partitions=PARTITIONS, index_key=bytes(32))
        self.store = FactorStore(self.runner)
        self.index = FactorIndex(self.store, self.space, pending_life_ms=LIFE_MS)
        self.users = count()

    def user(self, *, partition: int | None = None) -> Place:
        """Somebody new, in a partition if one is given."""
        places = (self.space.place("user", TENANT, f"user {number}") for number in self.users)
        return next(place for place in places if partition in {None, place.partition})

    async def add(self, user: Place, created_ms: int, state: str = "P") -> Known:
        factor_id = self.space.new_id(user)
        reply = await self.store.enrol(
            user=user,
            factor=self.space.place_of_new(factor_id, "factor", TENANT),
            tenant=self.share(user),
            factor_id=factor_id,
            record=b"sealed",
            life_ms=LIFE_MS,
            now_us=created_ms * 1000,
        )
        assert reply.status is EnrolStatus.ENROLLED
        known = Known(created_ms, factor_id, user, "P")
        return known if state == "P" else await self.change(known, state)

    async def change(self, known: Known, state: str) -> Known:
        reply = await self.store.change(
            factor=self.space.place_of_new(known.id, "factor", TENANT),
            user=known.user,
            tenant=self.share(known.user),
            factor_id=known.id,
            version=1,
            state=STATES[state],
            record=b"sealed",
            step=None,
        )
        assert reply.status is ChangeStatus.CHANGED
        return known._replace(state=state)

    async def forget(self, known: Known) -> None:
        reply = await self.store.forget(
            factor=self.space.place_of_new(known.id, "factor", TENANT),
            user=known.user,
            tenant=self.share(known.user),
            factor_id=known.id,
        )
        assert reply.status is ForgetStatus.FORGOTTEN

    async def top(
        self, most: int, states: str = "PAI", *, is_oldest_first: bool = False
    ) -> tuple[int, list[FactorId]]:
        return await self.index.top(TENANT, most, states=states, is_oldest_first=is_oldest_first)

    def share(self, user: Place) -> Place:
        return self.space.place_in(user.partition, "factors", TENANT)


@pytest.fixture
def index(links: "list[AnyLink]") -> Index:
    return Index(links[0])


@pytest.fixture
def now_ms(links: "list[AnyLink]", admin_redis: "Admin") -> int:
    """By the clock of Redis, which decides when a pending factor leaves the index."""
    del links
    return admin_redis.time()[0] * 1000


def sort(known: "Iterable[Known]", most: int, states: str, *, is_oldest_first: bool) -> tuple[int, list[str]]:
    wanted = sorted((one for one in known if one.state in states), reverse=not is_oldest_first)
    return len(wanted), [one.id for one in wanted[:most]]


async def agrees(index: Index, known: "Sequence[Known]", counts: "Iterable[int]") -> None:
    for most in counts:
        for states in ("PAI", "P", "AI", ""):
            for is_oldest_first in (True, False):
                found = await index.top(most, states, is_oldest_first=is_oldest_first)
                assert found == sort(known, most, states, is_oldest_first=is_oldest_first)


@pytest.mark.parametrize("instants", [10_000_000, 40, 1], ids=["few alike", "many alike", "all alike"])
async def test_the_index_is_a_sort_of_everything(index: Index, now_ms: int, instants: int) -> None:
    """In pages of any size: what shares an instant has an order too, or pages would repeat and miss some of it."""
    drawn = random.Random(instants)
    known = await asyncio.gather(
        *[
            index.add(index.user(), now_ms - drawn.randrange(min(instants, LIFE_MS // 2)), drawn.choice("PAAI"))
            for _ in range(400)
        ]
    )

    await agrees(index, known, (0, 1, 2, 15, 16, 17, 100, 399, 400, 401, 1000))


async def test_a_full_partition_among_empty_ones_is_told_exactly(index: Index, now_ms: int) -> None:
    """All of the youngest are in one partition, and all of the oldest."""
    drawn = random.Random(5)
    skewed = [index.add(index.user(partition=5), now_ms - drawn.randrange(1000)) for _ in range(300)]
    spread = [index.add(index.user(), now_ms - 10_000 - drawn.randrange(1000)) for _ in range(100)]
    oldest = [index.add(index.user(partition=5), now_ms - 20_000 - drawn.randrange(1000)) for _ in range(50)]
    known = await asyncio.gather(*skewed, *spread, *oldest)

    await agrees(index, known, (1, 50, 299, 300, 301, 350, 400, 450, 500))


async def test_partitions_are_asked_for_little_more_than_their_share(index: Index, now_ms: int) -> None:
    known = [index.add(index.user(), now_ms - number) for number in range(600)]
    await asyncio.gather(*known)

    await index.top(10)
    assert index.runner.asked == dict.fromkeys(range(PARTITIONS), 16)
    index.runner.asked.clear()
    await index.top(200)

    share = 200 // PARTITIONS + 16
    assert set(index.runner.asked) == set(range(PARTITIONS))
    assert max(index.runner.asked.values()) <= 3 * share  # once, and if that was too little for double the share
    assert index.runner.asked.total() < 1.5 * PARTITIONS * share


async def test_only_a_partition_that_may_have_more_is_asked_again(index: Index, now_ms: int) -> None:
    await asyncio.gather(*[index.add(index.user(partition=5), now_ms - number) for number in range(300)])
    await asyncio.gather(*[index.add(index.user(), now_ms - 10_000) for _ in range(30)])

    await index.top(100)

    share = 100 // PARTITIONS + 16
    assert index.runner.asked == {**dict.fromkeys(range(PARTITIONS), share), 5: share * (1 + 2 + 4 + 8)}


async def test_the_index_is_exact_once_enrolments_changes_and_ends_at_once_are_over(
    index: Index, now_ms: int
) -> None:
    """And while they go on, what nobody touches is never left out."""
    still = await asyncio.gather(*[index.add(index.user(), now_ms, "A") for _ in range(50)])
    moved, doomed = [
        await asyncio.gather(*[index.add(index.user(), now_ms - number) for number in range(100)])
        for _ in range(2)
    ]

    async def watch() -> None:
        for _ in range(20):
            total, ids = await index.top(1000)
            assert {one.id for one in still} <= set(ids)
            assert total >= len(still)

    added, changed, *_ = await asyncio.gather(
        asyncio.gather(*[index.add(index.user(), now_ms - number) for number in range(100)]),
        asyncio.gather(*[index.change(one, state) for one, state in zip(moved, "AI" * 50, strict=True)]),
        asyncio.gather(*[index.forget(one) for one in doomed]),
        watch(),
    )

    await agrees(index, [*still, *added, *changed], (1, 30, 250, 400))


async def test_pending_factors_leave_the_index_when_their_life_is_over(index: Index, now_ms: int) -> None:
    fresh = [await index.add(user, now_ms - 1_000) for user in (index.user(), index.user())]
    for state in "PA":
        await index.add(index.user(), now_ms - LIFE_MS, state)

    assert (await index.top(10, "P")) == sort(fresh, 10, "P", is_oldest_first=False)
    assert (await index.top(10, "PAI"))[0] == 3


async def test_another_tenant_has_an_index_of_its_own(index: Index, now_ms: int) -> None:
    await asyncio.gather(*[index.add(index.user(), now_ms) for _ in range(20)])

    assert await index.index.top(OTHER, 10, states="PAI", is_oldest_first=False) == (0, [])


def test_users_fall_into_all_partitions() -> None:
    """What the tests above rely on."""
    space = KeySpace(partitions=PARTITIONS, index_key=bytes(32))
    places = (space.place("user", TENANT, f"user {number}").partition for number in count())
    assert set(islice(places, 400)) == set(range(PARTITIONS))
