"""The two calls of the hot path, held against the ledger, and how any call is judged.

Requests are named after the route, never after a pass key, and in brackets after what is special about them.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from locust.contrib.fasthttp import FastHttpSession, FastResponse

from bench.answers import GONE, TAKEN, Answer, Unexpected
from bench.ledger import Deposit, Ledger, Violation
from bench.pass_keys import typed
from bench.tenants import Tenant

ROUTE = "/api/v2/{tenant_id}/identity/passcode"
SUBMIT = ROUTE
FETCH = ROUTE + "/{key}"
CONFIG = ROUTE + "/config"


class Calls:
    def __init__(self, client: FastHttpSession, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger

    @contextmanager
    def asking(
        self,
        method: str,
        path: str,
        name: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        body: object = None,
        form: str | None = None,
    ) -> Generator[Answer]:
        """Ask, and judge the answer in the block: what it raises is the reason of a failure."""
        sent = {header: value for header, value in (headers or {}).items() if value is not None}
        if form is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        with self._client.request(
            method, path, name=name, headers=sent, data=form, json=body, catch_response=True
        ) as response:
            try:
                yield read_answer(response)
            except (Unexpected, Violation) as reason:
                response.failure(str(reason))
            else:
                response.success()

    def submit(self, tenant: Tenant, pass_key: str, request: str | None = None) -> Deposit | None:
        """A customer asks for a code; None if there was no proper answer.

        With a request, its name is sent as the Idempotency-Key.
        """
        sent_at, written = self._ledger.clock(), typed(pass_key)
        path, headers, body = submit_path(tenant), {"idempotency-key": request}, {"pass_key": written}
        with self.asking("POST", path, SUBMIT, headers=headers, body=body) as answer:
            return self._ledger.acknowledge(tenant, pass_key, answer.submitted(written), sent_at=sent_at)
        return None

    def submit_repeatedly(self, deposit: Deposit, request: str) -> None:
        """A page whose answer got lost asks again by the same request, and must be told the same."""
        written = typed(deposit.pass_key)
        path, headers, body = submit_path(deposit.tenant), {"idempotency-key": request}, {"pass_key": written}
        with self.asking("POST", path, f"{SUBMIT} [repeat]", headers=headers, body=body) as answer:
            self._ledger.acknowledge_again(deposit, answer.submitted(written))

    def submit_taken(self, deposit: Deposit) -> None:
        """Another customer types a pass key under which a code is alive."""
        sent_at, written = self._ledger.clock(), typed(deposit.pass_key)
        path, name = submit_path(deposit.tenant), f"{SUBMIT} [taken]"
        with self.asking("POST", path, name, body={"pass_key": written}) as answer:
            if answer.status == 200:
                code = answer.submitted(written)
                self._ledger.acknowledge(deposit.tenant, deposit.pass_key, code, sent_at=sent_at)
            else:
                answer.require(TAKEN)

    def fetch(self, deposit: Deposit, request: str, *, repeatable: bool = True, kind: str = "") -> int:
        """A dialer fetches a code; the status that it was answered with.

        A request that is repeatable sends its name as the Idempotency-Key.
        """
        status = 0
        self._ledger.sending(deposit, request, repeatable=repeatable)
        headers = {"x-api-key": deposit.tenant.api_key, "idempotency-key": request if repeatable else None}
        path = fetch_path(deposit.tenant, deposit.pass_key)
        with self.asking("GET", path, FETCH + kind, headers=headers) as answer:
            status = answer.status
            if answer.says(GONE):
                self._ledger.refuse(deposit, request)
            else:
                self._ledger.hand_out(deposit, request, answer.fetched(GONE.status))
        return status


def read_answer(response: FastResponse) -> Answer:
    return Answer.read(
        response.status_code,
        response.content,
        error=getattr(response, "error", None),
        retry_after=str(response.headers.get("retry-after", "")) if response.headers else "",
    )


def config_path(tenant: Tenant) -> str:
    return CONFIG.format(tenant_id=tenant.id)


def submit_path(tenant: Tenant) -> str:
    return SUBMIT.format(tenant_id=tenant.id)


def fetch_path(tenant: Tenant, pass_key: str) -> str:
    return FETCH.format(tenant_id=tenant.id, key=pass_key)
