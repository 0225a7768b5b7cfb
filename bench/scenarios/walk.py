"""The whole way of a code: a customer submits, the agent fetches at once, and both must hold the same code."""

from locust import tag, task

from bench.ledger import Deposit
from bench.scenarios.user import BenchUser
from bench.session import new_request
from bench.tenants import Tenant


class Walk(BenchUser):
    weight = 2

    @tag("walk", "once")
    @task(8)
    def walk(self) -> None:
        """Submit and fetch, without an Idempotency-Key, as the simplest of clients do."""
        self._walk(self.session.any_tenant(), self.session.pass_keys.new())

    @tag("walk", "anew")
    @task
    def walk_anew(self) -> None:
        """The same twice, under one pass key: it is free again once its code was fetched."""
        tenant, pass_key = self.session.any_tenant(), self.session.pass_keys.new()
        first = self._walk(tenant, pass_key)
        if first is not None and first.taken_by is not None:
            self._walk(tenant, pass_key)

    def _walk(self, tenant: Tenant, pass_key: str) -> Deposit | None:
        deposit = self.calls.submit(tenant, pass_key)
        if deposit is not None:
            self.calls.fetch(deposit, new_request(), repeatable=False)
        return deposit
