"""What a run is told by the environment, and what it says of an environment that cannot be used."""

import re
from pathlib import Path

import pytest

from bench.environment import READERS, Settings, read_settings
from bench.operator import Unusable
from bench.tenants import Tenant

_ONE, _TWO = "2dddb241-4dac-4a3b-9f42-7b56797cf451", "83cc0c00-3cd6-4eae-95dc-34fbd1b5c665"


def test_an_empty_environment_is_the_defaults() -> None:
    assert read_settings({"BENCH_TENANTS": "", "PATH": "/bin"}) == Settings()


def test_tenants_are_read_with_their_keys() -> None:
    settings = read_settings({"BENCH_TENANTS": f"{_ONE}:wwk1, {_TWO.upper()}:wwk2"})
    assert settings.tenants == (Tenant(_ONE, "wwk1"), Tenant(_TWO, "wwk2"))


def test_everything_else_is_read_too() -> None:
    environ = {
        "BENCH_LIMITED_TENANT": f"{_ONE}:wwk1",
        "BENCH_SHAPE": "soak",
        "BENCH_WAIT": "0.5",
        "BENCH_SWEEP": "10",
    }
    assert read_settings(environ) == Settings((), Tenant(_ONE, "wwk1"), shape="soak", wait=0.5, sweep=10)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"BENCH_TENANT": "x"}, "unknown variable BENCH_TENANT: see bench/LOCUST.md"),
        ({"BENCH_TENANTS": "acme:k3y"}, "BENCH_TENANTS: entry 1 is not tenant_id:api_key"),
        ({"BENCH_TENANTS": f"{_ONE}:k3y,{_TWO}"}, "BENCH_TENANTS: entry 2 is not tenant_id:api_key"),
        ({"BENCH_TENANTS": f"{_ONE}:k3y,"}, "BENCH_TENANTS: entry 2 is not tenant_id:api_key"),
        ({"BENCH_TENANTS": f"{_ONE}:k3y,{_ONE.upper()}:k3y"}, "BENCH_TENANTS: a tenant is named twice"),
        (
            {"BENCH_LIMITED_TENANT": f"{_ONE}:k3y,{_TWO}:k3y"},
            "BENCH_LIMITED_TENANT: one tenant_id:api_key is needed",
        ),
        ({"BENCH_CLIENTS": f"{_ONE}:k3y"}, "BENCH_CLIENTS: entry 1 is not client_id:client_secret"),
        (
            {"BENCH_CLIENTS": f"{_ONE}.{'0' * 16}:k3y,{_ONE}.{'1' * 16}:k3y"},
            "BENCH_CLIENTS: a tenant is named twice",
        ),
        ({"BENCH_SETUP": "yes"}, "BENCH_SETUP: 1 or 0 is needed"),
        (
            {"BENCH_SETUP": "1", "BENCH_TENANTS": f"{_ONE}:k3y"},
            "BENCH_SETUP makes tenants: unset it, or unset BENCH_TENANTS, BENCH_LIMITED_TENANT and BENCH_CLIENTS",
        ),
        ({"BENCH_SHAPE": "cliff"}, "BENCH_SHAPE: one of steps, spike, soak is needed"),
        ({"BENCH_WAIT": "soon"}, "BENCH_WAIT: seconds from 0 to 3600 are needed"),
        ({"BENCH_WAIT": "nan"}, "BENCH_WAIT: seconds from 0 to 3600 are needed"),
        ({"BENCH_SWEEP": "-1"}, "BENCH_SWEEP: a whole number is needed"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence_without_the_key(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_settings(environ)
    assert str(refused.value) == sentence
    assert "k3y" not in str(refused.value)


def test_clients_are_read_with_their_tenants() -> None:
    (client,) = read_settings({"BENCH_CLIENTS": f"{_ONE}.0123456789abcdef:wwc1"}).clients
    assert (client.tenant_id, client.id, client.secret) == (_ONE, f"{_ONE}.0123456789abcdef", "wwc1")
    assert client.bearer is None
    client.keep("wwa1", 60)
    assert client.bearer == {"authorization": "Bearer wwa1"}
    assert not any(secret in repr(client) for secret in ("wwc1", "wwa1"))


def test_nothing_that_is_printed_of_the_settings_is_a_key() -> None:
    assert "wwk1" not in repr(read_settings({"BENCH_TENANTS": f"{_ONE}:wwk1"}))


def test_the_document_has_a_row_for_every_variable() -> None:
    document = Path(__file__).resolve().parents[2] / "bench" / "LOCUST.md"
    assert re.findall(r"^\| `(BENCH_\w+)` \|", document.read_text(), flags=re.MULTILINE) == list(READERS)
