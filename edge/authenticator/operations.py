"""What happens to factors and challenges: translate in, call the engine, translate out."""

import msgspec

from edge.authenticator import patches, wire
from edge.authenticator.callbacks import TOPIC
from edge.authenticator.callers import admitted
from edge.authenticator.searches import ChallengeSearch, FactorSearch, is_oldest_first
from edge.http import NO_STORE, Reply, Request
from edge.limits import x_rate_limit_headers
from edge.state import EdgeState
from engine.errors import Invalid
from engine.factor_records import Factor
from engine.ids import ChallengeId, FactorId, UserName
from engine.phones import e164
from engine.tenants import ChallengeSetup, Tenant

_HAL = (b"content-type", b"application/hal+json")
_encoder = msgspec.json.Encoder()


async def create_factor(state: EdgeState, request: Request) -> Reply:
    tenant, setup = await _caller(state, request)
    body = wire.NEW_FACTOR.read(await request.json())
    phone = e164(body.phone_number, field="phone_number")
    factor = await state.engine.factors.enrol(
        tenant.id, user=UserName(body.external_user_id), policy=tenant.challenge_policy.totp, phone=phone
    )
    return _reply(request, 201, _factor(request, factor, tenant, setup))


async def list_factors(state: EdgeState, request: Request) -> Reply:
    tenant, setup = await _caller(state, request)
    query = _page(request)
    search, oldest_first = FactorSearch(query.search), is_oldest_first(query.sort)
    first = (query.page - 1) * query.size
    if search.users is None:
        total, found = await state.engine.factors.list(
            tenant.id, first=first, most=query.size, states=search.states, is_oldest_first=oldest_first
        )
    else:
        named = await state.engine.factors.of_users(tenant.id, search.users)
        matching = [factor for factor in named if search.matches(factor)]
        matching.sort(key=lambda factor: factor.created_ms, reverse=not oldest_first)
        total, found = len(matching), matching[first : first + query.size]
    shown = [_factor(request, factor, tenant, setup, is_alone=False) for factor in found]
    return _reply(request, 200, wire.collection(query, total, wire.Factors(shown), home=_factors_at(request)))


async def read_factor(state: EdgeState, request: Request) -> Reply:
    tenant, setup = await _caller(state, request)
    factor = await state.engine.factors.read(tenant.id, _factor_id(request))
    return _reply(request, 200, _factor(request, factor, tenant, setup))


async def change_factor(state: EdgeState, request: Request) -> Reply:
    tenant, setup = await _caller(state, request)
    changes = patches.factor_changes(await request.json())
    factor = await state.engine.factors.change(tenant.id, _factor_id(request), changes)
    return _reply(request, 200, _factor(request, factor, tenant, setup))


async def create_challenge(state: EdgeState, request: Request) -> Reply:
    tenant, _ = await _caller(state, request)
    body = wire.NEW_CHALLENGE.read(await request.json() or b"{}")
    challenge = await state.engine.challenges.open(
        tenant, _factor_id(request), reference=body.reference_id, topic=TOPIC
    )
    return _reply(request, 201, wire.challenge(challenge, home=_challenges_at(request)))


async def list_challenges(state: EdgeState, request: Request) -> Reply:
    tenant, _ = await _caller(state, request)
    query = _page(request)
    search = ChallengeSearch(query.search)
    factor = await state.engine.factors.read(tenant.id, _factor_id(request))
    total, found = await state.engine.challenges.list(
        tenant.id,
        factor.id,
        first=(query.page - 1) * query.size,
        most=query.size,
        is_oldest_first=is_oldest_first(query.sort),
        matches=None if search.is_for_all else search.matches,
    )
    home = _challenges_at(request)
    shown = [wire.challenge(challenge, home=home) for challenge in found]
    return _reply(request, 200, wire.collection(query, total, wire.Challenges(shown, shown), home=home))


async def read_challenge(state: EdgeState, request: Request) -> Reply:
    tenant, _ = await _caller(state, request)
    challenge = await state.engine.challenges.read(tenant.id, _factor_id(request), _challenge_id(request))
    return _reply(request, 200, wire.challenge(challenge, home=_challenges_at(request)))


async def answer_challenge(state: EdgeState, request: Request) -> Reply:
    tenant, _ = await _caller(state, request)
    code = patches.challenge_code(await request.json())
    challenge = await state.engine.challenges.answer(
        tenant, _factor_id(request), _challenge_id(request), code=code
    )
    return _reply(request, 200, wire.challenge(challenge, home=_challenges_at(request)))


async def _caller(state: EdgeState, request: Request) -> tuple[Tenant, ChallengeSetup]:
    """Raises: ChallengesNotSetUp, and what `admitted` raises."""
    tenant = await admitted(state, request)
    return tenant, tenant.require_challenge_setup()


def _page(request: Request) -> wire.PageQuery:
    """Raises: Invalid."""
    query = wire.PAGE_QUERY.read(request.scope["query_string"])
    if (query.page - 1) * query.size > wire.DEEPEST:
        raise Invalid.value("page", "max", wire.DEEPEST // query.size + 1)
    return query


def _factor(
    request: Request,
    factor: Factor,
    tenant: Tenant,
    setup: ChallengeSetup,
    *,
    is_alone: bool = True,
) -> wire.Factor:
    issuer = setup.issuer or tenant.name
    return wire.factor(factor, issuer=issuer, home=_factors_at(request), is_alone=is_alone)


def _factor_id(request: Request) -> FactorId:
    return FactorId(request.params["factor_id"])


def _challenge_id(request: Request) -> ChallengeId:
    return ChallengeId(request.params["challenge_id"])


def _factors_at(request: Request) -> str:
    return f"{request.spoken}/authenticator/v0.1/factors"


def _challenges_at(request: Request) -> str:
    return f"{_factors_at(request)}/{_factor_id(request)}/challenges"


def _reply(request: Request, status: int, body: msgspec.Struct) -> Reply:
    return Reply(status, _encoder.encode(body), (_HAL, NO_STORE, *x_rate_limit_headers(request.limits)))
