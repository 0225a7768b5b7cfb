"""`watchword deliveries`."""

import re
from typing import TYPE_CHECKING

import pytest

from engine.deliveries import Attempt
from tests.commands.callbacks import REFUSED, bury_challenges, fail_challenges, taken
from tests.commands.operators import UNKNOWN, Operator

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.ids import TenantId

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NO_MESSAGE = "No message of this id was given up: `watchword deliveries list --tenant ID` shows them."


@pytest.fixture
def buried(operator: Operator, tenant: "TenantId") -> list[str]:
    """Three messages that were given up."""
    return operator.asks_engine(lambda engine: bury_challenges(engine, tenant, 3))


def waiting(operator: Operator) -> set[str]:
    """The ids of what is to be told now."""
    return {*operator.asks_engine(taken)}


def test_nothing_sent_is_said(operator: Operator, tenant: "TenantId") -> None:
    said = operator.reads("deliveries", "list", "--tenant", tenant)
    assert said == "Nothing was sent, and nothing given up.\n"
    assert operator.gets("deliveries", "list", "--tenant", tenant) == {"tenant_id": tenant, "dead": [], "log": []}


def test_every_attempt_is_listed_with_what_the_receiver_did_and_what_became_of_it(
    operator: Operator, tenant: "TenantId"
) -> None:
    async def deliver(engine: "Engine") -> list[str]:
        failed = await fail_challenges(engine, tenant, 3)
        held = await taken(engine)
        await engine.deliveries.settle(held[failed[0]], Attempt("delivered", 204, 7))
        await engine.deliveries.fail(held[failed[1]], Attempt("timeout", 0, 10_000), retry_after_s=None)
        await engine.deliveries.bury(held[failed[2]], REFUSED)
        return failed

    failed = operator.asks_engine(deliver)

    told = operator.gets("deliveries", "list", "--tenant", tenant)
    times = [line.pop("at") for line in told["log"]] + [letter.pop("since") for letter in told["dead"]]
    assert all(re.fullmatch(TIME, time) for time in times)
    assert told["dead"] == [{"message_id": failed[2]}]
    lines = sorted(told["log"], key=lambda line: failed.index(line["message_id"]))
    assert [[*line.values()] for line in lines] == [
        [failed[0], 1, "delivered", 204, 7, "delivered"],
        [failed[1], 1, "timeout", 0, 10_000, "retry"],
        [failed[2], 1, "refused", 500, 12, "dead"],
    ]
    said = operator.reads("deliveries", "list", "--tenant", tenant)
    given_up, attempts = said.split("\n\n")
    assert given_up.splitlines()[:2] == ["Given up:", "SINCE                 MESSAGE ID"]
    assert attempts.splitlines()[1].split() == [
        *("AT", "MESSAGE", "ID", "ATTEMPT", "OUTCOME", "STATUS", "MS", "LEFT")
    ]


def test_dead_letters_are_listed_alone_if_that_is_asked_for(
    operator: Operator, tenant: "TenantId", buried: list[str]
) -> None:
    told = operator.gets("deliveries", "list", "--tenant", tenant, "--dead")
    assert {letter["message_id"] for letter in told["dead"]} == set(buried)
    assert told["log"] == []
    assert "Attempts" not in operator.reads("deliveries", "list", "--tenant", tenant, "--dead")


@pytest.mark.usefixtures("buried")
def test_no_more_is_listed_than_is_asked_for(operator: Operator, tenant: "TenantId") -> None:
    told = operator.gets("deliveries", "list", "--tenant", tenant, "--most", "2")
    assert (len(told["dead"]), len(told["log"])) == (2, 2)


def test_what_is_listed_names_no_address_and_no_user(
    operator: Operator, tenant: "TenantId", buried: list[str]
) -> None:
    said = operator.reads("deliveries", "list", "--tenant", tenant)
    assert buried[0] in said
    assert "acme.example" not in said
    assert "bob" not in said


def test_a_dead_letter_is_replayed_under_the_id_that_it_had(
    operator: Operator, tenant: "TenantId", buried: list[str]
) -> None:
    assert waiting(operator) == set()

    replayed = operator.gets("deliveries", "replay", "--tenant", tenant, buried[0])

    assert replayed == {"tenant_id": tenant, "replayed": 1}
    assert waiting(operator) == {buried[0]}
    assert operator.reads("deliveries", "replay", "--tenant", tenant, *buried[1:]) == "2 to be sent again.\n"
    assert operator.gets("deliveries", "list", "--tenant", tenant, "--dead")["dead"] == []


def test_all_dead_letters_are_replayed_at_once_and_only_once(
    operator: Operator, tenant: "TenantId", buried: list[str]
) -> None:
    assert operator.gets("deliveries", "replay", "--tenant", tenant, "--all")["replayed"] == 3
    assert waiting(operator) == set(buried)
    assert operator.gets("deliveries", "replay", "--tenant", tenant, "--all")["replayed"] == 0


@pytest.mark.parametrize(
    "message_id",
    ["", "x", "msg__", "msg_x_failed", f"msg_{UNKNOWN}_failed", f"msg_{UNKNOWN}_failed_x", "\udcff", "{0}x"],
)
def test_a_message_that_was_not_given_up_is_a_sentence(
    operator: Operator, tenant: "TenantId", buried: list[str], message_id: str
) -> None:
    words = ("deliveries", "replay", "--tenant", tenant, message_id.format(*buried))
    assert NO_MESSAGE in operator.is_refused(*words)


def test_a_dead_letter_of_another_tenant_is_not_found(operator: Operator, buried: list[str]) -> None:
    other = operator.creates("Other")
    assert NO_MESSAGE in operator.is_refused("deliveries", "replay", "--tenant", other, buried[0])
    assert operator.gets("deliveries", "list", "--tenant", other) == {"tenant_id": other, "dead": [], "log": []}
    assert operator.gets("deliveries", "replay", "--tenant", other, "--all")["replayed"] == 0


def test_replay_asks_which(operator: Operator, tenant: "TenantId", buried: list[str]) -> None:
    words = ("deliveries", "replay", "--tenant", tenant)
    for more in ((), ("--all", buried[0])):
        refusal = operator.is_refused(*words, *more, exit_code=2)
        assert "Name message ids, or give --all." in refusal


@pytest.mark.parametrize("most", ["0", "1001", "all"])
def test_a_number_that_cannot_be_listed_is_refused(operator: Operator, most: str) -> None:
    refusal = operator.is_refused("deliveries", "list", "--tenant", UNKNOWN, "--most", most, exit_code=2)
    assert "'--most'" in refusal


@pytest.mark.parametrize("words", [("list",), ("list", "--dead"), ("replay", "--all"), ("replay", "x")])
def test_an_unknown_tenant_is_a_sentence(operator: Operator, words: tuple[str, ...]) -> None:
    assert "No tenant has this id" in operator.is_refused("deliveries", *words, "--tenant", UNKNOWN)
