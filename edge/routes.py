"""Routes as data: what a surface declares, and the endpoint that serves it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import Receive, Scope, Send

from edge import cors
from edge.calls import Call, HeaderField, Kind
from edge.dialect import Dialect, Refusals
from edge.errors import MethodNotAllowed, Row, Rows
from edge.http import WHOLE_ANSWER, Headers, Reply, Request
from edge.state import EdgeState
from engine.errors import Overloaded, Refusal, Unavailable, UnknownTenant
from engine.ids import TenantId

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One resource: its path as documented, older paths that mean the same, and a call per method.

    `rows` overrides how refusals look here. `hot` routes are matched ahead of the router. `vital` ones are served
    by an overloaded worker too.
    """

    path: str
    methods: Mapping[str, Call]
    aliases: tuple[str, ...] = ()
    rows: Rows = field(default_factory=dict[type[Exception], Row])
    hot: bool = False
    vital: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.aliases)


@dataclass(frozen=True, slots=True)
class Surface:
    """A dialect and its routes, all under one prefix.

    One that is no API is for people: it is not in the document, and no other site may read what it answers unless
    the answer itself says so. The rest is for the document: `params` are the kinds of parameters of paths, strings
    by default, and `fields` the headers of refusals where they are others than those of edge/dialect.py.
    """

    prefix: str
    dialect: Dialect
    routes: tuple[Route, ...]
    name: str
    description: str
    params: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    fields: Mapping[type[Exception], tuple[HeaderField, ...]] = field(
        default_factory=dict[type[Exception], tuple[HeaderField, ...]]
    )
    is_api: bool = True


class Endpoint:
    """Serves one route as plain ASGI: call the operation, or say no in the surface's dialect."""

    def __init__(self, state: EdgeState, surface: Surface, route: Route) -> None:
        self.route = route
        self._state = state
        self._is_api = surface.is_api
        self._refusals = Refusals(surface.dialect, route.rows, state.base_url)
        self.template = surface.prefix + route.path
        self._allowed = ", ".join((*route.methods, "OPTIONS"))
        self._operations = {method: call.operation for method, call in route.methods.items()}
        self._meters = {
            method: state.metrics.meter(self.template, method, operation.__name__)
            for method, operation in self._operations.items()
        }
        self._other_meter = state.metrics.meter(self.template, "other")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's way in."""
        await self.serve(scope, receive, send, scope.get("path_params", {}))

    async def serve(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        state = self._state
        request = Request(scope, receive, params, state.request_ids.next())
        request.crowd = state
        meter = self._meters.get(request.method, self._other_meter)
        started = perf_counter()
        meter.begun += 1
        state.in_flight += 1
        shared: Headers = ()
        outcome, cause = "cancelled", ""
        try:
            try:
                self._admit(request)
                if self._is_api and request.is_from_browser:
                    shared = cors.NOBODY
                    shared = await self._shared_with(request)
                operation = self._operations.get(request.method)
                reply = await operation(state, request) if operation else self._without_operation(request)
                if shared:  # by now Redis has told whether the tenant was written meanwhile
                    shared = await self._shared_with(request)
                outcome = "ok"
            except (Refusal, Unavailable) as error:
                if shared and isinstance(error, Unavailable):
                    shared = cors.ANYBODY
                reply, outcome, cause = self._refusals.reply(request, error), error.reason, str(error)
            except Exception as error:
                _logger.exception("operation failed", extra=self._trail(request))
                reply, outcome = self._refusals.reply(request, error), "broken"
            headers = [
                (b"content-length", b"%d" % len(reply.body)),
                (b"x-request-id", request.id),
                *reply.headers,
                *shared,
            ]
            if WHOLE_ANSWER in scope.get("extensions", ()):
                await send({"type": WHOLE_ANSWER, "status": reply.status, "headers": headers, "body": reply.body})
            else:
                await send({"type": "http.response.start", "status": reply.status, "headers": headers})
                await send({"type": "http.response.body", "body": reply.body})
        finally:
            state.in_flight -= 1
            seconds = perf_counter() - started
            meter.count(outcome, seconds)
        if state.logs(reply.status, outcome):
            what = {"status": reply.status, "outcome": outcome, "seconds": round(seconds, 6)}
            _logger.info("request", extra={**self._trail(request), **what, "cause": cause})

    def _admit(self, request: Request) -> None:
        """Raises: Overloaded: there is too much to do. HeaderRefused."""
        if self._state.in_flight > self._state.max_in_flight and not self.route.vital:
            raise Overloaded
        if request.repeated:
            request.refuse_ambiguous_headers()

    def _without_operation(self, request: Request) -> Reply:
        """A preflight's answer.

        Raises:
            MethodNotAllowed
        """
        if request.method == "OPTIONS":
            return cors.preflight(self._allowed)
        raise MethodNotAllowed(self._allowed)

    async def _shared_with(self, request: Request) -> Headers:
        """Which pages may read the answer.

        Raises:
            OriginRefused: a page that may not use this tenant at all.
        """
        origin = request.header(b"origin")
        tenant_id = request.params.get("tenant_id")
        if origin is None or tenant_id is None:
            return cors.ANYBODY
        if self._state.is_own_page(request):  # a tenant need not name us among its sites
            return cors.NOBODY
        known = self._state.engine.known_tenants
        try:
            tenant = await known.read(TenantId(tenant_id))
            if not tenant.allows_origin(origin):  # Redis is asked before one is refused: that may be news
                tenant = await known.read_again(TenantId(tenant_id))
        except UnknownTenant:
            return cors.ANYBODY
        tenant.require_origin(origin)
        return cors.ANYBODY if tenant.is_open_to_any_origin else cors.only(origin)

    def _trail(self, request: Request) -> dict[str, str]:
        """What a log line says of a request: never its path, which holds pass keys."""
        return {"request_id": request.id.decode(), "method": request.method, "route": self.template}
