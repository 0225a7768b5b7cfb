"""What an administrator sets of a tenant: how its passcodes look, and whose pages may use it."""

from functools import partial
from typing import NamedTuple

from edge.console import forms
from edge.console.forms import MAX_FETCHES, Form, filled_in
from edge.console.tenants import read_own, tenant_path
from edge.console.views import draw, page, see_other
from edge.console.visitors import Visitor
from edge.http import Reply, Request
from edge.state import EdgeState
from engine.configurations import Changes
from engine.errors import Invalid
from engine.origins import normal_origin
from engine.policies import (
    MAX_EXPIRES_S,
    MAX_LENGTH,
    MIN_EXPIRES_S,
    MIN_LENGTH,
    MIN_PHRASE_LENGTH,
    Alphabet,
    Mode,
    PasscodePolicy,
    drawn_from,
)
from engine.tenants import ANY_ORIGIN, Tenant

_BOUNDS = {
    "length": (MIN_LENGTH, MAX_LENGTH),
    "expires_s": (MIN_EXPIRES_S, MAX_EXPIRES_S),
    "max_fetches": (0, MAX_FETCHES),
    "phrase": (MIN_PHRASE_LENGTH, MAX_LENGTH),
}
_DRAWN = {alphabet.value: drawn_from(alphabet) for alphabet in Alphabet}


class Preview(NamedTuple):
    """What a customer would see under a policy. `sample` is a passcode of nobody, None in manual mode."""

    policy: PasscodePolicy
    max_fetches: int

    @property
    def sample(self) -> str | None:
        return self.policy.passcode(None) if self.policy.mode is Mode.SYSTEM else None

    @property
    def life(self) -> str:
        return in_words(self.policy.expires_s)


async def show_passcodes(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant."""
    visitor, tenant = await read_own(state, request)
    return page(_passcodes_page(request, visitor, tenant, _filled_in(tenant)))


async def set_passcodes(state: EdgeState, request: Request) -> Reply:
    """Show what would be, or save it.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid
    """
    visitor, tenant = await read_own(state, request)
    draw_again = partial(_passcodes_page, request, visitor, tenant)
    given = await forms.PASSCODES.read(state, request, draw_again)
    policy = PasscodePolicy(given.mode, given.alphabet, given.length, given.expires_s)
    if given.step == "preview":
        return page(draw_again(filled_in(request), Preview(policy, given.max_fetches)))
    changes = Changes(
        mode=policy.mode,
        alphabet=policy.alphabet,
        length=policy.length,
        expires_s=policy.expires_s,
        max_fetches=given.max_fetches,
    )
    await state.engine.configurations.change_own(tenant.id, changes, admin=visitor.id)
    return see_other(f"{tenant_path(tenant)}/passcodes?saved")


async def show_origins(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant."""
    visitor, tenant = await read_own(state, request)
    return page(_origins_page(request, visitor, tenant, Form({"origins": "\n".join(tenant.allowed_origins)})))


async def set_origins(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid."""
    visitor, tenant = await read_own(state, request)
    given = await forms.ORIGINS.read(state, request, partial(_origins_page, request, visitor, tenant))
    changes = Changes(allowed_origins=_origins(given.origins.split()))
    await state.engine.configurations.change_own(tenant.id, changes, admin=visitor.id)
    return see_other(f"{tenant_path(tenant)}/origins?saved")


def in_words(seconds: int) -> str:
    """A span of time: the largest units first, none of them zero."""
    units = ((3600, "hour"), (60, "minute"), (1, "second"))
    parts: list[str] = []
    for size, unit in units:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(parts)


def _origins(lines: list[str]) -> tuple[str, ...]:
    """Raises: Invalid."""
    if lines == [ANY_ORIGIN]:
        return (ANY_ORIGIN,)
    normal = [normal_origin(line) for line in lines]
    if None in normal:
        raise Invalid.value("origins", "origin")
    return tuple(dict.fromkeys(origin for origin in normal if origin))


def _filled_in(tenant: Tenant) -> Form:
    policy = tenant.policy
    return Form(
        {
            "mode": policy.mode,
            "alphabet": policy.alphabet,
            "length": policy.length,
            "expires_s": policy.expires_s,
            "max_fetches": tenant.max_fetches,
        }
    )


def _passcodes_page(
    request: Request, visitor: Visitor, tenant: Tenant, form: Form, preview: Preview | None = None
) -> bytes:
    return draw(
        request,
        "passcodes",
        visitor,
        tenant=tenant,
        form=form,
        preview=preview or Preview(tenant.policy, tenant.max_fetches),
        is_tried=preview is not None,
        is_saved=_is_saved(request),
        bounds=_BOUNDS,
        drawn=_DRAWN,
    )


def _origins_page(request: Request, visitor: Visitor, tenant: Tenant, form: Form) -> bytes:
    return draw(request, "origins", visitor, tenant=tenant, form=form, is_saved=_is_saved(request))


def _is_saved(request: Request) -> bool:
    """Whether the page is shown after a form of its own was carried out."""
    return request.method == "GET" and request.scope["query_string"] == b"saved"
