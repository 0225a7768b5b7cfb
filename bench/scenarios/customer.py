"""Customers, on the page of a company: they submit, and dialers of the same process fetch."""

from locust import tag, task

from bench.scenarios.user import BenchUser
from bench.session import new_request


class Customer(BenchUser):
    weight = 3

    @tag("customer", "submit")
    @task(8)
    def submit(self) -> None:
        """Get a code."""
        deposit = self.calls.submit(self.session.any_tenant(), self.session.pass_keys.new())
        if deposit is not None:
            self.session.waiting.append(deposit)

    @tag("customer", "repeat")
    @task
    def submit_repeatedly(self) -> None:
        """Get a code whose first answer gets lost on the way."""
        request = new_request()
        deposit = self.calls.submit(self.session.any_tenant(), self.session.pass_keys.new(), request)
        if deposit is not None:
            self.calls.submit_repeatedly(deposit, request)
            self.session.waiting.append(deposit)

    @tag("customer", "taken")
    @task
    def submit_taken(self) -> None:
        """Type a number that somebody waits on."""
        deposit = self.calls.submit(self.session.any_tenant(), self.session.pass_keys.new())
        if deposit is not None:
            self.calls.submit_taken(deposit)
            self.session.waiting.append(deposit)
