"""What the users of one process have in common during a run."""

import random
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.clients import Client
from bench.ledger import Deposit, Ledger
from bench.pass_keys import PassKeys
from bench.tenants import Tenant

_MOST_WAITING = 100_000


@dataclass
class Session:
    """
    Args:
        clients: who opens challenges; nobody does without them.
        limited: a tenant with a limit of one request per second; nobody goes over a limit without it.
        wait_s: what a user waits between two tasks, on average.
    """

    tenants: Sequence[Tenant]
    limited: Tenant | None
    pass_keys: PassKeys
    wait_s: float
    ledger: Ledger = field(default_factory=Ledger)
    # Submitted by customers; taken by dialers, oldest first. Those that fall out are left to the closing check.
    waiting: deque[Deposit] = field(default_factory=lambda: deque[Deposit](maxlen=_MOST_WAITING))
    clients: Sequence[Client] = ()
    asked: int = 0
    failures: int = 0
    closed: bool = False

    def any_tenant(self) -> Tenant:
        return random.choice(self.tenants)

    def take(self) -> Deposit | None:
        """The oldest code that waits for a dialer and is alive."""
        while self.waiting:
            deposit = self.waiting.popleft()
            if self.ledger.is_alive(deposit):
                return deposit
        return None

    def somebodys(self) -> Deposit | None:
        """A code that waits for a dialer, and goes on to wait."""
        if not self.waiting:
            return None
        deposit = random.choice(self.waiting)
        return deposit if self.ledger.is_alive(deposit) else None


def new_request() -> str:
    """A name for a request, and its Idempotency-Key if it may be repeated."""
    return str(uuid.uuid4())
