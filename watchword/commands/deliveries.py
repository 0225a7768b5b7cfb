"""`watchword deliveries`: what tenants were told of, and what they could not be told."""

import click
import msgspec

from engine.assembly import Engine
from engine.deliveries import History, Logged
from engine.ids import TenantId
from watchword.commands.output import answer, json_option, printable, table, timestamp
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings

_LOG_HEADER = ("AT", "MESSAGE ID", "ATTEMPT", "OUTCOME", "STATUS", "MS", "LEFT")
_DEAD_HEADER = ("SINCE", "MESSAGE ID")
_MOST = 1000

_tenant_option = click.option(
    "--tenant", "tenant_id", metavar="ID", type=TenantId, required=True, help="Whose deliveries they are."
)


class AttemptLine(msgspec.Struct):
    """One attempt. `status` is the receiver's, 0 = none; `left` is how it left the delivery."""

    at: str
    message_id: str
    attempt: int
    outcome: str
    status: int
    milliseconds: int
    left: str


class DeadLine(msgspec.Struct):
    since: str
    message_id: str


class Told(msgspec.Struct):
    tenant_id: str
    dead: list[DeadLine]
    log: list[AttemptLine]


class Replayed(msgspec.Struct):
    tenant_id: str
    replayed: int


@click.group("deliveries")
def deliveries() -> None:
    """Look at callbacks, and send again what was given up."""


@deliveries.command("list")
@_tenant_option
@click.option("--dead", is_flag=True, help="Only what was given up.")
@click.option("--most", type=click.IntRange(1, _MOST), default=50, show_default=True, help="How many of each.")
@json_option
@pass_settings
def list_(settings: Settings, *, tenant_id: TenantId, dead: bool, most: int, as_json: bool) -> None:
    """List what was given up, and the latest attempts. The youngest come first; the log is kept for a month."""

    async def work(engine: Engine) -> History:
        await engine.tenants.read(tenant_id)
        return await engine.deliveries.history(tenant_id, most=most)

    found = run(settings, work)
    told = Told(
        tenant_id,
        [DeadLine(_time(letter.since_ms), letter.event.message_id) for letter in found.dead],
        [] if dead else [_attempt_line(logged) for logged in found.log],
    )
    answer(told, _text(told), as_json=as_json)


@deliveries.command("replay")
@_tenant_option
@click.option("--all", "is_all", is_flag=True, help="Everything that was given up.")
@click.argument("message_ids", metavar="[MESSAGE_ID]...", nargs=-1)
@json_option
@pass_settings
def replay(
    settings: Settings, *, tenant_id: TenantId, is_all: bool, message_ids: tuple[str, ...], as_json: bool
) -> None:
    """Send again what was given up, under the message id that it had."""
    if is_all is bool(message_ids):
        raise click.UsageError("Name message ids, or give --all.")

    async def work(engine: Engine) -> int:
        await engine.tenants.read(tenant_id)
        if is_all:
            return await engine.deliveries.replay_all(tenant_id)
        for message_id in message_ids:
            await engine.deliveries.replay(tenant_id, message_id)
        return len(message_ids)

    number = run(settings, work)
    answer(Replayed(tenant_id, number), f"{number} to be sent again.", as_json=as_json)


def _attempt_line(logged: Logged) -> AttemptLine:
    attempt = logged.attempt
    return AttemptLine(
        _time(logged.at_ms),
        logged.event.message_id,
        logged.number,
        attempt.outcome,
        attempt.status,
        attempt.took_ms,
        logged.end,
    )


def _text(told: Told) -> str:
    parts: list[str] = []
    if told.dead:
        parts.append("Given up:\n" + table(_DEAD_HEADER, [(line.since, line.message_id) for line in told.dead]))
    if told.log:
        rows = [[printable(str(value)) for value in msgspec.structs.astuple(line)] for line in told.log]
        parts.append("Attempts:\n" + table(_LOG_HEADER, rows))
    return "\n\n".join(parts) or "Nothing was sent, and nothing given up."


def _time(milliseconds: int) -> str:
    return timestamp(milliseconds // 1000)
