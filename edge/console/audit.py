"""The audit trail: who did what, looked through, and taken along as a file.

What stands for a pass key is a keyed digest. A key that is looked for comes in the body of a form, and goes on as
that digest: no address has a number in it.
"""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from msgspec import Meta, Struct, structs

from edge.console import forms
from edge.console.forms import Form
from edge.console.tenants import read_own, tenant_path
from edge.console.views import draw, guards, page, see_other
from edge.console.visitors import Visitor, read_operator
from edge.http import Reply, Request
from edge.state import EdgeState
from edge.wire import Query
from engine.audit_events import Event, Filter, Position
from engine.errors import Invalid
from engine.ids import TenantId, api_key_id
from engine.recording import Kind, by_admin, by_agent, by_api_key
from engine.tenants import Tenant

MOST_EXPORTED = 10_000
_ON_A_PAGE = 50
_OPERATORS = "/console/operator/audit"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_Moment = Annotated[str, Meta(max_length=16, pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d)?\Z")]
_Word = Annotated[str, Meta(max_length=100, pattern=r"^[!-~]*\Z")]

_DEEDS = {
    Kind.SUBMIT: "got a passcode",
    Kind.SUBMIT_AGAIN: "asked again, and got the same passcode",
    Kind.CONFLICT: "asked for a passcode that was alive",
    Kind.FETCH: "fetched a passcode",
    Kind.FETCH_AGAIN: "fetched again, and got the same passcode",
    Kind.SIGN_UP: "signed up",
    Kind.SIGN_IN: "logged in",
    Kind.SIGN_IN_REFUSED: "was refused at the log-in",
    Kind.SIGN_OUT: "logged out",
    Kind.PASSWORD: "changed a password",
    Kind.PROMOTE: "made an operator",
    Kind.DEMOTE: "made an operator an administrator",
    Kind.TENANT_CREATE: "created the tenant",
    Kind.TENANT_STATE: "changed the state",
    Kind.TENANT_CONFIG: "changed the configuration",
    Kind.TENANT_DELETE: "deleted the tenant",
    Kind.KEY_ISSUE: "issued an API key",
    Kind.KEY_REPLACE: "replaced the API keys",
    Kind.KEY_REVOKE: "revoked an API key",
    Kind.AGENT_CREATE: "gave an agent a log-in",
    Kind.AGENT_PASSWORD: "gave an agent a new password",
    Kind.AGENT_DELETE: "deleted an agent",
    Kind.AGENT_SIGN_IN: "logged in as an agent",
    Kind.AGENT_SIGN_IN_REFUSED: "was refused at the agents' log-in",
    Kind.AGENT_SIGN_OUT: "logged out as an agent",
    Kind.CLIENT_CREATE: "created a client",
    Kind.CLIENT_REVOKE: "revoked a client",
}


class Sought(Struct):
    """The query of the page. Times are UTC, to the minute, as browsers say them."""

    kind: Annotated[str, Meta(max_length=32, pattern=r"^[a-z0-9-]*\Z")] = ""
    actor: _Word = ""
    subject: _Word = ""
    since: _Moment = ""
    until: _Moment = ""
    after: Annotated[str, Meta(max_length=64)] = ""

    @property
    def filter(self) -> Filter:
        """Raises: Invalid."""
        kinds = frozenset({self.kind}) if self.kind else frozenset[str]()
        until_ms = _milliseconds(self.until)
        last_ms = None if until_ms is None else until_ms + 59_999
        return Filter(kinds, self.actor, self.subject, _milliseconds(self.since), last_ms).checked()

    @property
    def position(self) -> Position | None:
        """Raises: Invalid."""
        return Position.parse(self.after) if self.after else None

    def query(self, **changes: str) -> str:
        """The same as a query, with what is empty left out."""
        fields = structs.asdict(self) | changes
        return urlencode({name: text for name, text in fields.items() if text})


class Line(NamedTuple):
    """An event as it is told. `who` is the actor by name, if it has one here."""

    at: int
    what: str
    who: str
    event: Event


_SOUGHT = Query(Sought)


async def show_audit(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, Invalid."""
    visitor, tenant = await read_own(state, request)
    return page(await _audit_page(state, request, visitor, tenant))


async def show_journal(state: EdgeState, request: Request) -> Reply:
    """What was done in the whole deployment, but for passcodes.

    Raises:
        Unauthenticated, NotFound, Invalid
    """
    return page(await _audit_page(state, request, await read_operator(state, request), None))


async def find_pass_key(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, OriginRefused, Invalid."""
    visitor, tenant = await read_own(state, request)
    empty = Sought()
    lines = list[Line]()
    given = await forms.PASS_KEY.read(state, request, partial(_drawn, request, visitor, tenant, empty, lines, ""))
    subject = await state.engine.audit.subject(tenant.id, given.pass_key)
    return see_other(f"{_path(tenant)}?{urlencode({'subject': subject})}")


async def export_audit(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, Invalid."""
    visitor, tenant = await read_own(state, request)
    return await _exported(state, request, visitor, tenant)


async def export_journal(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, NotFound, Invalid."""
    return await _exported(state, request, await read_operator(state, request), None)


async def _audit_page(state: EdgeState, request: Request, visitor: Visitor, tenant: Tenant | None) -> bytes:
    sought = _SOUGHT.read(request.scope["query_string"])
    found = await state.engine.audit.read(_id(tenant), sought.filter, most=_ON_A_PAGE, after=sought.position)
    names = await _names(state, visitor, tenant)
    lines = [_line(event, names) for event in found.events]
    following = sought.query(after=found.after.text) if found.after else ""
    return _drawn(request, visitor, tenant, sought, lines, following, Form())


def _drawn(
    request: Request,
    visitor: Visitor,
    tenant: Tenant | None,
    sought: Sought,
    lines: list[Line],
    following: str,
    form: Form,
) -> bytes:
    return draw(
        request,
        "audit" if tenant else "journal",
        visitor,
        tenant=tenant,
        path=_path(tenant),
        sought=Form(structs.asdict(sought)),
        query=sought.query(after=""),
        kinds=_DEEDS,
        lines=lines,
        following=following,
        most=MOST_EXPORTED,
        form=form,
    )


async def _exported(state: EdgeState, request: Request, visitor: Visitor, tenant: Tenant | None) -> Reply:
    """The latest events, the newest first, up to a bound."""
    sought = _SOUGHT.read(request.scope["query_string"])
    found = await state.engine.audit.read(_id(tenant), sought.filter, most=MOST_EXPORTED)
    names = await _names(state, visitor, tenant)
    content = _csv(_line(event, names) for event in found.events)
    of_file = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="audit.csv"'),
    )
    return Reply(200, content, (*of_file, *guards()))


def _csv(lines: Iterable[Line]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("time", "kind", "actor", "name", "subject", "detail"))
    for line in lines:
        event = line.event
        at = datetime.fromtimestamp(event.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        writer.writerow(map(_as_text, (at, event.kind, event.actor, line.who, event.subject, event.detail)))
    return text.getvalue().encode()


def _as_text(cell: str) -> str:
    """Spreadsheets take some beginnings for formulas; an apostrophe before them is how text is said there."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


async def _names(state: EdgeState, visitor: Visitor, tenant: Tenant | None) -> dict[str, str]:
    """Of those who are known here, by what trails call them."""
    names = {by_admin(visitor.id): "you"}
    if tenant is not None:
        names |= {by_api_key(api_key_id(digest)): key.name for digest, key in tenant.api_keys.items()}
        names |= {by_agent(one.id): one.agent.email for one in await state.engine.agents.list(tenant.id)}
    return names


def _line(event: Event, names: dict[str, str]) -> Line:
    what = {str(kind): deed for kind, deed in _DEEDS.items()}.get(event.kind, event.kind)
    return Line(event.at_ms // 1000, what, names.get(event.actor, ""), event)


def _path(tenant: Tenant | None) -> str:
    return f"{tenant_path(tenant)}/audit" if tenant else _OPERATORS


def _id(tenant: Tenant | None) -> TenantId | None:
    return tenant.id if tenant else None


def _milliseconds(moment: str) -> int | None:
    """Raises: Invalid."""
    if not moment:
        return None
    try:
        return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise Invalid.value("since", "format") from None
