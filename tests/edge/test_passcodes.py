"""Passcodes over HTTP: once, for as long as configured, by any spelling of the number."""

import re
import string
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.edge.sockets import exchange
from tests.edge.stored import names
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant


LEAST_LIFE_SECONDS = 10


def passcode_of(tenant: "Tenant", pass_key: str) -> str:
    answer = tenant.submit(pass_key)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["pass_phrase"]


def statuses_of_fetches(tenant: "Tenant", pass_key: str, times: int) -> list[int]:
    return [tenant.fetch(pass_key).status_code for _ in range(times)]


@pytest.mark.every_server
def test_a_passcode_is_fetched_once(tenant: "Tenant") -> None:
    passcode = passcode_of(tenant, "23456")
    assert tenant.fetch("23456").json() == {"status": "Success", "pass_phrase": passcode}
    assert statuses_of_fetches(tenant, "23456", 3) == [410, 410, 410]


@pytest.mark.every_server
def test_a_pass_key_is_taken_while_its_passcode_lives_and_free_when_it_is_fetched(tenant: "Tenant") -> None:
    first = passcode_of(tenant, "23456")
    assert tenant.submit("23456").status_code == 409
    assert tenant.fetch("23456").json()["pass_phrase"] == first
    second = passcode_of(tenant, "23456")
    assert tenant.fetch("23456").json()["pass_phrase"] == second


@pytest.mark.thorough
def test_an_expired_passcode_is_gone_and_its_pass_key_is_free(tenant: "Tenant") -> None:
    tenant.configure(pass_key_expires=LEAST_LIFE_SECONDS)
    tenant.submit("expired")
    submitted = time.monotonic()
    passcode = passcode_of(tenant, "taken again")
    again = partial(tenant.submit, "taken again")
    wait_until(lambda: again().status_code == 200, within=LEAST_LIFE_SECONDS + 5)
    assert time.monotonic() - submitted > LEAST_LIFE_SECONDS - 1
    assert tenant.fetch("expired").status_code == 410
    assert tenant.fetch("taken again").json()["pass_phrase"] != passcode


def test_a_passcode_lives_as_long_as_is_configured(edge: "Edge", tenant: "Tenant") -> None:
    tenant.configure(pass_key_expires=86_400)
    before = names(edge.redis, "passcode")
    tenant.submit("23456")
    (key,) = names(edge.redis, "passcode") - before
    assert 86_390_000 < edge.redis.admin.pttl(key) <= 86_400_000


@pytest.mark.every_server
def test_unknown_used_and_expired_are_one_answer_to_the_byte(edge: "Edge", tenant: "Tenant") -> None:
    def answer(pass_key: str) -> bytes:
        request = tenant.fetch_request(pass_key, connection="close")
        return re.sub(rb"(date|x-request-id): [^\r]+", rb"\1", exchange(edge, request))

    tenant.submit("used")
    tenant.fetch("used")
    before = names(edge.redis, "passcode")
    tenant.submit("expired")
    for key in names(edge.redis, "passcode") - before:
        edge.redis.admin.pexpireat(key, 1)
    assert answer("unknown").startswith(b"HTTP/1.1 410 Gone\r\n")
    assert answer("unknown") == answer("used") == answer("expired")


@pytest.mark.parametrize("times", [2, 5])
def test_a_passcode_is_fetched_as_often_as_the_tenant_allows(
    new_tenant: "Callable[..., Tenant]", times: int
) -> None:
    tenant = new_tenant(max_fetches=times)
    tenant.submit("23456")
    assert statuses_of_fetches(tenant, "23456", times) == [200] * times
    assert tenant.fetch("23456").status_code == 410
    assert tenant.submit("23456").status_code == 200


def test_without_a_bound_a_passcode_is_fetched_until_it_expires(new_tenant: "Callable[..., Tenant]") -> None:
    tenant = new_tenant(max_fetches=0)
    passcode = passcode_of(tenant, "23456")
    assert {tenant.fetch("23456").json()["pass_phrase"] for _ in range(20)} == {passcode}
    assert tenant.submit("23456").status_code == 409


def test_a_repeated_fetch_gets_what_the_first_got_and_another_gets_nothing(tenant: "Tenant") -> None:
    passcode = passcode_of(tenant, "23456")
    for _ in range(3):
        assert tenant.fetch("23456", headers={"idempotency-key": "one"}).json()["pass_phrase"] == passcode
    assert tenant.fetch("23456", headers={"idempotency-key": "two"}).status_code == 410
    assert tenant.fetch("23456").status_code == 410


def test_an_idempotency_key_opens_one_passcode_only(tenant: "Tenant") -> None:
    passcodes = [passcode_of(tenant, key) for key in ("1111", "2222")]
    fetched = [tenant.fetch(key, headers={"idempotency-key": "one"}) for key in ("1111", "2222")]
    assert [answer.json()["pass_phrase"] for answer in fetched] == passcodes


@pytest.mark.every_server
def test_a_repeated_submit_gets_its_passcode_again_by_any_spelling_of_its_number(tenant: "Tenant") -> None:
    once = {"idempotency-key": "once"}
    first = tenant.submit("+1 555 010 2030", headers=once)
    again = tenant.submit("15550102030", headers=once)
    assert again.status_code == 200
    assert again.json()["data"]["pass_phrase"] == first.json()["data"]["pass_phrase"]


@pytest.mark.parametrize(("pass_key", "pass_phrase"), [("34567", "chennai"), ("23456", "madras")])
def test_an_idempotency_key_with_another_submit_is_refused_and_nothing_is_taken(
    tenant: "Tenant", pass_key: str, pass_phrase: str
) -> None:
    tenant.configure(pass_phrase="manual", pass_phrase_method="alphabets", pass_phrase_length=10)
    once = {"idempotency-key": "once"}
    assert tenant.submit("23456", "chennai", headers=once).status_code == 200
    assert tenant.submit(pass_key, pass_phrase, headers=once).status_code == 422
    assert tenant.fetch("34567").status_code == 410
    assert tenant.fetch("23456").json()["pass_phrase"] == "chennai"


def test_idempotency_keys_of_two_tenants_are_two(new_tenant: "Callable[..., Tenant]") -> None:
    once = {"idempotency-key": "once"}
    assert [new_tenant().submit(key, headers=once).status_code for key in ("1111", "2222")] == [200, 200]


def test_two_tenants_have_a_pass_key_each(new_tenant: "Callable[..., Tenant]") -> None:
    first, second = new_tenant(), new_tenant()
    passcodes = [passcode_of(tenant, "+1 555 010 2030") for tenant in (first, second)]
    assert [tenant.fetch("+1 555 010 2030").json()["pass_phrase"] for tenant in (first, second)] == passcodes


@pytest.mark.parametrize(
    ("alphabet", "characters"),
    [
        ("numeric", string.digits),
        ("alphabets", "ABCDEFGHJKMNPQRSTUVWXYZ"),
        ("alphanumeric", "23456789ABCDEFGHJKMNPQRSTUVWXYZ"),
    ],
)
def test_drawn_passcodes_are_of_the_configured_length_and_easily_said(
    tenant: "Tenant", alphabet: str, characters: str
) -> None:
    tenant.configure(pass_phrase_method=alphabet, pass_phrase_length=64)
    drawn = [passcode_of(tenant, f"{number}") for number in range(20)]
    assert {len(passcode) for passcode in drawn} == {64}
    assert set("".join(drawn)) == set(characters)
    assert len(set(drawn)) == len(drawn)


def test_a_drawn_passcode_does_not_ask_what_the_customer_would_like(tenant: "Tenant") -> None:
    assert tenant.submit("23456", "chennai").json()["data"]["pass_phrase"].isdecimal()


@pytest.mark.parametrize(
    ("alphabet", "good", "bad"),
    [
        ("numeric", "0123", ["12a4", "1 23", "٣٤٥"]),
        ("alphabets", "OlIo", ["abc1", "ab c", "äbc"]),
        ("alphanumeric", "a1B2", ["a-b1", "a1 b", "é123"]),
    ],
)
def test_a_chosen_passcode_is_of_the_alphabet(tenant: "Tenant", alphabet: str, good: str, bad: list[str]) -> None:
    tenant.configure(pass_phrase="manual", pass_phrase_method=alphabet, pass_phrase_length=4)
    for phrase in (*bad, "ab", "12", "abcde", "12345", ""):
        assert tenant.submit("23456", phrase).status_code == 400, phrase
    assert tenant.submit("23456", good).json()["data"]["pass_phrase"] == good
    assert tenant.fetch("23456").json()["pass_phrase"] == good


@pytest.mark.parametrize(
    ("typed", "dialed"),
    [
        ("+1 (555) 010-2030", "15550102030"),
        ("001 555 010 2030", "+15550102030"),
        (" 1.555.010.2030 ", "1-555-010-2030"),
        ("0012345678", "00-1234-5678"),  # a temporary id: its zeros are its own
    ],
)
def test_spellings_of_a_number_meet_and_the_answer_says_what_was_typed(
    tenant: "Tenant", typed: str, dialed: str
) -> None:
    submitted = tenant.submit(typed).json()["data"]
    assert submitted["pass_key"] == typed
    assert tenant.submit(dialed).status_code == 409
    assert tenant.fetch(dialed).json()["pass_phrase"] == submitted["pass_phrase"]


@pytest.mark.parametrize("dialed", ["+49 30 1234567", "004930 1234567", "(030) 1234567"])
def test_with_a_country_code_national_and_international_forms_meet(
    new_tenant: "Callable[..., Tenant]", dialed: str
) -> None:
    tenant = new_tenant(country_code=49)
    passcode = passcode_of(tenant, "030 1234567")
    assert tenant.fetch(dialed).json()["pass_phrase"] == passcode


@pytest.mark.parametrize("pass_key", ["a/b", "/", "a%2Fb", "100%", "?x=1#y", "Straße 1", "東京", "a b", "x" * 64])
def test_any_pass_key_that_can_be_typed_is_fetched_as_it_was_submitted(tenant: "Tenant", pass_key: str) -> None:
    passcode = passcode_of(tenant, pass_key)
    assert tenant.fetch(pass_key.upper() + "?").status_code != 200
    assert tenant.fetch(pass_key).json()["pass_phrase"] == passcode


def test_a_pass_key_called_config_is_fetched_by_the_older_path(tenant: "Tenant") -> None:
    passcode = passcode_of(tenant, "config")
    assert tenant.fetch("config").json()["tenant_id"] == tenant.id
    answer = tenant.http.get(f"/api/v2/{tenant.id}/verify/config", headers=tenant.key_header)
    assert answer.json()["pass_phrase"] == passcode
