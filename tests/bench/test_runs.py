"""Whole runs: against the real service, and against one that lies."""

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.liar import Liar, Ways
from tests.bench.runs import Run, free_port, run_locust
from tests.bench.service import serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

_PASS_KEY, _API_KEY = re.compile(r"\d{20}"), re.compile("wwk[0-9a-f]{32}")
_PEOPLE = ("[repeat]", "[race]", "[wrong key]", "{challenge_id}")
_KEPT = (
    "nobody got somebody else's code, no code was fetched twice, no acknowledged submit was missing, "
    "no answer was wrongly accepted"
)


@pytest.fixture
async def liar() -> "AsyncGenerator[Liar]":
    async with Liar.serve() as liar:
        yield liar


def _headless(seconds: int, *, users: int) -> tuple[str, ...]:
    return (
        *("--headless", "--only-summary", "--run-time", f"{seconds}s"),
        *("--users", str(users), "--spawn-rate", str(users)),
    )


async def test_a_mixed_run_against_the_service_ends_well_and_tells_no_secret(tmp_path: Path) -> None:
    with serving() as service:
        words = (*_headless(4, users=10), "--csv", "run", "--html", "run.html", "--host", service.url)
        environ = {"BENCH_SETUP": "1", "BENCH_WAIT": "0.05", **service.environ}
        run = await run_locust(*words, environ=environ, cwd=tmp_path)
        tenants = json.loads(service.command("tenant", "list", "--json"))
    assert run.status == 0, run.said
    assert _KEPT in run.said
    assert all(person in run.said for person in _PEOPLE)
    assert tenants == []
    told = {name: (tmp_path / name).read_text() for name in ("run_stats.csv", "run_failures.csv", "run.html")}
    assert _total(run.said) == _total(told["run_stats.csv"])
    assert not _PASS_KEY.search(run.said + told["run_stats.csv"] + told["run_failures.csv"])
    assert not _API_KEY.search(run.said + "".join(told.values()))


def _total(said: str) -> int:
    """How many requests there were, as the table or the CSV file has it."""
    found = re.search(r"Aggregated[ ,]+(\d+)", said)
    assert found is not None, said
    return int(found[1])


async def test_a_server_that_lies_fails_the_run_which_says_in_what(liar: Liar) -> None:
    tenants = ",".join(way.setting for way in (Ways.ONE_CODE_FOR_ALL, Ways.FETCHED_FOR_EVER))
    words = ("--tags", "again", "once", *_headless(2, users=4), "--host", liar.url)
    run = await run_locust(*words, environ={"BENCH_TENANTS": tenants, "BENCH_WAIT": "0.02"})
    assert run.status == 1, run.said
    assert "closing check FAILED: somebody got somebody else's code" in run.said
    assert "closing check FAILED: a code was fetched twice" in run.said
    assert not _PASS_KEY.search(run.said)


@pytest.fixture(scope="module")
async def distributed() -> tuple[Run, ...]:
    """A master and two workers who step up against a server that loses every code, and do not fetch any."""
    port = str(free_port())
    environ = {"BENCH_TENANTS": Ways.LOST.setting, "BENCH_SHAPE": "steps", "LOCUST_MASTER_NODE_PORT": port}
    master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "2")
    async with Liar.serve() as liar:
        return await asyncio.gather(
            run_locust("Customer", *_headless(3, users=10), *master, "--host", liar.url, environ=environ),
            run_locust("Customer", "--worker", environ=environ),
            run_locust("Customer", "--worker", environ=environ),
        )


@pytest.mark.thorough
async def test_what_only_the_closing_checks_of_the_workers_find_fails_the_run_of_their_master(
    distributed: tuple[Run, ...],
) -> None:
    assert [run.status for run in distributed] == [1, 1, 1], distributed
    assert "closing check FAILED: an acknowledged submit was missing" in distributed[0].said
    assert "did not report" not in distributed[0].said


@pytest.mark.thorough
async def test_a_shape_decides_how_many_users_there_are_and_when_it_ends(distributed: tuple[Run, ...]) -> None:
    said = distributed[0].said
    assert "Shape test updating to 2 users" in said
    assert "Shape test updating to 8 users" in said
    assert "Shape test stopping" in said


async def test_an_environment_that_cannot_be_used_is_told_in_a_sentence() -> None:
    run = await run_locust("--headless", environ={"BENCH_TENANTS": "secret"})
    assert run.status == 1
    assert "BENCH_TENANTS: entry 1 is not tenant_id:api_key" in run.said
    assert "Traceback" not in run.said
    assert "secret" not in run.said
