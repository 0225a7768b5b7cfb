"""`watchword callback`."""

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.commands.callbacks import URL, set_up
from tests.commands.operators import UNKNOWN, Operator

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.ids import TenantId
    from engine.tenants import Tenant


def test_there_is_no_secret_before_an_address_is_set_and_the_way_out_is_named(
    operator: Operator, tenant: "TenantId"
) -> None:
    said = operator.reads("callback", "secret", "--tenant", tenant)

    assert said == "None yet: set challenge_callback_url, or use --rotate.\n"
    shown = operator.gets("callback", "secret", "--tenant", tenant)
    assert shown == {"tenant_id": tenant, "callback_url": None, "is_off": False, "secrets": []}


def test_a_secret_comes_to_be_with_the_first_address_and_is_shown_again(
    operator: Operator, tenant: "TenantId"
) -> None:
    operator.asks_engine(lambda engine: set_up(engine, tenant))

    shown = operator.gets("callback", "secret", "--tenant", tenant)

    (secret,) = shown["secrets"]
    assert secret.startswith("whsec_")
    assert (shown["callback_url"], shown["is_off"]) == (URL, False)
    assert operator.reads("callback", "secret", "--tenant", tenant) == f"{secret}\n"


def test_a_new_secret_comes_first_and_the_one_before_stays_until_the_next(
    operator: Operator, tenant: "TenantId"
) -> None:
    rotate = ("callback", "secret", "--tenant", tenant, "--rotate")
    (first,) = operator.gets(*rotate)["secrets"]

    second, kept = operator.gets(*rotate)["secrets"]
    third = operator.reads(*rotate).splitlines()

    assert kept == first
    assert third == [third[0], second]
    assert len({first, second, third[0]}) == 3


def test_that_nothing_is_sent_any_more_is_said(operator: Operator, tenant: "TenantId") -> None:
    async def stop(engine: "Engine") -> None:
        await set_up(engine, tenant)
        await engine.configurations.stop_callbacks(tenant, URL)

    operator.asks_engine(stop)

    assert operator.gets("callback", "secret", "--tenant", tenant)["is_off"] is True
    said = operator.reads("callback", "secret", "--tenant", tenant)
    assert "answered 410: nothing is sent until the address is set again" in said


def test_secrets_of_another_tenant_are_others(operator: Operator, tenant: "TenantId") -> None:
    other = operator.creates("Other")
    shown = [
        operator.gets("callback", "secret", "--tenant", tenant_id, "--rotate") for tenant_id in (tenant, other)
    ]
    assert shown[0]["secrets"] != shown[1]["secrets"]


def test_a_secret_that_was_sealed_for_another_tenant_cannot_be_shown(
    operator: Operator, tenant: "TenantId"
) -> None:
    """As after a record was copied: one tenant's receivers are never told another's secret."""
    other = operator.creates("Other")

    async def copy(engine: "Engine") -> None:
        await engine.callback_secrets.rotate(tenant)
        sealed = (await engine.tenants.read(tenant)).callback_secrets

        def with_copy(record: "Tenant") -> "Tenant":
            return msgspec.structs.replace(record, callback_secrets=sealed)

        await engine.tenants.change(other, with_copy)

    operator.asks_engine(copy)

    refusal = operator.is_refused("callback", "secret", "--tenant", other)
    assert "changed since it was sealed" in refusal


@pytest.mark.parametrize("rotate", [(), ("--rotate",)], ids=["shown", "rotated"])
def test_an_unknown_tenant_has_no_secrets(operator: Operator, rotate: tuple[str, ...]) -> None:
    for tenant_id in (UNKNOWN, "Acme", ""):
        refusal = operator.is_refused("callback", "secret", "--tenant", tenant_id, *rotate)
        assert "No tenant has this id" in refusal
