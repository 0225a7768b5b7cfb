"""Workers know tenants by heart: who is turned away must be turned away by all, from the next request on."""

import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from engine.tenants import State
from tests.edge.conftest import client_of_each_worker
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.tenants import Operator, Tenant
from tests.engine.kinds import ServerKind

if TYPE_CHECKING:
    from collections.abc import Generator

WORKERS = 4
TIMES = 1000
LOADERS = 2
SUSPENSION_EVERY = 10


@pytest.fixture(scope="module")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    """As many workers as a small machine has in production."""
    with server_kind.start() as redis, Edge(redis, workers=WORKERS, **NO_LIMITS) as edge:
        yield edge


@pytest.fixture(scope="module")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


def test_a_revoked_key_is_refused_by_four_busy_workers_a_thousand_times(edge: Edge, operator: Operator) -> None:
    """One in ten times the whole tenant is suspended instead, and comes back."""
    with ExitStack() as stack:
        workers = stack.enter_context(client_of_each_worker(edge))
        tenant = operator.new_tenant(operator.new_admin(), workers[0])
        stack.enter_context(_load(edge, tenant))
        told: Counter[int] = Counter()
        for number in range(TIMES):
            if number % SUSPENSION_EVERY == 0:
                operator.change(tenant, state=State.SUSPENDED)
                told.update(tenant.through(worker).fetch("unknown").status_code for worker in workers)
                operator.change(tenant, state=State.ACTIVE)
            else:
                next_one = operator.replace_api_key(tenant)
                told.update(tenant.through(worker).fetch("unknown").status_code for worker in workers)
                tenant = next_one
            told.update(tenant.through(worker).fetch("unknown").status_code for worker in workers)

    suspensions = TIMES // SUSPENSION_EVERY
    assert told == {403: suspensions * WORKERS, 401: (TIMES - suspensions) * WORKERS, 410: TIMES * WORKERS}


@contextmanager
def _load(edge: Edge, tenant: Tenant) -> "Generator[None]":
    """Customers and dialers of another kind: whatever they are told, the workers have something to do."""
    leave = threading.Event()

    def keep_asking() -> None:
        with httpx.Client(base_url=edge.url) as client:
            busy = tenant.through(client)
            while not leave.is_set():
                busy.submit("23456")
                busy.fetch("23456")

    loaders = [threading.Thread(target=keep_asking) for _ in range(LOADERS)]
    for loader in loaders:
        loader.start()
    try:
        yield
    finally:
        leave.set()
        for loader in loaders:
            loader.join()
