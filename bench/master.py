"""The master of a distributed run: it lets every worker close its books before any of them may quit.

A master that quits tells its workers so, and listens for half a second. That is too short for the closing check,
so the workers are asked for it first.
"""

import logging
import sys
import time
from typing import Any, Protocol, cast

import gevent
import msgspec
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from bench.books import SILENT, Report

# Messages between master and workers.
SETTLE = "bench-settle"
SETTLED = "bench-settled"

NO_HOST = "no host: give --host or set LOCUST_HOST"

_PATIENCE_S = 45
_POLL_S = 0.05

logger = logging.getLogger("bench")


class Settled(Protocol):
    """What Locust hands to whom listens for a message."""

    node_id: str
    data: dict[str, Any]


class Master:
    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        self._environment = environment
        self._runner = runner
        self._workers: set[str] = set()
        self._reports: dict[str, Report] = {}
        self._report = Report()
        events = environment.events
        events.test_start.add_listener(self.start)
        events.worker_connect.add_listener(self.welcome)
        events.test_stopping.add_listener(self.close)
        events.quitting.add_listener(self.quit)
        runner.register_message(SETTLED, self.take_in)

    def start(self, **_: object) -> None:
        if not self._environment.host:
            sys.exit(NO_HOST)
        self._workers = set(self._runner.clients)
        self._reports = {}

    def welcome(self, *, client_id: str, **_: object) -> None:
        self._workers.add(client_id)

    def take_in(self, *, msg: Settled, **_: object) -> None:
        """A worker has closed its books."""
        self._reports[msg.node_id] = msgspec.convert(msg.data, Report)

    def close(self, **_: object) -> None:
        """Have all workers close their books, and wait for them."""
        self._end_shape()
        self._runner.send_message(SETTLE)
        deadline = time.monotonic() + _PATIENCE_S
        while self._awaited() and time.monotonic() < deadline:
            gevent.sleep(_POLL_S)
        self._report = sum(self._reports.values(), Report()).judged()
        if silent := len(self._workers - self._reports.keys()):
            self._report += Report(violations={SILENT: silent})
        self._report.tell(logger)

    def quit(self, **_: object) -> None:
        """Leave with 1 unless all was well on every worker."""
        self._runner.stop()
        if not self._report.is_good:
            self._environment.process_exit_code = 1

    def _awaited(self) -> bool:
        present = {worker.id for worker in self._runner.clients.all if worker.state != STATE_MISSING}
        return bool(present - self._reports.keys())

    def _end_shape(self) -> None:
        """A shape that goes on would start users anew while the books are closed."""
        shape = cast("Any", self._runner.shape_greenlet)
        if shape is not None and shape is not gevent.getcurrent():
            shape.kill()
            self._runner.shape_greenlet = None
