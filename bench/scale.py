"""`python -m bench.scale`: does it stay the same when there is more of everything?

Live passcodes are made in steps up to a million, over ten thousand tenants. At each step: memory of Redis per live
passcode, CPU per fetch at the edge beside the floor, resident memory of the worker.
"""

import asyncio
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click
import msgspec
import psutil
import redis

from bench.load import run_wrk
from bench.servers import product, redis_server, uvicorn_app
from engine.assembly import Engine, Options, open_engine
from engine.ids import TenantId
from engine.policies import PasscodePolicy
from engine.sealing import Keyring
from engine.tenants import Configuration, State, Tenant
from watchword.options import engine_options
from watchword.settings import read_settings

_PORT, _FLOOR_PORT = 8304, 8305
_WALK = Path(__file__).parent / "spread.lua"
_WRITERS = 128
_PLENTY = 1_000_000
_LIFE = PasscodePolicy(expires_s=86_400)
_FEW = 100
_WARM_SECONDS = 2
_UNFINISHED = 64  # fetches that a load may have begun when its time is up, one for each connection
_MOST_PER_SECOND = 25_000  # fetches; so many passcodes are made on top of the live ones, to be used up


class Customer(NamedTuple):
    tenant_id: TenantId
    api_key: str


class Step(NamedTuple):
    """So many live passcodes, of so many tenants."""

    live: int
    customers: list[Customer]


@click.command()
@click.option("--tenants", default=10_000, show_default=True)
@click.option("--passcodes", default=1_000_000, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Loads of each step.")
@click.option("--seconds", default=3, show_default=True, help="Length of each load.")
def main(*, tenants: int, passcodes: int, rounds: int, seconds: int) -> None:
    """Measure and print a table."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = {"WATCHWORD_REDIS_URL": redis_url, "WATCHWORD_KEYS": Keyring.generate()}
        options = engine_options(read_settings(environ))
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        customers = asyncio.run(_make_tenants(options, tenants))
        floor = stack.enter_context(uvicorn_app("bench.floor:app", _FLOOR_PORT, {}))
        worker = stack.enter_context(product(_PORT, environ))
        empty, without = _used(server), server.dbsize()
        click.echo(
            "| live passcodes | tenants | Redis bytes each | edge us per fetch | x floor | RSS MB | p99 ms |"
        )
        click.echo("|---|---|---|---|---|---|---|")
        first = 0
        for live, known in (Step(1_000, customers[:_FEW]), Step(1_000, customers), Step(passcodes, customers)):
            file = stack.enter_context(_tenants_file(known))
            ahead = (rounds * seconds + _WARM_SECONDS) * _MOST_PER_SECOND
            asyncio.run(_submit(options, known, range(first + 1, first + live + ahead + 1)))
            each = (_used(server) - empty) / (server.dbsize() - without)
            # First every tenant once: what is measured is a worker that knows them.
            samples = [_fetch(worker, file, first, _WARM_SECONDS)]
            floors: list[float] = []
            for _ in range(rounds):
                floors.append(_fetch(floor, file, 0, seconds, _FLOOR_PORT).edge_us)
                samples.append(_fetch(worker, file, first + sum(sample.used for sample in samples), seconds))
            edge_us, p99_ms = (median(column) for column in list(zip(*samples[1:], strict=True))[:2])
            click.echo(
                f"| {live:,} | {len(known):,} | {each:.0f} | {edge_us:.1f} | {edge_us / median(floors):.2f} "
                f"| {worker.memory_info().rss / 2**20:.0f} | {p99_ms:.1f} |"
            )
            first += live + ahead


class Sample(NamedTuple):
    edge_us: float
    p99_ms: float
    used: int  # passcodes


def _fetch(process: psutil.Process, file: str, first: int, seconds: int, port: int = _PORT) -> Sample:
    before = process.cpu_times()
    load = run_wrk(port, "/", seconds=seconds, connections=64, script=_WALK, arguments=(file, str(first)))
    after = process.cpu_times()
    cpu_seconds = after.user + after.system - before.user - before.system
    if load.not_2xx:
        raise RuntimeError(f"{load.not_2xx} of {load.requests} fetches were refused")
    return Sample(cpu_seconds / load.requests * 1e6, load.p99_ms, load.requests + _UNFINISHED)


@contextmanager
def _tenants_file(customers: list[Customer]) -> Generator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".tenants") as file:
        file.writelines(f"{tenant_id} {api_key}\n" for tenant_id, api_key in customers)
        file.flush()
        yield file.name


def _used(server: "redis.Redis") -> int:
    return int(server.info("memory")["used_memory"])


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
