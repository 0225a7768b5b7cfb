"""Bodies that no client should send: refused in the dialect, with nothing stored, and never as our own fault."""

from typing import TYPE_CHECKING

import pytest

from tests.edge.sockets import Answer, ask, exchange, request
from tests.edge.tenants import fresh

if TYPE_CHECKING:
    import httpx

    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

pytestmark = pytest.mark.usefixtures("nothing_stored")

JSON = ("content-type", "application/json")
CLOSE = ("connection", "close")
MOST_BYTES = 16 * 1024


def failed(message: str) -> dict[str, object]:
    return {"status": "Failed", "message": message}


def wrong(**errors: str) -> dict[str, object]:
    return {"errors": {field: [told] for field, told in errors.items()}}


NOT_JSON = failed("The request body is not a JSON object.")
TOO_LARGE = failed("The request body is larger than 16 KiB.")
REQUIRED = wrong(pass_key="The pass key field is required.")
NO_TEXT = wrong(pass_key="The pass key must be a string.")
TOO_LONG = wrong(pass_key="The pass key may not be greater than 64 characters.")
FORMAT = wrong(pass_key="The pass key format is invalid.")
DEEP = b"[" * 5000 + b"]" * 5000


def post(edge: "Edge", path: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    return ask(edge, request("POST", path, [CLOSE, *(headers or [JSON])], body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"pass_key=23456",
        b"[]",
        b'["pass_key"]',
        b'"pass_key"',
        b"null",
        b"1",
        b"{",
        b'{"pass_key":"23456"} {}',
        b'{"pass_key":"23456",}',
        b"{'pass_key':'23456'}",
        b'{"pass_key":NaN}',
        b'{"pass_key":"\xff\xfe"}',  # no UTF-8
        b'{"pass_key":"\xc0\x80"}',  # an overlong NUL
        b'{"pass_key":"\xed\xa0\x80"}',  # a surrogate in UTF-8
        b'{"pass_key":"\\ud800"}',  # half of a pair
        b'{"pass_key":"a\x01b"}',  # a control character as it is
        '{"pass_key":"23456"}'.encode("utf-16"),
        b'{"pass_key":' + DEEP + b"}",
        b'{"pass_key":"23456","more":' + DEEP + b"}",
        b'{"x":' * 2000,
        DEEP,
        b'{"pass_key":1e999}',
        b'{"pass_key":' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(edge: "Edge", tenant: "Tenant", body: bytes) -> None:
    answer = post(edge, tenant.path, body)
    assert (answer.status, answer.json()) == (400, NOT_JSON)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", REQUIRED),
        (b'{"pass_key":null}', REQUIRED),
        (b'{"pass_key":""}', REQUIRED),
        (b'{"pass_key":" \\t "}', REQUIRED),
        (b'{"PASS_KEY":"23456"}', REQUIRED),
        (b'{"pass_key":23456}', NO_TEXT),
        (b'{"pass_key":1.5}', NO_TEXT),
        (b'{"pass_key":true}', NO_TEXT),
        (b'{"pass_key":["23456"]}', NO_TEXT),
        (b'{"pass_key":{}}', NO_TEXT),
        (b'{"pass_key":"23456","pass_key":5}', NO_TEXT),  # of two the last one counts
        (b'{"pass_key":"23456","pass_phrase":5}', wrong(pass_phrase="The pass phrase must be a string.")),
        (b'{"pass_key":"a\\u0000b"}', FORMAT),
        (b'{"pass_key":"a\\tb"}', FORMAT),
        (b'{"pass_key":"a\\u007fb"}', FORMAT),
        (b'{"pass_key":"a\\u200bb"}', FORMAT),
        (b'{"pass_key":"a\\u202eb"}', FORMAT),
        ('{"pass_key":"😀"}'.encode(), FORMAT),
        (b'{"pass_key":"\\ud83d\\ude00"}', FORMAT),
        (b'{"pass_key":"' + b"x" * 65 + b'"}', TOO_LONG),
        (b'{"pass_key":"' + b"1" * 4000 + b'"}', TOO_LONG),
        (b'{"key":5}', {"status": "Failed", "message": {"key": ["The key must be a string."]}}),
        (b'{"key":"\\u0000"}', {"status": "Failed", "message": {"key": ["The pass key format is invalid."]}}),
    ],
)
def test_a_pass_key_that_cannot_be_used_is_refused(
    edge: "Edge", tenant: "Tenant", body: bytes, expected: object
) -> None:
    answer = post(edge, tenant.path, body)
    assert (answer.status, answer.json()) == (400, expected)


LIFE = "tenant_config_details.pass_key_expires"
AT_LEAST = "The tenant config details.pass key expires must be at least 10."
AT_MOST = "The tenant config details.pass key expires may not be greater than 86400."
NO_INTEGER = "The tenant config details.pass key expires must be an integer."


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        *[(text, AT_LEAST) for text in ("9", "0", "-1", "-99999999999999999999999999")],
        *[(text, AT_MOST) for text in ("86401", "99999999999999999999999999")],
        *[(text, NO_INTEGER) for text in ("60.5", "60.0", "6e1", "true", '"60"', "[60]", "{}")],
        ("null", "The tenant config details.pass key expires field is required."),
    ],
)
def test_a_life_that_no_passcode_can_have_is_refused(tenant: "Tenant", expires: str, told: str) -> None:
    body = f'{{"tenant_config_details":{{"pass_key_expires":{expires}}}}}'
    headers = {"content-type": "application/json", **tenant.bearer}
    answer = tenant.http.put(f"{tenant.path}/config", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"errors": {LIFE: [told]}})


@pytest.mark.parametrize(
    ("details", "fields"),
    [
        ({"pass_phrase": "System"}, ["pass_phrase"]),
        ({"pass_phrase": ["system"]}, ["pass_phrase"]),
        ({"pass_phrase": {}, "pass_phrase_length": 3}, ["pass_phrase", "pass_phrase_length"]),
        ({"pass_phrase_length": 65}, ["pass_phrase_length"]),
        ({"pass_phrase_length": True}, ["pass_phrase_length"]),
        ({"pass_pharse_allowed_characters": "emoji"}, ["pass_pharse_allowed_characters"]),
        ({"pass_phrase_method": 5}, ["pass_phrase_method"]),
        (
            {"pass_phrase_method": "numeric", "pass_pharse_allowed_characters": "alphabets"},
            ["pass_phrase_method"],
        ),
    ],
)
def test_a_configuration_is_refused_with_all_that_is_wrong(
    tenant: "Tenant", details: dict[str, object], fields: list[str]
) -> None:
    answer = tenant.configure(**details)
    assert answer.status_code == 400
    assert [*answer.json()["errors"]] == [f"tenant_config_details.{field}" for field in fields]


@pytest.mark.parametrize("details", ["null", "[]", '"{}"', "1"])
def test_configuration_details_are_an_object(tenant: "Tenant", details: str) -> None:
    headers = {"content-type": "application/json", **tenant.bearer}
    body = f'{{"tenant_config_details":{details}}}'
    answer = tenant.http.put(f"{tenant.path}/config", content=body, headers=headers)
    assert answer.status_code == 400
    assert [*answer.json()["errors"]] == ["tenant_config_details"]


def test_the_largest_body_is_read_and_a_larger_one_is_not(http: "httpx.Client", tenant: "Tenant") -> None:
    headers = {"content-type": "application/json"}
    padded = b'{"pass_key":""}'.ljust(MOST_BYTES)
    assert http.post(tenant.path, content=padded, headers=headers).json() == REQUIRED
    for body in (padded + b" ", b"x" * 1_000_000):
        answer = http.post(tenant.path, content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (413, TOO_LARGE)


def test_a_chunked_body_is_counted_as_it_comes(edge: "Edge", tenant: "Tenant") -> None:
    head = request("POST", tenant.path, [CLOSE, JSON, ("transfer-encoding", "chunked")])
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    assert ask(edge, head + chunk * 16 + b"f\r\n" + b'{"pass_key":""}' + b"\r\n0\r\n\r\n").status == 413
    assert ask(edge, head + chunk * 17).json() == TOO_LARGE  # nor is the end of it waited for
    assert ask(edge, head + chunk * 15 + b"f\r\n" + b'{"pass_key":""}' + b"\r\n0\r\n\r\n").json() == REQUIRED


def test_half_a_body_is_not_taken_for_the_whole(edge: "Edge", tenant: "Tenant") -> None:
    """The client promised more and left. What it had sent would be good JSON."""
    sent = request("POST", tenant.path, [CLOSE, JSON], b'{"pass_key":"23456"}' + b" " * 20)
    exchange(edge, sent[:-10], half_close=True)
    assert tenant.fetch("23456").status_code == 410


@pytest.mark.parametrize("name", ["Ada\n", "Ada\x00", "Ada\u2028", " ", "'", "_", "Ada_L", "<b>", "Ada😀"])
def test_a_name_that_nobody_has_is_refused(http: "httpx.Client", name: str) -> None:
    profile = {"name": name, "email": fresh("refused").replace(" ", "") + "@example.com", "password": "12345678"}
    answer = http.post("/api/v2/tenant/user", json=profile)
    assert (answer.status_code, answer.json()) == (400, wrong(name="The name format is invalid."))


@pytest.mark.parametrize("email", ["a", "@b", "a@", "a@@b", "a@b c", "a@b\n", "a@b\x00", "a@b\u00a0", "a@b,c@d"])
def test_an_e_mail_address_that_is_none_is_refused(http: "httpx.Client", email: str) -> None:
    answer = http.post("/api/v2/tenant/user", json={"name": "Ada", "email": email, "password": "12345678"})
    assert (answer.status_code, answer.json()) == (400, wrong(email="The email must be a valid email address."))


@pytest.mark.parametrize("name", [" ", "Acme\n", "Ac\x00me", "\u00a0", "\x1f", "Acme\x7f"])
def test_a_tenant_name_that_cannot_be_read_is_refused(tenant: "Tenant", name: str) -> None:
    answer = tenant.http.post("/api/v2/tenant", json={"tenant_name": name}, headers=tenant.bearer)
    assert (answer.status_code, answer.json()) == (400, wrong(tenant_name="The tenant name format is invalid."))


@pytest.mark.parametrize("length", [7, 129])
def test_a_password_of_a_length_that_none_has_is_refused(http: "httpx.Client", length: int) -> None:
    answer = http.post("/api/v2/tenant/user", json={"name": "Ada", "email": "a@b", "password": "x" * length})
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["password"])
