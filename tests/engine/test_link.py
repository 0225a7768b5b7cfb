"""The link to a server that is killed, hangs and comes back."""

import asyncio

import pytest

from engine.store.errors import LinkDown, OutcomeUnknown
from tests.engine.calls import (
    COUNT,
    ECHO,
    KEY,
    PATIENT_MS,
    SCRIPTS,
    is_served,
    kinds,
    linked,
    outcomes,
    run,
    start,
)
from tests.engine.servers import RedisServer
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio


async def test_a_link_is_up_with_all_scripts_loaded(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        assert link.is_up
        assert own_server.command("SCRIPT", "EXISTS", *[script.sha.decode() for script in SCRIPTS]) == [1] * len(
            SCRIPTS
        )
        assert await run(link, ECHO, "a") == [0, b"a"]
        await link.ping()
        assert (link.stats.connects, link.stats.calls, link.stats.script_reloads) == (1, 1, 0)
        assert b" name=watchword " in own_server.command("CLIENT", "LIST")


async def test_every_call_gets_its_own_answer(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        results = await outcomes(start(link, ECHO, 1000))
        assert results == [[0, b"%d" % number] for number in range(1000)]
        assert link.in_flight == 0


async def test_a_cancelled_call_does_not_shift_the_answers_of_others(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.pause()
        tasks = start(link, ECHO, 10)
        await wait_until_async(lambda: link.in_flight == 10)
        for task in tasks[::2]:
            task.cancel()
        own_server.resume()
        results = await outcomes(tasks)
        assert results[1::2] == [[0, b"%d" % number] for number in range(1, 10, 2)]
        assert kinds(results[::2]) == {asyncio.CancelledError}


async def test_calls_to_a_killed_server_fail_in_time(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.pause()
        counts, echos = start(link, COUNT, 50), start(link, ECHO, 50)
        await wait_until_async(lambda: link.in_flight == 100)
        own_server.kill()
        assert kinds(await outcomes(counts)) == {OutcomeUnknown}
        assert kinds(await outcomes(echos)) == {LinkDown}
        assert not link.is_up
        assert kinds(await outcomes(start(link, COUNT, 1))) == {LinkDown}
        with pytest.raises(LinkDown):
            await link.ping()


async def test_a_link_comes_back_by_itself(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        for restarts in range(1, 4):
            own_server.kill()
            await wait_until_async(lambda: not link.is_up)
            own_server.start()
            await wait_until_async(lambda: is_served(link))
            assert link.stats.connects == 1 + restarts


async def test_repeatable_calls_in_flight_at_a_kill_are_repeated(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=PATIENT_MS) as link:
        own_server.pause()
        echos, counts = start(link, ECHO, 50), start(link, COUNT, 50)
        await wait_until_async(lambda: link.in_flight == 100)
        own_server.kill()
        assert kinds(await asyncio.gather(*counts, return_exceptions=True)) == {OutcomeUnknown}
        own_server.start()
        assert await asyncio.gather(*echos) == [[0, b"%d" % number] for number in range(50)]
        assert own_server.admin.get(KEY) is None
        assert link.stats.unanswered == 50


async def test_calls_to_a_server_that_hangs_fail_in_time(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.pause()
        counts, echos = start(link, COUNT, 50), start(link, ECHO, 50)
        assert kinds(await outcomes(counts)) == {OutcomeUnknown}
        assert kinds(await outcomes(echos)) == {LinkDown}


async def test_late_answers_are_not_taken_for_those_of_later_calls(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=2000) as link:
        own_server.pause()
        early = [*start(link, COUNT, 10), *start(link, ECHO, 10)]
        assert OutcomeUnknown in kinds(await asyncio.gather(*early, return_exceptions=True))
        later = [asyncio.create_task(run(link, ECHO, f"later {number}")) for number in range(100)]
        await wait_until_async(lambda: link.in_flight == 120)
        own_server.resume()
        assert await asyncio.gather(*later) == [[0, b"later %d" % number] for number in range(100)]
        assert link.stats.connects == 1
        assert link.in_flight == 0


async def test_a_server_that_hangs_for_long_is_served_again_when_it_goes_on(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.pause()
        start_of_pause = start(link, ECHO, 5)
        assert kinds(await outcomes(start_of_pause)) == {LinkDown}
        await wait_until_async(lambda: not link.is_up)
        own_server.resume()
        await wait_until_async(lambda: is_served(link))
        assert await outcomes(start(link, ECHO, 100)) == [[0, b"%d" % number] for number in range(100)]


async def test_calls_in_flight_when_the_link_is_closed_do_not_hang(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=PATIENT_MS) as link:
        own_server.pause()
        counts, echos = start(link, COUNT, 5), start(link, ECHO, 5)
        await wait_until_async(lambda: link.in_flight == 10)
    assert kinds(await outcomes(counts)) == {OutcomeUnknown}
    assert kinds(await outcomes(echos)) == {LinkDown}
    assert kinds(await outcomes(start(link, ECHO, 1))) == {LinkDown}
