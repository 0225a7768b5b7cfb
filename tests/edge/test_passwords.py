"""Passwords are slow on purpose. That is the affair of those who sign in, and of nobody else."""

import asyncio
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.edge.sockets import Swarm, request
from tests.edge.tenants import PASSWORD, Tenant
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.program import Edge

pytestmark = pytest.mark.anyio

BUSY = {"status": "Failed", "message": "Too many requests of this kind are waiting. Please try again."}


def sign_in(tenant: Tenant) -> bytes:
    body = msgspec.json.encode({"email": tenant.admin.email, "password": PASSWORD})
    return request("POST", "/api/v2/login", [("content-type", "application/json")], body)


async def test_fetches_do_not_wait_for_sign_ins(edge: "Edge", new_tenant: "Callable[..., Tenant]") -> None:
    tenant = new_tenant(max_fetches=0)
    tenant.submit("23456")
    fetch = tenant.fetch_request("23456")
    seconds: list[float] = []
    async with Swarm(edge, 30) as admins, Swarm(edge, 8) as agents:
        began = time.perf_counter()
        signing_in = asyncio.create_task(admins.ask([sign_in(tenant)] * 30))
        while not signing_in.done():
            asked = time.perf_counter()
            assert {answer.status for answer in await agents.ask([fetch] * 8)} == {200}
            seconds.append(time.perf_counter() - asked)
        assert {answer.status for answer in await signing_in} == {200}
        whole = time.perf_counter() - began
    assert len(seconds) > 10
    assert statistics.median(seconds) < whole / 10


async def test_more_sign_ins_than_can_wait_are_sent_away_at_once(edge: "Edge", tenant: Tenant) -> None:
    async with Swarm(edge, 200) as admins:
        answers = await admins.ask([sign_in(tenant)] * 200)
    assert {*Counter(answer.status for answer in answers)} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert answer.json() == BUSY
            assert int(answer.headers["retry-after"]) >= 1
    credentials = {"email": tenant.admin.email, "password": PASSWORD}
    wait_until(lambda: tenant.http.post("/api/v2/login", json=credentials).status_code == 200)
