"""Where faults are played: an edge, a receiver of callbacks, and clients at work whose history is checked."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from tests.courier.receiver import Receiver
from tests.edge.apps import new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator
from tests.edge.test_callbacks import LOOPBACK, QUICK, calling_back, told
from tests.edge.workers import client_of_each_worker
from tests.faults.back_ends import POLICY
from tests.faults.history import History, Kind
from tests.faults.invariants import LOSES_NOTHING, Report, Terms, check
from tests.faults.load import Load
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.edge.apps import App
    from tests.engine.kinds import AnyServer

    Reports = list[tuple[str, Report]]

WARM = 80  # successes before anything is broken, and after
_TOLD_SECONDS = 15
_SHOWN = 20
_PATIENCE_SECONDS = 20


@dataclass
class Stage:
    """`reports` are those of all plays so far, with what was broken."""

    edge: Edge
    operator: Operator
    http: httpx.Client
    receiver: Receiver
    reports: "Reports"
    untold: "list[tuple[str, str, History]]" = field(default_factory=list)

    def new_app(self) -> "App":
        """An app of a tenant of its own, which is called back."""
        tenant = self.operator.new_tenant(self.operator.new_admin(), self.http)
        assert tenant.configure(pass_key_expires=int(Terms().life_s)).status_code == 200
        app = new_app(self.operator, tenant, policy=POLICY)
        return calling_back(app, self.receiver.url(f"/{tenant.id}"))

    def wait_until_linked(self) -> None:
        with client_of_each_worker(self.edge) as workers:
            for worker in workers:
                wait_until(lambda worker=worker: worker.get("/readyz").status_code == 200, _PATIENCE_SECONDS)

    @contextmanager
    def under_load(self, terms: Terms | None = None) -> "Generator[Play]":
        """Clients are at work for the time of the block and until they are served again; then they are heard."""
        terms = terms or Terms()
        self.wait_until_linked()
        app = self.new_app()
        with Load(self.edge, app.tenant, app) as load:
            play = Play(load)
            wait_until(play.is_warm, _PATIENCE_SECONDS)
            yield play
            recovered = time.monotonic()
            wait_until(lambda: load.history.count(200, since=recovered) > WARM, _PATIENCE_SECONDS)
            load.stop()
            self.wait_until_linked()
            load.audit()
        play.report = check(load.history, terms)
        broken = ", ".join(fault.name for fault in load.history.faults)
        self.reports.append((broken, play.report))
        assert not play.report.violations, "\n".join(play.report.violations[:_SHOWN])
        if terms.loses_s == LOSES_NOTHING:
            self.untold.append((broken, f"/{app.tenant.id}", load.history))

    def assert_all_is_told(self) -> None:
        """The receiver hears of every end of a challenge, in all plays that lost nothing, and of no other.

        What a courier had in hand when something broke takes it seconds to take up again: this is for the end.
        """
        for broken, path, history in self.untold:
            read = [one for one in history.of(Kind.READ) if one.told != "PENDING"]
            ends = {(one.key.rpartition("/")[2], one.told) for one in read}
            wait_until(lambda path=path, ends=ends: ends <= self._heard(path), _TOLD_SECONDS, message=broken)
            assert self._heard(path) == ends, broken

    def _heard(self, path: str) -> set[tuple[str, str]]:
        return {(one["challenge_id"], one["status"]) for one in told(self.receiver, path)}


@contextmanager
def staged(
    redis: "AnyServer",
    reports: "Reports",
    *,
    operator_url: str | None = None,
    environment: "Mapping[str, str] | None" = None,
    **settings: object,
) -> "Generator[Stage]":
    """A stage on what `redis_url` leads to, by default a server. The operator may go there by a way of his own."""
    edge = Edge(redis, **NO_LIMITS | QUICK | LOOPBACK | settings)
    edge.environment |= environment or {}
    own = {} if operator_url is None else {"redis_url": operator_url}
    with (
        edge,
        Operator(edge, **own) as operator,
        httpx.Client(base_url=edge.url) as http,
        Receiver() as receiver,
    ):
        stage = Stage(edge, operator, http, receiver, reports)
        yield stage
        stage.assert_all_is_told()


class Play:
    """What a test does while clients are at work."""

    report: Report

    def __init__(self, load: Load) -> None:
        self.history = load.history
        self._load = load

    def is_warm(self) -> bool:
        verified = sum(one.told == "VERIFIED" for one in self.history.of(Kind.ANSWER))
        return self.history.count(200) > WARM and verified > WARM / 10

    def fetch_some(self, most: int) -> set[int]:
        """Fetch passcodes that were acknowledged and nobody has asked for. The statuses that were told."""
        return self._load.fetch_some(most)

    def go_on(self, seconds: float) -> None:
        """Let the clients work for a while."""
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > end, within=seconds + 1)

    def wait_for(self, status: int, times: int) -> None:
        """Until an answer was given so often to what was asked from now on."""
        now = time.monotonic()
        wait_until(lambda: self.history.count(status, since=now) >= times, _PATIENCE_SECONDS)

    def wait_for_each(self, *statuses: int) -> None:
        """Until customers, agents and back ends have all got such an answer to what they asked from now on."""
        now = time.monotonic()
        for kinds in ((Kind.SUBMIT,), (Kind.FETCH,), (Kind.OPEN, Kind.ANSWER)):
            wait_until(
                lambda kinds=kinds: self.history.count(*statuses, since=now, kinds=kinds), _PATIENCE_SECONDS
            )
