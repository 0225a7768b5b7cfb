"""`watchword callback`: the secrets that a tenant's callbacks are signed with."""

import click
import msgspec

from engine.assembly import Engine
from engine.ids import TenantId
from watchword.commands.output import answer, json_option
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings

_tenant_option = click.option(
    "--tenant", "tenant_id", metavar="ID", type=TenantId, required=True, help="Whose callbacks they are."
)


class Secrets(msgspec.Struct):
    """The newest first; a receiver accepts what is signed with any of them."""

    tenant_id: str
    callback_url: str | None
    is_off: bool
    secrets: tuple[str, ...]


@click.group("callback")
def callbacks() -> None:
    """Show and renew what receivers check signatures with."""


@callbacks.command("secret")
@_tenant_option
@click.option(
    "--rotate", is_flag=True, help="Make a new one first. The one before stays good until the next time."
)
@json_option
@pass_settings
def secret(settings: Settings, *, tenant_id: TenantId, rotate: bool, as_json: bool) -> None:
    """Show the secrets in use. They come to be with the first callback address of a tenant."""

    async def work(engine: Engine) -> Secrets:
        if rotate:
            await engine.callback_secrets.rotate(tenant_id)
        tenant = await engine.tenants.read(tenant_id)
        setup = tenant.challenge_setup
        return Secrets(
            tenant_id,
            setup.callback_url if setup else None,
            setup is not None and setup.is_callback_off,
            engine.callback_secrets.of(tenant),
        )

    found = run(settings, work)
    text = "\n".join(found.secrets) or "None yet: set challenge_callback_url, or use --rotate."
    if found.is_off:
        text += "\n\nThe receiver has answered 410: nothing is sent until the address is set again."
    answer(found, text, as_json=as_json)
