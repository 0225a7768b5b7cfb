"""What happens at token endpoints: translate in, call the engine, translate out."""

from typing import TypeVar

import msgspec

from edge.http import JSON, NO_STORE, Reply, Request
from edge.oauth import wire
from edge.oauth.dialect import GrantTypeUnsupported
from edge.state import EdgeState
from engine.errors import Invalid, Problem, Unauthenticated

T = TypeVar("T", bound=msgspec.Struct)

_GRANT = "client_credentials"
_PRAGMA = (b"pragma", b"no-cache")  # which RFC 6749 5.1 asks for, for caches of HTTP/1.0


async def issue_token(state: EdgeState, request: Request) -> Reply:
    client_id, secret = _client(request)
    form = _read(await request.form(), wire.TokenForm)
    if form.grant_type != _GRANT:
        raise GrantTypeUnsupported
    token = await state.engine.clients.issue_token(
        client_id,
        secret,
        scopes=frozenset(form.scope.split()),
        address=state.client_addresses.of(request),
    )
    answer = wire.Token(access_token=token.text, scope=" ".join(sorted(token.scopes)))
    return Reply(200, msgspec.json.encode(answer), (*JSON, _PRAGMA))


async def revoke_token(state: EdgeState, request: Request) -> Reply:
    """A token that is none of the client's is well revoked (RFC 7009 2.2)."""
    client_id, secret = _client(request)
    form = _read(await request.form(), wire.RevocationForm)
    await state.engine.clients.revoke_token(client_id, secret, text=form.token)
    return Reply(200, b"", (NO_STORE,))


def _client(request: Request) -> tuple[str, str]:
    """Raises: Unauthenticated."""
    if request.basic is None:
        raise Unauthenticated
    return request.basic


def _read(fields: dict[str, str], kind: type[T]) -> T:
    """Raises: Invalid: something is missing."""
    missing = [name for name in msgspec.structs.fields(kind) if name.required and not fields.get(name.name)]
    if missing:
        raise Invalid(tuple(Problem(field.name, "required") for field in missing))
    return msgspec.convert(fields, kind)
