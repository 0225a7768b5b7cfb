"""What happens on the Identity surface: translate in, call the engine, translate out."""

from functools import partial

import msgspec

from edge.http import JSON, Reply, Request
from edge.identity import wire
from edge.identity.dialect import SPOKE_KEY
from edge.limits import rate_limit_headers
from edge.state import EdgeState
from engine.errors import Invalid, Unauthenticated
from engine.ids import AdminId, TenantId
from engine.policies import Alphabet, PasscodePolicy
from engine.recording import by_admin, by_api_key
from engine.tenants import Scope

_encoder = msgspec.json.Encoder()


async def sign_up(state: EdgeState, request: Request) -> Reply:
    body = wire.SIGN_UP.read(await request.json())
    signed_up = await state.engine.admins.sign_up(
        name=body.name,
        email=body.email,
        password=body.password,
        address=state.client_addresses.of(request),
    )
    admin = signed_up.admin
    created_at = wire.timestamp(admin.created_at)
    return _ok(wire.SignedUp(data=wire.SignedUpData(admin.name, admin.email, admin.email, created_at, created_at)))


async def login(state: EdgeState, request: Request) -> Reply:
    body = wire.LOGIN.read(await request.json())
    token = await state.engine.admins.sign_in(
        email=body.email, password=body.password, address=state.client_addresses.of(request)
    )
    return _ok(wire.LoggedIn(token=token))


async def create_tenant(state: EdgeState, request: Request) -> Reply:
    admin = await _admin(state, request)
    body = wire.NEW_TENANT.read(await request.json())
    await state.engine.admins.charge_new_tenant(admin)
    tenant = await state.engine.tenants.create(name=body.tenant_name, owner=admin)
    return _ok(wire.TenantCreated(data=wire.TenantData(tenant.id, tenant.name)))


async def refresh_api_key(state: EdgeState, request: Request) -> Reply:
    admin = await _admin(state, request)
    api_key = await state.engine.api_keys.refresh(_tenant_id(request), admin=admin)
    return _ok(wire.ApiKeyRefreshed(api_key=api_key))


async def create_config(state: EdgeState, request: Request) -> Reply:
    return await _set_config(state, request, may_replace=False)


async def replace_config(state: EdgeState, request: Request) -> Reply:
    return await _set_config(state, request, may_replace=True)


async def read_config(state: EdgeState, request: Request) -> Reply:
    """The whole for the tenant's administrator, what a page needs for everybody else."""
    tenants, tenant_id = state.engine.tenants, _tenant_id(request)
    if b"authorization" not in request.headers:
        return _ok(wire.config(await tenants.read_active(tenant_id), public=True))
    tenant = await tenants.read_owned(tenant_id, await _admin(state, request))
    return _ok(wire.config(tenant, public=False))


async def submit(state: EdgeState, request: Request) -> Reply:
    content = await request.json()
    try:
        body = wire.SUBMIT.read(content)
    except Invalid:
        request.spoken = SPOKE_KEY if wire.speaks_key(content) else ""
        raise
    pass_key = body.pass_key
    if pass_key is msgspec.UNSET and body.key is not msgspec.UNSET:
        request.spoken = SPOKE_KEY
        pass_key = body.key
    if not pass_key:
        raise Invalid.value("pass_key", "required")
    passcode = await state.engine.passcodes.submit(
        tenant_id=_tenant_id(request),
        pass_key=pass_key,
        pass_phrase=body.pass_phrase,
        address=state.client_addresses.of(request),
        idempotency_key=request.idempotency_key,
    )
    reply = wire.Submitted(data=wire.SubmittedData(pass_key, passcode.text))
    return Reply(200, _encoder.encode(reply), (*JSON, *rate_limit_headers(passcode.limits)))


async def fetch(state: EdgeState, request: Request) -> Reply:
    api_key = request.header(b"x-api-key")
    if api_key is None:
        raise Unauthenticated
    passcode = await state.engine.passcodes.fetch(
        tenant_id=_tenant_id(request),
        api_key=api_key,
        pass_key=request.params["key"],
        idempotency_key=request.idempotency_key,
        locate=partial(state.client_addresses.whole, request),
    )
    return Reply(
        200,
        _encoder.encode(wire.Fetched(pass_phrase=passcode.text)),
        (*JSON, *rate_limit_headers(passcode.limits)),
    )


async def _set_config(state: EdgeState, request: Request, *, may_replace: bool) -> Reply:
    admin, actor = await _manager(state, request)
    policy = _policy(wire.NEW_CONFIG.read(await request.json()).tenant_config_details)
    tenant_id = _tenant_id(request)
    configurations = state.engine.configurations
    configure = configurations.replace if may_replace else configurations.create
    stamp = await configure(tenant_id, admin=admin, policy=policy, actor=actor)
    details = wire.TenantDetails(
        tenant_id=tenant_id,
        tenant_config_details=wire.config_details(policy),
        created_by=wire.admin_number(admin),
        updated_at=wire.timestamp(stamp.updated_at),
        created_at=wire.timestamp(stamp.created_at),
        id=wire.tenant_number(tenant_id),
    )
    return _ok(wire.ConfiguredOuter(data=wire.Configured(data=wire.ConfiguredInner(details))))


def _policy(details: wire.ConfigDetails) -> PasscodePolicy:
    """Raises: Invalid: the two names of the alphabet say two things."""
    first, second = details.pass_pharse_allowed_characters, details.pass_phrase_method
    if first and second and first is not second:
        raise Invalid.value("tenant_config_details.pass_phrase_method", "conflict")
    return PasscodePolicy(
        mode=details.pass_phrase,
        alphabet=first or second or Alphabet.NUMERIC,
        length=details.pass_phrase_length,
        expires_s=details.pass_key_expires,
    )


async def _manager(state: EdgeState, request: Request) -> tuple[AdminId | None, str]:
    """Whom the tenant belongs to, None = the operator; and who acts: they, or an API key that manages.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive
    """
    api_key = request.header(b"x-api-key")
    if api_key is None or b"authorization" in request.headers:
        admin = await _admin(state, request)
        return admin, by_admin(admin)
    locate = partial(state.client_addresses.whole, request)
    key = await state.engine.api_keys.admit(api_key, _tenant_id(request), scope=Scope.MANAGE, locate=locate)
    return key.tenant.owner, by_api_key(key.id)


async def _admin(state: EdgeState, request: Request) -> AdminId:
    """Raises: Unauthenticated."""
    token = request.bearer
    if token is None:
        raise Unauthenticated
    return await state.engine.admins.authenticate(token)


def _tenant_id(request: Request) -> TenantId:
    return TenantId(request.params["tenant_id"])


def _ok(reply: msgspec.Struct) -> Reply:
    return Reply(200, _encoder.encode(reply), JSON)
