"""The clock of an edge's host jumps while clients are at work. Lives, locks and TOTP steps are by Redis'."""

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.stage import staged
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from tests.engine.servers import RedisServer
    from tests.faults.stage import Reports, Stage

pytestmark = pytest.mark.one_node

DAY = 86_400


def libfaketime() -> Path:
    """The Debian library, which `make test` unpacks beside Python. CI must have it."""
    found = [*Path("/usr").glob("lib/*/faketime/libfaketime.so.1")]
    found += Path(sys.prefix, "libfaketime").glob("usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        missing = "there is no libfaketime: run `make test` where apt-get is"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found[0]


class Clock:
    """The wall clock of a process and its children, as seconds that it is ahead. The monotonic one never jumps."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds until a jump is seen
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.jump(0)

    def jump(self, seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+}\n")
        new.replace(self._file)  # never read half-written


@contextmanager
def ahead(clock: Clock, http: "httpx.Client", seconds: int) -> "Generator[None]":
    """The clock has jumped by so much, as the edge's answers show."""
    clock.jump(seconds)
    try:
        wait_until(lambda: abs(_skew(http) - seconds) < 60)
        yield
    finally:
        clock.jump(0)


def _skew(http: "httpx.Client") -> float:
    said = parsedate_to_datetime(http.get("/livez").headers["date"])
    return (said - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("days", [-1, pytest.param(1, marks=pytest.mark.thorough)])
def test_a_clock_that_jumps_by_a_day_is_noticed_by_no_client(
    stage: "Stage", redis: "RedisServer", reports: "Reports", tmp_path: Path, days: int
) -> None:
    clock = Clock(tmp_path / "clock")
    with (
        staged(redis, reports, environment=clock.environment, keys=stage.edge.keys, workers=1) as skewed,
        skewed.under_load() as play,
        play.history.fault(f"clock {days:+} day"),
        ahead(clock, skewed.http, days * DAY),
    ):
        play.wait_for_each(200, 201)
        play.wait_for(200, 50)
    assert (play.report.refused, play.report.unknown) == (0, 0)
