"""The Apex class of integrations/salesforce, which no test here can run, held against what the edge declares."""

import re
from pathlib import Path

import pytest

from edge.app import SURFACES
from edge.openapi import document
from tests.edge.documented import Document

CLASS = (
    Path(__file__)
    .parents[2]
    .joinpath("integrations/salesforce/force-app/main/default/classes/WatchwordPasscodes.cls")
)
BASE = "/api/v2/{tenant_id}"  # what the named credential has after the host
FETCH = f"{BASE}/identity/passcode/{{key}}"


@pytest.fixture(scope="module")
def source() -> str:
    return CLASS.read_text()


@pytest.fixture(scope="module")
def declared() -> Document:
    return document(SURFACES)


def test_it_calls_paths_that_are_there(source: str, declared: Document) -> None:
    (path,) = re.findall(r"'callout:Watchword(/[^']+)'", source)
    assert re.findall(r"PASSCODES \+ '?(\w+)", source) == ["encoded", "config"]
    assert BASE + path + "{key}" == FETCH
    assert "get" in declared["paths"][FETCH]
    assert "get" in declared["paths"][f"{BASE}{path}config"]


def test_it_sends_headers_that_are_read(source: str, declared: Document) -> None:
    read = {parameter.get("name") for parameter in declared["paths"][FETCH]["get"]["parameters"]}
    assert set(re.findall(r"setHeader\('([\w-]+)'", source)) == {"Idempotency-Key"} <= read


def test_it_knows_every_answer_of_a_fetch(source: str, declared: Document) -> None:
    """What it does not name is taken for a service that cannot be used now."""
    named = {status for line in re.findall(r"when ([\d, ]+) \{", source) for status in line.split(", ")}
    assert {*declared["paths"][FETCH]["get"]["responses"]} - named == {"500", "503"}


def test_it_reads_fields_that_are_sent(source: str, declared: Document) -> None:
    schemas = declared["components"]["schemas"]
    sent = {
        name
        for struct in ("Fetched", "Config", "FullDetails")
        for name in schemas[f"identity.{struct}"]["properties"]
    }
    assert {*re.findall(r"^        (?:String|Integer) (\w+);", source, re.MULTILINE)} <= sent
