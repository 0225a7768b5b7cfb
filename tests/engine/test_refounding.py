"""Redis loses everything under a running process: all processes agree again on where things are."""

import secrets
from typing import TYPE_CHECKING

import pytest

from engine.assembly import open_engine
from engine.errors import UnknownTenant
from engine.store.keys import DEPLOYMENT
from engine.tenants import State
from tests.conftest import OWNER
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from engine.assembly import Engine, Options
    from engine.sealing import Keyring
    from tests.engine.servers import Admin

pytestmark = [pytest.mark.anyio, pytest.mark.one_node]  # a Cluster is not emptied at once


async def agree(engine: "Engine", other: "Engine") -> bool:
    """Whether what one has written is found by the other."""
    tenant = await engine.tenants.create(name=secrets.token_hex(4), owner=OWNER, state=State.ACTIVE)
    try:
        return await other.tenants.read(tenant.id) == tenant
    except UnknownTenant:
        return False


async def test_a_lost_deployment_is_founded_again_as_it_was(
    engine: "Engine", engine_options: "Options", admin_redis: "Admin"
) -> None:
    admin_redis.execute_command("FLUSHALL")
    await wait_until_async(lambda: admin_redis.exists(DEPLOYMENT))
    async with open_engine(engine_options) as other:
        assert await agree(engine, other)


async def test_a_deployment_that_somebody_else_has_founded_meanwhile_is_adopted(
    engine: "Engine", engine_options: "Options", admin_redis: "Admin", keyring: "Keyring"
) -> None:
    index_key = keyring.seal(secrets.token_bytes(32), scope="deployment", bound_to=b"index key")
    with admin_redis.pipeline(transaction=True) as both:
        both.flushall()
        both.hset(DEPLOYMENT, mapping={"partitions": engine_options.partitions, "index_key": index_key})
        both.execute()
    async with open_engine(engine_options) as other:
        await wait_until_async(lambda: agree(engine, other))


async def test_the_secrets_of_a_lost_deployment_are_kept_again(
    engine: "Engine", engine_options: "Options", admin_redis: "Admin"
) -> None:
    secret = await engine.deployment_secrets.read("signing", lambda: b"old")
    admin_redis.execute_command("FLUSHALL")
    await wait_until_async(lambda: admin_redis.hexists(DEPLOYMENT.decode(), "signing"))
    async with open_engine(engine_options) as other:
        assert await other.deployment_secrets.read("signing", lambda: b"new") == secret == b"old"


async def test_secrets_that_somebody_else_has_made_meanwhile_are_adopted(
    engine: "Engine", admin_redis: "Admin", keyring: "Keyring"
) -> None:
    await engine.deployment_secrets.read("signing", lambda: b"old")
    new = keyring.seal(b"new", scope="deployment", bound_to=b"signing")
    with admin_redis.pipeline(transaction=True) as both:
        both.flushall()
        both.hset(DEPLOYMENT, mapping={"signing": new})
        both.execute()

    async def is_adopted() -> bool:
        return await engine.deployment_secrets.read("signing", lambda: b"") == b"new"

    await wait_until_async(is_adopted)


async def test_one_that_cannot_be_adopted_is_said_to_need_a_restart(
    engine: "Engine", engine_options: "Options", admin_redis: "Admin", caplog: pytest.LogCaptureFixture
) -> None:
    admin_redis.execute_command("FLUSHALL")
    await wait_until_async(lambda: admin_redis.exists(DEPLOYMENT))
    with admin_redis.pipeline(transaction=True) as both:
        both.flushall()
        both.hset(DEPLOYMENT, mapping={"partitions": 2 * engine_options.partitions, "index_key": b"k1.other"})
        both.execute()
    await wait_until_async(lambda: "this process must be restarted" in caplog.text)
    assert engine.link.is_up
