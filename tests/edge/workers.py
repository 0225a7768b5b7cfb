"""Each worker of an edge by itself, and what all of them count."""

import re
import ssl
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.edge.sockets import Swarm, request, worker_of
from tests.waiting import wait_until, wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tests.edge.program import Edge


@contextmanager
def client_of_each_worker(edge: "Edge") -> "Generator[list[httpx.Client]]":
    """A client for each worker, by a connection that this worker has accepted and that is kept."""
    found: dict[str, httpx.Client] = {}
    with ExitStack() as stack:
        verify = ssl.create_default_context()

        def seek() -> bool:
            limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
            client = stack.enter_context(httpx.Client(base_url=edge.url, limits=limits, verify=verify))
            found.setdefault(worker_of(client.get("/livez").headers["x-request-id"]), client)
            return len(found) == edge.worker_count

        wait_until(seek, within=20)
        yield list(found.values())


@asynccontextmanager
async def connection_to_each_worker(edge: "Edge") -> "AsyncGenerator[Swarm]":
    """Open connections, of which each leads to another worker."""
    async with Swarm(edge, 0) as swarm:

        async def seek() -> bool:
            await swarm.grow()
            answers = await swarm.ask([request("GET", "/livez")] * swarm.size)
            swarm.keep({answer.worker: place for place, answer in enumerate(answers)}.values())
            return swarm.size == edge.worker_count

        await wait_until_async(seek, within=20)
        yield swarm


def metric(http: httpx.Client, name: str, **labels: str) -> float:
    """The sum of a metric over all series that have these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    series = re.findall(rf"(?m)^{name}(\{{.*\}})? (\S+)$", http.get("/metrics").text)
    return sum(float(value) for labelled, value in series if all(label in labelled for label in wanted))
