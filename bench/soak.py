"""`python -m bench.soak`: does a worker's memory stay flat under load that does not end?

Passcodes are submitted and fetched in turns, every one a new pass key, and the worker's resident memory is written
down after each turn.
"""

from contextlib import ExitStack
from pathlib import Path

import click

from bench.load import run_wrk
from bench.servers import product, redis_server
from bench.tenancy import prepare
from engine.sealing import Keyring

_PORT = 8307
_WALK = Path(__file__).parent / "walk.lua"


@click.command()
@click.option("--minutes", default=10, show_default=True)
@click.option("--turn-seconds", default=15, show_default=True)
def main(*, minutes: int, turn_seconds: int) -> None:
    """Measure and print a table."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = {"WATCHWORD_REDIS_URL": redis_url, "WATCHWORD_KEYS": Keyring.generate()}
        tenancy = prepare(environ)
        worker = stack.enter_context(product(_PORT, environ))

        def turn(operation: str, path: str, api_key: str) -> int:
            arguments = (path, str(first), api_key, operation)
            load = run_wrk(
                _PORT,
                "/",
                seconds=turn_seconds,
                connections=64,
                script=_WALK,
                arguments=arguments,
                patience_seconds=30,
            )
            return load.requests

        click.echo("| minute | requests | RSS MB |")
        click.echo("|---|---|---|")
        first = requests = 0
        for number in range(minutes * 60 // turn_seconds // 2):
            submitted = turn("submit", tenancy.path.rstrip("/"), "")
            requests += submitted + turn("fetch", tenancy.path, tenancy.api_key)
            first += 2 * submitted
            minute = 2 * (number + 1) * turn_seconds / 60
            click.echo(f"| {minute:.1f} | {requests:,} | {worker.memory_info().rss / 2**20:.1f} |")


if __name__ == "__main__":
    main()
