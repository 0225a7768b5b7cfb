"""The link to a primary that Sentinels replace."""

import pytest

from engine.store.errors import LinkDown
from engine.store.opening import AnyLink
from tests.engine.calls import COUNT, is_served, linked_to, opened, run
from tests.engine.sentinels import SentinelGroup
from tests.engine.servers import RedisServer, server_binaries
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio

REMOVALS = [(RedisServer.kill, RedisServer.start), (RedisServer.pause, RedisServer.resume)]


async def counts(link: AnyLink) -> bool:
    try:
        return await run(link, COUNT, "x") == [0, b"x"]
    except LinkDown:
        return False


async def test_the_link_follows_the_primary_when_it_is_killed_hangs_or_steps_down() -> None:
    with SentinelGroup(server_binaries()[0]) as group:
        url = without_user(group)
        async with linked_to(url) as link:
            assert await counts(link)
            for remove, restore in REMOVALS:
                old = group.primary()
                remove(old)
                await wait_until_async(lambda: not link.is_up)
                with pytest.raises(LinkDown):
                    await run(link, COUNT, "refused")
                new = group.wait_until_elected(instead_of=old)
                await wait_until_async(lambda: counts(link), within=3)
                assert int(new.admin.get("{0}:test") or 0) > 0
                restore(old)
                group.wait_until_content()
            old = group.primary()
            group.sentinels[0].command("SENTINEL", "FAILOVER", "passcodes")
            group.wait_until_elected(instead_of=old)
            await wait_until_async(lambda: counts(link), within=3)


async def test_a_sentinel_and_a_replica_are_not_taken_for_a_primary(caplog: pytest.LogCaptureFixture) -> None:
    with SentinelGroup(server_binaries()[0], replicas=1, sentinels=1) as group:
        (sentinel,), (replica,) = group.sentinels, group.replicas()
        for port, sentence in [(sentinel.port, "its URL is redis+sentinel://"), (replica.port, "is a replica")]:
            async with opened(f"redis://127.0.0.1:{port}") as link:
                await wait_until_async(lambda sentence=sentence: sentence in caplog.text)
                assert not link.is_up
        async with linked_to(without_user(group)) as link:
            assert await is_served(link)


async def test_a_service_that_no_sentinel_knows_keeps_the_link_down(caplog: pytest.LogCaptureFixture) -> None:
    with SentinelGroup(server_binaries()[0], replicas=0, sentinels=1) as group:
        async with opened(without_user(group).replace("/passcodes/", "/unknown/")) as link:
            await wait_until_async(lambda: "no Sentinel knows a primary of unknown" in caplog.text)
            assert not link.is_up


def without_user(group: SentinelGroup) -> str:
    """The tests' scripts call what the edge's user may not."""
    scheme, _, rest = group.url_of_user().partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
