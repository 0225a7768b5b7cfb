"""Back ends under way: threads that challenge users and pass codes on, and remember every answer."""

import http.client
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec

from engine.policies import ChallengePolicy
from engine.totp import TotpPolicy
from tests.edge.apps import PATCH_TYPE, PHONE, App, Factor, code_operation, secret_of
from tests.edge.tenants import fresh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.edge.program import Edge

UNANSWERED = 0  # the connection ended first

_FACTORS = "/authenticator/v0.1/factors"
_PATIENCE_SECONDS = 10
# The codes of 21 steps are good at any time, and steps are long: so a factor can verify twenty challenges.
_TOTP = TotpPolicy(step_s=120, window=10)
_STEPS = range(-_TOTP.window, _TOTP.window + 1)
POLICY = ChallengePolicy(lock_after=100, totp=_TOTP)


class Outcome(NamedTuple):
    """One request and what became of it. `said` is the state in the answer, if there is one."""

    method: str
    path: str
    status: int
    said: str
    retry_after: str | None
    asked: float
    seconds: float


class Answering:
    """Each thread has factors of its own. A code is passed on until somebody has looked at it, and then once more,
    for another challenge.
    """

    def __init__(self, edge: "Edge", app: App, *, threads: int = 4) -> None:
        self._edge = edge
        self._app = app
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.outcomes: list[Outcome] = []
        self.codes: dict[str, tuple[str, int]] = {}  # of which factor and step, by the id of the challenge

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

    @property
    def ends(self) -> dict[str, list[str]]:
        """What was said of the ends of challenges, by their ids. One may have been said more than once."""
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for outcome in self.outcomes:
            if outcome.method == "PATCH" and outcome.said in {"VERIFIED", "FAILED"}:
                ends[outcome.path.rpartition("/")[2]].append(outcome.said)
        return ends

    @property
    def unanswered(self) -> set[str]:
        """The paths of challenges of which a client does not know what became of them."""
        asked = {outcome.path for outcome in self.outcomes if outcome.method == "PATCH"}
        told = {
            outcome.path
            for outcome in self.outcomes
            if outcome.method == "PATCH" and outcome.status not in {UNANSWERED, 503}
        }
        return asked - told

    def _run(self) -> None:
        while not self._over.is_set():
            line = _Line(self._edge, self._app, self.outcomes)
            try:
                self._talk(line)
            except (OSError, http.client.HTTPException):
                pass
            finally:
                line.close()

    def _talk(self, line: "_Line") -> None:
        while not self._over.is_set():
            factor = line.enrol()
            if factor is None:
                continue
            for steps in _STEPS[1:]:
                code = factor.code(steps=steps)
                for _ in range(2):
                    self._challenge(line, factor, steps, code)

    def _challenge(self, line: "_Line", factor: Factor, steps: int, code: str) -> None:
        if self._over.is_set():
            return
        status, made = line.ask("POST", f"{factor.path}/challenges", {})
        if status != 201:
            return
        self.codes[made["challenge_id"]] = (factor.path, steps)
        path = f"{factor.path}/challenges/{made['challenge_id']}"
        while line.ask("PATCH", path, [code_operation(code)])[0] == 503 and not self._over.is_set():
            pass


class _Line:
    """A connection of one thread."""

    def __init__(self, edge: "Edge", app: App, outcomes: list[Outcome]) -> None:
        self._connection = http.client.HTTPConnection(*edge.address, timeout=_PATIENCE_SECONDS)
        self._app = app
        self._outcomes = outcomes

    def close(self) -> None:
        self._connection.close()

    def enrol(self) -> Factor | None:
        """An active factor; None if it could not be had."""
        status, made = self.ask("POST", _FACTORS, {"phone_number": PHONE, "external_user_id": fresh("user")})
        if status != 201:
            return None
        factor = Factor(f"{_FACTORS}/{made['factor_id']}", secret_of(made["url"]), _TOTP)
        status, _ = self.ask("PATCH", factor.path, [code_operation(factor.code(steps=_STEPS[0]))])
        return factor if status == 200 else None

    def ask(self, method: str, path: str, body: object) -> "tuple[int, Mapping[str, Any]]":
        asked = time.monotonic()
        status, said, retry_after = UNANSWERED, {}, None
        try:
            self._connection.request(method, path, msgspec.json.encode(body), self._app.bearer | PATCH_TYPE)
            answer = self._connection.getresponse()
            said = msgspec.json.decode(answer.read(), type=dict[str, Any])
            status, retry_after = answer.status, answer.headers["retry-after"]
        finally:
            state = said.get("status")
            state = state if isinstance(state, str) else ""
            seconds = time.monotonic() - asked
            self._outcomes.append(Outcome(method, path, status, state, retry_after, asked, seconds))
        return status, said
