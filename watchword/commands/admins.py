"""`watchword admin`: operators, and help for administrators who are locked out."""

import click
import msgspec

from watchword.commands import values
from watchword.commands.output import answer, json_option
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings


class Reset(msgspec.Struct):
    email: str
    password: str


class Role(msgspec.Struct):
    email: str
    operator: bool


@click.group("admin")
def admins() -> None:
    """Make operators, and help administrators who are locked out."""


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


@admins.command("promote")
@click.argument("email", metavar="EMAIL", type=values.email)
@json_option
@pass_settings
def promote(settings: Settings, *, email: str, as_json: bool) -> None:
    """Make an administrator an operator.

    Operators see and change all tenants at /console. The password is a new one, and all sessions are ended: nobody
    has checked that the address is theirs who signed up with it.
    """
    password = run(settings, lambda engine: engine.admins.promote(email=email))
    text = f"operator      {email}\nnew password  {password}\n\nIt is not shown again. All sessions are ended."
    answer(Reset(email, password), text, as_json=as_json)


@admins.command("demote")
@click.argument("email", metavar="EMAIL", type=values.email)
@json_option
@pass_settings
def demote(settings: Settings, *, email: str, as_json: bool) -> None:
    """Make an operator an administrator as others are."""
    run(settings, lambda engine: engine.admins.demote(email=email))
    answer(Role(email, operator=False), "No operator any more.", as_json=as_json)
