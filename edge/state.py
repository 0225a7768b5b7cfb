"""What the parts of one edge worker share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.addresses import ClientAddresses
from edge.http import Request, RequestIds
from edge.metrics import Metrics
from engine.assembly import Engine
from engine.errors import LinkDown, Overloaded


class Finding(Protocol):
    """What was looked at, how it is (ok, warn, fail), what was found, and what to do about it."""

    @property
    def check(self) -> str: ...

    @property
    def verdict(self) -> str: ...

    @property
    def found(self) -> str: ...

    @property
    def to_do(self) -> str | None: ...


@dataclass(slots=True)
class EdgeState:
    """`opened` is set while the server serves; `document` is OpenAPI's, as it is sent. `examine` looks at settings
    and Redis, and blocks."""

    metrics: Metrics
    request_ids: RequestIds
    client_addresses: ClientAddresses
    access_log: str
    max_in_flight: int
    document: bytes
    public_url: str | None = None
    examine: Callable[[], Sequence[Finding]] = tuple
    in_flight: int = 0
    draining: bool = False
    opened: Engine | None = None

    @property
    def engine(self) -> Engine:
        """Raises: LinkDown: the server is starting or leaving."""
        if self.opened is None:
            raise LinkDown
        return self.opened

    def base_url(self, request: Request) -> str:
        """Where the caller reaches this edge: as it is set, or else as the caller has named it."""
        return request.origin if self.public_url is None else self.public_url

    def is_own_page(self, request: Request) -> bool:
        """Whether a page of this edge asks, and no other site's: browsers say so, for others it means nothing.

        Without a public URL the host that is named is taken for ours, and where TLS ends before us its scheme is
        not known here: then the browser's own word for it counts.
        """
        origin = request.header(b"origin")
        if self.public_url is not None:
            return origin is not None and origin == "/".join(self.public_url.split("/")[:3])
        return request.headers.get(b"sec-fetch-site") == b"same-origin" or (
            bool(origin) and origin == request.origin
        )

    def drain(self) -> None:
        """Be unready from now on, but keep serving."""
        self.draining = True

    def logs(self, status: int, outcome: str) -> bool:
        """Whether a request that ended so is worth a line. One that was shed is not: lines would be more work."""
        if self.access_log == "all":
            return True
        return self.access_log == "errors" and status >= 500 and outcome != Overloaded.reason
