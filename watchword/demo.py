"""`make run`: a demo tenant, and the calls to paste."""

import asyncio
import http.client
import secrets
import sys
from typing import NamedTuple

from edge.scopes import SCOPES
from engine.assembly import Engine, Options, open_engine
from engine.clients import Credentials
from engine.errors import AgentTaken, TenantNameTaken
from engine.ids import ClientId, TenantId
from engine.tenants import ChallengeSetup, State
from watchword.settings import Settings

_NAME = "Demo"
_KEY_NAME = "demo"
_AGENT = "agent@demo.example"
_PATIENCE_SECONDS = 30
_WALK = """
Watchword serves on {url}

  demo tenant  {tenant_id}
  API key      {api_key}

  the customer's page  {url}/customer/{tenant_id}
  the agent's page     {url}/agent/{tenant_id}
                       {agent}, {password}
  the console          {url}/console

Paste into another terminal:

  # the customer asks for a passcode on the company's site
  curl -s {url}/api/v2/{tenant_id}/identity/passcode \\
       -H 'content-type: application/json' -d '{{"pass_key": "+1 555 010 2030"}}'

  # ... and nobody can ask again while it is alive: 409
  curl -s {url}/api/v2/{tenant_id}/identity/passcode \\
       -H 'content-type: application/json' -d '{{"pass_key": "15550102030"}}'

  # the agent's dialer fetches it, to say it back
  curl -s {url}/api/v2/{tenant_id}/identity/passcode/15550102030 \\
       -H 'x-api-key: {api_key}'

  # ... once: 410
  curl -s {url}/api/v2/{tenant_id}/identity/passcode/15550102030 \\
       -H 'x-api-key: {api_key}'

The same engine challenges users. An application gets a token, and a factor whose QR code a user scans:

  TOKEN=$(curl -s {url}/oauth2/v1/token -d grant_type=client_credentials \\
       -u '{client_id}:{client_secret}' | cut -d'"' -f4)
  curl -s {url}/authenticator/v0.1/factors -H "authorization: Bearer $TOKEN" \\
       -H 'content-type: application/json' \\
       -d '{{"phone_number": "+447700900000", "external_user_id": "{user}"}}'

Every call, to read and to try: {url}/docs?tenant={tenant_id}
docs/authenticator.md goes on from there. Ctrl-C stops it; the data stays in {data}.
"""


def show_demo(settings: Settings, options: Options, *, port: int, is_embedded: bool) -> None:
    """Wait until the edge serves, see to the demo tenant, print the walk."""
    # The socket is bound already: this one request waits in its queue until a worker takes it.
    edge = http.client.HTTPConnection(settings.host, port, timeout=_PATIENCE_SECONDS)
    edge.request("GET", "/livez")
    edge.getresponse()
    demo = asyncio.run(_demo_tenant(options))
    url = f"http://{settings.host}:{port}"
    data = settings.data_dir if is_embedded else "your Redis"
    sys.stdout.write(_WALK.format(url=url, data=data, user=f"alice-{secrets.token_hex(3)}", **demo._asdict()))
    sys.stdout.flush()


class _Demo(NamedTuple):
    tenant_id: TenantId
    api_key: str
    client_id: ClientId
    client_secret: str
    agent: str
    password: str


async def _demo_tenant(options: Options) -> _Demo:
    """The demo tenant, active and with a fresh API key and client: only digests of earlier ones are known."""
    async with open_engine(options) as engine:
        tenant_id = await _existing(engine)
        if tenant_id is None:
            tenant_id = await _create(engine)
        await engine.tenants.set_state(tenant_id, State.ACTIVE)
        api_key = await engine.api_keys.replace_all(tenant_id, name=_KEY_NAME)
        password = await _password(engine, tenant_id)
        return _Demo(tenant_id, api_key, *await _client(engine, tenant_id), _AGENT, password)


async def _password(engine: Engine, tenant_id: TenantId) -> str:
    """A new one of the demo tenant's only agent: of an earlier one there is but a hash."""
    try:
        return (await engine.agents.create(tenant_id, name=_NAME, email=_AGENT)).password
    except AgentTaken:
        return await engine.agents.reset_password(tenant_id, email=_AGENT)


async def _client(engine: Engine, tenant_id: TenantId) -> Credentials:
    """The only client of the demo tenant, whose challenges are set up."""
    for client_id in (await engine.tenants.read(tenant_id)).clients:
        await engine.clients.revoke(tenant_id, client_id)
    await engine.configurations.change_challenges(tenant_id, lambda setup: setup or ChallengeSetup(issuer=_NAME))
    return await engine.clients.create(tenant_id, name=_KEY_NAME, scopes=SCOPES)


async def _existing(engine: Engine) -> TenantId | None:
    """An earlier demo's tenant: nobody else's, whatever it is called."""
    async for tenant in engine.tenants.list():
        ours = tenant.owner is None and [key.name for key in tenant.api_keys.values()] == [_KEY_NAME]
        if ours and tenant.name.startswith(_NAME):
            return tenant.id
    return None


async def _create(engine: Engine) -> TenantId:
    try:
        return (await engine.tenants.create(name=_NAME)).id
    except TenantNameTaken:
        return (await engine.tenants.create(name=f"{_NAME} {secrets.token_hex(4)}")).id
