"""Dialers: they fetch all the time, and repeat a fetch whose answer was lost with the same Idempotency-Key."""

import gevent
from gevent.pool import Pool
from locust import tag, task

from bench.answers import GONE
from bench.ledger import Deposit
from bench.scenarios.calls import FETCH, fetch_path
from bench.scenarios.user import BenchUser
from bench.session import new_request

_AHEAD = 10
_ATTEMPTS = 3
_PAUSE_S = 0.2
_LOST = {0, 503}  # no answer, or one that says that the outcome is not known


class Dialer(BenchUser):
    weight = 4

    @tag("dialer", "fetch")
    @task(6)
    def fetch(self) -> None:
        """Fetch a code."""
        if deposit := self._next():
            self._fetch(deposit, new_request())

    @tag("dialer", "repeat")
    @task(2)
    def fetch_repeatedly(self) -> None:
        """Fetch a code, lose the answer, and fetch it again by the same request."""
        if deposit := self._next():
            request = new_request()
            self._fetch(deposit, request)
            if deposit.taken_by == request:
                self.calls.fetch(deposit, request, kind=" [repeat]")

    @tag("dialer", "again")
    @task(2)
    def fetch_again(self) -> None:
        """Fetch a code, and once more by another request."""
        if deposit := self._next():
            self._fetch(deposit, new_request())
            if deposit.taken_by is not None:
                self.calls.fetch(deposit, new_request(), kind=" [again]")

    @tag("dialer", "race")
    @task(2)
    def fetch_at_once(self) -> None:
        """Two dialers fetch a code at the same moment."""
        if deposit := self._next():
            requests = [new_request(), new_request()]
            Pool(2).map(lambda request: self._fetch(deposit, request, kind=" [race]"), requests)

    @tag("dialer", "early")
    @task(2)
    def fetch_early(self) -> None:
        """Ask before the customer has submitted."""
        tenant = self.session.any_tenant()
        path, headers = fetch_path(tenant, self.session.pass_keys.new()), {"x-api-key": tenant.api_key}
        with self.calls.asking("GET", path, f"{FETCH} [early]", headers=headers) as answer:
            if answer.status == 200:
                self.session.ledger.leak()
            answer.require(GONE)

    def _next(self) -> Deposit | None:
        """A code of a customer; some made ahead if no customer has left any."""
        if (deposit := self.session.take()) is not None:
            return deposit
        for _ in range(_AHEAD):
            made = self.calls.submit(self.session.any_tenant(), self.session.pass_keys.new())
            if made is not None:
                self.session.waiting.append(made)
        return self.session.take()

    def _fetch(self, deposit: Deposit, request: str, *, kind: str = "") -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            if self.calls.fetch(deposit, request, kind=kind) not in _LOST:
                return
            gevent.sleep(_PAUSE_S * attempt)
