"""`watchword audit`: who did what. Followed on a terminal, or written out for other programs."""

import asyncio
import csv
import io
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import click
import msgspec

from engine.assembly import Engine
from engine.audit_events import Event, Filter
from engine.ids import TenantId
from watchword.commands.output import printable
from watchword.commands.session import pass_settings, run
from watchword.settings import Settings

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_HEADER = ("at", "kind", "actor", "subject", "detail")


class Line(msgspec.Struct):
    """An event as it is written out. Times are RFC 3339, UTC, by the clock of Redis."""

    at: str
    kind: str
    actor: str
    subject: str
    detail: str

    @classmethod
    def of(cls, event: Event) -> "Line":
        at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
        return cls(f"{at:%Y-%m-%dT%H:%M:%S}.{event.at_ms % 1000:03}Z", *event[1:])


class _Instant(click.ParamType[int]):
    """An instant in milliseconds: RFC 3339, a date, or how long ago, as in 90m or 7d."""

    name = "time"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return _milliseconds(value)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time as in 2026-11-24T18:00:00Z or 2026-11-24, or ago, as in 90m or 7d",
                param,
                ctx,
            )


def _milliseconds(text: str) -> int:
    """Raises: ValueError, OverflowError."""
    if ago := _AGO.fullmatch(text):
        instant = datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        instant = datetime.fromisoformat(text)
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


def _as_text(event: Event) -> str:
    return "  ".join(printable(word) for word in msgspec.structs.astuple(Line.of(event)) if word)


def _as_json(event: Event) -> str:
    return msgspec.json.encode(Line.of(event)).decode()


def _as_csv(event: Event) -> str:
    return _row(msgspec.structs.astuple(Line.of(event)))


def _row(values: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


_tenant_option = click.option(
    "--tenant", "tenant_id", metavar="ID", type=TenantId, help="Whose events; without it, those of the journals."
)
_kind_option = click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only these; may be repeated.")
_actor_option = click.option("--actor", default="", help="Only who begins so, as `admin:` or `api-key:0123`.")
_subject_option = click.option("--subject", default="", help="Only of what begins so.")
_pass_key_option = click.option(
    "--pass-key", help="Only of this pass key; needs --tenant. - = read it from the standard input."
)


@click.group("audit")
def audit() -> None:
    """Look at who did what.

    With --tenant: passcodes, API keys, configuration, and the sign-ins of its administrator. Without: the journals
    of all tenants and administrators, which tell of no passcodes.
    """


@audit.command("tail")
@_tenant_option
@_kind_option
@_actor_option
@_subject_option
@_pass_key_option
@click.option("-n", "--last", type=click.IntRange(0, 10_000), default=10, show_default=True, help="Of before.")
@click.option("--no-follow", is_flag=True, help="Do not wait for more.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_settings
def tail(
    settings: Settings,
    *,
    tenant_id: TenantId | None,
    kinds: tuple[str, ...],
    actor: str,
    subject: str,
    pass_key: str | None,
    last: int,
    no_follow: bool,
    as_json: bool,
) -> None:
    """Show the last events, and those that come, until Ctrl-C."""
    sought = Filter(frozenset(kinds), actor, subject)
    written = _as_json if as_json else _as_text

    async def work(engine: Engine) -> None:
        exact = await _exactly(engine, tenant_id, sought, pass_key)
        if no_follow:
            page = await engine.audit.read(tenant_id, exact, most=last or 1)
            for event in reversed(page.events[:last]):
                _say(written(event))
        else:
            await _write(engine.audit.follow(tenant_id, exact, last=last), written)

    with suppress(KeyboardInterrupt):
        run(settings, work, is_endless=not no_follow)


@audit.command("export")
@_tenant_option
@_kind_option
@_actor_option
@_subject_option
@_pass_key_option
@click.option("--since", type=_Instant(), help="From then on: RFC 3339, a date, or how long ago, as in 7d.")
@click.option("--until", type=_Instant(), help="Up to then.")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@pass_settings
def export(
    settings: Settings,
    *,
    tenant_id: TenantId | None,
    kinds: tuple[str, ...],
    actor: str,
    subject: str,
    pass_key: str | None,
    since: int | None,
    until: int | None,
    form: str,
) -> None:
    """Write out events, the oldest first: JSON lines, or CSV."""
    sought = Filter(frozenset(kinds), actor, subject, since, until)

    async def work(engine: Engine) -> None:
        exact = await _exactly(engine, tenant_id, sought, pass_key)
        if form == "csv":
            _say(_row(_HEADER))
        await _write(engine.audit.export(tenant_id, exact), _as_csv if form == "csv" else _as_json)

    run(settings, work)


async def _exactly(engine: Engine, tenant_id: TenantId | None, sought: Filter, pass_key: str | None) -> Filter:
    """What is looked for, with the name that a pass key has in the trail.

    Raises:
        UnknownTenant, Invalid
    """
    if pass_key is None:
        return sought.checked()
    if tenant_id is None:
        raise click.UsageError("--pass-key needs --tenant.")
    text = (await asyncio.to_thread(sys.stdin.readline)).strip() if pass_key == "-" else pass_key  # noqa: S105
    return sought._replace(subject=await engine.audit.subject(tenant_id, text)).checked()


async def _write(events: AsyncIterator[Event], written: Callable[[Event], str]) -> None:
    async for event in events:
        _say(written(event))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
