"""`python -m bench.challenges`: CPU per challenge that is opened, read and answered, as a ratio to the floor.

As bench/hot_path.py measures, and besides what the parts of an answer take within one process (bench/split.py).
Each right answer needs a challenge and a factor of its own: they are made ahead of every round.
"""

import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import click
import psutil
import redis

from bench.crowd import WRONG_CODE, Asked, Crowd, Proof
from bench.load import Load, run_wrk
from bench.report import print_table, write_json
from bench.rounds import Scenario, run_rounds, some_of
from bench.servers import product, redis_server, uvicorn_app
from bench.split import measure_split, print_split
from engine.sealing import Keyring

CONNECTIONS = 64
PLENTY = "1000000/1"  # calls per client and second: charged every time, reached never
_LINES = Path(__file__).parent / "lines.lua"
_MOST_PER_SECOND = 12_000  # answers made ahead of a round: more than it can ask for
_FEW = 1000  # where the same may be asked again
_FLOOR_PORT, _PRODUCT_PORT = 8307, 8308
_NOWHERE = "https://receiver.invalid/"  # no courier works, so nobody calls it


class Requests:
    """Files of requests, and the loads that send them."""

    def __init__(self, directory: Path, seconds: float) -> None:
        self._directory = directory
        self._seconds = seconds

    def write(self, name: str, lines: Iterable[str]) -> None:
        (self._directory / name).write_text("".join(f"{line}\n" for line in lines))

    def load(
        self, name: str, token: str, method: str, status: int, text: str, *, port: int = _PRODUCT_PORT
    ) -> Callable[[int], Load]:
        """A load whose answers all have this status, and this text in them."""
        arguments = (str(self._directory / name), method, token, str(status), text)

        def send(_: int) -> Load:
            return run_wrk(
                port, "/", seconds=self._seconds, connections=CONNECTIONS, script=_LINES, arguments=arguments
            )

        return send


def _scenarios(
    requests: Requests, crowd: Crowd, told: Crowd, *, most: int, floor: psutil.Process, worker: psutil.Process
) -> list[Scenario]:
    few, many = crowd.enrol(_FEW), crowd.enrol(most)
    _write_unchanging(requests, crowd, few)

    def right(of: Crowd) -> Callable[[int], None]:
        def prepare(_: int) -> None:
            asked = of.challenge(of.enrol(most))
            requests.write("right", [_answer(one, one.proof.code()) for one in asked])

        return prepare

    def wrong(_: int) -> None:  # burns no step, so the same factors will do
        requests.write("wrong", [_answer(one, WRONG_CODE) for one in crowd.challenge(many)])

    load, token = requests.load, crowd.token
    verified, closed = ("PATCH", 200, '"VERIFIED"'), ("PATCH", 400, "can no longer be answered")
    return [
        Scenario("floor", floor, load("closed", token, "PATCH", 200, "Success", port=_FLOOR_PORT)),
        Scenario("PATCH, right code", worker, load("right", token, *verified), right(crowd)),
        Scenario("PATCH, right code, to be told", worker, load("right", told.token, *verified), right(told)),
        Scenario("PATCH, wrong code", worker, load("wrong", token, "PATCH", 200, '"FAILED"'), wrong),
        Scenario("POST", worker, load("all", token, "POST", 201, '"PENDING"')),
        Scenario("GET", worker, load("open", token, "GET", 200, '"PENDING"')),
        Scenario("refused: closed (400)", worker, load("closed", token, *closed), refused=True),
        Scenario(
            "refused: token (401)",
            worker,
            load("closed", crowd.unknown_token, "PATCH", 401, "unauthorized"),
            refused=True,
        ),
    ]


def _write_unchanging(requests: Requests, crowd: Crowd, few: list[Proof]) -> None:
    """What may be asked again and again."""
    requests.write("all", [f"{_home(proof)} {{}}" for proof in few])
    requests.write("open", map(_path, crowd.challenge(few)))
    closed = crowd.challenge(few)
    crowd.cancel(closed)
    requests.write("closed", [_answer(one, WRONG_CODE) for one in closed])


def _home(proof: Proof) -> str:
    return f"/authenticator/v0.1/factors/{proof.factor_id}/challenges"


def _path(asked: Asked) -> str:
    return f"{_home(asked.proof)}/{asked.challenge_id}"


def _answer(asked: Asked, code: str) -> str:
    return f'{_path(asked)} [{{"op":"add","path":"/code","value":"{code}"}}]'


def _environ(redis_url: str) -> dict[str, str]:
    return {
        "WATCHWORD_REDIS_URL": redis_url,
        "WATCHWORD_KEYS": Keyring.generate(),
        "WATCHWORD_CALL_LIMIT_PER_CLIENT": PLENTY,
        "WATCHWORD_COURIER": "off",  # it would ask this Redis, too
    }


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds of every scenario.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of a round.")
@click.option("--only", multiple=True, help="Run the floor and scenarios whose name has this in it.")
def main(*, rounds: int, seconds: float, only: tuple[str, ...]) -> None:
    """Measure, print the tables, write the JSON."""
    with ExitStack() as stack:
        redis_url, _ = stack.enter_context(redis_server())
        environ = _environ(redis_url)
        crowd = Crowd.gather(environ, name="crowd")
        told = Crowd.gather(environ, name="told", callback_url=_NOWHERE)
        parts = measure_split(crowd, redis_url, rounds=rounds)
        scenarios = _scenarios(
            Requests(Path(stack.enter_context(tempfile.TemporaryDirectory())), seconds),
            crowd,
            told,
            most=int(seconds * _MOST_PER_SECOND),
            floor=stack.enter_context(uvicorn_app("bench.floor:app", _FLOOR_PORT, {})),
            worker=stack.enter_context(product(_PRODUCT_PORT, environ)),
        )
        server = stack.enter_context(redis.Redis.from_url(redis_url))
        rows = run_rounds(some_of(scenarios, only), rounds, server)
        print_table(rows)
        print_split(parts)
        more = {"redis": server.info("server")["redis_version"], "connections": CONNECTIONS}
        path = write_json("challenges", rows, {**more, "split": [part._asdict() for part in parts]})
        click.echo(f"\nwritten to {path.relative_to(path.parents[2])}")


if __name__ == "__main__":
    main()
