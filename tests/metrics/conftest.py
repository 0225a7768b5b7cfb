"""One running edge whose parent serves the metrics, after the small walk that lets every metric appear."""

from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from tests.edge.program import Edge
from tests.edge.tenants import Admin, Operator, Tenant
from tests.engine.kinds import ServerKind
from tests.engine.servers import free_port
from tests.metrics.scraped import Scrape
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Walked(NamedTuple):
    """An edge, who may make tenants there, and where its metrics are."""

    edge: Edge
    operator: Operator
    admin: Admin
    http: httpx.Client
    metrics_url: str

    def tenant(self, **changes: object) -> Tenant:
        return self.operator.new_tenant(self.admin, self.http, **changes)  # pyright: ignore[reportArgumentType]  # by name

    def scrape(self) -> Scrape:
        return Scrape.of(self.metrics_url)

    def grown(self, name: str, **labels: str) -> "Callable[[], float]":
        """By how much a metric has grown since this was called."""
        before = self.scrape().total(name, **labels)
        return lambda: self.scrape().total(name, **labels) - before


@pytest.fixture(scope="session")
def walked(server_kind: ServerKind) -> "Generator[Walked]":
    port = free_port()
    with (
        server_kind.start() as redis,
        Edge(redis, metrics_port=port) as edge,
        Operator(edge) as operator,
        httpx.Client(base_url=edge.url) as http,
    ):
        walked = Walked(edge, operator, operator.new_admin(), http, f"http://127.0.0.1:{port}")
        walk(walked.tenant())
        wait_until(lambda: walked.scrape().total("watchword_passcodes_total", event="gone") == 1)
        yield walked


def walk(tenant: Tenant) -> None:
    """Everything that may become of a passcode, once."""
    statuses = [
        tenant.submit("15550102030").status_code,
        tenant.submit("15550102030").status_code,
        tenant.fetch("15550102030").status_code,
        tenant.fetch("15550102030").status_code,
    ]
    assert statuses == [200, 409, 200, 410]
