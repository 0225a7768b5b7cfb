"""A span for every request, by OpenTelemetry: imported only where traces are asked for.

A span names the route and never the path: paths hold pass keys. So OpenTelemetry's own ASGI middleware, which
records paths and queries, is not for here.
"""

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from starlette.types import Message, Receive, Scope, Send

from edge.routes import Endpoint, Route, Surface
from edge.state import EdgeState


class TracedEndpoint(Endpoint):
    """Attributes are those of the semantic conventions for HTTP servers; the parent is what `traceparent` says."""

    def __init__(self, tracer: Tracer, state: EdgeState, surface: Surface, route: Route) -> None:
        super().__init__(state, surface, route)
        self._tracer = tracer

    async def serve(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        method: str = scope["method"]
        parent = propagate.extract(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        )
        attributes = {"http.request.method": method, "http.route": self.template, "url.scheme": scope["scheme"]}
        with self._tracer.start_as_current_span(
            f"{method} {self.template}", context=parent, kind=SpanKind.SERVER, attributes=attributes
        ) as span:

            async def watch(message: Message) -> None:
                if "status" in message:
                    status: int = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    span.set_attribute("watchword.request_id", _request_id(message))
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await super().serve(scope, receive, watch, params)


def _request_id(message: Message) -> str:
    """The id that the answer tells its client, and the log its reader."""
    value: bytes = dict(message["headers"])[b"x-request-id"]
    return value.decode()
