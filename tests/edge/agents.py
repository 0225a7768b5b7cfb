"""An agent at the page: signs in with a cookie, and says so as browsers do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.edge.sockets import request
from tests.edge.tenants import Operator, Tenant, fresh

if TYPE_CHECKING:
    import httpx

OWN_PAGE = {"sec-fetch-site": "same-origin"}
JSON = ("content-type", "application/json")
COOKIE = "watchword-agent"


@dataclass(frozen=True)
class Agent:
    """The calls that an agent's page makes. `token` is empty before they have signed in."""

    tenant: Tenant
    email: str
    password: str
    http: "httpx.Client"
    token: str = ""

    @property
    def path(self) -> str:
        return f"/agent-api/{self.tenant.id}"

    @property
    def headers(self) -> dict[str, str]:
        return OWN_PAGE | ({"cookie": f"{COOKIE}={self.token}"} if self.token else {})

    def at(self, http: "httpx.Client", *, token: str | None = None) -> "Agent":
        return Agent(self.tenant, self.email, self.password, http, self.token if token is None else token)

    def sign_in(self, password: str | None = None, *, email: str | None = None) -> "httpx.Response":
        body = {"email": email or self.email, "password": self.password if password is None else password}
        return self._send("POST", "session", body)

    def signed_in(self) -> "Agent":
        return self.at(self.http, token=token_of(self.sign_in()))

    def sign_out(self) -> "httpx.Response":
        return self._send("DELETE", "session")

    def who(self) -> object:
        return self._send("GET", "session").raise_for_status().json()["agent"]

    def fetch(self, pass_key: str, *, headers: dict[str, str] | None = None) -> "httpx.Response":
        return self._send("POST", "passcode", {"pass_key": pass_key}, headers)

    def fetch_request(self, pass_key: str) -> bytes:
        """The same as bytes, for a swarm."""
        headers = [*self.headers.items(), JSON]
        return request("POST", f"{self.path}/passcode", headers, f'{{"pass_key":"{pass_key}"}}'.encode())

    def _send(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> "httpx.Response":
        """By a client that many use, so it keeps no cookies: each agent is a browser of its own."""
        self.http.cookies.clear()
        answer = self.http.request(
            method, f"{self.path}/{path}", json=body, headers=self.headers | (headers or {})
        )
        self.http.cookies.clear()
        return answer


def token_of(answer: "httpx.Response") -> str:
    assert answer.status_code == 204, answer.text
    (cookie,) = answer.headers.get_list("set-cookie")
    return cookie.partition(";")[0].removeprefix(f"{COOKIE}=")


def new_agent(operator: Operator, tenant: Tenant, http: "httpx.Client | None" = None) -> Agent:
    """One who has a log-in, and is not signed in."""
    email = fresh("agent").replace(" ", "") + "@example.com"
    made = operator.run(lambda engine: engine.agents.create(tenant.id, name="Ann", email=email))
    return Agent(tenant, email, made.password, http or tenant.http)
