"""`python -m bench.overload`: what becomes of accepted requests when far more is asked than one worker can do.

wrk asks over many connections: without pause while it is served, and again after Retry-After when it is refused.
Beside it a few clients ask in their own time and write down what they get: a sample of everybody's answers.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import NamedTuple

import click
import uvloop

from bench.load import run_wrk
from bench.servers import LOAD_CORE, product, redis_server
from bench.tenancy import Tenancy, prepare
from engine.sealing import Keyring

_PORT = 8306
_CLIENTS = 20
_PAUSE_SECONDS = 0.02
_RAMP_SECONDS = 5
_RETRY_AFTER_SECONDS = 1
_PATIENT = Path(__file__).parent / "patient.lua"
_REFUSED = {429, 503}


class Answer(NamedTuple):
    status: int
    seconds: float


@click.command()
@click.option(
    "--connections", default=1536, show_default=True, help="Of wrk: 64 are enough to keep a worker busy."
)
@click.option("--seconds", default=10, show_default=True)
@click.option("--max-requests", default=256, show_default=True, help="WATCHWORD_MAX_REQUESTS of the worker.")
def main(*, connections: int, seconds: int, max_requests: int) -> None:
    """Measure and print a table."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = {
            "WATCHWORD_REDIS_URL": redis_url,
            "WATCHWORD_KEYS": Keyring.generate(),
            "WATCHWORD_MAX_REQUESTS": f"{max_requests}",
        }
        tenancy = prepare(environ)
        stack.enter_context(product(_PORT, environ))
        click.echo("| connections | answers/s | refused | accepted p50 ms | p99 ms | refused p99 ms |")
        click.echo("|---|---|---|---|---|---|")
        for count in (64, connections):
            click.echo(_measure(tenancy, count, seconds))


def _measure(tenancy: Tenancy, connections: int, seconds: int) -> str:
    """A row of the table. What is asked for is nobody's passcode, and Redis has to find that out."""
    path, headers = f"{tenancy.path}00000000000", {"x-api-key": tenancy.api_key}
    with ThreadPoolExecutor(1) as pool:
        sampled = pool.submit(lambda: uvloop.run(_sample(path, headers, seconds)))
        time.sleep(0.2)
        load = run_wrk(
            _PORT,
            path,
            seconds=seconds + _RAMP_SECONDS,
            connections=connections,
            script=_PATIENT,
            headers=headers,
            patience_seconds=30,
            yields=True,
        )
        answers = sampled.result()
    refused = [answer.seconds for answer in answers if answer.status in _REFUSED]
    accepted = [answer.seconds for answer in answers if answer.status not in _REFUSED]
    return (
        f"| {connections} | {load.per_second:,.0f} | {len(refused) / len(answers):.0%} "
        f"| {_ms(accepted, 50)} | {_ms(accepted, 99)} | {_ms(refused, 99)} |"
    )


def _ms(seconds: list[float], percent: int) -> str:
    return f"{quantiles(seconds, n=100)[percent - 1] * 1000:.1f}" if len(seconds) > 1 else "-"


async def _sample(path: str, headers: Mapping[str, str], seconds: int) -> list[Answer]:
    """Connect first, since a busy loop accepts slowly; ask once the load is there."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"host": "bench", **headers}.items())
    request = f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()
    clients = [await asyncio.open_connection("127.0.0.1", _PORT) for _ in range(_CLIENTS)]
    for reader, writer in clients:
        await _ask(reader, writer, request)
    await asyncio.sleep(_RAMP_SECONDS)
    until = perf_counter() + seconds
    return list(
        chain.from_iterable(await asyncio.gather(*[_keep_asking(*client, request, until) for client in clients]))
    )


async def _keep_asking(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, until: float
) -> list[Answer]:
    answers: list[Answer] = []
    while perf_counter() < until:
        answers.append(await _ask(reader, writer, request))
        await asyncio.sleep(_RETRY_AFTER_SECONDS if answers[-1].status in _REFUSED else _PAUSE_SECONDS)
    return answers


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
    asked = perf_counter()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    seconds = perf_counter() - asked
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    return Answer(int(head.split()[1]), seconds)


if __name__ == "__main__":
    main()
