"""What callers say does not write the logs: no lines of its own, no fields, nothing that a terminal would obey."""

import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edge.apps import App, new_app
from tests.edge.sockets import ask, exchange, request
from watchword.logs import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator, Tenant

CLOSE = ("connection", "close")
MARK = "distinctive-forgery-4Hq"
NUMBER = "447700900982"
# What would end a line or a string, begin a field, or move a terminal's cursor.
BREAKOUTS = {
    "a quote": f'"}}{{"{MARK}":"',
    "a backslash": f'\\"{MARK}\\',
    "colours": f"\x1b[31m{MARK}\x1b]0;{MARK}\x07",
    "a format": f"%s%d%({MARK})s{{0.__class__}}${{jndi:ldap://{MARK}}}",
    "a line of Unicode": f"a\u2028{MARK}\u2029\u0085{MARK}",
    "other ways to write": f"\u202e{MARK}\u200b",
}
every_breakout = pytest.mark.parametrize("text", BREAKOUTS.values(), ids=BREAKOUTS.keys())


@pytest.fixture
def app(operator: "Operator", tenant: "Tenant") -> App:
    return new_app(operator, tenant)


@pytest.fixture(autouse=True)
def _whole_log(edge: "Edge") -> "Iterator[None]":
    """Every line an object, without raw controls, and nothing of what was said in any of them."""
    before = edge.log.stat().st_size
    yield
    log = edge.log.read_bytes()[before:]
    assert all(isinstance(json.loads(line), dict) for line in log.split(b"\n") if line)
    assert log.isascii()
    assert not {*log} & ({*range(32)} - {10})
    assert MARK.encode() not in log
    assert NUMBER.encode() not in log


@every_breakout
@pytest.mark.parametrize(
    "name",
    ["x-request-id", "user-agent", "host", "origin", "referer", "x-forwarded-for", "idempotency-key", "x-api-key"],
)
def test_a_header_is_not_in_the_log(edge: "Edge", tenant: "Tenant", name: str, text: str) -> None:
    headers = [("content-type", "application/json"), ("connection", "close"), (name, text)]
    told = request("POST", tenant.path, headers, b'{"pass_key":"1","pass_phrase":5}')
    exchange(edge, told.replace(b"host: edge\r\n", b"", 1) if name == "host" else told)


@every_breakout
def test_a_path_a_query_and_a_body_are_not_in_the_log(edge: "Edge", tenant: "Tenant", text: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in text.encode())
    body = json.dumps({"pass_key": text, "pass_phrase": text, text: [text]}).encode()
    for path in (
        f"/{encoded}",
        tenant.fetch_path(text),
        f"/api/v2/{encoded}/identity/passcode",
        f"/livez?{encoded}",
    ):
        ask(edge, request("GET", path, [CLOSE, *tenant.key_header.items()]))
    ask(edge, request("POST", tenant.path, [CLOSE, ("content-type", "application/json")], body))
    ask(edge, request("POST", "/api/v2/login", [CLOSE, ("content-type", "application/json")], body))


@every_breakout
def test_the_name_of_an_unknown_field_is_not_in_the_log(edge: "Edge", app: App, text: str) -> None:
    """It is told to the caller, whose it is; in the log it would be anything, a phone number too."""
    for name in (text, NUMBER):
        pointer = name.replace("~", "~0").replace("/", "~1")
        answer = app.patch(app.project, {"op": "add", "path": f"/configuration/{pointer}", "value": "x"})
        assert answer.status_code == 400
    assert NUMBER in answer.json()["detail"]


def test_a_break_in_a_header_makes_no_line(edge: "Edge") -> None:
    for ending in (b"\r\n", b"\n", b"\r", b"\0"):
        forged = b"x" + ending + b'{"level":"info","message":"' + MARK.encode() + b'"}'
        sent = b"GET /livez HTTP/1.1\r\nhost: edge\r\nconnection: close\r\nx-request-id: " + forged + b"\r\n\r\n"
        exchange(edge, sent)


def test_an_id_of_a_request_that_is_one_is_logged_as_it_is(edge: "Edge") -> None:
    """The one thing that a caller writes into the log: of these characters only."""
    good = "AZaz09._-" + "x" * 119
    for text in (good, good + "x", "a b", "a:b", "ä", '"', "{}", "a,b"):
        ask(edge, request("GET", "/livez", [CLOSE, ("x-request-id", text)]))

    logged = {line.get("request_id") for line in edge.log_lines()}
    assert good in logged
    assert not logged & {good + "x", "a b", "a:b", "ä", '"', "{}", "a,b"}


anything = (
    st.text(st.characters(codec=None, categories=None), max_size=30) | st.binary(max_size=10) | st.integers()
)


@given(
    message=anything,
    extra=st.dictionaries(st.from_regex(r"[a-z]{1,8}\Z"), anything | st.lists(anything), max_size=3),
)
def test_whatever_is_logged_is_one_object_on_one_line_in_ascii(message: object, extra: dict[str, object]) -> None:
    record = logging.makeLogRecord({"name": "any", "levelname": "INFO", "msg": message, "created": 0.0})
    vars(record).update({f"x_{name}": value for name, value in extra.items()})

    line = JsonFormatter().format(record)

    assert line.isascii()
    assert line.isprintable()
    said = json.loads(line)
    assert said["level"] == "info"
    assert said.keys() == {"time", "level", "logger", "message", *(f"x_{name}" for name in extra)}


@given(st.text(st.characters(codec=None, categories=None)))
def test_whatever_an_exception_says_is_within_its_line(text: str) -> None:
    error = ValueError(text)
    record = logging.makeLogRecord(
        {"msg": "broken", "levelname": "ERROR", "exc_info": (type(error), error, error.__traceback__)}
    )

    line = JsonFormatter().format(record)

    assert line.isascii()
    assert line.isprintable()
    assert "ValueError" in json.loads(line)["exception"]
