"""The tutorial of the Identity surface, from nothing to a customer who knows that the caller is genuine.

A company registers, the operator activates it, a customer gets a passcode on the company's site, and the agent on
the phone says it back. It runs against the program as it is deployed, under its default settings.
"""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.edge.program import Edge
from tests.engine.kinds import ServerKind
from tests.engine.servers import leaks

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.every_server


@pytest.fixture
def edge(server_kind: ServerKind) -> "Generator[Edge]":
    with server_kind.start() as redis, Edge(redis) as edge:
        yield edge
        assert not leaks(redis.admin)


def test_a_customer_learns_that_the_caller_is_genuine(edge: Edge) -> None:
    with httpx.Client(base_url=f"{edge.url}/api/v2") as api:
        # The company's IT administrator registers ...
        profile = {"name": "Ada Lovelace", "email": "ada@acme.example", "password": "correct horse battery"}
        answer = api.post("/tenant/user", json=profile)
        assert answer.json()["message"] == "User created successfully"

        # ... signs in ...
        answer = api.post("/login", json={"email": "ada@acme.example", "password": "correct horse battery"})
        ada = {"authorization": f"Bearer {answer.json()['token']}"}

        # ... and registers the company.
        answer = api.post("/tenant", json={"tenant_name": "Acme"}, headers=ada)
        assert answer.json()["message"] == "Tenant created successfully"
        acme = answer.json()["data"]["tenant_id"]

        # It can do nothing until the operator of the service has looked at it and activates it.
        answer = api.post(f"/tenant/{acme}/api_key/refresh", headers=ada)
        assert (answer.status_code, answer.json()["message"]) == (403, "The tenant is not active.")
        edge.run("tenant", "activate", acme)

        # Now she makes the key that the call centre's dialer will use ...
        answer = api.post(f"/tenant/{acme}/api_key/refresh", headers=ada)
        dialer = {"x-api-key": answer.json()["api_key"]}

        # ... and says what passcodes look like: five digits that live for a minute.
        details = {
            "pass_key_expires": 60,
            "pass_phrase": "system",
            "pass_pharse_allowed_characters": "numeric",
            "pass_phrase_length": 5,
        }
        answer = api.post(
            f"/{acme}/identity/passcode/config", json={"tenant_config_details": details}, headers=ada
        )
        assert answer.json()["data"]["message"] == "Tenant Configuration created successfully"

        # The phone rings. Is that really Acme? The customer types their number on Acme's site and gets a passcode.
        answer = api.post(f"/{acme}/identity/passcode", json={"pass_key": "+1 (555) 010-2030"})
        passcode = answer.json()["data"]["pass_phrase"]
        assert len(passcode) == 5
        assert passcode.isdecimal()

        # Nobody else can get one for the same number meanwhile.
        answer = api.post(f"/{acme}/identity/passcode", json={"pass_key": "15550102030"})
        assert (answer.status_code, answer.json()["message"]) == (409, "Key already taken by another user")

        # The agent's dialer knows the number and fetches the passcode. The agent says it: the caller is genuine.
        answer = api.get(f"/{acme}/identity/passcode/15550102030", headers=dialer)
        assert answer.json() == {"status": "Success", "pass_phrase": passcode}

        # It was said once, and is good for nothing any more.
        answer = api.get(f"/{acme}/identity/passcode/15550102030", headers=dialer)
        assert (answer.status_code, answer.json()["message"]) == (410, "Pass Key Expired")
