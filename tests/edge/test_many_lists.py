"""Lists, each of which asks every partition, while others want something quick: on a link that has little room."""

from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.apps import App, new_app
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.sockets import Swarm, request
from tests.edge.tenants import Operator, Tenant, fresh
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.anyio

FACTORS = "/authenticator/v0.1/factors"
MANY = 100
ROOM = 256  # four lists at once would fill it


@pytest.fixture(scope="module")
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    with (
        server_kind.start() as redis,
        Edge(redis, **NO_LIMITS, workers=1, max_in_flight=ROOM) as edge,
    ):
        yield edge
        assert not leaks(redis.admin)


@pytest.fixture(scope="module")
def tenant(edge: Edge) -> "Generator[Tenant]":
    with httpx.Client(base_url=edge.url) as http, Operator(edge) as operator:
        yield operator.new_tenant(operator.new_admin(), http)


@pytest.fixture(scope="module")
def app(edge: Edge, tenant: Tenant) -> App:
    with Operator(edge) as operator:
        return new_app(operator, tenant)


@pytest.mark.parametrize(
    "query", ["?size=100", f"?search=external_user_id=in=({','.join(map(str, range(32)))})"], ids=["all", "named"]
)
async def test_many_lists_at_once_leave_room_for_passcodes(
    edge: Edge, tenant: Tenant, app: App, query: str
) -> None:
    if not app.get(FACTORS).json()["page"]["total_elements"]:
        for number in range(30):
            app.enrol(str(number))
    pass_keys = [fresh("key") for _ in range(50)]
    for pass_key in pass_keys:
        tenant.submit(pass_key)
    lists = [request("GET", FACTORS + query, app.bearer.items())] * MANY
    fetches = [tenant.fetch_request(pass_key) for pass_key in pass_keys]
    async with Swarm(edge, len(lists) + len(fetches)) as swarm:
        answers = await swarm.ask([*lists, *fetches])
    assert Counter(answer.status for answer in answers) == {200: len(answers)}
    assert {answer.json()["page"]["total_elements"] for answer in answers[:MANY]} == {30}
