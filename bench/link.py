"""`python -m bench.link`: CPU per call of the link, beside redis-py, with calls of one process in flight at once.

The script is the cheapest there is of ours, a fetch that finds nothing, so the figure is that of the client.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import cast

import click
import redis.asyncio
import uvloop

from bench.servers import EDGE_CORE, redis_server
from engine.store.address import Address
from engine.store.link import Link
from engine.store.scripts import load, load_all

_FETCH = load("passcode/fetch")
_KEYS = [b"{0}:passcode:nobody", b"{0}:fetched:nobody"]

Ask = Callable[[], Awaitable[object]]


@click.command()
@click.option("--calls", default=50_000, show_default=True, help="Calls per round.")
@click.option("--in-flight", default=64, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(*, calls: int, in_flight: int, rounds: int) -> None:
    """Measure and print a table."""
    os.sched_setaffinity(0, {EDGE_CORE})
    with redis_server() as (url, _):
        click.echo("| client | us CPU per call | calls/s |")
        click.echo("|---|---|---|")
        for name, measure in (("the link", _link), ("redis-py, a pool", _redis_py)):
            samples = [uvloop.run(measure(url, calls, in_flight)) for _ in range(rounds)]
            cpu_us, per_second = (statistics.median(column) for column in zip(*samples, strict=True))
            click.echo(f"| {name} | {cpu_us:.1f} | {per_second:,.0f} |")


async def _link(url: str, calls: int, in_flight: int) -> tuple[float, float]:
    address = Address.parse(url)
    async with Link(address, scripts=load_all(), deadline_ms=5000, max_in_flight=in_flight + 1) as link:
        await link.wait_up()
        return await _measure(lambda: link.run(_FETCH, 0, _KEYS, [0]), calls, in_flight)


async def _redis_py(url: str, calls: int, in_flight: int) -> tuple[float, float]:
    async with redis.asyncio.Redis.from_url(url, max_connections=in_flight) as client:
        sha = await client.script_load(_FETCH.source)

        def ask() -> Awaitable[object]:
            return cast("Awaitable[object]", client.evalsha(sha, 2, *cast("list[str]", _KEYS), "0"))

        return await _measure(ask, calls, in_flight)


async def _measure(ask: Ask, calls: int, in_flight: int) -> tuple[float, float]:
    """Microseconds of this process's CPU per call, and calls per second."""
    waiting = iter(range(calls))

    async def keep_asking() -> None:
        for _ in waiting:
            await ask()

    await ask()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[keep_asking() for _ in range(in_flight)])
    return (time.process_time() - cpu) / calls * 1e6, calls / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
