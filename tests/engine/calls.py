"""Calls over a link, for the tests of the link: three scripts, and what becomes of calls of them."""

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.store.address import Address
from engine.store.durability import Durability
from engine.store.errors import Unavailable
from engine.store.keys import KeySpace
from engine.store.link import Link
from engine.store.opening import AnyLink, link_to
from engine.store.scripts import Script, load_all, parse_contract
from engine.store.tenants import ListStatus, TenantStore
from engine.store.topology import parse_topology
from tests.engine.servers import RedisServer
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

DEADLINE_MS = 400
# Sweeps notice in the last fifth of the deadline; the rest is for a machine that is busy with other tests.
IN_TIME_SECONDS = DEADLINE_MS / 1000 * 1.2 + 1.5
PATIENT_MS = 30_000


def script(text: str) -> Script:
    return Script(parse_contract(text), text)


ECHO = script("""--[[ test/echo
KEYS   name
ARGV   word
REPLY  status, word
       0 ECHOED
REPEAT safe
]]
return {0, ARGV[1]}
""")
COUNT = script("""--[[ test/count
KEYS   name
ARGV   word
REPLY  status, word
       0 COUNTED
REPEAT unsafe      a repeat would count twice
DURABLE yes
]]
redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return {0, ARGV[1]}
""")
BROKEN = script("""--[[ test/broken
REPLY  status
       0 NEVER
REPEAT safe
]]
return {0, nil .. ''}
""")
KEY = b"{0}:test"
BOTH = script("""--[[ test/both
KEYS   one
       other
REPLY  status, left, right
       0 READ
REPEAT safe
]]
return {0, redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or ''}
""")
SCRIPTS = (ECHO, COUNT, BROKEN, BOTH)


@asynccontextmanager
async def linked(
    server: RedisServer, *, deadline_ms: int = DEADLINE_MS, max_in_flight: int = 1000
) -> "AsyncGenerator[Link]":
    address = Address.parse(server.url)
    async with Link(address, scripts=SCRIPTS, deadline_ms=deadline_ms, max_in_flight=max_in_flight) as link:
        async with asyncio.timeout(10):
            await link.wait_up()
        yield link


@asynccontextmanager
async def linked_to(
    url: str, *, durability: str = "none", deadline_ms: int = DEADLINE_MS, within: float = 10
) -> "AsyncGenerator[AnyLink]":
    """A link to whatever a URL names, which serves all partitions."""
    async with link_to(
        parse_topology(url),
        scripts=SCRIPTS,
        deadline_ms=deadline_ms,
        max_in_flight=1000,
        durability=Durability.parse(durability),
    ) as link:
        await wait_until_async(lambda: link.is_up, within)
        yield link


async def run(link: AnyLink, script: Script, word: str, *, partition: int = 0) -> list[Any]:
    return await link.run(script, partition, [b"{%d}:test" % partition], [word])


async def is_served(link: AnyLink, *, partition: int = 0) -> bool:
    try:
        return await run(link, ECHO, "?", partition=partition) == [0, b"?"]
    except Unavailable:
        return False


def start(link: AnyLink, script: Script, count: int) -> "list[asyncio.Task[list[Any]]]":
    return [asyncio.create_task(run(link, script, f"{number}")) for number in range(count)]


async def outcomes(tasks: "Sequence[asyncio.Task[list[Any]]]") -> list[list[Any] | BaseException]:
    """What became of calls, none of which may hang."""
    async with asyncio.timeout(IN_TIME_SECONDS):
        return await asyncio.gather(*tasks, return_exceptions=True)


def kinds(results: "Sequence[object]") -> set[type]:
    return {type(result) for result in results}


@asynccontextmanager
async def opened(url: str) -> "AsyncGenerator[AnyLink]":
    """A link as an engine has it, which need not come up."""
    async with link_to(
        parse_topology(url),
        scripts=load_all(),
        deadline_ms=1000,
        max_in_flight=10,
        durability=Durability(),
    ) as link:
        yield link


async def serves(link: AnyLink, space: KeySpace) -> bool:
    """Whether a link comes up and runs a script of the engine."""

    async def answers() -> bool:
        try:
            reply = await TenantStore(link).list(partition=space.partition(0))
        except Unavailable:
            return False
        return reply.status is ListStatus.LISTED

    await wait_until_async(answers, within=10)
    return True
