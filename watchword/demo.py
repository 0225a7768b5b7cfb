"""`make run`: a demo tenant, and the calls to paste."""

import asyncio
import http.client
import secrets
import sys

from engine.assembly import Engine, Options, open_engine
from engine.errors import TenantNameTaken
from engine.ids import TenantId
from engine.tenants import State
from watchword.settings import Settings

_NAME = "Demo"
_KEY_NAME = "demo"
_PATIENCE_SECONDS = 30
_WALK = """
Watchword serves on {url}

  demo tenant  {tenant_id}
  API key      {api_key}

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

Ctrl-C stops it; the data stays in {data}.
"""


def show_demo(settings: Settings, options: Options, *, port: int, is_embedded: bool) -> None:
    """Wait until the edge serves, see to the demo tenant, print the walk."""
    # The socket is bound already: this one request waits in its queue until a worker takes it.
    edge = http.client.HTTPConnection(settings.host, port, timeout=_PATIENCE_SECONDS)
    edge.request("GET", "/livez")
    edge.getresponse()
    tenant_id, api_key = asyncio.run(_demo_tenant(options))
    url = f"http://{settings.host}:{port}"
    data = settings.data_dir if is_embedded else "your Redis"
    sys.stdout.write(_WALK.format(url=url, tenant_id=tenant_id, api_key=api_key, data=data))
    sys.stdout.flush()


async def _demo_tenant(options: Options) -> tuple[TenantId, str]:
    """The demo tenant, active and with a fresh API key: only digests of earlier ones are known."""
    async with open_engine(options) as engine:
        tenant_id = await _existing(engine)
        if tenant_id is None:
            tenant_id = await _create(engine)
        await engine.tenants.set_state(tenant_id, State.ACTIVE)
        return tenant_id, await engine.api_keys.replace_all(tenant_id, name=_KEY_NAME)


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
