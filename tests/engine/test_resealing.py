"""Resealing: everything is moved, nothing is changed, and what is lost fails alone."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest

from engine.assembly import Engine, Options
from engine.challenge_records import State as ChallengeState
from engine.erasure import Erased
from engine.errors import KeyMissing, Misconfigured, UnknownFactor
from engine.factor_records import Changes, Factor, State
from engine.ids import UserName
from engine.resealing import Kind, Tally
from engine.tenants import State as TenantState
from engine.tenants import Tenant
from tests.conftest import OWNER
from tests.engine.rings import having
from tests.engine.servers import scan
from tests.engine.test_factors import active, code_of, enrolled

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.anyio

USERS = [UserName(f"user{number}") for number in range(150)]
NAME, EMAIL = "Distinctive Person", "distinctive@example.com"
SIGNING = b"distinctive signing key"
ALL = {Kind.DEPLOYMENT: 2, Kind.ADMINS: 1, Kind.TENANTS: 2, Kind.FACTORS: len(USERS) + 1, Kind.AGENTS: 2}


def quietly(_: Tally) -> None:
    pass


async def new_tenant(engine: Engine, name: str = "Acme") -> Tenant:
    return await engine.tenants.create(name=name, owner=OWNER, state=TenantState.ACTIVE)


class Stored:
    """One of everything that is sealed for good, and many factors."""

    def __init__(self, tenant: Tenant, factors: list[Factor], secrets: list[str]) -> None:
        self.tenant = tenant
        self.factors = factors
        self.secrets = secrets

    async def is_whole(self, engine: Engine) -> bool:
        for factor in self.factors:
            assert await engine.factors.read(self.tenant.id, factor.id) == factor
        listed = await engine.agents.list(self.tenant.id)
        assert [one.agent.email for one in listed] == [f"{number}{EMAIL}" for number in range(2)]
        tenant = await engine.tenants.read(self.tenant.id)
        assert [*engine.callback_secrets.of(tenant)] == self.secrets[::-1]
        assert await engine.deployment_secrets.read("signing", lambda: b"another") == SIGNING
        return True


async def store(engine: Engine) -> Stored:
    tenant, other = await new_tenant(engine), await new_tenant(engine, "Other")
    await new_tenant(engine, "Without secrets")
    await engine.callback_secrets.rotate(other.id)
    secrets = [await engine.callback_secrets.rotate(tenant.id) for _ in range(2)]
    await engine.deployment_secrets.read("signing", lambda: SIGNING)
    for number in range(2):
        await engine.agents.create(tenant.id, name=NAME, email=f"{number}{EMAIL}")
    await engine.admins.sign_up(name=NAME, email=EMAIL, password="a password of hers", address="::1")
    factors = await asyncio.gather(*[active(engine, tenant, user) for user in USERS])
    ended = await active(engine, other, USERS[0])
    await engine.factors.change(other.id, ended.id, Changes(is_ended=True))
    await enrolled(engine, other, USERS[1])  # pending: it ends by itself
    return Stored(tenant, factors, secrets)


async def test_what_is_sealed_for_good_is_counted_by_key(engine_options: Options) -> None:
    async with having(engine_options, "k1") as engine:
        await store(engine)
        assert await engine.resealing.count() == {"k1": ALL}
    async with having(engine_options, "k2", "k1") as engine:
        await engine.callback_secrets.rotate((await new_tenant(engine, "Third")).id)
        assert await engine.resealing.count() == {"k1": ALL, "k2": {Kind.TENANTS: 1}}


async def test_all_is_moved_to_the_first_key_and_the_old_one_can_go(
    engine_options: Options, admin_redis: "redis.Redis"
) -> None:
    async with having(engine_options, "k1") as engine:
        stored = await store(engine)
    async with having(engine_options, "k2", "k1") as engine:
        tally = await engine.resealing.reseal(tell=quietly)
        assert (tally.done, tally.current, tally.lost, tally.is_complete) == (ALL, {}, {}, True)
        assert await engine.resealing.count() == {"k2": ALL}
        again = await engine.resealing.reseal(tell=quietly)
        assert (again.done, again.current, again.is_complete) == ({}, ALL, True)
    async with having(engine_options, "k2") as engine:
        assert await stored.is_whole(engine)
    everything = b"".join(dump for key in scan(admin_redis) if isinstance(dump := admin_redis.dump(key), bytes))
    texts = [NAME, EMAIL, *stored.secrets, *[secret.removeprefix("whsec_") for secret in stored.secrets]]
    for plain in (*map(str.encode, texts), SIGNING, *[factor.record.secret for factor in stored.factors]):
        assert plain not in everything
    assert b"user7" not in everything


async def test_it_is_done_in_steps_and_told_and_goes_on_where_it_was_left(engine_options: Options) -> None:
    async with having(engine_options, "k1") as engine:
        stored = await store(engine)
    total, done, runs, told = sum(ALL.values()), 0, 0, list[int]()
    async with having(engine_options, "k2", "k1") as engine:
        while True:
            told.clear()
            tally = await engine.resealing.reseal(most=40, tell=lambda so_far: told.append(so_far.done.total()))
            done, runs = done + tally.done.total(), runs + 1
            assert tally.done.total() <= 40
            assert told == sorted(told)
            counted = await engine.resealing.count()
            assert sum(counted["k2"].values()) == done
            if tally.is_complete:
                break
        assert (done, runs) == (total, 4)
        assert await stored.is_whole(engine)


async def test_several_at_once_share_the_work_and_do_no_harm(engine_options: Options) -> None:
    async with having(engine_options, "k1") as engine:
        stored = await store(engine)
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(having(engine_options, "k2", "k1")) for _ in range(4)]
        tallies = await asyncio.gather(*[engine.resealing.reseal(tell=quietly) for engine in engines])
        assert all(tally.is_complete and not tally.lost for tally in tallies)
        done = sum((tally.done for tally in tallies), Counter[Kind]())
        assert {kind: done[kind] for kind in (Kind.DEPLOYMENT, Kind.ADMINS, Kind.AGENTS, Kind.FACTORS)} == {
            kind: number for kind, number in ALL.items() if kind is not Kind.TENANTS
        }
        assert await engines[0].resealing.count() == {"k2": ALL}
        assert await stored.is_whole(engines[0])


async def test_a_change_at_the_same_time_is_never_lost(engine_options: Options) -> None:
    """Who seals with the old key renames factors, ends and challenges them, and rotates secrets all the while."""
    async with having(engine_options, "k1") as engine:
        stored = await store(engine)
    tenant, factors = stored.tenant, stored.factors
    is_over = False

    async def keep_resealing(engine: Engine) -> None:
        while not is_over:
            await engine.resealing.reseal(tell=quietly)

    async with having(engine_options, "k1", "k2") as old, having(engine_options, "k2", "k1") as new:
        resealing = [asyncio.create_task(keep_resealing(new)) for _ in range(2)]
        renamed = [
            await old.factors.change(tenant.id, factor.id, Changes(user=UserName(f"new {factor.record.user}")))
            for factor in factors[:40]
        ]
        ended = [
            await old.factors.change(tenant.id, factor.id, Changes(is_ended=True)) for factor in factors[40:60]
        ]
        rotated = [await old.callback_secrets.rotate(tenant.id) for _ in range(20)]
        challenges = [await old.challenges.open(tenant, factor.id) for factor in factors[60:]]
        answers = await asyncio.gather(
            *[
                old.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))
                for factor, challenge in zip(factors[60:], challenges, strict=True)
            ]
        )
        is_over = True
        await asyncio.gather(*resealing)
        await new.resealing.reseal(tell=quietly)

        assert {answer.state for answer in answers} == {ChallengeState.VERIFIED}
        for factor in (*renamed, *ended):
            assert await new.factors.read(tenant.id, factor.id) == factor
        assert {factor.state for factor in ended} == {State.INACTIVE}
        found = new.callback_secrets.of(await new.tenants.read(tenant.id))
        assert found == (rotated[-1], rotated[-2])
        assert await new.resealing.count() == {"k2": ALL}


async def test_resealing_changes_neither_versions_nor_times_of_a_factor(engine_options: Options) -> None:
    async with having(engine_options, "k1") as engine:
        tenant = await new_tenant(engine)
        before = await active(engine, tenant)
    async with having(engine_options, "k2", "k1") as engine:
        await engine.resealing.reseal(tell=quietly)
        assert await engine.factors.read(tenant.id, before.id) == before


# A lost key


async def lose(engine_options: Options, *, lost: UserName, kept: UserName) -> tuple[Tenant, Factor, Factor]:
    """A tenant with a factor under k2, which stays, and one under k1, which is lost."""
    async with having(engine_options, "k1") as engine:
        tenant = await new_tenant(engine)
    async with having(engine_options, "k2", "k1") as engine:
        await engine.resealing.reseal(tell=quietly)
        good = await active(engine, tenant, kept)
    async with having(engine_options, "k1", "k2") as engine:
        await engine.callback_secrets.rotate(tenant.id)
        return tenant, good, await active(engine, tenant, lost)


LOST, KEPT = UserName("lost"), UserName("kept")


async def test_a_lost_key_fails_what_it_sealed_and_nothing_else(engine_options: Options) -> None:
    tenant, good, bad = await lose(engine_options, lost=LOST, kept=KEPT)
    async with having(engine_options, "k2") as engine:
        assert await engine.factors.read(tenant.id, good.id) == good
        assert await engine.factors.list(tenant.id, first=0, most=10) == (2, [good])
        challenge = await engine.challenges.open(tenant, good.id)
        answered = await engine.challenges.answer(tenant, good.id, challenge.id, code=code_of(good))
        assert answered.state is ChallengeState.VERIFIED
        with pytest.raises(KeyMissing) as refusal:
            await engine.factors.read(tenant.id, bad.id)
        assert refusal.value.key_id == "k1"
        tally = await engine.resealing.reseal(tell=quietly)
        assert (tally.lost, tally.is_complete) == ({Kind.FACTORS: 1, Kind.TENANTS: 1}, True)
        assert (await engine.resealing.count())["k1"] == {Kind.FACTORS: 1, Kind.TENANTS: 1}


async def test_an_answer_that_nobody_here_can_look_at_costs_no_attempt_and_no_lock(
    engine_options: Options,
) -> None:
    tenant, _, bad = await lose(engine_options, lost=LOST, kept=KEPT)
    tenant = msgspec.structs.replace(
        tenant, challenge_policy=msgspec.structs.replace(tenant.challenge_policy, lock_after=1)
    )
    async with having(engine_options, "k2") as engine:
        challenge = await engine.challenges.open(tenant, bad.id)
        for _ in range(3):
            with pytest.raises(KeyMissing):
                await engine.challenges.answer(tenant, bad.id, challenge.id, code=code_of(bad))
        with pytest.raises(KeyMissing):
            await engine.factors.change(tenant.id, bad.id, Changes(user=UserName("another")))
    async with having(engine_options, "k2", "k1") as engine:
        answered = await engine.challenges.answer(tenant, bad.id, challenge.id, code=code_of(bad))
        assert answered.state is ChallengeState.VERIFIED


async def test_an_activation_that_nobody_here_can_look_at_costs_no_attempt(engine_options: Options) -> None:
    tenant, *_ = await lose(engine_options, lost=LOST, kept=KEPT)
    async with having(engine_options, "k1", "k2") as engine:
        pending = await enrolled(engine, tenant, UserName("pending"))
    async with having(engine_options, "k2") as engine:
        for _ in range(6):
            with pytest.raises(KeyMissing):
                await engine.factors.change(tenant.id, pending.id, Changes(code=code_of(pending)))
    async with having(engine_options, "k2", "k1") as engine:
        changed = await engine.factors.change(tenant.id, pending.id, Changes(code=code_of(pending)))
        assert changed.state is State.ACTIVE


async def test_a_lost_factor_can_be_erased_and_its_user_enrolled_again(engine_options: Options) -> None:
    tenant, _, bad = await lose(engine_options, lost=LOST, kept=KEPT)
    async with having(engine_options, "k2", "k1") as engine:
        await engine.challenges.open(tenant, bad.id)
    async with having(engine_options, "k2") as engine:
        with pytest.raises(KeyMissing):
            await enrolled(engine, tenant, LOST)
        assert await engine.erasure.erase_user(tenant.id, LOST) == Erased(factors=1, challenges=1)
        with pytest.raises(UnknownFactor):
            await engine.erasure.erase_user(tenant.id, LOST)
        assert (await active(engine, tenant, LOST)).record.user == LOST
        assert (await engine.factors.list(tenant.id, first=0, most=10))[0] == 2


async def test_a_tenant_is_erased_with_its_lost_factors(
    engine_options: Options, admin_redis: "redis.Redis"
) -> None:
    tenant, *_ = await lose(engine_options, lost=LOST, kept=KEPT)
    async with having(engine_options, "k2") as engine:
        assert await engine.erasure.erase_tenant(tenant.id) == Erased(factors=2)
    nouns = {key.split(b":")[1] for key in scan(admin_redis)}
    assert nouns == {b"deployment", b"keychecks", b"journal", b"claim"}  # the name of the lost one, which heals


async def test_lost_callback_secrets_are_made_anew_by_a_rotation(engine_options: Options) -> None:
    tenant, *_ = await lose(engine_options, lost=LOST, kept=KEPT)
    async with having(engine_options, "k2") as engine:
        with pytest.raises(KeyMissing):
            engine.callback_secrets.of(await engine.tenants.read(tenant.id))
        made = await engine.callback_secrets.rotate(tenant.id)
        assert engine.callback_secrets.of(await engine.tenants.read(tenant.id)) == (made,)


async def test_a_lost_key_does_not_stop_the_boot_unless_it_sealed_the_index_key(engine_options: Options) -> None:
    async with having(engine_options, "k1"):
        pass
    with pytest.raises(Misconfigured, match="k1 is not in WATCHWORD_KEYS"):
        async with having(engine_options, "k2"):
            pass
    async with having(engine_options, "k2", "k1") as engine:
        await engine.resealing.reseal(most=1, tell=quietly)
    async with having(engine_options, "k2"):
        pass
