"""`make bench`: CPU per request of the hot path, as a ratio to the floor measured in the same run.

Floor and product alternate, round by round, on one core; load and Redis have the other. A ratio is taken within a
round and its median over the rounds, so that a machine that is slower for a while counts for both. CPU is what the
kernel accounts to the process under measurement, user and system, divided by the requests that were answered.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import redis

from bench.load import Load, run_wrk
from bench.report import print_table, write_json
from bench.rounds import Scenario, run_rounds, some_of
from bench.servers import product, redis_server, uvicorn_app
from bench.tenancy import Tenancy, prepare
from engine.sealing import Keyring

CONNECTIONS = 64
_WALK_SCRIPT = Path(__file__).parent / "walk.lua"
_MOST_PER_SECOND = 45_000  # passcodes made ahead of a round of fetches: more than it can ask for
_ASIDE = 1000  # rounds of another worker, whose passcodes are not to be the same
_FLOOR_PORT, _PRODUCT_PORT, _USUAL_PORT, _UNAUDITED_PORT = 8301, 8302, 8303, 8304


def _scenarios(stack: ExitStack, redis_url: str, seconds: float) -> list[Scenario]:
    keys = Keyring.generate()
    # A courier would ask this Redis five times a second what there is to tell, and nothing is.
    environ = {"WATCHWORD_REDIS_URL": redis_url, "WATCHWORD_KEYS": keys, "WATCHWORD_COURIER": "off"}
    tenancy = prepare(environ)
    ahead = int(seconds * _MOST_PER_SECOND)
    floor = stack.enter_context(uvicorn_app("bench.floor:app", _FLOOR_PORT, {}))
    worker = stack.enter_context(product(_PRODUCT_PORT, environ))
    usual_key = b64encode(bytes(32)).decode()
    usual = stack.enter_context(
        uvicorn_app("bench.usual:app", _USUAL_PORT, {"BENCH_REDIS_URL": redis_url, "BENCH_KEY": usual_key})
    )

    walk = partial(_walk, seconds)

    def fetch(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    def fetch_usually(number: int) -> Load:
        return walk(_USUAL_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    def submit(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path.rstrip("/"), tenancy.to_submit(number), "", "submit")

    def gone(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, tenancy.unused(number), tenancy.api_key, "fetch")

    def unauthenticated(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.path, 0, tenancy.revoked_key, "fetch")

    def limited(number: int) -> Load:
        return walk(_PRODUCT_PORT, tenancy.limited_path, 0, tenancy.limited_key, "fetch")

    def constant(number: int) -> Load:
        return walk(_FLOOR_PORT, tenancy.path, tenancy.made_ahead(number), tenancy.api_key, "fetch")

    return [
        Scenario("floor", floor, constant),
        Scenario("fetch", worker, fetch, lambda number: tenancy.submit_ahead(number, ahead)),
        Scenario("submit", worker, submit),
        *_unaudited(stack, environ, tenancy, seconds),
        Scenario("refused: gone (410)", worker, gone, refused=True),
        Scenario("refused: API key (401)", worker, unauthenticated, refused=True),
        Scenario("refused: limit (429)", worker, limited, refused=True),
        Scenario(
            "fetch, the usual way",
            usual,
            fetch_usually,
            lambda number: tenancy.store_usually(number, usual_key, ahead),
        ),
    ]


def _unaudited(stack: ExitStack, environ: dict[str, str], tenancy: Tenancy, seconds: float) -> Iterator[Scenario]:
    """What audit trails cost: the same of a worker that keeps none."""
    worker = stack.enter_context(product(_UNAUDITED_PORT, environ | {"WATCHWORD_AUDIT_DAYS": "0"}))
    walk = partial(_walk, seconds, _UNAUDITED_PORT)

    def fetch(number: int) -> Load:
        return walk(tenancy.path, tenancy.made_ahead(number + _ASIDE), tenancy.api_key, "fetch")

    def submit(number: int) -> Load:
        return walk(tenancy.path.rstrip("/"), tenancy.to_submit(number + _ASIDE), "", "submit")

    def submit_ahead(number: int) -> None:
        tenancy.submit_ahead(number + _ASIDE, int(seconds * _MOST_PER_SECOND))

    yield Scenario("fetch, not audited", worker, fetch, submit_ahead)
    yield Scenario("submit, not audited", worker, submit)


def _walk(seconds: float, port: int, path: str, first: int, api_key: str, operation: str) -> Load:
    arguments = (path, str(first), api_key, operation)
    return run_wrk(port, "/", seconds=seconds, connections=CONNECTIONS, script=_WALK_SCRIPT, arguments=arguments)


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds of every scenario.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--only", multiple=True, help="Run the floor and scenarios whose name has this in it.")
def main(*, rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Measure, print the table, write the JSON."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        scenarios = some_of(_scenarios(stack, redis_url, seconds), only)
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        rows = run_rounds(scenarios, rounds, server)
        print_table(rows)
        path = write_json(
            "hot-path",
            {
                "redis": server.info("server")["redis_version"],
                "connections": CONNECTIONS,
                "rows": [row._asdict() for row in rows],
            },
        )
        click.echo(f"\nwritten to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    main()
