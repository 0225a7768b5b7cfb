"""One running edge for all tests, and a tenant of their own for each."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.documented import Document
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.stored import nothing_new
from tests.edge.tenants import Admin, Operator, Tenant
from tests.edge.workers import client_of_each_worker
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@pytest.fixture(scope="session")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    """Two workers without rate limits. In the end every key is of the grammar and expires if it must.

    There is no courier: what one test has left to expire would be noted in the midst of another.
    """
    with server_kind.start() as redis, Edge(redis, **NO_LIMITS, courier="off") as edge:
        yield edge
        assert not leaks(redis.admin)


@pytest.fixture(scope="session")
def operator(edge: Edge) -> "Generator[Operator]":
    with Operator(edge) as operator:
        yield operator


@pytest.fixture(scope="session")
def http(edge: Edge) -> "Generator[httpx.Client]":
    with httpx.Client(base_url=edge.url) as client:
        yield client


@pytest.fixture(scope="session")
def document(http: httpx.Client) -> Document:
    """The OpenAPI document as it is served."""
    return http.get("/openapi.json").raise_for_status().json()


@pytest.fixture(scope="session")
def admin(operator: Operator) -> Admin:
    """Signed in once: tests that end sessions bring their own."""
    return operator.new_admin()


@pytest.fixture
def new_tenant(operator: Operator, admin: Admin, http: httpx.Client) -> "Callable[..., Tenant]":
    """Makes tenants. Named arguments are fields of the tenant's record, or its state."""

    def make(**changes: object) -> Tenant:
        return operator.new_tenant(admin, http, **changes)  # pyright: ignore[reportArgumentType]  # by name

    return make


@pytest.fixture
def tenant(new_tenant: "Callable[..., Tenant]") -> Tenant:
    """An active tenant under the defaults of the deployment."""
    return new_tenant()


@pytest.fixture
def each_worker(edge: Edge) -> "Generator[list[httpx.Client]]":
    with client_of_each_worker(edge) as clients:
        yield clients


@pytest.fixture
def nothing_stored(edge: Edge, tenant: Tenant) -> "Generator[None]":
    """For tests of what is refused: after them no key is new or changed."""
    del tenant  # made before
    with nothing_new(edge.redis):
        yield
