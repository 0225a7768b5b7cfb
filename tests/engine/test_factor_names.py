"""No two factors have one name: not by races, not by what a worker leaves undone, not by the time that passes."""

import asyncio
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from engine.deployment import open_deployment
from engine.erasure import Erased
from engine.errors import UnknownFactor, UserTaken, WrongCode
from engine.factor_records import Changes, Factor, State
from engine.factors import MOST_ACTIVATIONS, Factors
from engine.ids import UserName
from engine.store import keys
from engine.store.claims import ClaimStore
from engine.store.deployment import DeploymentStore
from engine.store.factors import FactorStore
from tests.engine.servers import scan
from tests.engine.test_factors import ALICE, BOB, POLICY, active, code_of, enrolled, outcomes, wrong_code_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from engine.assembly import Engine, Options
    from engine.store.connection import Argument
    from engine.store.keys import KeySpace
    from engine.store.opening import AnyLink
    from engine.store.runner import Reply, Runner
    from engine.store.scripts import Script
    from engine.tenants import Tenant
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

CAROL = UserName("carol@example.com")
ROUNDS = 15
SECOND_MS, HOUR_MS = 1000, 3_600_000
GRACE_MS = 61 * SECOND_MS


class DiedError(Exception):
    pass


class Worker:
    """A link of a worker that dies or fails before it runs a script, or runs all of them some time from now."""

    def __init__(
        self, link: "Runner", *, dies_before: str = "", fails_by: type[Exception] = DiedError, later_ms: int = 0
    ) -> None:
        self._link = link
        self._dies_before = dies_before
        self._fails_by = fails_by
        self._later_ms = later_ms

    def run(
        self,
        script: "Script",
        partition: int,
        keys: "Sequence[bytes]",
        args: "Sequence[Argument]",
        *,
        watches: bool = False,
    ) -> "Awaitable[Reply]":
        if script.name == self._dies_before:
            raise self._fails_by
        if self._later_ms and "now_us" in script.contract.args:
            args = [*args[:-1], time.time_ns() // 1000 + self._later_ms * 1000]
        return self._link.run(script, partition, keys, args, watches=watches)


@pytest.fixture
async def space(engine: "Engine", engine_options: "Options") -> "KeySpace":
    """That of the engine."""
    return await open_deployment(
        DeploymentStore(engine.link), keyring=engine_options.keyring, partitions=engine_options.partitions
    )


class Workers:
    """Factors as they are seen by workers that share one Redis with the engine."""

    def __init__(self, engine: "Engine", options: "Options", space: "KeySpace", admin: "Admin") -> None:
        self._engine = engine
        self._options = options
        self._space = space
        self._admin = admin

    def over(self, runner: "Runner") -> Factors:
        return Factors(FactorStore(runner), ClaimStore(runner), self._space, keyring=self._options.keyring)

    def dying(self, before: str) -> Factors:
        return self.over(Worker(self._engine.link, dies_before=before))

    def after(self, passed_ms: int) -> Factors:
        """A worker when this much has passed: keys that have lived by then are gone for good."""
        for key in scan(self._admin):
            remaining_ms = self._admin.pttl(key)
            if remaining_ms >= 0:
                self._admin.pexpire(key, remaining_ms - passed_ms)
        return self.over(Worker(self._engine.link, later_ms=passed_ms))

    def is_claimed(self, tenant: "Tenant", user: UserName) -> bool:
        return bool(self._admin.exists(keys.claim(self._space.place("user", tenant.id, user))))


@pytest.fixture
def workers(engine: "Engine", engine_options: "Options", space: "KeySpace", admin_redis: "Admin") -> Workers:
    return Workers(engine, engine_options, space, admin_redis)


async def is_free(factors: Factors, tenant: "Tenant", user: UserName) -> bool:
    """Whether another factor may be enrolled under a name; if so, it is."""
    try:
        other = await factors.enrol(tenant.id, user=user, policy=POLICY)
    except UserTaken:
        return False
    assert (await factors.find(tenant.id, user)).id == other.id
    return True


async def the_only_one(factors: Factors, tenant: "Tenant", factor: Factor) -> UserName:
    """The name that a factor has, and that no other can have."""
    name = (await factors.read(tenant.id, factor.id)).record.user
    assert (await factors.find(tenant.id, name)).id == factor.id
    assert not await is_free(factors, tenant, name)
    other = await factors.enrol(tenant.id, user=UserName(f"not {name}"), policy=POLICY)
    with pytest.raises(UserTaken):
        await factors.change(tenant.id, other.id, Changes(user=name))
    await factors.forget(tenant.id, other)
    return name


@pytest.mark.parametrize("names", [(BOB, CAROL), (ALICE, BOB), (ALICE, BOB, CAROL)], ids="-".join)
async def test_a_factor_that_is_renamed_by_many_at_once_has_its_name_and_no_other(
    engine: "Engine", tenant: "Tenant", workers: Workers, links: "list[AnyLink]", names: tuple[UserName, ...]
) -> None:
    many = [workers.over(link) for link in links]
    for _ in range(ROUNDS):
        factor = await active(engine, tenant)

        renamed = await outcomes(
            *[
                many[number % len(many)].change(tenant.id, factor.id, Changes(user=name))
                for number, name in enumerate(islice(cycle(names), 9))
            ]
        )

        assert all(isinstance(one, Factor) for one in renamed)
        kept = await the_only_one(engine.factors, tenant, factor)
        assert [name for name in {ALICE, *names} if workers.is_claimed(tenant, name)] == [kept]
        for name in {ALICE, *names} - {kept}:
            assert await is_free(engine.factors, tenant, name)
        await forget_all(engine, tenant)


@pytest.mark.parametrize("passed_ms", [0, GRACE_MS, 25 * HOUR_MS, 10_000 * HOUR_MS])
@pytest.mark.parametrize("before", ["claim/hold", "factor/change", "claim/release"])
@pytest.mark.parametrize("names", [(ALICE, BOB), (BOB, CAROL), (BOB, ALICE)], ids="-".join)
async def test_a_rename_that_is_cut_short_leaves_one_name_and_frees_the_other(
    engine: "Engine",
    tenant: "Tenant",
    workers: Workers,
    names: tuple[UserName, UserName],
    before: str,
    passed_ms: int,
) -> None:
    factor = await active(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=names[0]))
    await outcomes(workers.dying(before).change(tenant.id, factor.id, Changes(user=names[1])))

    factors = workers.after(passed_ms)

    kept = await the_only_one(factors, tenant, factor)
    assert kept == names[before == "claim/release"]
    (left,) = {*names} - {kept}
    with pytest.raises(UnknownFactor):
        await factors.find(tenant.id, left)
    if passed_ms:
        assert await is_free(factors, tenant, left)
        assert await the_only_one(factors, tenant, factor) == kept


async def test_what_a_rename_left_is_free_for_another_rename_too(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor, other = await active(engine, tenant), await active(engine, tenant, CAROL)
    await outcomes(workers.dying("factor/change").change(tenant.id, factor.id, Changes(user=BOB)))

    with pytest.raises(UserTaken):
        await engine.factors.change(tenant.id, other.id, Changes(user=BOB))
    factors = workers.after(GRACE_MS)
    await factors.change(tenant.id, other.id, Changes(user=BOB))

    assert await the_only_one(factors, tenant, other) == BOB
    assert await the_only_one(factors, tenant, factor) == ALICE


async def test_the_name_of_a_factor_that_is_gone_is_free_at_once(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor = await active(engine, tenant)
    await outcomes(workers.dying("factor/change").change(tenant.id, factor.id, Changes(user=BOB)))
    await engine.erasure.erase_user(tenant.id, ALICE)

    with pytest.raises(UnknownFactor):
        await engine.factors.find(tenant.id, BOB)
    assert await is_free(engine.factors, tenant, BOB)


@pytest.mark.parametrize("before", ["factor/change", "claim/release"])
async def test_a_user_is_erased_by_the_name_that_a_rename_that_was_cut_short_has_left(
    engine: "Engine", tenant: "Tenant", workers: Workers, before: str
) -> None:
    factor = await active(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))
    await outcomes(workers.dying(before).change(tenant.id, factor.id, Changes(user=CAROL)))
    kept, left = (CAROL, BOB) if before == "claim/release" else (BOB, CAROL)

    with pytest.raises(UnknownFactor):
        await engine.erasure.erase_user(tenant.id, left)
    assert await engine.erasure.erase_user(tenant.id, kept) == Erased(factors=1)
    for name in (ALICE, BOB, CAROL):
        assert await is_free(engine.factors, tenant, name)


async def test_a_factor_that_is_renamed_and_then_activated_keeps_its_name(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor = await enrolled(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))
    await engine.factors.change(tenant.id, factor.id, Changes(code=code_of(factor)))

    factors = workers.after(25 * HOUR_MS)

    assert await the_only_one(factors, tenant, factor) == BOB
    assert await is_free(factors, tenant, ALICE)


async def test_an_activation_that_is_cut_short_leaves_no_name_that_lapses(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor = await enrolled(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))
    dying = workers.dying("claim/release")
    await outcomes(dying.change(tenant.id, factor.id, Changes(code=code_of(factor), user=CAROL)))

    factors = workers.after(25 * HOUR_MS)

    assert (await factors.read(tenant.id, factor.id)).state is State.ACTIVE
    assert await the_only_one(factors, tenant, factor) == CAROL
    assert await is_free(factors, tenant, BOB)


async def test_a_factor_that_is_renamed_and_then_ended_by_wrong_codes_keeps_its_name(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor = await enrolled(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))
    for _ in range(MOST_ACTIVATIONS):
        with pytest.raises(WrongCode):
            await engine.factors.change(tenant.id, factor.id, Changes(code=wrong_code_of(factor)))

    factors = workers.after(25 * HOUR_MS)

    assert (await factors.read(tenant.id, factor.id)).state is State.INACTIVE
    assert await the_only_one(factors, tenant, factor) == BOB


async def test_a_factor_that_is_never_activated_leaves_no_name(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    factor = await enrolled(engine, tenant)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))
    await outcomes(workers.dying("factor/change").change(tenant.id, factor.id, Changes(user=CAROL)))

    factors = workers.after(25 * HOUR_MS)

    assert [workers.is_claimed(tenant, name) for name in (ALICE, BOB, CAROL)] == [False] * 3
    with pytest.raises(UnknownFactor):
        await factors.read(tenant.id, factor.id)


async def test_a_factor_that_is_erased_while_it_is_renamed_leaves_no_name(
    engine: "Engine", tenant: "Tenant", workers: Workers
) -> None:
    for _ in range(ROUNDS):
        factor = await active(engine, tenant)
        renames = [engine.factors.change(tenant.id, factor.id, Changes(user=name)) for name in (BOB, CAROL, ALICE)]

        await asyncio.gather(*renames, engine.factors.forget(tenant.id, factor), return_exceptions=True)

        for name in (ALICE, BOB, CAROL):
            assert await is_free(engine.factors, tenant, name)
        await forget_all(engine, tenant)
        assert [workers.is_claimed(tenant, name) for name in (ALICE, BOB, CAROL)] == [False] * 3


async def forget_all(engine: "Engine", tenant: "Tenant") -> None:
    for factor in (await engine.factors.list(tenant.id, first=0, most=100))[1]:
        await engine.factors.forget(tenant.id, factor)
