"""`watchword key`: issue, list and revoke API keys."""

from ipaddress import IPv4Network, IPv6Network

import click
import msgspec

from engine.ids import ApiKeyId, TenantId, api_key_id
from engine.tenants import Scope
from engine.tokens import digest
from watchword.commands import values
from watchword.commands.output import answer, json_option
from watchword.commands.session import pass_settings, run
from watchword.commands.tenants import tenant_argument
from watchword.commands.views import key_lines, keys_text
from watchword.settings import Settings


class Issued(msgspec.Struct):
    tenant_id: str
    key_id: str
    name: str
    scopes: list[str]
    networks: list[str]
    api_key: str


class Revoked(msgspec.Struct):
    tenant_id: str
    key_id: str
    revoked: bool = True


@click.group("key")
def keys() -> None:
    """Issue, list and revoke API keys.

    Dialers and CRMs fetch passcodes with them. TENANT is a tenant's id; `watchword tenant list` shows them.
    """


@keys.command("issue")
@tenant_argument
@click.option("--name", type=values.name, metavar="NAME", required=True, help="Who it is for, to tell it by.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    help="What it is good for; again for each. Only fetching, if none is given.",
)
@click.option(
    "--network",
    "networks",
    type=values.network,
    metavar="NETWORK",
    multiple=True,
    help="Where it may be used from, as in 10.0.0.0/8; again for each. Anywhere, if none is given.",
)
@json_option
@pass_settings
def issue(
    settings: Settings,
    *,
    tenant_id: TenantId,
    name: str,
    scopes: tuple[str, ...],
    networks: tuple[IPv4Network | IPv6Network, ...],
    as_json: bool,
) -> None:
    """Issue a further API key, which is shown now and never again. The others stay good."""
    wanted = sorted(set(map(Scope, scopes))) or [Scope.FETCH]
    api_key = run(
        settings,
        lambda engine: engine.api_keys.issue(tenant_id, name=name, scopes=wanted, networks=networks),
    )
    key_id = api_key_id(digest(api_key))
    issued = Issued(tenant_id, key_id, name, [*wanted], [*map(str, networks)], api_key)
    text = f"API key id  {issued.key_id}\nAPI key     {api_key}\n\nThe API key is not shown again."
    answer(issued, text, as_json=as_json)


@keys.command("list")
@tenant_argument
@json_option
@pass_settings
def list_(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """List a tenant's API keys, oldest first.

    It says what they are called, and not what they are.
    """
    lines = key_lines(run(settings, lambda engine: engine.tenants.read(tenant_id)))
    answer(lines, keys_text(lines), as_json=as_json)


@keys.command("revoke")
@tenant_argument
@click.argument("key_id", metavar="KEY_ID", type=ApiKeyId)
@json_option
@pass_settings
def revoke(settings: Settings, *, tenant_id: TenantId, key_id: ApiKeyId, as_json: bool) -> None:
    """Revoke an API key at once. `watchword key list TENANT` shows its id."""
    run(settings, lambda engine: engine.api_keys.revoke(tenant_id, key_id))
    answer(Revoked(tenant_id, key_id), "Revoked: the next call with it is refused.", as_json=as_json)
