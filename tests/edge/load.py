"""Clients under way: threads that submit and fetch until they are told to stop, and remember every answer."""

import http.client
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

if TYPE_CHECKING:
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

UNANSWERED = 0  # the connection ended first
HALF_ANSWERED = -1  # it ended in the midst of the answer

_PATIENCE_SECONDS = 10


class Outcome(NamedTuple):
    """One request and what became of it."""

    method: str
    pass_key: str
    status: int
    passcode: str
    retry_after: str | None
    asked: float
    seconds: float

    @property
    def answered(self) -> float:
        return self.asked + self.seconds


class Load:
    """Each thread submits a pass key of its own, fetches every second one, and goes on with the next."""

    def __init__(self, edge: "Edge", tenant: "Tenant", *, threads: int = 4) -> None:
        self._edge = edge
        self._tenant = tenant
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(name,)) for name in range(threads)]
        self.outcomes: list[Outcome] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def count(self, status: int, *, since: float = 0) -> int:
        """How many answers of a status there are to what was asked since then."""
        return sum(outcome.status == status and outcome.asked >= since for outcome in self.outcomes)

    def submitted(self, *, before: float) -> dict[str, str]:
        """Passcodes by pass key that were acknowledged before an instant, and that nobody has tried to fetch."""
        tried = {outcome.pass_key for outcome in self.outcomes if outcome.method == "GET"}
        return {
            outcome.pass_key: outcome.passcode
            for outcome in self.outcomes
            if outcome.status == 200 and outcome.answered < before and outcome.pass_key not in tried
        }

    def fetched(self, *, before: float) -> list[str]:
        """Pass keys whose passcode was handed out before an instant."""
        return [
            outcome.pass_key
            for outcome in self.outcomes
            if outcome.method == "GET" and outcome.status == 200 and outcome.answered < before
        ]

    def _run(self, name: int) -> None:
        numbers = count()
        while not self._over.is_set():
            connection = http.client.HTTPConnection(*self._edge.address, timeout=_PATIENCE_SECONDS)
            try:
                while not self._over.is_set():
                    number = next(numbers)
                    pass_key = f"{name}-{number}"
                    self._ask(connection, "POST", pass_key)
                    if number % 2:
                        self._ask(connection, "GET", pass_key)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection, method: str, pass_key: str) -> None:
        asked = time.monotonic()
        status, passcode, retry_after = UNANSWERED, "", None
        try:
            if method == "POST":
                body = msgspec.json.encode({"pass_key": pass_key})
                connection.request("POST", self._tenant.path, body, {"content-type": "application/json"})
            else:
                connection.request("GET", self._tenant.fetch_path(pass_key), headers=self._tenant.key_header)
            answer = connection.getresponse()
            status = HALF_ANSWERED
            said = msgspec.json.decode(answer.read())
            status, retry_after = answer.status, answer.headers["retry-after"]
            passcode = said.get("data", said).get("pass_phrase", "")
        finally:
            seconds = time.monotonic() - asked
            self.outcomes.append(Outcome(method, pass_key, status, passcode, retry_after, asked, seconds))
