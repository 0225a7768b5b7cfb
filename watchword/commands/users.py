"""`watchword user`: what is kept for a user of a tenant."""

import click
import msgspec

from engine.ids import TenantId, UserName
from watchword.commands import values
from watchword.commands.output import answer, json_option
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings


class ErasedUser(msgspec.Struct):
    tenant_id: str
    factors: int
    challenges: int


@click.group("user")
def users() -> None:
    """Look after the users of a tenant."""


@users.command("erase")
@click.option("--tenant", "tenant_id", metavar="ID", type=TenantId, required=True, help="Whose user it is.")
@click.argument("user", metavar="NAME", type=values.user)
@json_option
@pass_settings
def erase(settings: Settings, *, tenant_id: TenantId, user: str, as_json: bool) -> None:
    """Delete all that is kept for a user. NAME is what the tenant calls it, its `external_user_id`."""
    erased = run(settings, lambda engine: engine.erasure.erase_user(tenant_id, UserName(user)))
    text = f"Deleted {erased.factors} factor(s) and {erased.challenges} challenge(s)."
    answer(ErasedUser(tenant_id, erased.factors, erased.challenges), text, as_json=as_json)
