"""Settings: one frozen struct, read from the environment once. An unknown WATCHWORD_* variable is an error."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec

from edge.addresses import Network
from engine.errors import Misconfigured
from engine.rates import DefaultRates, Rate
from engine.store.durability import Durability

PREFIX = "WATCHWORD_"
_FILE = "_FILE"


class Setting(NamedTuple):
    """How one setting is read from text, and what the README says of it."""

    read: Callable[[str], Any]
    meaning: str
    is_secret: bool = False  # then the variable with _FILE behind its name may name a file that holds it


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return read


def _base_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("an address as in https://api.example.com, without query")
    return text.rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:  # which would repeat the value
        raise ValueError("networks as in 10.0.0.0/8 or ::1, comma-separated, without host bits") from None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be set. A field `redis_url` is the variable WATCHWORD_REDIS_URL."""

    host: Annotated[str, Setting(str, "address to listen on")] = "127.0.0.1"
    port: Annotated[int, Setting(_whole(0, 65535), "port to listen on")] = 8080
    workers: Annotated[int, Setting(_whole(1, 256), "edge processes; one per core is right")] = 1
    metrics_port: Annotated[
        int,
        Setting(
            _whole(0, 65535),
            "port on which the parent serves `/metrics`, instead of the workers on theirs; 0 = none",
        ),
    ] = 0
    tls_cert: Annotated[Path | None, Setting(Path, "certificate chain (PEM) to serve HTTPS with")] = None
    tls_key: Annotated[Path | None, Setting(Path, "private key (PEM) of the certificate")] = None
    redis_url: Annotated[
        str | None,
        Setting(
            str,
            "`redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`; "
            "unset, an embedded server is started",
            is_secret=True,
        ),
    ] = None
    redis_password: Annotated[
        str | None, Setting(str, "password of the Redis user, where the URL has none", is_secret=True)
    ] = None
    durability: Annotated[
        Durability,
        Setting(
            Durability.parse,
            "what has happened to a write when it is acknowledged: `none` = what Redis does, `aof` = only a Redis "
            "with an append-only file is linked, `replicas:N` = N replicas have it",
        ),
    ] = Durability()
    data_dir: Annotated[Path, Setting(Path, "where the embedded Redis and the made keys live")] = Path(
        ".watchword"
    )
    keys: Annotated[
        str | None,
        Setting(
            str,
            "sealing keys `id:base64` of 32 bytes, comma-separated; the first seals; required with a Redis URL",
            is_secret=True,
        ),
    ] = None
    partitions: Annotated[
        int, Setting(_whole(1, 4096), "virtual partitions; fixed when a deployment is first started")
    ] = 64
    call_deadline_ms: Annotated[
        int, Setting(_whole(50, 60_000), "milliseconds after which a call to Redis has failed")
    ] = 500
    max_in_flight: Annotated[
        int, Setting(_whole(1, 1_000_000), "calls to Redis that one worker has under way; more are refused (503)")
    ] = 4096
    max_requests: Annotated[
        int, Setting(_whole(1, 1_000_000), "requests that one worker has under way; more are refused (503)")
    ] = 256
    password_threads: Annotated[int, Setting(_whole(1, 64), "threads per worker that hash passwords")] = 2
    trusted_proxies: Annotated[
        tuple[Network, ...], Setting(_networks, "networks whose `X-Forwarded-For` is believed, comma-separated")
    ] = ()
    submit_limit_per_address: Annotated[
        Rate, Setting(Rate.parse, "submits per client address and tenant, `quota/seconds`; 0 = no limit")
    ] = Rate(60, 60)
    submit_limit_per_key: Annotated[Rate, Setting(Rate.parse, "submits per pass key")] = Rate(10, 60)
    fetch_limit_per_api_key: Annotated[Rate, Setting(Rate.parse, "fetches per API key")] = Rate(1000, 1)
    fetch_limit_per_agent: Annotated[Rate, Setting(Rate.parse, "fetches per agent who is signed in")] = Rate(
        60, 60
    )
    login_limit_per_email: Annotated[Rate, Setting(Rate.parse, "sign-ins per e-mail address")] = Rate(10, 600)
    login_limit_per_address: Annotated[Rate, Setting(Rate.parse, "sign-ins per client address")] = Rate(30, 60)
    sign_up_limit_per_email: Annotated[
        Rate, Setting(Rate.parse, "sign-ups per e-mail address, and tenants per administrator")
    ] = Rate(5, 3600)
    sign_up_limit_per_address: Annotated[Rate, Setting(Rate.parse, "sign-ups per client address")] = Rate(20, 3600)
    call_limit_per_client: Annotated[
        Rate, Setting(Rate.parse, "calls per OAuth client, of the surfaces that have them")
    ] = Rate(1000, 1)
    token_limit_per_address: Annotated[Rate, Setting(Rate.parse, "access tokens asked for per client address")] = (
        Rate(600, 60)
    )
    courier: Annotated[
        str,
        Setting(
            _one_of("on", "off"), "whether `serve` delivers callbacks too; `off` where `watchword courier` does"
        ),
    ] = "on"
    courier_slots: Annotated[int, Setting(_whole(1, 10_000), "deliveries that one courier has under way")] = 64
    courier_claim_seconds: Annotated[
        int, Setting(_whole(3, 3600), "seconds after which a courier takes over what another one holds")
    ] = 60
    callback_timeout_seconds: Annotated[
        int, Setting(_whole(1, 60), "seconds that a receiver of callbacks has to answer")
    ] = 10
    callback_networks: Annotated[
        tuple[Network, ...],
        Setting(_networks, "private networks that callbacks may go to, comma-separated; else none may"),
    ] = ()
    public_url: Annotated[
        str | None,
        Setting(_base_url, "where callers reach the edge, for links in answers; unset, the host they name"),
    ] = None
    drain_seconds: Annotated[
        int, Setting(_whole(0, 600), "seconds to serve on while `/readyz` says no, before leaving")
    ] = 0
    shutdown_seconds: Annotated[
        int, Setting(_whole(1, 600), "seconds that requests in flight are given to finish")
    ] = 30
    log_level: Annotated[
        str, Setting(_one_of("debug", "info", "warning", "error"), "least level of log lines")
    ] = "info"
    access_log: Annotated[
        str,
        Setting(_one_of("off", "errors", "all"), "requests that get a log line: `off`, `errors` (5xx) or `all`"),
    ] = "errors"
    traces_url: Annotated[
        str | None,
        Setting(str, "OTLP/HTTP endpoint that spans are sent to, as `http://collector:4318/v1/traces`"),
    ] = None

    @property
    def rates(self) -> DefaultRates:
        return DefaultRates(
            submit_per_address=self.submit_limit_per_address,
            submit_per_key=self.submit_limit_per_key,
            fetch_per_api_key=self.fetch_limit_per_api_key,
            fetch_per_agent=self.fetch_limit_per_agent,
            login_per_email=self.login_limit_per_email,
            login_per_address=self.login_limit_per_address,
            sign_up_per_email=self.sign_up_limit_per_email,
            sign_up_per_address=self.sign_up_limit_per_address,
            call_per_client=self.call_limit_per_client,
            token_per_address=self.token_limit_per_address,
        )


def settings_table() -> dict[str, Setting]:
    """Every variable and how it is read."""
    hints = get_type_hints(Settings, include_extras=True)
    return {PREFIX + name.upper(): hints[name].__metadata__[0] for name in Settings.__struct_fields__}


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. An empty variable counts as unset.

    Raises:
        Misconfigured: an unknown variable, a file that cannot be read, or a value that cannot be used. Values are
            never repeated.
    """
    table = settings_table()
    given = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
    files = {name + _FILE: name for name, setting in table.items() if setting.is_secret}
    if unknown := sorted(given.keys() - table.keys() - files.keys()):
        raise Misconfigured(f"unknown setting {', '.join(unknown)}: see the table in the README")
    for file_name in given.keys() & files.keys():
        name = files[file_name]
        if name in given:
            raise Misconfigured(f"{name} and {file_name} are both set: which is it?")
        given[name] = _read_file(file_name, given.pop(file_name))
    values: dict[str, Any] = {}
    for name, text in given.items():
        try:
            values[name.removeprefix(PREFIX).lower()] = table[name].read(text)
        except ValueError as error:
            raise Misconfigured(f"{name}: {error}") from None
    return Settings(**values)


def _read_file(name: str, path: str) -> str:
    try:
        text = Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Misconfigured(f"{name}: {path} cannot be read: {reason}") from None
    if not text:
        raise Misconfigured(f"{name}: {path} is empty")
    return text
