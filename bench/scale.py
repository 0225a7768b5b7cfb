"""`python -m bench.scale`: does it stay the same when there is more of everything?

Live passcodes are made in steps up to a million, over ten thousand tenants. At each step: memory of Redis per live
passcode, CPU per fetch at the edge, resident memory of the worker.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import redis

from bench.load import Load, run_wrk
from bench.servers import product, redis_server
from engine.assembly import Engine, Options, open_engine
from engine.ids import TenantId
from engine.policies import PasscodePolicy
from engine.sealing import Keyring
from engine.tenants import Configuration, State, Tenant
from watchword.options import engine_options
from watchword.settings import read_settings

_PORT = 8304
_WALK = Path(__file__).parent / "spread.lua"
_WRITERS = 128
_PLENTY = 1_000_000
_LIFE = PasscodePolicy(expires_s=86_400)
_FETCHED_PER_STEP = 150_000  # a step may use up so many; they are made on top of the live ones


class Customer(NamedTuple):
    tenant_id: TenantId
    api_key: str


@click.command()
@click.option("--tenants", default=10_000, show_default=True)
@click.option("--passcodes", default=1_000_000, show_default=True)
@click.option("--seconds", default=4.0, show_default=True, help="Length of each load.")
def main(*, tenants: int, passcodes: int, seconds: float) -> None:
    """Measure and print a table."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = {"WATCHWORD_REDIS_URL": redis_url, "WATCHWORD_KEYS": Keyring.generate()}
        options = engine_options(read_settings(environ))
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        known = asyncio.run(_make_tenants(options, tenants))
        file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".tenants"))
        file.writelines(f"{tenant_id} {api_key}\n" for tenant_id, api_key in known)
        file.flush()
        worker = stack.enter_context(product(_PORT, environ))
        empty, without = _used(server), server.dbsize()
        first = 0
        click.echo("| live passcodes | tenants | Redis bytes each | edge us per fetch | worker RSS MB | p99 ms |")
        click.echo("|---|---|---|---|---|---|")
        for live in (1_000, passcodes):
            asyncio.run(_submit(options, known, range(first + 1, first + live + _FETCHED_PER_STEP + 1)))
            each = (_used(server) - empty) / (server.dbsize() - without)
            before = worker.cpu_times()
            load = _fetch(file.name, first, seconds)
            after = worker.cpu_times()
            edge_us = (after.user + after.system - before.user - before.system) / load.requests * 1e6
            rss = worker.memory_info().rss / 2**20
            click.echo(f"| {live:,} | {tenants:,} | {each:.0f} | {edge_us:.1f} | {rss:.0f} | {load.p99_ms:.1f} |")
            first += live + _FETCHED_PER_STEP


def _used(server: "redis.Redis") -> int:
    return int(server.info("memory")["used_memory"])


def _fetch(tenants_file: str, first: int, seconds: float) -> Load:
    return run_wrk(_PORT, "/", seconds=seconds, connections=64, script=_WALK, arguments=(tenants_file, str(first)))


async def _make_tenants(options: Options, count: int) -> list[Customer]:
    async with open_engine(options) as engine:
        numbers = iter(range(count))

        async def keep_making() -> list[Customer]:
            return [await _make_tenant(engine, f"tenant {number}") for number in numbers]

        made = await asyncio.gather(*[keep_making() for _ in range(_WRITERS)])
        return list(chain.from_iterable(made))


async def _make_tenant(engine: Engine, name: str) -> Customer:
    tenant = await engine.tenants.create(name=name, state=State.ACTIVE)

    def configure(tenant: Tenant) -> Tenant:
        configuration = Configuration(_LIFE, None, tenant.created_at, tenant.created_at)
        return msgspec.structs.replace(tenant, configuration=configuration, submit_limit=0, fetch_limit=_PLENTY)

    await engine.tenants.change(tenant.id, configure)
    return Customer(tenant.id, await engine.api_keys.replace_all(tenant.id, name="bench"))


async def _submit(options: Options, known: list[Customer], numbers: range) -> None:
    """Submit as bench/spread.lua fetches: a number belongs to one tenant."""
    waiting = iter(numbers)
    async with open_engine(options) as engine:
        await asyncio.gather(*[_keep_submitting(engine, known, waiting) for _ in range(_WRITERS)])


async def _keep_submitting(engine: Engine, known: list[Customer], waiting: Iterator[int]) -> None:
    for number in waiting:
        await engine.passcodes.submit(
            tenant_id=known[number % len(known)].tenant_id,
            pass_key=f"{number:011d}",
            pass_phrase=None,
            address="127.0.0.1",
            idempotency_key=None,
        )


if __name__ == "__main__":
    main()
