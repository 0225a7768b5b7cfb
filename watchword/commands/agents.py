"""`watchword agent`: log-ins of a tenant's agents, who fetch passcodes at a page."""

import click
import msgspec

from engine.ids import TenantId
from watchword.commands import values
from watchword.commands.output import answer, json_option, printable, table, timestamp
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings

_HEADER = ("E-MAIL", "NAME", "CREATED")
_ONCE = "It is not shown again."

_tenant_option = click.option(
    "--tenant", "tenant_id", metavar="ID", type=TenantId, required=True, help="Whose agent it is."
)
_email_argument = click.argument("email", metavar="EMAIL", type=values.email)


class Login(msgspec.Struct):
    tenant_id: str
    email: str
    password: str


class Line(msgspec.Struct):
    email: str
    name: str
    created_at: str


class Deleted(msgspec.Struct):
    tenant_id: str
    email: str
    deleted: bool = True


@click.group("agent")
def agents() -> None:
    """Create, list and delete log-ins of agents.

    Agents sign in at /agent/TENANT and fetch passcodes there. They may do nothing else.
    """


@agents.command("create")
@_tenant_option
@_email_argument
@click.option("--name", type=values.name, metavar="NAME", default="agent", help="Who it is, to tell them by.")
@json_option
@pass_settings
def create(settings: Settings, *, tenant_id: TenantId, email: str, name: str, as_json: bool) -> None:
    """Create a log-in. Its password is made, and shown this once."""
    made = run(settings, lambda engine: engine.agents.create(tenant_id, name=name, email=email))
    text = (
        f"e-mail    {printable(email)}\npassword  {made.password}\n\n{_ONCE} They sign in at /agent/{tenant_id}."
    )
    answer(Login(tenant_id, email, made.password), text, as_json=as_json)


@agents.command("list")
@_tenant_option
@json_option
@pass_settings
def list_(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """List a tenant's agents."""
    listed = run(settings, lambda engine: engine.agents.list(tenant_id))
    lines = [Line(agent.email, agent.name, timestamp(agent.created_at)) for _, agent in listed]
    rows = [(printable(line.email), printable(line.name), line.created_at) for line in lines]
    text = table(_HEADER, rows) if rows else "No agents: `watchword agent create --tenant ID EMAIL` makes one."
    answer(lines, text, as_json=as_json)


@agents.command("reset-password")
@_tenant_option
@_email_argument
@json_option
@pass_settings
def reset_password(settings: Settings, *, tenant_id: TenantId, email: str, as_json: bool) -> None:
    """Give an agent a new password. All sessions that were opened under the old one are ended."""
    password = run(settings, lambda engine: engine.agents.reset_password(tenant_id, email=email))
    text = f"new password  {password}\n\n{_ONCE} All sessions are ended."
    answer(Login(tenant_id, email, password), text, as_json=as_json)


@agents.command("delete")
@_tenant_option
@_email_argument
@json_option
@pass_settings
def delete(settings: Settings, *, tenant_id: TenantId, email: str, as_json: bool) -> None:
    """Delete a log-in at once, and end all its sessions."""
    run(settings, lambda engine: engine.agents.delete(tenant_id, email=email))
    answer(Deleted(tenant_id, email), "Deleted: their next call is refused.", as_json=as_json)
