"""Factors, challenges and projects as no client should ask for them: refused by field, with nothing stored."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.edge.apps import PATCH_TYPE, PHONE, App, new_app
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.edge.program import Edge
    from tests.edge.tenants import Admin, Operator

FACTORS = "/authenticator/v0.1/factors"
USER = "external_user_id"
LONG = "x" * 256
# What no name of a user holds: they would be told apart by nobody.
CONTROLS = ("\0", "a\nb", "a\x1fb", "a\x7fb", "a\x85b", "a\x9fb")


@pytest.fixture(scope="module")
def app(operator: "Operator", admin: "Admin", http: "httpx.Client") -> App:
    return new_app(operator, operator.new_tenant(admin, http))


@pytest.fixture(scope="module", autouse=True)
def _nothing_stored(edge: "Edge", app: App) -> "Iterator[None]":
    del app  # made before
    with nothing_new(edge.redis):
        yield


def refused(answer: "httpx.Response", word: str = "bad_request") -> str:
    """The detail of a refusal."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].endswith(f"/errors#{word}")
    return answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, "phone_number is required; external_user_id is required"),
        ({"phone_number": PHONE}, "external_user_id is required"),
        ({USER: "bob"}, "phone_number is required"),
        ({"phone_number": None, USER: None}, "phone_number is required; external_user_id is required"),
        ({"phone_number": "", USER: ""}, "phone_number is required; external_user_id is required"),
        ({"phone_number": 447700900000, USER: "bob"}, "phone_number must be a string"),
        ({"phone_number": [PHONE], USER: {}}, "phone_number must be a string; external_user_id must be a string"),
        ({"phone_number": PHONE, USER: LONG}, "external_user_id must have at most 255 characters"),
        ({"phone_number": "1" * 33, USER: "bob"}, "phone_number must have at most 32 characters"),
        *[({"phone_number": PHONE, USER: user}, "external_user_id is malformed") for user in CONTROLS],
    ],
    ids=repr,
)
def test_a_factor_is_refused_with_all_that_is_wrong(app: App, fields: dict[str, Any], detail: str) -> None:
    answer = app.http.post(FACTORS, json=fields, headers=app.bearer)
    assert refused(answer) == detail


@pytest.mark.parametrize(
    "number",
    [
        *("0", "+", "++447700900000", "447700900000 ", "+44 7700 900000", "07700900000", "+0447700900000"),
        *("+4477", "abc", "+999123456789", "tel:+447700900000", "+4477009000\u0660\u0660", "1" * 16),
        *("447700900000\n", "+447700900000;ext=1", "\u202e447700900000"),
    ],
)
def test_a_number_that_is_no_phones_is_refused_by_its_own_word(app: App, number: str) -> None:
    answer = app.post(FACTORS, {"phone_number": number, USER: "bob"})
    assert refused(answer, "phone_format_invalid") == "phone_number is malformed"


@pytest.mark.parametrize(
    "query",
    [
        *("page=0", "page=-1", "page=x", "page=", "page=1.5", "page=99999999999999999999", "page=1002"),
        *("size=0", "size=101", "size=%00", "page=2&size=x"),
        *(
            "sort=created_at",
            "sort=",
            "sort=name,desc",
            "sort=created_at,up",
            "sort=created_at,desc,asc",
            "sort=%00",
        ),
        *("search=x", "search===", "search=status==", "search=(status==ACTIVE", "search=status==ACTIVE)"),
        *("search=status==ACTIVE;", "search=%00", "search=%ff", f"search={'(' * 500}", f"search={'x' * 8000}"),
        f"search=external_user_id=in=({','.join(map(str, range(2000)))})",
        "search=" + ",".join(f"external_user_id=={number}" for number in range(1000)),
    ],
    ids=lambda query: query[:40],
)
def test_a_page_that_cannot_be_had_is_refused(app: App, query: str) -> None:
    assert refused(app.get(f"{FACTORS}?{query}"))


def test_more_than_32_names_are_too_many(app: App) -> None:
    names = ",".join(map(str, range(33)))
    said = app.get(f"{FACTORS}?search=external_user_id=in=({names})")
    assert refused(said) == "search must have at most 32 items"
    assert app.get(f"{FACTORS}?search=external_user_id=in=({names.removesuffix(',32')})").status_code == 200


def test_of_a_query_only_what_is_known_is_looked_at(app: App) -> None:
    for query in ("", "?", "?unknown=1", "?page=1&page=1", "?&&", "?page=1&unknown=%ff%00"):
        assert app.get(FACTORS + query).status_code == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"reference_id":5}', "reference_id must be a string"),
        (b'{"reference_id":["x"]}', "reference_id must be a string"),
        (b'{"reference_id":"a\\u0000b"}', "reference_id is malformed"),
        (json.dumps({"reference_id": LONG}).encode(), "reference_id must have at most 255 characters"),
        (b"[]", "The request body is not JSON as it is expected here."),
        (b'"x"', "The request body is not JSON as it is expected here."),
    ],
)
def test_a_challenge_with_a_reference_that_is_none_is_refused(app: App, body: bytes, detail: str) -> None:
    """Before anybody looks whether there is such a factor."""
    answer = app.http.post(f"{FACTORS}/{app.tenant.id}/challenges", content=body, headers=app.bearer)
    assert refused(answer) == detail


CALLBACK = "/configuration/authenticator/challenge_callback_url"
BAD_URLS = (
    *(
        "",
        "x",
        "/hook",
        "acme.example",
        "//acme.example",
        "ftp://acme.example",
        "file:///etc/passwd",
        "javascript:1",
    ),
    *("https://", "https:///hook", "https://?x", "http://user@acme.example", "http://user:pass@acme.example"),
    *(
        "https://acme.example/#fragment",
        "https://acme.example/a b",
        "https://acme.example/\n",
        "https://acme.ex\\ample",
    ),
    *(
        "https://acme.example:0/",
        "https://acme.example:65536/",
        "https://acme.example:x/",
        "https://[::1",
        "https://[x]/",
    ),
    *("https://acme.example/ü", "https://münchen.example/", "https://%61cme.example/", "https://acme..example/"),
    *("https://acme.example/a\\b\x7f", "https://" + "a" * 64 + ".example/", "https://acme.example/" + "x" * 2048),
)


@pytest.mark.parametrize("url", BAD_URLS, ids=lambda url: ascii(url[:40]))
def test_an_address_that_could_not_be_called_is_refused_when_it_is_set(app: App, url: str) -> None:
    """Later nobody would be there to be told."""
    detail = refused(app.patch(app.project, {"op": "add", "path": CALLBACK, "value": url}))
    assert CALLBACK.strip("/").replace("/", ".") in detail


@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["https://acme.example"]], ids=repr)
@pytest.mark.parametrize("name", ["issuer_name", "challenge_callback_url", "challenge_default_message"])
def test_what_is_no_text_is_no_configuration(app: App, name: str, value: object) -> None:
    operation = {"op": "add", "path": f"/configuration/authenticator/{name}", "value": value}
    assert f"configuration.authenticator.{name}" in refused(app.patch(app.project, operation))


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/configuration/authenticator/unknown", "value": "x"},
        {"op": "add", "path": "/configuration/unknown", "value": {}},
        {"op": "add", "path": "/name", "value": "x"},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "path": "/", "value": {}},
        {"op": "add", "path": "/configuration/../name", "value": "x"},
        {"op": "add", "path": "/configuration~1name", "value": "x"},
        {"op": "replace", "path": "/configuration", "value": None},
        {"op": "replace", "path": "/configuration", "value": []},
        {"op": "remove", "path": "/configuration/authenticator/challenge_callback_url"},
        {"op": "move", "from": "/configuration/nothing", "path": "/configuration/authenticator"},
        {"op": "copy", "from": "/name", "path": "/configuration/authenticator/issuer_name"},
        {"op": "test", "path": "/configuration/authenticator/issuer_name", "value": "Another"},
        {"op": "merge", "path": "/configuration", "value": {}},
        {"path": "/configuration", "value": {}},
        {"op": "add", "value": {}},
        {"op": "add", "path": "/configuration/authenticator/issuer_name"},
        {"op": "add", "path": "/configuration/authenticator/issuer_name", "value": "a\0b"},
        {"op": "add", "path": "/configuration/authenticator/issuer_name", "value": "x" * 201},
    ],
    ids=repr,
)
def test_a_patch_of_a_project_that_cannot_be_carried_out_changes_nothing(app: App, operation: object) -> None:
    before = app.get(app.project).json()["configuration"]
    first = {"op": "add", "path": "/configuration/authenticator/issuer_name", "value": "New"}
    refused(app.patch(app.project, operation))
    refused(app.patch(app.project, {"op": "test", "path": "/configuration", "value": before}, first, operation))
    assert app.get(app.project).json()["configuration"] == before


@pytest.mark.parametrize("name", CONTROLS)
def test_a_name_that_no_user_may_be_given_no_user_may_get(app: App, name: str) -> None:
    operation = [{"op": "replace", "path": "/external_user_id", "value": name}]
    answer = app.http.patch(
        f"{FACTORS}/{app.tenant.id}", content=json.dumps(operation), headers=app.bearer | PATCH_TYPE
    )
    assert refused(answer) == "[0].value is malformed"
