"""`watchword user`."""

from typing import TYPE_CHECKING

import pytest

from tests.commands.callbacks import fail_challenges
from tests.commands.operators import UNKNOWN, Operator

if TYPE_CHECKING:
    from engine.ids import TenantId

NOTHING = "Nothing is kept for this user."


def test_erase_says_what_it_removed_and_leaves_others_alone(operator: Operator, tenant: "TenantId") -> None:
    for user, number in (("alice", 2), ("bob", 3)):
        operator.asks_engine(
            lambda engine, user=user, number=number: fail_challenges(engine, tenant, number, user=user)
        )

    said = operator.reads("user", "erase", "--tenant", tenant, "alice")

    assert said == "Deleted 1 factor(s) and 2 challenge(s).\n"
    assert NOTHING in operator.is_refused("user", "erase", "--tenant", tenant, "alice")
    erased = operator.gets("user", "erase", "--tenant", tenant, "bob")
    assert erased == {"tenant_id": tenant, "factors": 1, "challenges": 3}


def test_a_user_of_another_tenant_is_not_erased(operator: Operator, tenant: "TenantId") -> None:
    other = operator.creates("Other")
    operator.asks_engine(lambda engine: fail_challenges(engine, tenant, 1, user="alice"))

    assert NOTHING in operator.is_refused("user", "erase", "--tenant", other, "alice")
    assert operator.gets("user", "erase", "--tenant", tenant, "alice")["factors"] == 1


@pytest.mark.parametrize("name", ["", "nobody", " bob ", "x" * 10_000])
def test_a_user_whom_nobody_knows_is_a_sentence(operator: Operator, tenant: "TenantId", name: str) -> None:
    assert NOTHING in operator.is_refused("user", "erase", "--tenant", tenant, name)


def test_an_unknown_tenant_is_a_sentence(operator: Operator) -> None:
    assert "No tenant has this id" in operator.is_refused("user", "erase", "--tenant", UNKNOWN, "alice")


@pytest.mark.parametrize("name", ["a\nb", "a\x9bb", "\udcff"])
def test_a_name_that_no_user_can_have_is_refused(operator: Operator, tenant: "TenantId", name: str) -> None:
    refusal = operator.is_refused("user", "erase", "--tenant", tenant, name, exit_code=2)
    assert "control characters" in refusal
