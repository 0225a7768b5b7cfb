"""Workers that share metrics through files: nothing is lost with one, and nothing grows with its successors."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from edge.exposition import exposition
from tests.metrics.scraped import Scrape

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_WORKER = """
import os, sys
from pathlib import Path
directory = os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from edge.slots import share
number = share(Path(directory))
from prometheus_client import CollectorRegistry, Counter, Gauge
registry = CollectorRegistry()
Counter("done", "Work done.", registry=registry).inc(10)
Gauge("busy", "Work under way.", multiprocess_mode="livesum", registry=registry).set(3)
print(number, flush=True)
sys.stdin.read()
"""


@contextmanager
def worker(directory: "Path") -> "Generator[int]":
    """A worker that counts ten and is busy with three, by its number, and is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def told(directory: "Path") -> tuple[float, float]:
    """Work done and work under way, over all workers."""
    scrape = Scrape(exposition(directory).decode())
    return scrape.total("done_total"), scrape.total("busy")


def test_totals_are_over_all_workers(tmp_path: "Path") -> None:
    with worker(tmp_path), worker(tmp_path):
        assert told(tmp_path) == (20, 6)


def test_living_workers_have_numbers_of_their_own(tmp_path: "Path") -> None:
    with ExitStack() as stack:
        assert [stack.enter_context(worker(tmp_path)) for _ in range(3)] == [0, 1, 2]


def test_what_a_killed_worker_counted_is_kept_and_what_it_was_busy_with_is_not(tmp_path: "Path") -> None:
    with worker(tmp_path):
        with worker(tmp_path):
            pass
        assert told(tmp_path) == (20, 3)
    assert told(tmp_path) == (20, 0)


def test_a_successor_takes_over_the_number_of_a_dead_worker_and_counts_on(tmp_path: "Path") -> None:
    with worker(tmp_path), worker(tmp_path) as second:
        pass
    with worker(tmp_path) as successor:
        assert successor == 0 < second
        assert told(tmp_path) == (30, 3)


def test_files_do_not_grow_with_the_number_of_workers_that_there_were(tmp_path: "Path") -> None:
    with worker(tmp_path):
        alone = len(list(tmp_path.iterdir()))
    for _ in range(3):
        with worker(tmp_path):
            assert len(list(tmp_path.iterdir())) == alone
    assert told(tmp_path) == (40, 0)


def test_a_file_that_is_being_made_is_passed_over(tmp_path: "Path") -> None:
    with worker(tmp_path):
        (tmp_path / "counter_7.db").touch()
        assert told(tmp_path) == (10, 3)


def test_no_worker_at_all_is_no_metric(tmp_path: "Path") -> None:
    assert exposition(tmp_path) == b""
