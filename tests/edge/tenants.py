"""A tenant as its people see it, and the operator who has it in hand."""

from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar
from urllib.parse import quote

import msgspec
from anyio.from_thread import start_blocking_portal

from engine.assembly import Engine, open_engine
from engine.ids import AdminId, TenantId
from engine.tenants import Scope, State
from tests.edge.sockets import request
from watchword.options import engine_options
from watchword.settings import PREFIX, read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import httpx

    from tests.edge.program import Edge

T = TypeVar("T")

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def fresh(word: str) -> str:
    """A name that no other test uses."""
    return f"{word} {next(_numbers)}"


class Admin(NamedTuple):
    id: AdminId
    email: str
    token: str


@dataclass(frozen=True)
class Tenant:
    """The calls of a customer's page, of an agent's dialer and of the tenant's administrator."""

    id: TenantId
    admin: Admin
    api_key: str
    http: "httpx.Client"

    @property
    def path(self) -> str:
        return f"/api/v2/{self.id}/identity/passcode"

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.admin.token}"}

    @property
    def key_header(self) -> dict[str, str]:
        return {"x-api-key": self.api_key}

    def fetch_path(self, pass_key: str) -> str:
        return f"{self.path}/{quote(pass_key, safe='')}"

    def through(self, http: "httpx.Client") -> "Tenant":
        """The same by another client."""
        return replace(self, http=http)

    def submit(
        self, pass_key: str, pass_phrase: str | None = None, *, headers: dict[str, str] | None = None
    ) -> "httpx.Response":
        body = {"pass_key": pass_key} | ({} if pass_phrase is None else {"pass_phrase": pass_phrase})
        return self.http.post(self.path, json=body, headers=headers)

    def fetch(self, pass_key: str, *, headers: dict[str, str] | None = None) -> "httpx.Response":
        return self.http.get(self.fetch_path(pass_key), headers=self.key_header | (headers or {}))

    def configure(self, **details: object) -> "httpx.Response":
        """Set the configuration, whether or not there is one."""
        body = {"tenant_config_details": details}
        return self.http.put(f"{self.path}/config", json=body, headers=self.bearer)

    def submit_request(self, pass_key: str, **headers: str) -> bytes:
        body = msgspec.json.encode({"pass_key": pass_key})
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return request("POST", self.path, [("content-type", "application/json"), *named], body)

    def fetch_request(self, pass_key: str, **headers: str) -> bytes:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return request("GET", self.fetch_path(pass_key), [("x-api-key", self.api_key), *named])


class Operator:
    """Runs the deployment beside its edge: calls the engine, in a thread of its own, on the same Redis.

    Settings may differ from the edge's.
    """

    def __init__(self, edge: "Edge", **settings: str) -> None:
        own = {PREFIX + name.upper(): value for name, value in settings.items()}
        self._options = engine_options(read_settings(edge.environment | own))
        self._portal = start_blocking_portal("asyncio", {"use_uvloop": True})

    def __enter__(self) -> Self:
        portal = self._portal.__enter__()
        self._call = portal.call
        self._opened = portal.wrap_async_context_manager(open_engine(self._options))
        self._engine = self._opened.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)
        self._portal.__exit__(None, None, None)

    def run(self, work: "Callable[[Engine], Awaitable[T]]") -> T:
        async def when_linked() -> T:
            await self._engine.link.wait_up()  # a test may have ended Redis for a while
            return await work(self._engine)

        return self._call(when_linked)

    def new_admin(self) -> Admin:
        email = fresh("admin").replace(" ", "") + "@example.com"

        async def sign_up(engine: Engine) -> Admin:
            admins, address = engine.admins, "127.0.0.1"
            signed_up = await admins.sign_up(name="Ada", email=email, password=PASSWORD, address=address)
            token = await admins.sign_in(email=email, password=PASSWORD, address=address)
            return Admin(signed_up.id, email, token)

        return self.run(sign_up)

    def new_tenant(
        self, admin: Admin, http: "httpx.Client", *, state: State = State.ACTIVE, **changes: object
    ) -> Tenant:
        """A tenant with an API key. `changes` are fields of its record."""

        async def create(engine: Engine) -> Tenant:
            tenant = await engine.tenants.create(name=fresh("tenant"), owner=admin.id, state=state)
            await engine.tenants.change(tenant.id, partial(_changed, changes=changes))
            return Tenant(tenant.id, admin, await engine.api_keys.issue(tenant.id, name="dialer"), http)

        return self.run(create)

    def issue_api_key(
        self, tenant: Tenant, *, scopes: "Sequence[Scope]" = (Scope.FETCH,), networks: "Sequence[str]" = ()
    ) -> str:
        """A further API key, good for this and from there only."""
        allowed = [ip_network(network) for network in networks]
        return self.run(
            lambda engine: engine.api_keys.issue(tenant.id, name="bound", scopes=scopes, networks=allowed)
        )

    def replace_api_key(self, tenant: Tenant) -> Tenant:
        """The tenant with a new API key, and no other."""
        api_key = self.run(lambda engine: engine.api_keys.replace_all(tenant.id, name="next"))
        return replace(tenant, api_key=api_key)

    def change(self, tenant: Tenant, **changes: object) -> None:
        """Change fields of a tenant's record."""
        self.run(lambda engine: engine.tenants.change(tenant.id, partial(_changed, changes=changes)))


def _changed(record: Any, *, changes: dict[str, object]) -> Any:  # noqa: ANN401  # fields by name
    return msgspec.structs.replace(record, **changes)
