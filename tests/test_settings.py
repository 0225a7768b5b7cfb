"""Settings: what is read, what is refused, and that the README says so."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from engine.errors import Misconfigured
from engine.rates import Rate
from engine.sealing import Keyring
from engine.store.address import Address
from engine.store.durability import Durability, Mode
from watchword.options import engine_options, with_embedded_redis
from watchword.settings import PREFIX, Settings, read_settings, settings_table

README = Path(__file__).parent.parent / "README.md"

EXAMPLES: dict[str, tuple[str, object]] = {
    "WATCHWORD_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104
    "WATCHWORD_PORT": ("0", 0),
    "WATCHWORD_WORKERS": ("4", 4),
    "WATCHWORD_METRICS_PORT": ("9464", 9464),
    "WATCHWORD_TLS_CERT": ("/etc/cert.pem", Path("/etc/cert.pem")),
    "WATCHWORD_TLS_KEY": ("/etc/key.pem", Path("/etc/key.pem")),
    "WATCHWORD_REDIS_URL": ("redis://redis/1", "redis://redis/1"),
    "WATCHWORD_REDIS_PASSWORD": ("secret", "secret"),
    "WATCHWORD_DURABILITY": ("replicas:2", Durability(Mode.REPLICAS, 2)),
    "WATCHWORD_DATA_DIR": ("/var/lib/watchword", Path("/var/lib/watchword")),
    "WATCHWORD_KEYS": ("k1:abc", "k1:abc"),
    "WATCHWORD_PARTITIONS": ("16", 16),
    "WATCHWORD_CALL_DEADLINE_MS": ("250", 250),
    "WATCHWORD_MAX_IN_FLIGHT": ("100", 100),
    "WATCHWORD_MAX_REQUESTS": ("100", 100),
    "WATCHWORD_PASSWORD_THREADS": ("8", 8),
    "WATCHWORD_TRUSTED_PROXIES": ("10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    "WATCHWORD_SUBMIT_LIMIT_PER_ADDRESS": ("1/2", Rate(1, 2)),
    "WATCHWORD_SUBMIT_LIMIT_PER_KEY": ("3/4", Rate(3, 4)),
    "WATCHWORD_FETCH_LIMIT_PER_API_KEY": ("0", Rate(0, 1)),
    "WATCHWORD_FETCH_LIMIT_PER_AGENT": ("1/3", Rate(1, 3)),
    "WATCHWORD_LOGIN_LIMIT_PER_EMAIL": ("5/6", Rate(5, 6)),
    "WATCHWORD_LOGIN_LIMIT_PER_ADDRESS": ("7/8", Rate(7, 8)),
    "WATCHWORD_SIGN_UP_LIMIT_PER_EMAIL": ("9/10", Rate(9, 10)),
    "WATCHWORD_SIGN_UP_LIMIT_PER_ADDRESS": ("11/12", Rate(11, 12)),
    "WATCHWORD_CALL_LIMIT_PER_CLIENT": ("13/14", Rate(13, 14)),
    "WATCHWORD_TOKEN_LIMIT_PER_ADDRESS": ("15/16", Rate(15, 16)),
    "WATCHWORD_COURIER": ("off", "off"),
    "WATCHWORD_COURIER_SLOTS": ("128", 128),
    "WATCHWORD_COURIER_CLAIM_SECONDS": ("90", 90),
    "WATCHWORD_CALLBACK_TIMEOUT_SECONDS": ("20", 20),
    "WATCHWORD_CALLBACK_NETWORKS": ("10.1.0.0/16, fd00::/8", (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))),
    "WATCHWORD_PUBLIC_URL": ("https://api.example.com/", "https://api.example.com"),
    "WATCHWORD_AUDIT_DAYS": ("30", 30),
    "WATCHWORD_AUDIT_EVENTS": ("50000", 50_000),
    "WATCHWORD_DRAIN_SECONDS": ("5", 5),
    "WATCHWORD_SHUTDOWN_SECONDS": ("6", 6),
    "WATCHWORD_LOG_LEVEL": ("debug", "debug"),
    "WATCHWORD_ACCESS_LOG": ("all", "all"),
    "WATCHWORD_TRACES_URL": ("http://collector:4318/v1/traces", "http://collector:4318/v1/traces"),
}
# Any text is a host, a path or a URL; what it is good for is seen when it is used.
TEXTS = {"HOST", "TLS_CERT", "TLS_KEY", "REDIS_URL", "REDIS_PASSWORD", "DATA_DIR", "KEYS", "TRACES_URL"}
STRICT = sorted(settings_table().keys() - {PREFIX + name for name in TEXTS})


def field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def default_in_markdown(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case Rate():
            return f"`{value.quota}/{value.window_s}`"
        case _:
            return f"`{value}`"


def rows() -> list[str]:
    """The README's table, as the struct has it."""
    defaults = Settings()
    return [
        f"| `{name}` | {default_in_markdown(getattr(defaults, field(name)))} | {setting.meaning} |"
        for name, setting in settings_table().items()
    ]


# Reading


def test_every_setting_has_an_example_here() -> None:
    assert list(EXAMPLES) == list(settings_table())


@pytest.mark.parametrize(("name", "text", "value"), [(name, *example) for name, example in EXAMPLES.items()])
def test_a_setting_is_read_from_its_variable_and_changes_no_other(name: str, text: str, value: object) -> None:
    changed = {
        known: read
        for known in settings_table()
        if (read := getattr(read_settings({name: text}), field(known))) != getattr(Settings(), field(known))
    }
    assert changed == {name: value}


def test_an_empty_environment_is_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings(dict.fromkeys(settings_table(), "")) == Settings()


def test_variables_of_other_programs_are_none_of_our_business() -> None:
    assert read_settings({"PATH": "/bin", "WATCHWORDS": "1", "watchword_port": "1"}) == Settings()


def test_every_rate_reaches_the_engine() -> None:
    limits = {name: f"{number}/60" for number, name in enumerate(settings_table(), 1) if "_LIMIT_" in name}
    expected = sorted(int(text.removesuffix("/60")) for text in limits.values())
    assert sorted(rate.quota for rate in read_settings(limits).rates) == expected


# Refusing


def test_an_unknown_variable_is_refused_by_name_and_not_by_value() -> None:
    with pytest.raises(Misconfigured, match="WATCHWORD_REDIS_URI: see the table in the README") as refusal:
        read_settings({"WATCHWORD_REDIS_URI": "redis://:secret@host"})
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", STRICT)
def test_a_value_that_cannot_be_used_is_refused_and_never_repeated(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: ") as refusal:
        read_settings({name: "hunter2"})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8080.0"),
        ("WORKERS", "0"),
        ("PARTITIONS", "4097"),
        ("CALL_DEADLINE_MS", "49"),
        ("SUBMIT_LIMIT_PER_KEY", "60"),
        ("SUBMIT_LIMIT_PER_KEY", "60/0"),
        ("LOG_LEVEL", "INFO"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CALLBACK_NETWORKS", "10.0.0.1/8"),
        ("COURIER", "ON"),
        ("COURIER_SLOTS", "0"),
        ("COURIER_CLAIM_SECONDS", "2"),
        ("CALLBACK_TIMEOUT_SECONDS", "61"),
        ("PUBLIC_URL", "api.example.com"),
        ("PUBLIC_URL", "https://user@api.example.com"),
        ("PUBLIC_URL", "https://api.example.com/?x=1"),
    ],
)
def test_what_is_just_out_of_bounds_is_refused(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=PREFIX + name):
        read_settings({PREFIX + name: text})


# Files


SECRETS = sorted(name for name, setting in settings_table().items() if setting.is_secret)


def test_what_holds_a_secret_may_be_in_a_file() -> None:
    assert SECRETS == ["WATCHWORD_KEYS", "WATCHWORD_REDIS_PASSWORD", "WATCHWORD_REDIS_URL"]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_the_file_that_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    assert getattr(read_settings({f"{name}_FILE": str(file)}), field(name)) == "hunter2"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"WATCHWORD_KEYS": "hunter2", "WATCHWORD_KEYS_FILE": "/secret"}, "are both set"),
        ({"WATCHWORD_KEYS_FILE": "/nowhere/at/all"}, "/nowhere/at/all cannot be read: No such file"),
        ({"WATCHWORD_KEYS_FILE": "/dev/null"}, "/dev/null is empty"),
        ({"WATCHWORD_PORT_FILE": "/dev/null"}, "unknown setting WATCHWORD_PORT_FILE"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence) as refusal:
        read_settings(environ)
    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match="it is not text"):
        read_settings({"WATCHWORD_KEYS_FILE": str(file)})


# From settings to an engine


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "WATCHWORD_REDIS_URL is not set"),
        ({"WATCHWORD_REDIS_URL": "redis://redis"}, "needs WATCHWORD_KEYS"),
        ({"WATCHWORD_REDIS_URL": "http://redis", "WATCHWORD_KEYS": Keyring.generate()}, "WATCHWORD_REDIS_URL"),
        ({"WATCHWORD_REDIS_URL": "redis://redis", "WATCHWORD_KEYS": "k1:hunter2"}, "key 1"),
        ({"WATCHWORD_REDIS_URL": "redis://:hunter2/@redis", "WATCHWORD_KEYS": Keyring.generate()}, "URL"),
    ],
)
def test_settings_that_open_no_engine_are_refused_without_their_secrets(
    environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Misconfigured, match=sentence) as refusal:
        engine_options(read_settings(environ))
    assert "hunter2" not in str(refusal.value)


def test_an_embedded_redis_brings_its_keys_and_keeps_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first, second = (with_embedded_redis(settings, "unix:///redis.sock") for _ in range(2))
    assert first == second
    redis = engine_options(first).redis
    assert isinstance(redis, Address)
    assert redis.socket == "/redis.sock"


def test_keys_that_are_set_win_over_those_beside_the_data(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, keys=Keyring.generate())
    assert with_embedded_redis(settings, "unix:///redis.sock").keys == settings.keys
    assert list(tmp_path.iterdir()) == []


# Telling


def test_the_table_in_the_readme_is_the_struct() -> None:
    written: list[str] = re.findall(r"^\| `WATCHWORD_.*$", README.read_text("utf-8"), re.MULTILINE)
    assert written == rows()
