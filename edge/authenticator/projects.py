"""What happens to a project, a tenant as its client configures it; and the keys that callbacks are signed with."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.authenticator import patches
from edge.authenticator.callbacks import signing_key
from edge.authenticator.callers import admit
from edge.authenticator.wire import Link, SelfLink
from edge.courier.signing import PublicJwk
from edge.courier.target import Target, UrlRefused
from edge.http import JSON, Reply, Request
from edge.limits import x_rate_limit_headers
from edge.state import EdgeState
from edge.wire import Body
from engine.clients import Caller
from engine.errors import Invalid, UnknownTenant
from engine.recording import by_client
from engine.tenants import ChallengeSetup, Tenant

_JWK_SET = (b"content-type", b"application/jwk-set+json")
_CACHED = (b"cache-control", b"public, max-age=3600")
_encoder = msgspec.json.Encoder()

Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
# Read by Target, as couriers read it.
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]


class AuthenticatorConfiguration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    issuer_name: Text | UnsetType = UNSET
    challenge_callback_url: Url | UnsetType = UNSET
    challenge_default_message: Text | UnsetType = UNSET


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    authenticator: AuthenticatorConfiguration | UnsetType = UNSET


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """What can be patched of a project."""

    configuration: Configuration = Configuration()


class Project(msgspec.Struct, rename={"links": "_links"}):
    project_id: str
    workspace_id: str
    name: str
    configuration: Configuration
    links: SelfLink


class ProjectOperation(msgspec.Struct, rename={"source": "from"}):
    """An operation of a JSON Patch (RFC 6902), at or below `/configuration`."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: Annotated[str, Meta(pattern=r"^/configuration(/.*)?\Z")]
    value: Any = UNSET
    source: str | UnsetType = UNSET


class KeySet(msgspec.Struct):
    keys: tuple[PublicJwk, ...]


# As it is documented; how it is read is in edge/authenticator/patches.py.
ProjectPatch = Annotated[list[ProjectOperation], Meta(max_length=32)]

_CALLBACK_POINTER = "/configuration/authenticator/challenge_callback_url"
_DOCUMENT = Body(Document)


async def read_project(state: EdgeState, request: Request) -> Reply:
    return _reply(request, (await _own(state, request)).tenant)


async def change_project(state: EdgeState, request: Request) -> Reply:
    caller = await _own(state, request)
    patch = await request.json()

    def change(setup: ChallengeSetup | None) -> ChallengeSetup | None:
        document: dict[str, Any] = msgspec.to_builtins(Document(_configuration(setup)))
        patched = patches.apply(document, patch)
        changed = _setup(_DOCUMENT.read(msgspec.json.encode(patched)).configuration)
        is_off = setup is not None and setup.is_callback_off and not patches.touches(patch, _CALLBACK_POINTER)
        return msgspec.structs.replace(changed, is_callback_off=is_off) if changed else None

    configurations, actor = state.engine.configurations, by_client(caller.client_id)
    return _reply(request, await configurations.change_challenges(caller.tenant.id, change, actor=actor))


async def read_signing_keys(state: EdgeState, request: Request) -> Reply:
    """The public halves, as a JWK set (RFC 7517). They are no secret, and may be kept for a while."""
    key = await signing_key(state.engine.deployment_secrets)
    return Reply(200, _encoder.encode(KeySet((key.public_jwk,))), (_JWK_SET, _CACHED))


async def _own(state: EdgeState, request: Request) -> Caller:
    """Raises: UnknownTenant: it is another project than the caller's; and what `admit` raises."""
    caller = await admit(state, request)
    asked = (request.params["workspace_id"], request.params["project_id"])
    if asked != (caller.tenant.account_id, caller.tenant.id):
        raise UnknownTenant
    return caller


def _configuration(setup: ChallengeSetup | None) -> Configuration:
    if setup is None:
        return Configuration()
    given = {
        "issuer_name": setup.issuer,
        "challenge_callback_url": setup.callback_url,
        "challenge_default_message": setup.message,
    }
    return Configuration(AuthenticatorConfiguration(**{name: text for name, text in given.items() if text}))


def _setup(configuration: Configuration) -> ChallengeSetup | None:
    """Raises: Invalid: a callback address that no courier would call."""
    said = configuration.authenticator
    if said is UNSET:
        return None
    if said.challenge_callback_url is not UNSET:
        _require_callable(said.challenge_callback_url)
    return ChallengeSetup(
        said.issuer_name or None, said.challenge_callback_url or None, said.challenge_default_message or None
    )


def _require_callable(url: str) -> None:
    """Raises: Invalid."""
    try:
        Target.parse(url)
    except UrlRefused:
        raise Invalid.value("configuration.authenticator.challenge_callback_url", "format") from None


def _reply(request: Request, tenant: Tenant) -> Reply:
    here = f"{request.spoken}/console/v0.2/workspaces/{tenant.account_id}/projects/{tenant.id}"
    project = Project(
        tenant.id, tenant.account_id, tenant.name, _configuration(tenant.challenge_setup), SelfLink(Link(here))
    )
    return Reply(200, _encoder.encode(project), (*JSON, *x_rate_limit_headers(request.limits)))
