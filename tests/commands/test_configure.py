"""`watchword tenant configure`, and what it does to a tenant."""

import asyncio
from pathlib import Path

import pytest

from engine.assembly import Engine
from engine.configurations import Changes
from engine.errors import Invalid, Problem
from engine.ids import AdminId, TenantId
from engine.policies import Mode, PasscodePolicy
from engine.tenants import Configuration, Tenant
from tests.commands.operators import UNKNOWN, Operator

OWNER = AdminId("0123456789abcdef" * 2)
PLAIN = Tenant(UNKNOWN, "Acme", 1)


def test_configure_sets_what_is_given(operator: Operator, tenant: TenantId) -> None:
    words = (
        *("--pass-key-expires", "120", "--pass-key-max-fetches", "0", "--pass-phrase", "manual"),
        *("--allowed-characters", "alphanumeric", "--length", "8", "--default-country-code", "+49"),
        *("--allowed-origins", "https://a.example", "--submit-limit", "3", "--fetch-limit", "0"),
    )
    configured = operator.gets("tenant", "configure", tenant, *words)
    assert configured == operator.gets("tenant", "show", tenant)
    expected = {
        "pass_key_expires": 120,
        "pass_key_max_fetches": 0,
        "pass_phrase": "manual",
        "allowed_characters": "alphanumeric",
        "length": 8,
        "default_country_code": 49,
        "allowed_origins": ["https://a.example"],
        "submit_limit": 3,
        "fetch_limit": 0,
        "limits_in_force": {"submit_per_address": "3/1", "submit_per_key": "3/1", "fetch_per_api_key": "0"},
    }
    assert configured.items() >= expected.items()
    said = operator.reads("tenant", "show", tenant)
    assert "any number, until it expires" in said
    assert "submits per address   3 in 1 s\n" in said
    assert "fetches per API key   no limit\n" in said


def test_configure_sets_how_users_are_challenged(operator: Operator, tenant: TenantId) -> None:
    words = (
        *("--challenge-life", "120", "--lock-after", "3", "--totp-digest", "SHA256", "--totp-digits", "8"),
        *("--totp-step", "60", "--totp-window", "0"),
    )
    before = operator.gets("tenant", "show", tenant)
    configured = operator.gets("tenant", "configure", tenant, *words)
    totp = {"digest": "SHA256", "digits": 8, "step": 60, "window": 0}
    assert configured == before | {"challenge_life": 120, "lock_after": 3, "totp": totp}
    said = operator.reads("tenant", "configure", tenant, "--totp-digits", "7")
    assert "challenge life        120 s\n" in said
    assert "lock after            3 failures in a row\n" in said
    assert "TOTP codes            SHA256, 7 digits, 60 s, 0 step(s) either way\n" in said


def test_configure_leaves_the_rest_as_it_is(operator: Operator, tenant: TenantId) -> None:
    operator.gets("tenant", "configure", tenant, "--length", "8", "--submit-limit", "3")
    before = operator.gets("tenant", "show", tenant)
    after = operator.gets("tenant", "configure", tenant, "--pass-key-max-fetches", "2")
    assert after == before | {"pass_key_max_fetches": 2}


def test_what_is_set_can_be_unset(operator: Operator, tenant: TenantId) -> None:
    limits = ("--submit-limit", "3", "--fetch-limit", "4", "--default-country-code", "49")
    operator.gets("tenant", "configure", tenant, *limits)
    no_limits = ("--submit-limit", "default", "--fetch-limit", "default", "--default-country-code", "")
    after = operator.gets("tenant", "configure", tenant, *no_limits)
    assert (after["submit_limit"], after["fetch_limit"], after["default_country_code"]) == (None, None, None)


def test_configure_asks_for_something_to_change(operator: Operator, tenant: TenantId) -> None:
    assert "Nothing to change" in operator.is_refused("tenant", "configure", tenant, exit_code=2)


def test_a_policy_out_of_bounds_is_refused_whole(operator: Operator, tenant: TenantId) -> None:
    before = operator.gets("tenant", "show", tenant)
    words = ("--length", "65", "--pass-key-expires", "9", "--submit-limit", "5")
    refusal = operator.is_refused("tenant", "configure", tenant, *words)
    assert "--pass-key-expires is at least 10" in refusal
    assert "--length is at most 64" in refusal
    assert operator.gets("tenant", "show", tenant) == before


@pytest.mark.parametrize(
    ("option", "low", "high"),
    [
        ("--pass-key-expires", 10, 86_400),
        ("--length", 4, 64),
        ("--challenge-life", 30, 3600),
        ("--lock-after", 1, 100),
        ("--totp-digits", 6, 8),
        ("--totp-step", 15, 120),
        ("--totp-window", 0, 10),
    ],
)
def test_every_bound_is_told_by_the_name_of_its_option(
    operator: Operator, tenant: TenantId, option: str, low: int, high: int
) -> None:
    for value in (low, high):
        operator.gets("tenant", "configure", tenant, option, str(value))
    before = operator.gets("tenant", "show", tenant)
    for value, sentence in ((low - 1, f"at least {low}"), (high + 1, f"at most {high}")):
        refusal = operator.is_refused("tenant", "configure", tenant, option, str(value))
        assert refusal == f"Error: {option} is {sentence}\n"
    assert operator.gets("tenant", "show", tenant) == before


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--pass-key-expires", "soon"),
        ("--challenge-life", "5m"),
        ("--lock-after", "never"),
        ("--totp-digest", "MD5"),
        ("--totp-digits", "six"),
        ("--totp-step", "30.5"),
        ("--totp-window", ""),
        ("--pass-key-max-fetches", "-1"),
        ("--pass-key-max-fetches", "1000001"),
        ("--pass-phrase", "both"),
        ("--allowed-characters", "emoji"),
        ("--length", "6.5"),
        ("--default-country-code", "999"),
        ("--default-country-code", "800"),  # no country's
        ("--default-country-code", "0049"),
        ("--default-country-code", "DE"),
        ("--submit-limit", "5/s"),
        ("--submit-limit", "1000001"),
        ("--fetch-limit", ""),
        ("--allowed-origins", ""),
        ("--allowed-origins", "example.com"),
        ("--allowed-origins", "https://example.com/"),
        ("--allowed-origins", "https://example.com/page"),
        ("--allowed-origins", "https://user@example.com"),
        ("--allowed-origins", "https://example.com:65536"),
        ("--allowed-origins", "https://*.example.com"),
        ("--allowed-origins", "*,https://example.com"),
        ("--allowed-origins", "https://a.example,,https://b.example"),
        ("--allowed-origins", "null"),
    ],
)
def test_a_value_that_means_nothing_is_refused(data_dir: Path, option: str, text: str) -> None:
    refusal = Operator(data_dir).is_refused("tenant", "configure", UNKNOWN, option, text, exit_code=2)
    assert f"Invalid value for '{option}'" in refusal


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", ["*"]),
        ("HTTPS://Example.COM", ["https://example.com"]),
        ("https://a.example:443, http://a.example:80", ["https://a.example", "http://a.example"]),
        ("https://a.example:8443,http://localhost:0080", ["https://a.example:8443", "http://localhost"]),
        ("http://[::1]:3000,capacitor://localhost", ["http://[::1]:3000", "capacitor://localhost"]),
        ("https://a.example,https://A.example", ["https://a.example"]),
    ],
)
def test_origins_are_kept_as_browsers_say_them(
    operator: Operator, tenant: TenantId, text: str, origins: list[str]
) -> None:
    configured = operator.gets("tenant", "configure", tenant, "--allowed-origins", text)
    assert configured["allowed_origins"] == origins


def test_two_operators_at_once_undo_nothing_of_each_other(operator: Operator, tenant: TenantId) -> None:
    changes = [Changes(length=8), Changes(expires_s=90), Changes(max_fetches=3), Changes(submit_limit=5)]

    async def all_at_once(engine: Engine) -> Tenant:
        await asyncio.gather(*[engine.configurations.change(tenant, change) for change in changes])
        return await engine.tenants.read(tenant)

    left = operator.asks_engine(all_at_once)
    assert (left.policy.length, left.policy.expires_s, left.max_fetches, left.submit_limit) == (8, 90, 3, 5)


# The engine's part


def test_no_change_is_no_change() -> None:
    assert Changes().apply(PLAIN, now=9) == PLAIN


def test_what_is_not_of_the_policy_configures_nothing() -> None:
    changed = Changes(max_fetches=2, country_code=49, allowed_origins=("https://a.example",)).apply(PLAIN, now=9)
    assert changed.configuration is None
    assert (changed.max_fetches, changed.country_code) == (2, 49)


def test_a_first_change_of_the_policy_is_the_operators() -> None:
    changed = Changes(mode=Mode.MANUAL).apply(PLAIN, now=9)
    assert changed.configuration == Configuration(PasscodePolicy(mode=Mode.MANUAL), None, 9, 9)


def test_a_later_change_keeps_who_configured_first_and_when() -> None:
    configured = Tenant(
        PLAIN.id, PLAIN.name, 1, configuration=Configuration(PasscodePolicy(length=8), OWNER, 5, 6)
    )
    changed = Changes(expires_s=30).apply(configured, now=9)
    assert changed.configuration == Configuration(PasscodePolicy(length=8, expires_s=30), OWNER, 5, 9)


def test_every_problem_of_a_policy_is_named() -> None:
    with pytest.raises(Invalid) as refusal:
        Changes(length=3, expires_s=86_401).apply(PLAIN, now=9)
    assert refusal.value.problems == (Problem("length", "min", 4), Problem("expires_s", "max", 86_400))
