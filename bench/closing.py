"""The closing check: what is left in the ledger is fetched, and the books are closed."""

import random

from gevent.pool import Pool

from bench.books import Report
from bench.ledger import Deposit, request_to_settle
from bench.scenarios.calls import Calls
from bench.session import Session, new_request

_PATIENCE_S = 15
_AT_ONCE = 8


def close(session: Session, calls: Calls, *, most: int) -> Report:
    """Fetch what was acknowledged and is left, or a random sample of so many, and close the books."""
    session.closed = True
    settled = [(deposit, request_to_settle(deposit, new_request())) for deposit in session.ledger.left()]
    left = [(deposit, request) for deposit, request in settled if request is not None]
    swept = _sweep(session, calls, random.sample(left, min(most, len(left))))
    ledger = session.ledger
    return Report(
        asked=session.asked,
        submitted=ledger.submitted,
        fetched=ledger.fetched,
        verified=ledger.verified,
        expired=ledger.expired,
        lost=len(settled) - len(left),
        left=len(left),
        swept=swept,
        failures=session.failures,
        violations=dict(ledger.violations),
    )


def _sweep(session: Session, calls: Calls, left: list[tuple[Deposit, str]]) -> int:
    deadline = session.ledger.clock() + _PATIENCE_S

    def settle(deposit: Deposit, request: str) -> bool:
        in_time = session.ledger.clock() < deadline
        if in_time:
            calls.fetch(deposit, request, kind=" [closing]")
        return in_time

    return sum(Pool(_AT_ONCE).map(lambda entry: settle(*entry), left))
