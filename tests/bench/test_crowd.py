"""What the measurement of challenges makes ahead, and the parts that it takes an answer apart into."""

from typing import TYPE_CHECKING

import pytest
import uvloop

from bench.crowd import WRONG_CODE, Asked, Crowd, for_each
from bench.requests import environ_for
from bench.split import split
from engine.assembly import open_engine
from engine.challenge_records import State
from engine.errors import ChallengeClosed
from tests.engine.servers import RedisServer, server_binaries

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="module")
def server() -> "Generator[RedisServer]":
    with RedisServer(server_binaries()[0]) as server:
        yield server


@pytest.fixture(scope="module")
def crowd(server: RedisServer) -> Crowd:
    return Crowd.gather(environ_for(f"unix://{server.socket}"), name="crowd")


def _answered(crowd: Crowd, asked: Asked, code: str) -> State:
    async def answer() -> State:
        async with open_engine(crowd.options) as engine:
            proof, challenge_id = asked
            answered = await engine.challenges.answer(crowd.tenant, proof.factor_id, challenge_id, code=code)
            return answered.state

    return uvloop.run(answer())


def test_each_of_a_crowd_can_answer_its_challenge_once(crowd: Crowd) -> None:
    for asked in crowd.challenge(crowd.enrol(3)):
        assert _answered(crowd, asked, asked.proof.code()) is State.VERIFIED
        with pytest.raises(ChallengeClosed):
            _answered(crowd, asked, asked.proof.code())


def test_the_wrong_code_is_wrong_and_burns_nothing(crowd: Crowd) -> None:
    (proof,) = crowd.enrol(1)
    wrong, right = crowd.challenge([proof] * 2)
    assert _answered(crowd, wrong, WRONG_CODE) is State.FAILED
    assert _answered(crowd, right, proof.code()) is State.VERIFIED


def test_what_was_cancelled_is_closed(crowd: Crowd) -> None:
    (asked,) = crowd.challenge(crowd.enrol(1))
    crowd.cancel([asked])
    with pytest.raises(ChallengeClosed):
        _answered(crowd, asked, asked.proof.code())


def test_every_part_of_an_answer_takes_time_and_the_scripts_take_redis(crowd: Crowd, server: RedisServer) -> None:
    parts = split(crowd, f"unix://{server.socket}", count=50)
    assert len(parts) == 8
    assert all(part.edge_us > 0 for part in parts)
    assert [part.part for part in parts if part.redis_us] == [
        "access token, limit",
        "script: count",
        "script: conclude",
    ]


def test_work_is_done_for_each_of_many_once() -> None:
    async def double(number: int) -> int:
        return 2 * number

    assert sorted(uvloop.run(for_each(range(10), double, at_once=3))) == list(range(0, 20, 2))
