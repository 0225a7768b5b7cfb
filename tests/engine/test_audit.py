"""What the engine records of what is done to it, and who may read it: on a real server."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from edge.scopes import SCOPES
from engine.admins import Admins
from engine.assembly import Engine, Options, open_engine
from engine.audit_events import Event, Filter
from engine.errors import PasscodeGone, PassKeyTaken, UnknownTenant, WrongPassword
from engine.ids import AdminId, TenantId
from engine.recording import Kind, Retention, by_admin, by_agent
from engine.tenants import State, Tenant
from tests.conftest import OWNER
from tests.engine.servers import scan
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

ADDRESS = "203.0.113.9"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
NUMBER = "+44 7700 900123"
ALL = Filter()


async def submit(engine: Engine, tenant: Tenant, number: str = NUMBER, *, address: str = ADDRESS) -> None:
    await engine.passcodes.submit(
        tenant_id=tenant.id, pass_key=number, pass_phrase=None, address=address, idempotency_key=None
    )


async def fetch(engine: Engine, tenant: Tenant, api_key: str, number: str = NUMBER) -> None:
    await engine.passcodes.fetch(tenant_id=tenant.id, api_key=api_key, pass_key=number, idempotency_key=None)


async def told(engine: Engine, tenant_id: TenantId | None, sought: Filter = ALL) -> list[Event]:
    async with aclosing(engine.audit.export(tenant_id, sought)) as events:
        return [event async for event in events]


def kinds(events: "list[Event]") -> list[str]:
    return [event.kind for event in events]


async def owned(engine: Engine) -> tuple[Tenant, AdminId]:
    """A tenant of somebody who has signed up and in."""
    signed_up = await sign_up(engine.admins)
    return await engine.tenants.create(name="Owned", owner=signed_up, state=State.ACTIVE), signed_up


async def sign_up(admins: Admins) -> AdminId:
    return (await admins.sign_up(name="Ada", email=EMAIL, password=PASSWORD, address=ADDRESS)).id


async def test_a_tenants_trail_tells_who_did_what_in_order(engine: Engine) -> None:
    tenant, admin = await owned(engine)
    with pytest.raises(WrongPassword):
        await engine.admins.sign_in(email=EMAIL, password="wrong", address=ADDRESS)
    await engine.admins.sign_in(email=EMAIL, password=PASSWORD, address=ADDRESS)
    old = await engine.api_keys.issue(tenant.id, name="old")
    new = await engine.api_keys.refresh(tenant.id, admin=admin)
    await submit(engine, tenant)
    with pytest.raises(PassKeyTaken):
        await submit(engine, tenant, address="203.0.113.10")
    await fetch(engine, tenant, new)
    with pytest.raises(PasscodeGone):
        await fetch(engine, tenant, new)
    await engine.admins.reset_password(email=EMAIL)
    events = await told(engine, tenant.id)
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    by = {event.kind: event.actor.partition(":")[0] for event in events}
    assert by == {
        Kind.SIGN_UP: "address",
        Kind.TENANT_CREATE: "admin",
        Kind.SIGN_IN_REFUSED: "address",
        Kind.SIGN_IN: "admin",
        Kind.KEY_ISSUE: "operator",
        Kind.KEY_REPLACE: "admin",
        Kind.SUBMIT: "address",
        Kind.CONFLICT: "address",
        Kind.FETCH: "api-key",
        Kind.PASSWORD: "operator",
    }
    assert len(events) == len(by)
    of = {event.kind: event for event in events}  # those of one millisecond are in the order of their shares
    issued, replaced, submitted = of[Kind.KEY_ISSUE], of[Kind.KEY_REPLACE], of[Kind.SUBMIT]
    conflict, fetched = of[Kind.CONFLICT], of[Kind.FETCH]
    assert len({submitted.subject, conflict.subject, fetched.subject}) == 1
    assert fetched.subject == await engine.audit.subject(tenant.id, NUMBER)
    assert submitted.actor != conflict.actor
    assert fetched.actor == f"api-key:{replaced.detail}"
    assert issued.detail != replaced.detail
    assert old != new


@pytest.mark.parametrize(
    ("changes", "kind", "detail"),
    [
        ({"state": State.SUSPENDED}, Kind.TENANT_STATE, "suspended"),
        ({"max_fetches": 3}, Kind.TENANT_CONFIG, "max_fetches"),
        ({"max_fetches": 3, "fetch_limit": 1}, Kind.TENANT_CONFIG, "fetch_limit,max_fetches"),
    ],
)
async def test_a_change_of_a_tenant_is_recorded_as_what_it_is(
    engine: Engine, tenant: Tenant, changes: dict[str, object], kind: Kind, detail: str
) -> None:
    await engine.tenants.change(tenant.id, lambda tenant: msgspec.structs.replace(tenant, **changes))
    await engine.tenants.change(tenant.id, lambda tenant: tenant)  # which is nothing
    last = (await told(engine, tenant.id))[1:]
    assert [event[1:] for event in last] == [(kind, "operator", f"tenant:{tenant.id}", detail)]


async def test_keys_and_clients_are_recorded_by_their_ids(engine: Engine, tenant: Tenant) -> None:
    await engine.api_keys.issue(tenant.id, name="dialer")
    await engine.api_keys.issue(tenant.id, name="crm")
    (issued, further) = await told(engine, tenant.id, Filter(frozenset({Kind.KEY_ISSUE})))
    assert issued.detail != further.detail
    (key_id,) = [key for key in (await engine.tenants.read(tenant.id)).api_keys if key.startswith(issued.detail)]
    await engine.api_keys.revoke(tenant.id, further.detail)  # pyright: ignore[reportArgumentType]  # it is one
    made = await engine.clients.create(tenant.id, name="app", scopes=SCOPES)
    await engine.clients.revoke(tenant.id, made.client_id)
    events = (await told(engine, tenant.id))[3:]
    assert [(event.kind, event.detail) for event in events] == [
        (Kind.KEY_REVOKE, further.detail),
        (Kind.CLIENT_CREATE, made.client_id),
        (Kind.CLIENT_REVOKE, made.client_id),
    ]
    assert key_id.startswith(issued.detail)


async def test_no_tenant_reads_of_another(engine: Engine, tenant: Tenant, api_key: str) -> None:
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)
    await submit(engine, tenant)
    await fetch(engine, tenant, api_key)
    await submit(engine, other)
    assert kinds(await told(engine, other.id)) == [Kind.TENANT_CREATE, Kind.SUBMIT]
    ours, theirs = [(await told(engine, one.id, Filter(frozenset({Kind.SUBMIT}))))[0] for one in (tenant, other)]
    assert ours.subject != theirs.subject, "one number is two names, so that nobody can compare"
    assert ours.actor != theirs.actor
    with pytest.raises(UnknownTenant):
        await told(engine, TenantId("00000000-0000-4000-8000-000000000000"))


async def test_the_journals_tell_of_all_tenants_but_of_no_passcode(engine: Engine, tenant: Tenant) -> None:
    await submit(engine, tenant)
    other = await engine.tenants.create(name="Other")
    events = await told(engine, None)
    assert {(event.kind, event.subject, event.actor) for event in events} == {
        (Kind.TENANT_CREATE, f"tenant:{tenant.id}", by_admin(OWNER)),
        (Kind.TENANT_CREATE, f"tenant:{other.id}", "operator"),
    }


async def test_guessing_at_addresses_leaves_no_trail_of_its_own(engine: Engine, admin_redis: "Admin") -> None:
    with pytest.raises(WrongPassword):
        await engine.admins.sign_in(email="nobody@example.com", password="x", address=ADDRESS)
    assert not [key for key in scan(admin_redis) if b":audit:" in key]
    assert kinds(await told(engine, None)) == [Kind.SIGN_IN_REFUSED]


async def test_a_deleted_tenant_leaves_only_that_it_was_deleted(
    engine: Engine, tenant: Tenant, api_key: str, admin_redis: "Admin"
) -> None:
    await submit(engine, tenant)
    await fetch(engine, tenant, api_key)
    await engine.usage.write()
    await engine.erasure.erase_tenant(tenant.id)
    nouns = {key.split(b":")[1] for key in scan(admin_redis)}
    assert not nouns & {b"audit", b"usage"}
    left = await told(engine, None)
    assert kinds(left) == [Kind.TENANT_CREATE, Kind.KEY_ISSUE, Kind.TENANT_STATE, Kind.TENANT_DELETE]


async def test_nothing_is_recorded_where_that_is_off(engine_options: Options, admin_redis: "Admin") -> None:
    options = replace(engine_options, retention=Retention(days=0))
    async with open_engine(options) as engine:
        tenant, _ = await owned(engine)
        api_key = await engine.api_keys.issue(tenant.id, name="k")
        await submit(engine, tenant)
        await fetch(engine, tenant, api_key)
        with pytest.raises(WrongPassword):
            await engine.admins.sign_in(email=EMAIL, password="wrong", address=ADDRESS)
        assert await told(engine, tenant.id) == []
    assert not [key for key in scan(admin_redis) if key.split(b":")[1] in {b"audit", b"journal"}]


async def test_a_trail_of_passcodes_is_bounded(engine_options: Options) -> None:
    """By the least that there is: a hundred of a partition, and what is not tended yet."""
    options = replace(engine_options, retention=Retention(days=1, events=1), partitions=1)
    async with open_engine(options) as engine:
        tenant = await engine.tenants.create(name="Acme", state=State.ACTIVE)
        for number in range(600):
            await submit(engine, tenant, f"customer-{number}")
        events = await told(engine, tenant.id)
    assert 100 <= len(events) <= 301
    assert events[0].kind == Kind.TENANT_CREATE, "what is done to the tenant is not pushed out"
    assert events[-1].kind == Kind.SUBMIT


async def test_what_comes_is_followed_after_the_last_of_before(
    engine: Engine, tenant: Tenant, api_key: str
) -> None:
    for number in range(5):
        await submit(engine, tenant, f"customer-{number}")
    seen: list[Event] = []

    async def follow() -> None:
        async with aclosing(engine.audit.follow(tenant.id, Filter(actor="a"), last=3)) as events:
            async for event in events:
                seen.append(event)  # noqa: PERF401  # others look meanwhile

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follow())
        await until(seen, 3)
        await fetch(engine, tenant, api_key, "customer-1")
        await fetch(engine, tenant, api_key, "customer-4")
        await engine.tenants.set_state(tenant.id, State.ACTIVE)
        await until(seen, 5)
        await submit(engine, tenant, "customer-1")
        await until(seen, 6)
        following.cancel()
    assert kinds(seen) == [Kind.SUBMIT] * 3 + [Kind.FETCH] * 2 + [Kind.SUBMIT]
    assert len({event.position for event in seen}) == 6


async def until(seen: list[Event], number: int) -> None:
    await wait_until_async(lambda: len(seen) >= number, within=10)


async def test_no_trail_holds_a_number_an_address_or_a_name(
    engine: Engine, tenant: Tenant, api_key: str, admin_redis: "Admin"
) -> None:
    await owned(engine)
    await submit(engine, tenant)
    await fetch(engine, tenant, api_key)
    with pytest.raises(WrongPassword):
        await engine.admins.sign_in(email=EMAIL, password="wrong", address=ADDRESS)
    trails = [key for key in scan(admin_redis) if key.split(b":")[1] in {b"audit", b"journal"}]
    kept = b"".join(b"".join(map(repr_of, admin_redis.xrange(key))) for key in trails)  # pyright: ignore
    assert kept.count(b"address:") >= 4
    for secret in ("7700", ADDRESS, "203.0", "ada", "Ada", "example.com", PASSWORD, api_key):
        assert secret.encode() not in kept


def repr_of(entry: object) -> bytes:
    return repr(entry).encode()


async def test_what_is_done_to_agents_and_what_they_do_is_recorded(engine: Engine, tenant: Tenant) -> None:
    made = await engine.agents.create(tenant.id, name="Bob", email="bob@example.com", actor=by_admin(OWNER))
    with pytest.raises(WrongPassword):
        await engine.agents.sign_in(tenant.id, email="bob@example.com", password="wrong", address=ADDRESS)
    session = await engine.agents.sign_in(
        tenant.id, email="bob@example.com", password=made.password, address=ADDRESS
    )
    await engine.agents.sign_out(tenant.id, session.token)
    await engine.agents.sign_out(tenant.id, session.token)
    await engine.agents.reset_password(tenant.id, email="bob@example.com")
    await engine.agents.delete(tenant.id, email="bob@example.com")
    events = {event.kind: event for event in await told(engine, tenant.id)}
    agent = by_agent(made.id)
    assert {kind: (event.actor.partition(":")[0], event.detail) for kind, event in events.items()} == {
        Kind.TENANT_CREATE: ("admin", "active"),
        Kind.AGENT_CREATE: ("admin", agent),
        Kind.AGENT_SIGN_IN_REFUSED: ("address", ""),
        Kind.AGENT_SIGN_IN: ("agent", ""),
        Kind.AGENT_SIGN_OUT: ("agent", ""),
        Kind.AGENT_PASSWORD: ("operator", agent),
        Kind.AGENT_DELETE: ("operator", agent),
    }
    assert events[Kind.AGENT_SIGN_IN].actor == agent
    assert len(await told(engine, tenant.id)) == 7, "the second sign-out ended nothing"
    of_operators = kinds(await told(engine, None))
    assert of_operators == [Kind.TENANT_CREATE, Kind.AGENT_CREATE, Kind.AGENT_PASSWORD, Kind.AGENT_DELETE]


async def test_the_end_of_a_session_is_recorded(engine: Engine) -> None:
    tenant, admin = await owned(engine)
    token = await engine.admins.sign_in(email=EMAIL, password=PASSWORD, address=ADDRESS)
    await engine.admins.sign_out(token)
    await engine.admins.sign_out(token)
    events = await told(engine, tenant.id, Filter(frozenset({Kind.SIGN_IN, Kind.SIGN_OUT})))
    assert [(event.kind, event.actor) for event in events] == [
        (Kind.SIGN_IN, by_admin(admin)),
        (Kind.SIGN_OUT, by_admin(admin)),
    ]
