"""`watchword tenant`: create, configure, list, show, activate, suspend and delete."""

from typing import Any

import click
import msgspec

from engine.assembly import Engine
from engine.configurations import Changes
from engine.ids import TenantId
from engine.policies import (
    MAX_EXPIRES_S,
    MAX_LENGTH,
    MAX_LIFE_S,
    MAX_LOCK_AFTER,
    MIN_EXPIRES_S,
    MIN_LENGTH,
    MIN_LIFE_S,
    Alphabet,
    Mode,
)
from engine.tenants import State, Tenant
from engine.totp import Digest
from watchword.commands import values
from watchword.commands.output import answer, json_option, printable, table
from watchword.commands.session import pass_settings, run
from watchword.commands.views import TenantDetails, TenantLine
from watchword.settings import Settings

_FIRST_KEY = "first"
_LINE_HEADER = ("TENANT ID", "NAME", "STATE", "CREATED")

tenant_argument = click.argument("tenant_id", metavar="TENANT", type=TenantId)


class Created(msgspec.Struct):
    tenant_id: str
    name: str
    state: str
    api_key: str


class Deleted(msgspec.Struct, kw_only=True):
    tenant_id: str
    deleted: bool = True
    factors: int
    challenges: int
    dead_letters: int
    agents: int


@click.group("tenant")
def tenants() -> None:
    """Set tenants up and look after them.

    TENANT is always a tenant's id; `watchword tenant list` shows them.
    """


@tenants.command("create")
@click.option("--name", type=values.name, metavar="NAME", required=True, help="Name that no other tenant has.")
@click.option("--active", is_flag=True, help="Let it work at once; else `tenant activate` does.")
@json_option
@pass_settings
def create(settings: Settings, *, name: str, active: bool, as_json: bool) -> None:
    """Create a tenant and its first API key.

    The API key is shown now and never again.
    """

    async def work(engine: Engine) -> Created:
        state = State.ACTIVE if active else State.INACTIVE
        tenant = await engine.tenants.create(name=name, state=state)
        api_key = await engine.api_keys.issue(tenant.id, name=_FIRST_KEY)
        return Created(tenant.id, tenant.name, tenant.state, api_key)

    made = run(settings, work)
    text = f"tenant id  {made.tenant_id}\nAPI key    {made.api_key}\n\nThe API key is not shown again."
    if not active:
        text += f"\nIt works once the tenant is active: `watchword tenant activate {made.tenant_id}`."
    answer(made, text, as_json=as_json)


@tenants.command("configure")
@tenant_argument
@click.option(
    "--pass-key-expires",
    "expires_s",
    type=int,
    metavar="SECONDS",
    help=f"Life of a passcode, {MIN_EXPIRES_S} to {MAX_EXPIRES_S} seconds.",
)
@click.option(
    "--pass-key-max-fetches",
    "max_fetches",
    type=values.fetches,
    metavar="N",
    help="How often a passcode may be fetched; 0 = until it expires.",
)
@click.option(
    "--pass-phrase",
    "mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="Who makes the passcode: this system, or the customer.",
)
@click.option(
    "--allowed-characters",
    "alphabet",
    type=click.Choice([alphabet.value for alphabet in Alphabet]),
    help="What a passcode consists of.",
)
@click.option(
    "--length",
    type=int,
    metavar="N",
    help=f"Characters of a passcode, {MIN_LENGTH} to {MAX_LENGTH}; at most so many where the customer makes it.",
)
@click.option(
    "--default-country-code",
    "country_code",
    type=values.calling_code,
    metavar="CODE",
    help="Calling code of phone numbers that come without one, as in 49; 0 = none.",
)
@click.option(
    "--allowed-origins",
    type=values.origins,
    metavar="ORIGIN,...",
    help="Whose web pages may use the tenant, as in https://example.com; * = any.",
)
@click.option(
    "--challenge-life",
    "life_s",
    type=int,
    metavar="SECONDS",
    help=f"Life of a challenge, {MIN_LIFE_S} to {MAX_LIFE_S} seconds.",
)
@click.option(
    "--lock-after",
    type=int,
    metavar="N",
    help=f"Failures in a row after which a factor refuses for a while, 1 to {MAX_LOCK_AFTER}.",
)
@click.option(
    "--totp-digest",
    "digest",
    type=click.Choice([digest.value for digest in Digest]),
    help="Hash of TOTP codes. This and what follows holds for factors from now on.",
)
@click.option("--totp-digits", "digits", type=int, metavar="N", help="Length of TOTP codes, 6 to 8.")
@click.option("--totp-step", "step_s", type=int, metavar="SECONDS", help="How long a TOTP code is shown.")
@click.option("--totp-window", "window", type=int, metavar="N", help="Steps that a clock may be off, either way.")
@click.option(
    "--submit-limit",
    type=values.per_second,
    metavar="N",
    help="Submits per second of one client address, and of one pass key; 0 = no limit, or `default`.",
)
@click.option(
    "--fetch-limit",
    type=values.per_second,
    metavar="N",
    help="Fetches per second of one API key; 0 = no limit, or `default`.",
)
@json_option
@pass_settings
def configure(settings: Settings, *, tenant_id: TenantId, as_json: bool, **options: Any) -> None:  # noqa: ANN401
    """Change what is given and leave the rest as it is.

    A limit of `default` is the deployment's.
    """
    changes = _changes(options)
    if changes == Changes():
        raise click.UsageError("Nothing to change: give at least one option.")
    _show(settings, run(settings, lambda engine: engine.configurations.change(tenant_id, changes)), as_json)


@tenants.command("list")
@json_option
@pass_settings
def list_(settings: Settings, *, as_json: bool) -> None:
    """List all tenants, oldest first."""

    async def work(engine: Engine) -> list[Tenant]:
        return sorted([tenant async for tenant in engine.tenants.list()], key=lambda tenant: tenant.created_at)

    lines = [TenantLine.of(tenant) for tenant in run(settings, work)]
    rows = [(line.tenant_id, line.name, line.state, line.created_at) for line in lines]
    text = table(_LINE_HEADER, rows) if rows else "No tenant yet: `watchword tenant create --name NAME` makes one."
    answer(lines, text, as_json=as_json)


@tenants.command("show")
@tenant_argument
@json_option
@pass_settings
def show(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """Show all that is known of a tenant.

    Where it sets no limit of its own, the deployment's is shown, as the settings of this command have it.
    """
    _show(settings, run(settings, lambda engine: engine.tenants.read(tenant_id)), as_json)


@tenants.command("activate")
@tenant_argument
@json_option
@pass_settings
def activate(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """Let a tenant work."""
    _set_state(settings, tenant_id, State.ACTIVE, as_json)


@tenants.command("suspend")
@tenant_argument
@json_option
@pass_settings
def suspend(settings: Settings, *, tenant_id: TenantId, as_json: bool) -> None:
    """Refuse every call for a tenant until it is activated again. Nothing is lost."""
    _set_state(settings, tenant_id, State.SUSPENDED, as_json)


@tenants.command("delete")
@tenant_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_settings
def delete(settings: Settings, *, tenant_id: TenantId, yes: bool, as_json: bool) -> None:
    """Delete a tenant with all that is kept for it.

    That is its configuration, API keys, clients and agents, and its users' factors and challenges. What lives for
    a short time only, as passcodes, can no longer be reached and ends by itself.
    """
    if not yes:
        tenant = run(settings, lambda engine: engine.tenants.read(tenant_id))
        question = (
            f"Delete {printable(tenant.name)}, with its configuration and {len(tenant.api_keys)} API key(s)?"
        )
        click.confirm(question, abort=True, err=True)
    erased = run(settings, lambda engine: engine.erasure.erase_tenant(tenant_id))
    deleted = Deleted(tenant_id=tenant_id, **erased._asdict())
    text = (
        f"Deleted, with {erased.agents} agent(s), {erased.factors} factor(s), {erased.challenges} challenge(s) "
        f"and {erased.dead_letters} callback(s) that could not be delivered."
    )
    answer(deleted, text, as_json=as_json)


def _changes(options: dict[str, Any]) -> Changes:
    given = {name: value for name, value in options.items() if value is not None}
    unset = {name: None for name, value in given.items() if value is values.NO_VALUE}
    return msgspec.convert(given | unset, Changes)


def _set_state(settings: Settings, tenant_id: TenantId, state: State, as_json: bool) -> None:
    tenant = run(settings, lambda engine: engine.tenants.set_state(tenant_id, state))
    answer(TenantLine.of(tenant), f"{printable(tenant.name)} is {tenant.state}.", as_json=as_json)


def _show(settings: Settings, tenant: Tenant, as_json: bool) -> None:
    details = TenantDetails.of(tenant, settings.rates)
    answer(details, details.text(), as_json=as_json)
