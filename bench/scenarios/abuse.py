"""Who is up to no good, or got it wrong. Being refused in the documented way is what succeeds here."""

import random
import time
import uuid
from collections.abc import Callable, Mapping

from locust import tag, task

from bench.answers import (
    FETCH_OF_UNKNOWN_TENANT,
    GONE,
    LONG_PASS_KEY,
    NO_OBJECT,
    NO_PASS_KEY,
    SUBMIT_TO_UNKNOWN_TENANT,
    TAKEN,
    TOO_MANY,
    UNAUTHENTICATED,
    Answer,
    Refusal,
    Unexpected,
)
from bench.ledger import Deposit
from bench.pass_keys import typed
from bench.scenarios.calls import FETCH, SUBMIT, fetch_path, submit_path
from bench.scenarios.user import BenchUser
from bench.tenants import Tenant
from engine.tokens import Kind, mint

_BURST = 5
_AT_ONCE = 2  # of a limit of one a second, with one to spare for clocks
_LONGEST_PASS_KEY = 64


class Abuse(BenchUser):
    weight = 1

    @tag("abuse", "wrong-key")
    @task(3)
    def wrong_key(self) -> None:
        """Fetch without a key, with nonsense, and with a key that looks right and was never issued."""
        if victim := self._victim():
            forged = mint(Kind.API_KEY, uuid.UUID(victim.tenant.id).hex)
            key = random.choice([None, "nonsense", forged])
            self._fetch(victim.tenant, victim.pass_key, key, UNAUTHENTICATED, kind="wrong key")

    @tag("abuse", "unknown-tenant")
    @task
    def unknown_tenant(self) -> None:
        """Fetch from a tenant that does not exist, with a good key of another, and submit to it."""
        api_key, pass_key = self.session.any_tenant().api_key, self.session.pass_keys.new()
        unknown, body = Tenant(str(uuid.uuid4()), api_key), {"pass_key": typed(pass_key)}
        self._fetch(unknown, pass_key, api_key, FETCH_OF_UNKNOWN_TENANT, kind="unknown tenant")
        self._submit(unknown, body, SUBMIT_TO_UNKNOWN_TENANT, kind="unknown tenant")

    @tag("abuse", "other-tenant")
    @task
    def other_tenant(self) -> None:
        """Fetch somebody's code with the good key of another tenant, from either tenant."""
        if len(self.session.tenants) > 1 and (victim := self._victim()):
            tenant, pass_key = victim.tenant, victim.pass_key
            other = random.choice([other for other in self.session.tenants if other.id != tenant.id])
            self._fetch(tenant, pass_key, other.api_key, FETCH_OF_UNKNOWN_TENANT, kind="other tenant")
            self._fetch(other, pass_key, other.api_key, GONE, kind="other tenant")

    @tag("abuse", "malformed")
    @task
    def malformed(self) -> None:
        """Submit what is no request."""
        tenant = self.session.any_tenant()
        long = "x" * (_LONGEST_PASS_KEY + 1)
        self._submit(tenant, {"pass_phrase": ""}, NO_PASS_KEY, kind="malformed")
        self._submit(tenant, {"pass_key": long}, LONG_PASS_KEY, kind="malformed")
        self._submit(tenant, ["pass_key"], NO_OBJECT, kind="malformed")

    @tag("abuse", "over-limit")
    @task
    def fetch_over_limit(self) -> None:
        """Fetch in a burst, from a tenant that allows one a second."""
        if limited := self.session.limited:
            path, headers = fetch_path(limited, self.session.pass_keys.new()), {"x-api-key": limited.api_key}
            self._burst("GET", path, FETCH, lambda answer: answer.require(GONE, TOO_MANY), headers=headers)

    @tag("abuse", "over-limit")
    @task
    def submit_over_limit(self) -> None:
        """Submit one pass key in a burst. What comes of it nobody fetches: it is not in the ledger."""
        if limited := self.session.limited:
            written = typed(self.session.pass_keys.new())

            def judge(answer: Answer) -> None:
                if answer.status == 200:
                    answer.submitted(written)
                else:
                    answer.require(TAKEN, TOO_MANY)

            self._burst("POST", submit_path(limited), SUBMIT, judge, body={"pass_key": written})

    def _burst(
        self,
        method: str,
        path: str,
        route: str,
        judge: Callable[[Answer], None],
        *,
        headers: Mapping[str, str | None] | None = None,
        body: object = None,
    ) -> None:
        started, passed = time.monotonic(), 0
        for _ in range(_BURST):
            with self.calls.asking(method, path, f"{route} [over limit]", headers=headers, body=body) as answer:
                judge(answer)
                passed += not _is_limited(answer)
                if passed > _AT_ONCE + time.monotonic() - started:
                    raise Unexpected("over the limit, and not refused")

    def _victim(self) -> Deposit | None:
        """A code that somebody waits for; one of our own if nobody does. The closing check finds it untouched."""
        if (victim := self.session.somebodys()) is None:
            victim = self.calls.submit(self.session.any_tenant(), self.session.pass_keys.new())
            if victim is not None:
                self.session.waiting.append(victim)
        return victim

    def _fetch(self, tenant: Tenant, pass_key: str, api_key: str | None, refusal: Refusal, *, kind: str) -> None:
        headers, path = {"x-api-key": api_key}, fetch_path(tenant, pass_key)
        with self.calls.asking("GET", path, f"{FETCH} [{kind}]", headers=headers) as answer:
            if answer.status == 200:
                self.session.ledger.leak()
            answer.require(refusal)

    def _submit(self, tenant: Tenant, body: object, refusal: Refusal, *, kind: str) -> None:
        name, path = f"{SUBMIT} [{kind}]", submit_path(tenant)
        with self.calls.asking("POST", path, name, body=body) as answer:
            answer.require(refusal)


def _is_limited(answer: Answer) -> bool:
    """Raises: Unexpected: it does not say when to come back."""
    if answer.status == TOO_MANY.status and not answer.retry_after.isdecimal():
        raise Unexpected("429 without Retry-After")
    return answer.status == TOO_MANY.status
