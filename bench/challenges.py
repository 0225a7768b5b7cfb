"""`python -m bench.challenges`: CPU per challenge that is opened, read and answered, as a ratio to the floor.

As bench/hot_path.py measures, and besides what the parts of an answer take within one process (bench/split.py).
Each right answer needs a challenge and a factor of its own: they are made ahead of every round.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import psutil
import redis

from bench.crowd import WRONG_CODE, Crowd, Proof
from bench.load import Load
from bench.report import print_columns, print_table, write_json
from bench.requests import CONNECTIONS, Meant, Requests, answer, environ_for, path_of, path_of_all
from bench.rounds import Scenario, run_rounds, some_of
from bench.servers import product, redis_server, uvicorn_app
from bench.split import Part, measure_split

_FEW = 1000  # where the same may be asked again
_FLOOR_PORT, _PRODUCT_PORT = 8307, 8308
_NOWHERE = "https://receiver.invalid/"  # no courier works, so nobody calls it


_VERIFIED = Meant("PATCH", 200, '"VERIFIED"')
_FAILED = Meant("PATCH", 200, '"FAILED"')
_CLOSED = Meant("PATCH", 400, "can no longer be answered")
_UNAUTHORIZED = Meant("PATCH", 401, "unauthorized")
_OPENED = Meant("POST", 201, '"PENDING"')
_READ = Meant("GET", 200, '"PENDING"')
_CONSTANT = Meant("PATCH", 200, "Success")


def _scenarios(
    requests: Requests, crowd: Crowd, told: Crowd, *, answers: int, floor: psutil.Process, worker: psutil.Process
) -> list[Scenario]:
    few, many = crowd.enrol(_FEW), crowd.enrol(answers)
    _write_unchanging(requests, crowd, few)

    def right(of: Crowd) -> Callable[[int], None]:
        def prepare(_: int) -> None:
            asked = of.challenge(of.enrol(answers))
            requests.write("right", [answer(one, one.proof.code()) for one in asked])

        return prepare

    def wrong(_: int) -> None:  # burns no step, so the same factors will do
        requests.write("wrong", [answer(one, WRONG_CODE) for one in crowd.challenge(many)])

    def once(name: str, meant: Meant, token: str = crowd.token) -> Callable[[int], Load]:
        return lambda _: requests.send(name, _PRODUCT_PORT, meant=meant, token=token, once=True)

    def again(
        name: str, meant: Meant, token: str = crowd.token, port: int = _PRODUCT_PORT
    ) -> Callable[[int], Load]:
        return lambda _: requests.send(name, port, meant=meant, token=token)

    unauthorized = again("closed", _UNAUTHORIZED, crowd.unknown_token)
    return [
        Scenario("floor", floor, again("closed", _CONSTANT, port=_FLOOR_PORT)),
        Scenario("PATCH, right code", worker, once("right", _VERIFIED), right(crowd)),
        Scenario("PATCH, right code, to be told", worker, once("right", _VERIFIED, told.token), right(told)),
        Scenario("PATCH, wrong code", worker, once("wrong", _FAILED), wrong),
        Scenario("POST", worker, again("all", _OPENED)),
        Scenario("GET", worker, again("open", _READ)),
        Scenario("refused: closed (400)", worker, again("closed", _CLOSED), refused=True),
        Scenario("refused: token (401)", worker, unauthorized, refused=True),
    ]


def _write_unchanging(requests: Requests, crowd: Crowd, few: list[Proof]) -> None:
    """What may be asked again and again."""
    requests.write("all", [f"{path_of_all(proof)} {{}}" for proof in few])
    requests.write("open", map(path_of, crowd.challenge(few)))
    closed = crowd.challenge(few)
    crowd.cancel(closed)
    requests.write("closed", [answer(one, WRONG_CODE) for one in closed])


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds of every scenario.")
@click.option("--seconds", default=2, show_default=True, help="Length of a round.")
@click.option("--answers", default=26_000, show_default=True, help="Made ahead of a round, which ends with them.")
@click.option("--only", multiple=True, help="Run the floor and scenarios whose name has this in it.")
def main(*, rounds: int, answers: int, seconds: int, only: tuple[str, ...]) -> None:
    """Measure, print the tables, write the JSON."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = environ_for(redis_url)
        crowd = Crowd.gather(environ, name="crowd")
        told = Crowd.gather(environ, name="told", callback_url=_NOWHERE)
        parts = measure_split(crowd, redis_url, rounds=rounds)
        scenarios = _scenarios(
            Requests(Path(stack.enter_context(tempfile.TemporaryDirectory())), seconds=seconds),
            crowd,
            told,
            answers=answers,
            floor=stack.enter_context(uvicorn_app("bench.floor:app", _FLOOR_PORT, {})),
            worker=stack.enter_context(product(_PRODUCT_PORT, environ)),
        )
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        rows = run_rounds(some_of(scenarios, only), rounds, server)
        print_table(rows)
        print_columns(Part._fields, parts)
        path = write_json(
            "challenges",
            {
                "redis": server.info("server")["redis_version"],
                "connections": CONNECTIONS,
                "rows": [row._asdict() for row in rows],
                "split": [part._asdict() for part in parts],
            },
        )
        click.echo(f"\nwritten to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    main()
