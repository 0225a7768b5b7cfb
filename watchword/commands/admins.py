"""`watchword admin`: help for administrators who are locked out."""

import click
import msgspec

from watchword.commands import values
from watchword.commands.output import answer, json_option
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings


class Reset(msgspec.Struct):
    email: str
    password: str


@click.group("admin")
def admins() -> None:
    """Help administrators who are locked out."""


@admins.command("reset-password")
@click.argument("email", metavar="EMAIL", type=values.email)
@json_option
@pass_settings
def reset_password(settings: Settings, *, email: str, as_json: bool) -> None:
    """Give an administrator a new password.

    All sessions that were opened under the old one are ended.
    """
    password = run(settings, lambda engine: engine.admins.reset_password(email=email))
    text = f"new password  {password}\n\nIt is not shown again. All sessions are ended."
    answer(Reset(email, password), text, as_json=as_json)
