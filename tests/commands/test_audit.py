"""`watchword audit`."""

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.operators import UNKNOWN, Operator

if TYPE_CHECKING:
    from pathlib import Path

    from engine.assembly import Engine
    from engine.ids import TenantId

NUMBER = "+44 7700 900123"
FIELDS = ["at", "kind", "actor", "subject", "detail"]


@pytest.fixture
def used(operator: Operator, tenant: "TenantId") -> "TenantId":
    """A tenant of which a passcode was submitted and fetched."""

    async def use(engine: "Engine") -> None:
        api_key = await engine.api_keys.issue(tenant, name="dialer")
        await engine.passcodes.submit(
            tenant_id=tenant, pass_key=NUMBER, pass_phrase=None, address="192.0.2.1", idempotency_key=None
        )
        await engine.passcodes.fetch(tenant_id=tenant, api_key=api_key, pass_key=NUMBER, idempotency_key=None)

    operator.reads("tenant", "activate", tenant)
    operator.asks_engine(use)
    return tenant


def exported(operator: Operator, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in operator.reads("audit", "export", *words).splitlines()]


def test_an_export_is_a_json_object_a_line(operator: Operator, used: "TenantId") -> None:
    lines = exported(operator, "--tenant", used)
    assert all(list(line) == FIELDS for line in lines)
    assert {"tenant-create", "key-issue", "submit", "fetch"} <= {line["kind"] for line in lines}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"]) for line in lines)
    assert NUMBER not in str(lines)
    assert "192.0.2.1" not in str(lines)


def test_an_export_is_csv_with_a_header(operator: Operator, used: "TenantId") -> None:
    text = operator.reads("audit", "export", "--tenant", used, "--format", "csv")
    rows = [*csv.reader(io.StringIO(text))]
    assert rows[0] == FIELDS
    assert rows[1:] == [list(line.values()) for line in exported(operator, "--tenant", used)]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))], "no formula"


def test_what_is_looked_for_is_exported(operator: Operator, used: "TenantId") -> None:
    both = exported(operator, "--tenant", used, "--kind", "fetch", "--kind", "submit")
    assert [line["kind"] for line in both] == ["submit", "fetch"]
    assert exported(operator, "--tenant", used, "--pass-key", NUMBER) == both
    assert exported(operator, "--tenant", used, "--subject", both[0]["subject"]) == both
    assert exported(operator, "--tenant", used, "--actor", "api-key:") == both[1:]
    assert exported(operator, "--tenant", used, "--until", "2020-01-01") == []
    assert exported(operator, "--tenant", used, "--since", "2h", "--kind", "fetch") == both[1:]
    assert exported(operator, "--tenant", used, "--pass-key", "+44 7700 900124") == []


def test_a_pass_key_may_come_by_the_standard_input(operator: Operator, used: "TenantId") -> None:
    said = operator.types("audit", "export", "--tenant", used, "--pass-key", "-", then=f"{NUMBER}\n")
    assert said.stdout.count("\n") == 2


def test_the_journals_tell_of_every_tenant(operator: Operator, used: "TenantId") -> None:
    lines = exported(operator)
    assert {line["subject"] for line in lines} == {f"tenant:{used}"}
    assert "key-issue" in {line["kind"] for line in lines}
    assert "fetch" not in {line["kind"] for line in lines}


def test_the_last_events_are_shown_the_oldest_first(operator: Operator, used: "TenantId") -> None:
    of_passcodes = ("--tenant", used, "--no-follow", "--kind", "fetch", "--kind", "submit")
    said = operator.reads("audit", "tail", *of_passcodes, "--last", "2")
    assert [line.split()[1] for line in said.splitlines()] == ["submit", "fetch"]
    in_json = operator.reads("audit", "tail", *of_passcodes, "-n", "1", "--json")
    assert json.loads(in_json)["kind"] == "fetch"


@pytest.mark.parametrize("command", ["export", "tail"])
def test_what_cannot_be_is_refused(operator: Operator, tenant: "TenantId", command: str) -> None:
    more = ("--no-follow",) if command == "tail" else ()
    assert "No tenant has this id" in operator.is_refused("audit", command, "--tenant", UNKNOWN, *more)
    assert "kind" in operator.is_refused("audit", command, "--tenant", tenant, "--kind", "a b", *more)
    assert "needs --tenant" in operator.is_refused("audit", command, "--pass-key", NUMBER, *more, exit_code=2)
    if command == "export":
        assert "no time" in operator.is_refused("audit", command, "--since", "yesterday", exit_code=2)


def test_where_nothing_runs_nothing_is_waited_for(tmp_path: "Path") -> None:
    assert "no server runs" in Operator(tmp_path).is_refused("audit", "tail")
