"""The command line. Each group of commands is a module in watchword.commands."""

import sys
from pathlib import Path

import click
import msgspec

from engine.errors import Misconfigured
from watchword.commands.admins import admins
from watchword.commands.agents import agents
from watchword.commands.audit import audit
from watchword.commands.callbacks import callbacks
from watchword.commands.clients import clients
from watchword.commands.deliveries import deliveries
from watchword.commands.doctor import doctor
from watchword.commands.keyring import keyring
from watchword.commands.keys import keys
from watchword.commands.session import pass_settings
from watchword.commands.tenants import tenants
from watchword.commands.users import users
from watchword.courier import run_courier
from watchword.serve import serve
from watchword.servers import EmbeddedError
from watchword.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="watchword")
def main() -> None:
    """Passcodes and challenges for many tenants, on Redis.

    Settings are WATCHWORD_* environment variables; the README has the table. Commands talk to the Redis that is
    set there, or to the embedded one of the data directory, which they start for the moment if it does not run.
    """


@main.command("serve")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Edge processes; one per core is right.")
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path), help="Certificate chain (PEM).")
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path), help="Private key (PEM).")
@click.option("--demo", is_flag=True, help="Create a demo tenant and print the calls to try.")
@pass_settings
def serve_command(settings: Settings, *, demo: bool, **given: object) -> None:
    """Serve the API. Without WATCHWORD_REDIS_URL, an embedded Redis is started with it."""
    changes = {name: value for name, value in given.items() if value is not None}
    complete = msgspec.structs.replace(settings, **changes)
    if (complete.tls_cert is None) is not (complete.tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both, or neither.")
    if demo and complete.tls_cert is not None:
        raise click.UsageError("--demo prints calls over plain HTTP: leave TLS out.")
    try:
        in_order = serve(complete, demo=demo)
    except (Misconfigured, EmbeddedError) as error:
        raise click.ClickException(str(error)) from None
    sys.exit(0 if in_order else 1)


@main.command("courier")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Port to serve /metrics on; 0 = none.")
@pass_settings
def courier_command(settings: Settings, *, metrics_port: int | None) -> None:
    """Deliver callbacks, beside others that do. Set WATCHWORD_COURIER=off where they are to do it all."""
    try:
        run_courier(
            settings if metrics_port is None else msgspec.structs.replace(settings, metrics_port=metrics_port)
        )
    except (Misconfigured, EmbeddedError) as error:
        raise click.ClickException(str(error)) from None


for _command in (admins, agents, audit, callbacks, clients, deliveries, doctor, keyring, keys, tenants, users):
    main.add_command(_command)
