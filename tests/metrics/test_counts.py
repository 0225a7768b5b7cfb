"""What the engine counts for the metrics, and how one process hands it on."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.metrics import Metrics
from engine.assembly import Engine, Options, open_engine
from engine.errors import LimitExceeded, UnknownTenant
from engine.ids import TenantId
from engine.rates import Rate
from engine.store.address import Address
from engine.store.handshake import Server
from engine.store.link import Link
from engine.tenants import Tenant
from tests.engine.calls import COUNT, ECHO, linked, outcomes, start
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer, server_binaries
from tests.metrics.scraped import Scrape
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.anyio

UNKNOWN = TenantId("00000000-0000-4000-8000-000000000000")


@pytest.fixture
def own_server() -> "Generator[RedisServer]":
    with RedisServer(server_binaries()[0]) as server:
        yield server


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(None, password_threads=1, max_requests=2)


def told(metrics: Metrics, engine: Engine) -> Scrape:
    metrics.sample(engine)
    return Scrape(metrics.render().decode())


async def test_a_lost_link_is_counted_once_and_each_vain_attempt_to_replace_it(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        assert (link.stats.losses, link.stats.connect_failures) == (0, 0)
        own_server.kill()
        await wait_until_async(lambda: link.stats.connect_failures > 1)
        own_server.start()
        await wait_until_async(lambda: link.is_up)
        assert (link.stats.losses, link.stats.connects) == (1, 2)


async def test_calls_over_their_deadline_are_counted_once_each(own_server: RedisServer) -> None:
    async with linked(own_server) as link:
        own_server.pause()
        calls = [*start(link, COUNT, 3), *start(link, ECHO, 4)]
        await outcomes(calls)
        assert (link.stats.overdue, link.stats.unanswered) == (7, 3)
        own_server.resume()


async def test_a_link_knows_who_answers(own_server: RedisServer, server_kind: ServerKind) -> None:
    async with linked(own_server) as link:
        assert link.server == (server_kind.binary.name, ".".join(map(str, server_kind.binary.version)))


async def test_calls_that_wait_for_the_next_connection_are_queued(own_server: RedisServer) -> None:
    async with linked(own_server, deadline_ms=30_000) as link:
        own_server.pause()
        calls = start(link, ECHO, 5)
        await wait_until_async(lambda: link.in_flight == 5)
        own_server.kill()
        await wait_until_async(lambda: link.queued == 5)
        own_server.start()
        await asyncio.gather(*calls)
        assert link.queued == 0


async def test_hits_misses_and_reads_of_known_tenants_are_told_apart(engine: Engine, tenant: Tenant) -> None:
    known = engine.known_tenants
    for _ in range(3):
        await known.read(tenant.id)
    for _ in range(2):
        with pytest.raises(UnknownTenant):
            await known.read(UNKNOWN)
    assert (known.stats.hits, known.stats.misses, known.stats.reads) == (2, 3, 2)  # absence is remembered
    assert len(known) == 1


async def test_limits_count_by_policy_who_decided(engine_options: Options) -> None:
    async with open_engine(engine_options) as engine:
        limits = engine.limits
        for _ in range(2):
            await limits.charge("address", Rate(2, 60), "somebody")
        for _ in range(3):
            with pytest.raises(LimitExceeded):
                await limits.charge("address", Rate(2, 60), "somebody")
        decided = limits.decisions["address"]
        assert (decided.allowed, decided.refused, decided.refused_unasked) == (2, 1, 2)


async def test_a_busy_limit_lets_most_through_without_asking(engine_options: Options) -> None:
    async with open_engine(engine_options) as engine:
        for _ in range(200):
            await engine.limits.charge("api-key", Rate(1_000_000, 1), "dialer")
        decided = engine.limits.decisions["api-key"]
        assert decided.allowed_unasked + decided.allowed == 200
        assert decided.allowed_unasked > decided.allowed


async def test_what_is_counted_in_integers_is_handed_on_once(engine: Engine, metrics: Metrics) -> None:
    meter = metrics.meter("/route", "GET", "fetch")
    for _ in range(3):
        meter.begun += 1
    meter.count("gone", 0.0007)
    meter.count("ok", 7.0)
    for _ in range(2):
        scrape = told(metrics, engine)
        assert scrape.total("watchword_requests_total", outcome="gone") == 1
        assert scrape.total("watchword_request_seconds_bucket", outcome="gone", le="0.0005") == 0
        assert scrape.total("watchword_request_seconds_bucket", outcome="gone", le="0.001") == 1
        assert scrape.total("watchword_request_seconds_sum", outcome="ok") == 7
        assert scrape.total("watchword_requests_in_flight", route="/route") == 1
        assert scrape.total("watchword_passcodes_total", event="gone") == 1
        assert scrape.total("watchword_link_calls_total") == engine.link.stats.calls


@pytest.mark.one_node
async def test_a_second_server_that_answers_leaves_no_claim_of_the_first(engine: Engine, metrics: Metrics) -> None:
    assert isinstance(engine.link, Link)
    first = engine.link.server
    assert first is not None
    told(metrics, engine)
    engine.link.server = Server("valkey", "9.0.0")
    scrape = told(metrics, engine)
    assert scrape.total("watchword_redis_info", server="valkey", version="9.0.0") == 1
    assert scrape.total("watchword_redis_info", server=first[0], version=first[1]) == 0


async def test_sampling_goes_on_while_redis_does_not_answer(
    own_server: RedisServer, engine_options: Options, metrics: Metrics
) -> None:
    here = replace(engine_options, redis=Address.parse(own_server.url), deadline_ms=60_000)
    async with open_engine(here) as engine:
        own_server.pause()
        sampling = asyncio.create_task(metrics.keep_sampling(engine))
        try:
            wakings = "watchword_event_loop_lag_seconds_count"
            await wait_until_async(lambda: Scrape(metrics.render().decode()).total(wakings) > 0)
        finally:
            sampling.cancel()
            own_server.resume()
        with pytest.raises(asyncio.CancelledError):
            await sampling
