"""Tenants that are called back, and users of theirs who were challenged."""

import time
from typing import TYPE_CHECKING

from engine.deliveries import Attempt, Delivery
from engine.factor_records import Changes
from engine.ids import TenantId, UserName
from engine.tenants import ChallengeSetup, Tenant
from engine.totp import TotpPolicy, code_at

if TYPE_CHECKING:
    from engine.assembly import Engine

URL = "https://acme.example/hook"
TOPIC = "authenticator"
REFUSED = Attempt("refused", 500, 12)
_A_MINUTE_MS = 60_000


async def set_up(engine: "Engine", tenant_id: TenantId) -> Tenant:
    """Let a tenant be told of the ends of its challenges."""
    return await engine.configurations.change_challenges(tenant_id, lambda _: ChallengeSetup(callback_url=URL))


async def fail_challenges(engine: "Engine", tenant_id: TenantId, number: int, *, user: str = "bob") -> list[str]:
    """The ids of what the tenant is to be told: that a user gave wrong codes so many times."""
    tenant = await set_up(engine, tenant_id)
    factor = await engine.factors.enrol(tenant_id, user=UserName(user), policy=TotpPolicy())
    code = code_at(factor.record.policy, factor.record.secret, now_s=time.time())
    await engine.factors.change(tenant_id, factor.id, Changes(code=code))
    challenges = [await engine.challenges.open(tenant, factor.id, topic=TOPIC) for _ in range(number)]
    for challenge in challenges:
        await engine.challenges.answer(tenant, factor.id, challenge.id, code="wrong")
    return [f"msg_{challenge.id}_failed" for challenge in challenges]


async def taken(engine: "Engine") -> dict[str, Delivery]:
    """What a courier is given now, by message id."""
    deliveries = engine.deliveries
    found = [await deliveries.take(number, most=100, idle_ms=_A_MINUTE_MS) for number in deliveries.partitions]
    return {delivery.event.message_id: delivery for some in found for delivery in some}


async def bury_challenges(engine: "Engine", tenant_id: TenantId, number: int, *, user: str = "bob") -> list[str]:
    """The same, and the receiver was there for none of them."""
    failed = await fail_challenges(engine, tenant_id, number, user=user)
    for delivery in (await taken(engine)).values():
        await engine.deliveries.bury(delivery, REFUSED)
    return failed
