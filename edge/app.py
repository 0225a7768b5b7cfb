"""The edge, put together: hot routes ahead of Starlette's router, everything else in it."""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from edge import authenticator, health, identity, oauth, pages, reference
from edge.addresses import ClientAddresses, Network
from edge.calls import Call
from edge.errors import NotFound
from edge.http import Reply, Request, RequestIds, path_segments
from edge.metrics import Metrics
from edge.openapi import document
from edge.routes import Endpoint, Route, Surface
from edge.state import EdgeState
from engine.assembly import Engine

SURFACES: tuple[Surface, ...] = (
    identity.SURFACE,
    oauth.SURFACE,
    *authenticator.SURFACES,
    *pages.SURFACES,
    health.SURFACE,
    reference.SURFACE,
)


_OPEN_SECONDS = 5

_logger = logging.getLogger(__name__)


async def _not_found(state: EdgeState, request: Request) -> Reply:
    raise NotFound


# What is left under a surface's prefix: refused in its dialect.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_UNKNOWN = Route("/{path:path}", dict.fromkeys(_METHODS, Call(_not_found, "What there is not")))


class _Pattern(NamedTuple):
    """A path of a hot route, split for comparison."""

    literals_of: Callable[[list[str]], tuple[str, ...]]
    literals: tuple[str, ...]
    params: tuple[tuple[str, int], ...]
    endpoint: Endpoint


class Front:
    """Matches hot routes by their segments, and hands every other request to the router.

    It looks at the encoded path, so an encoded slash stays within a parameter. The router looks at the decoded
    one, which such a slash would part: so it gets that path as it was sent, and no id that there is is in it.
    """

    def __init__(self, router: ASGIApp) -> None:
        self._router = router
        self._patterns: dict[int, list[_Pattern]] = {}

    def add(self, path: str, endpoint: Endpoint) -> None:
        """Earlier ones win."""
        segments = path.split("/")
        literals = [index for index, segment in enumerate(segments) if not segment.startswith("{")]
        params = tuple((segment[1:-1], index) for index, segment in enumerate(segments) if index not in literals)
        literals_of = itemgetter(*literals)
        pattern = _Pattern(literals_of, literals_of(segments), params, endpoint)
        self._patterns.setdefault(len(segments), []).append(pattern)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            segments = path_segments(scope)
            for literals_of, literals, params, endpoint in self._patterns.get(len(segments), ()):
                if literals_of(segments) == literals:
                    found = {name: segments[index] for name, index in params}
                    return endpoint.serve(scope, receive, send, found)
            if len(segments) != scope["path"].count("/") + 1:
                scope["path"] = scope["raw_path"].decode("ascii")
        return self._router(scope, receive, send)


def create_app(
    open_engine: Callable[[], AbstractAsyncContextManager[Engine]],
    *,
    metrics: Metrics,
    shows_metrics: bool = True,
    trusted_proxies: Sequence[Network] = (),
    access_log: str = "errors",
    max_in_flight: int = 256,
    public_url: str | None = None,
    make_endpoint: Callable[[EdgeState, Surface, Route], Endpoint] = Endpoint,
) -> ASGIApp:
    """The ASGI application. The engine is opened when the server starts and closed when it leaves.

    Args:
        open_engine: opens the engine for the time of serving.
        metrics: what is counted.
        shows_metrics: whether there is a /metrics; False where the parent has it on a port of its own.
        trusted_proxies: whose X-Forwarded-For is believed.
        access_log: which requests get a log line: off, errors (5xx) or all.
        max_in_flight: requests under way at once; those beyond it are refused, so that the others stay quick.
        public_url: where callers reach the edge, for links in answers; None = the host that they name.
        make_endpoint: what serves a route, Endpoint or a kind of it.

    SIGUSR1 makes the worker unready without stopping it, so that a load balancer can look away first.
    """
    surfaces = SURFACES if shows_metrics else tuple(map(_without_metrics, SURFACES))
    state = EdgeState(
        metrics=metrics,
        request_ids=RequestIds(f"{os.getpid():x}{secrets.token_hex(4)}"),
        client_addresses=ClientAddresses(trusted_proxies),
        access_log=access_log,
        max_in_flight=max_in_flight,
        public_url=public_url,
        document=msgspec.json.encode(document(surfaces)),
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, state.drain)
        opened = asyncio.Event()
        holding = asyncio.create_task(_hold_engine(open_engine, state, opened), name="engine")
        holding.add_done_callback(_say_why)
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({holding, waiting}, timeout=_OPEN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if holding.done():
            await holding
        # Without Redis the worker serves all the same: 503, until there is one.
        yield
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding

    served = [(surface, make_endpoint(state, surface, route)) for surface in surfaces for route in surface.routes]
    of_prefix = {surface.prefix: surface for surface in surfaces}
    unknown = [(surface, make_endpoint(state, surface, _UNKNOWN)) for surface in of_prefix.values()]
    front = Front(Starlette(routes=list(_router_routes(served + unknown)), lifespan=lifespan))
    for surface, endpoint in served:
        if endpoint.route.hot:
            for path in endpoint.route.paths:
                front.add(surface.prefix + path, endpoint)
    return front


def _without_metrics(surface: Surface) -> Surface:
    return replace(surface, routes=tuple(route for route in surface.routes if route is not health.METRICS))


async def _hold_engine(
    open_engine: Callable[[], AbstractAsyncContextManager[Engine]], state: EdgeState, opened: asyncio.Event
) -> None:
    async with open_engine() as engine:
        state.opened = engine
        opened.set()
        # A task of its own: metrics that cannot be written must not take the engine down with them.
        sampling = asyncio.create_task(state.metrics.keep_sampling(engine), name="metrics")
        sampling.add_done_callback(_say_why)
        try:
            await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            state.opened = None
            sampling.cancel()
            state.metrics.sample(engine)


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.error("%s ended: %s", task.get_name(), error)


def _router_routes(endpoints: Iterable[tuple[Surface, Endpoint]]) -> Iterator[StarletteRoute]:
    for surface, endpoint in endpoints:
        for path in endpoint.route.paths:
            yield StarletteRoute(surface.prefix + path, endpoint)
