"""What counts as a documented answer, and what is said of any other."""

import json

import pytest

from bench.answers import FETCH_OF_UNKNOWN_TENANT, GONE, TOO_MANY, Answer, Unexpected
from bench.pass_keys import PassKeys, typed

_TYPED = "+1 555 010 2030"
_SUBMITTED = {"status": "Success", "data": {"pass_key": _TYPED, "pass_phrase": "486818"}}
_FETCHED = {"status": "Success", "pass_phrase": "486818"}


def _answer(status: int, body: object) -> Answer:
    return Answer.read(status, json.dumps(body).encode())


def test_the_code_of_a_submit_is_read() -> None:
    assert _answer(200, _SUBMITTED).submitted(_TYPED) == "486818"


def test_the_code_of_a_fetch_is_read() -> None:
    assert _answer(200, _FETCHED).fetched() == "486818"


def test_a_refusal_is_known_by_its_status_and_its_body() -> None:
    gone = {"status": "Failed", "message": "Pass Key Expired"}
    assert _answer(410, gone).says(GONE)
    assert not _answer(400, gone).says(GONE)
    assert not _answer(410, {**gone, "message": "Pass Key Used"}).says(GONE)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"status": "Success"},
        {"status": "Success", "data": {"pass_key": "15550109999", "pass_phrase": "486818"}},
        {"status": "Success", "data": {"pass_key": _TYPED, "pass_phrase": ""}},
        {"status": "Success", "data": {"pass_key": _TYPED, "pass_phrase": 486818}},
        {**_SUBMITTED, "data": {**_SUBMITTED, "more": 1}},
    ],
)
def test_a_submit_with_another_body_is_unexpected_and_the_body_is_not_told(body: object) -> None:
    with pytest.raises(Unexpected, match=r"^200 with another body than documented$"):
        _answer(200, body).submitted(_TYPED)


@pytest.mark.parametrize("body", [None, {"pass_phrase": "486818"}, {**_FETCHED, "pass_phrase": None}])
def test_a_fetch_with_another_body_is_unexpected_and_the_body_is_not_told(body: object) -> None:
    with pytest.raises(Unexpected, match=r"^200 with another body than documented$"):
        _answer(200, body).fetched(410)


def test_another_status_is_told_beside_those_that_were_expected() -> None:
    with pytest.raises(Unexpected, match=r"^503 instead of 410 or 429$"):
        Answer.read(503, b"<html>").require(GONE, TOO_MANY)


def test_no_answer_is_told_by_the_kind_of_its_error_only() -> None:
    answer = Answer.read(0, None, error=ConnectionRefusedError("http://host/api/v2/x/15550102030"))
    with pytest.raises(Unexpected, match=r"^no answer \(ConnectionRefusedError\)$"):
        answer.require(FETCH_OF_UNKNOWN_TENANT)


def test_the_configuration_is_read_as_a_page_reads_it() -> None:
    details = {"pass_phrase": "system", "pass_key_expires": 60}
    assert _answer(200, {"tenant_config_details": json.dumps(details)}).configured() == details


@pytest.mark.parametrize("told", [None, "", "{", "[]"])
def test_a_configuration_that_a_page_cannot_read_is_unexpected(told: object) -> None:
    with pytest.raises(Unexpected):
        _answer(200, {"tenant_config_details": told}).configured()


def test_pass_keys_of_two_processes_and_of_two_runs_do_not_meet() -> None:
    makers = [PassKeys(worker) for worker in (0, 1)] + [PassKeys(0) for _ in range(3)]
    made = [maker.new() for maker in makers for _ in range(100)]
    assert len(set(made)) == len(made)
    assert {len(key) for key in made} == {20}


def test_a_pass_key_as_typed_is_the_same_number() -> None:
    key = PassKeys().new()
    assert "".join(filter(str.isdecimal, typed(key))) == key
    assert typed(key) != key


def test_the_outcome_of_a_challenge_is_its_state_and_that_of_a_refusal_its_word() -> None:
    problem = {"type": "https://edge.example/errors#challenge_not_found", "status": 404}
    assert _answer(200, {"status": "VERIFIED"}).outcome == (200, "VERIFIED")
    assert _answer(404, problem).outcome == (404, "challenge_not_found")
    assert _answer(502, None).outcome == (502, "")


def test_another_outcome_is_unexpected_and_its_body_is_not_told() -> None:
    assert _answer(201, {"status": "PENDING", "challenge_id": "x"}).resource(201, "PENDING")["challenge_id"] == "x"
    with pytest.raises(Unexpected, match=r"^200 with another body than documented$"):
        _answer(200, {"status": "FAILED"}).require_outcome((200, "VERIFIED"), (400, "bad_request"))


def test_an_access_token_is_read_with_its_life() -> None:
    assert _answer(200, {"access_token": "wwa", "expires_in": 3600}).token() == ("wwa", 3600)
    with pytest.raises(Unexpected, match=r"^401 instead of 200$"):
        _answer(401, {"error": "invalid_client"}).token()
