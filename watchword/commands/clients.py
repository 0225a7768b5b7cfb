"""`watchword client`: OAuth clients of a tenant."""

import click
import msgspec

from edge.scopes import SCOPES
from engine.assembly import Engine
from engine.ids import ClientId, TenantId
from watchword.commands import values
from watchword.commands.output import answer, json_option, printable, table, timestamp
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings

_HEADER = ("CLIENT ID", "NAME", "SCOPES", "CREATED")

_tenant_option = click.option(
    "--tenant", "tenant_id", metavar="ID", type=TenantId, required=True, help="Whose client it is."
)


class Created(msgspec.Struct):
    """`workspace_id` and `project_id` are what the Authenticator surface calls account and tenant."""

    tenant_id: str
    workspace_id: str
    project_id: str
    client_id: str
    client_secret: str
    scopes: list[str]


class Line(msgspec.Struct):
    """A client, without what would open anything."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: str


class Revoked(msgspec.Struct):
    tenant_id: str
    client_id: str
    revoked: bool = True


@click.group("client")
def clients() -> None:
    """Create, list and revoke OAuth clients.

    With the credentials of a client an application gets access tokens (RFC 6749 4.4).
    """


@clients.command("create")
@_tenant_option
@click.option("--name", type=values.name, metavar="NAME", default="client", help="What it is, to tell it by.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(sorted(SCOPES)),
    multiple=True,
    help="What its tokens may be asked for; again for each. All, if none is given.",
)
@json_option
@pass_settings
def create(settings: Settings, *, tenant_id: TenantId, name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Create a client, whose secret is shown now and never again."""
    allowed = frozenset(scopes) or SCOPES

    async def work(engine: Engine) -> Created:
        made = await engine.clients.create(tenant_id, name=name, scopes=allowed)
        account_id = (await engine.tenants.read(tenant_id)).account_id
        return Created(tenant_id, account_id, tenant_id, made.client_id, made.secret, sorted(allowed))

    created = run(settings, work)
    text = (
        f"client id      {created.client_id}\nclient secret  {created.client_secret}\n"
        f"workspace id   {created.workspace_id}\nproject id     {created.project_id}\n\n"
        "The secret is not shown again."
    )
    answer(created, text, as_json=as_json)


@clients.command("list")
@_tenant_option
@json_option
@pass_settings
def list_(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """List a tenant's clients, oldest first."""
    tenant = run(settings, lambda engine: engine.tenants.read(tenant_id))
    lines = [
        Line(client_id, client.name, client.scopes, timestamp(client.created_at))
        for client_id, client in tenant.clients.items()
    ]
    rows = [(line.client_id, printable(line.name), " ".join(line.scopes), line.created_at) for line in lines]
    text = table(_HEADER, rows) if rows else "No clients: `watchword client create --tenant ID` makes one."
    answer(lines, text, as_json=as_json)


@clients.command("revoke")
@_tenant_option
@click.argument("client_id", metavar="CLIENT_ID", type=ClientId)
@json_option
@pass_settings
def revoke(settings: Settings, *, tenant_id: TenantId, client_id: ClientId, as_json: bool) -> None:
    """Revoke a client at once, and every token that it has."""
    run(settings, lambda engine: engine.clients.revoke(tenant_id, client_id))
    answer(Revoked(tenant_id, client_id), "Revoked: its next call is refused.", as_json=as_json)
