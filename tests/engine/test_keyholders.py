"""Which rings go together: over a rotation, a typing error, a lost key."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.assembly import Engine, Options, open_engine
from engine.errors import Misconfigured
from engine.keyholders import Keyholders
from engine.sealing import Keyring
from engine.store import keys
from engine.store.keyholders import KeyholderStore
from tests.engine.rings import having, ring
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.anyio


def hurried(engine: Engine, *ids: str) -> Keyholders:
    """A further process, which says a hundred times a second which keys it has."""
    return Keyholders(KeyholderStore(engine.link), Keyring.parse(ring(*ids)), note_seconds=0.01)


async def refusal(options: Options, *ids: str) -> str:
    with pytest.raises(Misconfigured) as refused:
        async with having(options, *ids):
            pass
    return str(refused.value)


async def test_a_rotation_in_two_steps_is_let_pass_in_any_order_of_restarts(engine_options: Options) -> None:
    rings = [("k1",), ("k1", "k2"), ("k2", "k1"), ("k2",)]
    async with AsyncExitStack() as stack:
        edges: list[AsyncExitStack] = []
        for _ in range(3):
            edges.append(await stack.enter_async_context(AsyncExitStack()))
            await edges[-1].enter_async_context(having(engine_options, *rings[0]))
        for step in rings[1:3]:
            for edge in reversed(edges):
                await edge.aclose()
                await edge.enter_async_context(having(engine_options, *step))
        # The index key is still sealed with k1.
        assert "k1 is not in WATCHWORD_KEYS" in await refusal(engine_options, "k2")
        async with having(engine_options, "k2", "k1") as engine:
            await engine.resealing.reseal(tell=lambda _: None)
        for edge in edges:
            await edge.aclose()
            await edge.enter_async_context(having(engine_options, *rings[3]))


async def test_a_new_key_may_not_seal_before_all_can_read_it(engine_options: Options) -> None:
    async with having(engine_options, "k1"):
        told = await refusal(engine_options, "k2", "k1")
        assert "lacks the key k2" in told
        async with having(engine_options, "k1", "k2"):
            assert "lacks the key k2" in await refusal(engine_options, "k2", "k1")
    async with having(engine_options, "k1", "k2"), having(engine_options, "k2", "k1"):
        pass


async def test_with_one_process_the_steps_may_be_one(engine_options: Options) -> None:
    async with having(engine_options, "k1"):
        pass
    async with having(engine_options, "k2", "k1"):
        pass


async def test_who_lacks_the_key_that_seals_is_refused_while_somebody_seals_with_it(
    engine_options: Options,
) -> None:
    async with having(engine_options, "k1", "k2"), having(engine_options, "k2", "k1"):
        assert "seals with the key k2" in await refusal(engine_options, "k1")


async def test_a_key_of_other_material_under_a_known_id_is_refused_wherever_it_stands(
    engine_options: Options,
) -> None:
    """The older key opens the index key, so nothing but its check value tells that the newest is wrong."""
    async with having(engine_options, "k1"), having(engine_options, "k1", "k2"):
        pass
    forged = ring("k2", salt=b"other")
    for text in (f"{forged},{ring('k1')}", f"{ring('k1')},{forged}"):
        with pytest.raises(Misconfigured, match="under the id k2"):
            async with open_engine(replace(engine_options, keyring=Keyring.parse(text))):
                pass
    async with having(engine_options, "k1", "k2"):
        pass


async def test_of_two_edges_that_bring_other_keys_under_one_id_at_once_one_starts(engine_options: Options) -> None:
    async with having(engine_options, "k1"):
        pass
    texts = [f"{ring('k1')},{ring('k2', salt=b'%d' % number)}" for number in range(8)]

    async def starts(stack: AsyncExitStack, text: str) -> bool:
        try:
            await stack.enter_async_context(open_engine(replace(engine_options, keyring=Keyring.parse(text))))
        except Misconfigured:
            return False
        return True

    async with AsyncExitStack() as stack:
        assert sum(await asyncio.gather(*[starts(stack, text) for text in texts])) == 1


async def test_a_refused_start_leaves_nothing_behind(engine_options: Options, admin_redis: "redis.Redis") -> None:
    async with having(engine_options, "k1"):
        before = admin_redis.hgetall(keys.KEY_CHECKS), admin_redis.zcard(keys.KEY_HOLDERS)
        await refusal(engine_options, "k2", "k1")
        assert set(admin_redis.hgetall(keys.KEY_CHECKS)) == set(before[0]) == {b"k1"}
        assert admin_redis.zcard(keys.KEY_HOLDERS) == before[1] == 1
    assert not admin_redis.exists(keys.KEY_HOLDERS)


async def test_no_key_and_nothing_of_one_is_in_what_is_noted(
    engine_options: Options, admin_redis: "redis.Redis"
) -> None:
    async with having(engine_options, "k1", "k2"):
        noted = repr((admin_redis.hgetall(keys.KEY_CHECKS), admin_redis.zrange(keys.KEY_HOLDERS, 0, -1)))
    for entry in ring("k1", "k2").split(","):
        encoded = entry.partition(":")[2]
        assert encoded[:8] not in noted
        assert b"k1".ljust(32).hex()[:16] not in noted


async def test_what_is_noted_is_noted_again_after_it_was_lost(
    engine_options: Options, admin_redis: "redis.Redis"
) -> None:
    async with having(engine_options, "k1", "k2") as engine, hurried(engine, "k1", "k2") as keyholders:
        admin_redis.delete(keys.KEY_HOLDERS)
        await wait_until_async(lambda: admin_redis.zcard(keys.KEY_HOLDERS))
        known = await keyholders.read()
    assert set(known.keys) == {"k1", "k2"}
    assert known.now_ms - known.keys["k1"].sealed_ms < 5000
    assert known.keys["k2"].sealed_ms == 0
    assert known.holders == ()  # nobody but itself


async def test_who_no_longer_goes_with_the_others_says_so_and_goes_on(
    engine_options: Options, admin_redis: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    """As one whom Redis did not see for so long that the others went on without it."""
    async with having(engine_options, "k1") as engine:
        tenant = await engine.tenants.create(name="Acme")
        async with hurried(engine, "k1"):
            with caplog.at_level(logging.ERROR):
                admin_redis.zadd(keys.KEY_HOLDERS, {"elsewhere k2 k1": 9e12})
                await wait_until_async(lambda: "seals with the key k2" in caplog.text)
        assert (await engine.tenants.read(tenant.id)).name == "Acme"


async def test_others_are_told_of_by_host_and_number(engine_options: Options) -> None:
    async with having(engine_options, "k1"), having(engine_options, "k1", "k2") as engine:
        (other,) = (await engine.keyholders.read()).holders
    assert other.ids == ("k1",)
    assert len(other.name.split(":")) == 3
