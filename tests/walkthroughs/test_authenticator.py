"""The tutorial of the Authenticator surface, from nothing to a login with a second factor.

The operator makes a tenant and a client, the company's back end configures its project, a user scans a QR code,
and a login is confirmed by the code that their app shows. The back end hears of it by a callback. It runs against
the program as it is deployed, under its default settings but for callbacks to this machine.
"""

import json
import time
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest
from pyotp.totp import TOTP
from standardwebhooks import Webhook

from tests.courier.receiver import Receiver
from tests.edge.program import Edge
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.every_server

PATCH = {"content-type": "application/json-patch+json"}


@pytest.fixture
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    with server_kind.start() as redis, Edge(redis, callback_networks="127.0.0.1/32") as edge:
        yield edge
        assert not leaks(redis.admin)


def test_a_login_is_confirmed_by_the_code_of_an_app(edge: Edge) -> None:
    with httpx.Client(base_url=edge.url) as api, Receiver() as back_end:
        # The operator makes a tenant, and a client for the company's back end. The secret is shown this once.
        acme = json.loads(edge.run("tenant", "create", "--name", "Acme", "--active", "--json"))["tenant_id"]
        client = json.loads(edge.run("client", "create", "--tenant", acme, "--json"))

        # The back end gets an access token, good for an hour ...
        answer = api.post(
            "/oauth2/v1/token",
            auth=(client["client_id"], client["client_secret"]),
            data={"grant_type": "client_credentials", "scope": "phone_check oidc authenticator"},
        )
        bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}

        # ... without which, and before the project is configured, there is nothing to be had.
        assert api.get("/authenticator/v0.1/factors").status_code == 401
        answer = api.get("/authenticator/v0.1/factors", headers=bearer)
        assert (answer.status_code, answer.json()["detail"]) == (400, "Project has no authenticator config")

        # It says who asks, and where it wants to be called back.
        configuration = {
            "issuer_name": "Acme Bank",
            "challenge_callback_url": back_end.url("/challenges"),
            "challenge_default_message": "Please confirm your login",
        }
        project = f"/console/v0.2/workspaces/{client['workspace_id']}/projects/{client['project_id']}"
        operation = {"op": "add", "path": "/configuration", "value": {"authenticator": configuration}}
        answer = api.patch(project, content=json.dumps([operation]), headers=bearer | PATCH)
        assert answer.json()["configuration"] == {"authenticator": configuration}

        # Alice wants to use an authenticator app. The back end gets a factor and shows its picture.
        alice = {"phone_number": "+447700900000", "external_user_id": "alice"}
        factor = api.post("/authenticator/v0.1/factors", json=alice, headers=bearer).json()
        assert factor["status"] == "PENDING"
        assert factor["data_url"].startswith("data:image/png;base64,")

        # She scans it, and types the first code that her app shows.
        app = pyotp.parse_uri(factor["url"])
        assert isinstance(app, TOTP)
        assert (app.name, app.issuer) == ("alice", "Acme Bank")
        path = factor["_links"]["self"]["href"]
        first = [{"op": "add", "path": "/code", "value": app.at(time.time() - 30)}]
        answer = api.patch(path, content=json.dumps(first), headers=bearer | PATCH)
        assert (answer.json()["status"], answer.json()["data_url"]) == ("ACTIVE", None)

        # Later she logs in. The back end opens a challenge, and asks her for a code.
        answer = api.post(f"{path}/challenges", json={"reference_id": "login 1"}, headers=bearer)
        challenge = answer.json()
        assert (answer.status_code, challenge["status"]) == (201, "PENDING")
        code = [{"op": "add", "path": "/code", "value": app.now()}]
        answer = api.patch(challenge["_links"]["self"]["href"], content=json.dumps(code), headers=bearer | PATCH)
        assert answer.json()["status"] == "VERIFIED"

        # Who has looked over her shoulder comes too late: the code is spent.
        thief = api.post(f"{path}/challenges", json={}, headers=bearer).json()
        answer = api.patch(thief["_links"]["self"]["href"], content=json.dumps(code), headers=bearer | PATCH)
        assert answer.json()["status"] == "FAILED"

        # The back end hears of both, and can tell that it is really us who says so.
        wait_until(lambda: len(back_end.of("/challenges")) == 2)
        secret = json.loads(edge.run("callback", "secret", "--tenant", acme, "--json"))["secrets"][0]
        told = {}
        for request in back_end.of("/challenges"):
            headers = {name.lower(): value for name, value in request.headers}
            body = Webhook(secret).verify(request.body, headers)
            told[body["challenge_id"]] = body["status"]
        assert told == {challenge["challenge_id"]: "VERIFIED", thief["challenge_id"]: "FAILED"}

        # Alice leaves. Her name is free again, and then all that was kept of her is gone.
        leave = [
            {"op": "replace", "path": "/external_user_id", "value": "alice (left)"},
            {"op": "replace", "path": "/status", "value": "INACTIVE"},
        ]
        answer = api.patch(path, content=json.dumps(leave), headers=bearer | PATCH)
        assert answer.json()["status"] == "INACTIVE"
        erased = json.loads(edge.run("user", "erase", "--tenant", acme, "alice (left)", "--json"))
        assert (erased["factors"], erased["challenges"]) == (1, 2)
        assert api.get(path, headers=bearer).status_code == 404
