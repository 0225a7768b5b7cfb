"""The ledger: what it takes for a broken promise, and what not."""

from collections import Counter

import pytest

from bench.ledger import (
    Deposit,
    FetchedTwice,
    Ledger,
    Missing,
    Question,
    SomebodyElsesCode,
    TakenTwice,
    Violation,
    WronglyAccepted,
    request_to_settle,
)
from bench.tenants import Tenant

_LIFE_S = 60
_TENANT, _OTHER = Tenant("one", "key", _LIFE_S), Tenant("other", "key", _LIFE_S)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock)


@pytest.fixture
def deposit(ledger: Ledger) -> Deposit:
    return ledger.acknowledge(_TENANT, "15550102030", "486818", sent_at=ledger.clock())


def _fetched(ledger: Ledger, deposit: Deposit, request: str, code: str = "486818") -> None:
    ledger.sending(deposit, request, repeatable=True)
    ledger.hand_out(deposit, request, code)


def _refused(ledger: Ledger, deposit: Deposit, request: str) -> None:
    ledger.sending(deposit, request, repeatable=True)
    ledger.refuse(deposit, request)


def test_a_code_that_is_fetched_once_by_whom_it_belongs_to_is_in_order(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    _refused(ledger, deposit, "b")
    assert (ledger.submitted, ledger.fetched, ledger.left()) == (1, 1, [])
    assert not ledger.violations


def test_somebody_elses_code_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    with pytest.raises(SomebodyElsesCode):
        _fetched(ledger, deposit, "a", "000000")
    assert ledger.violations == Counter([SomebodyElsesCode.sentence])


def test_a_code_that_belongs_to_nobody_is_caught(ledger: Ledger) -> None:
    with pytest.raises(SomebodyElsesCode):
        ledger.leak()
    assert ledger.violations == Counter([SomebodyElsesCode.sentence])


def test_a_second_fetch_of_a_code_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    with pytest.raises(FetchedTwice):
        _fetched(ledger, deposit, "b")


def test_both_of_two_fetches_at_once_getting_the_code_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    ledger.sending(deposit, "b", repeatable=True)
    ledger.hand_out(deposit, "b", "486818")
    with pytest.raises(FetchedTwice):
        ledger.hand_out(deposit, "a", "486818")


def test_a_repeated_fetch_may_get_the_code_again(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    _fetched(ledger, deposit, "a")
    assert ledger.fetched == 1
    assert not ledger.violations


def test_a_repeated_fetch_that_gets_another_code_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    with pytest.raises(SomebodyElsesCode):
        _fetched(ledger, deposit, "a", "000000")


def test_a_repeated_fetch_that_is_refused_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    with pytest.raises(Missing):
        _refused(ledger, deposit, "a")


def test_an_acknowledged_submit_that_is_missing_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    with pytest.raises(Missing):
        _refused(ledger, deposit, "a")
    assert ledger.left() == []


def test_a_code_that_both_of_two_fetches_at_once_are_refused_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    ledger.sending(deposit, "b", repeatable=True)
    ledger.refuse(deposit, "a")
    with pytest.raises(Missing):
        ledger.refuse(deposit, "b")


def test_a_code_that_may_have_expired_is_not_missing(ledger: Ledger, deposit: Deposit, clock: Clock) -> None:
    clock.now += _LIFE_S
    _refused(ledger, deposit, "a")
    assert ledger.expired == 1
    assert not ledger.violations


def test_a_code_whose_fetch_was_never_answered_is_not_missing(ledger: Ledger, deposit: Deposit) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    _refused(ledger, deposit, "b")
    assert ledger.left() == [deposit]
    assert not ledger.violations


def test_a_code_that_is_refused_to_the_repeat_of_an_unanswered_fetch_is_missing(
    ledger: Ledger, deposit: Deposit
) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    with pytest.raises(Missing):
        _refused(ledger, deposit, "a")


def test_a_pass_key_that_is_given_to_two_customers_at_a_time_is_caught(ledger: Ledger, deposit: Deposit) -> None:
    with pytest.raises(TakenTwice):
        ledger.acknowledge(_TENANT, deposit.pass_key, "123456", sent_at=ledger.clock())


def test_a_pass_key_may_be_taken_by_another_tenants_customer(ledger: Ledger, deposit: Deposit) -> None:
    ledger.acknowledge(_OTHER, deposit.pass_key, "123456", sent_at=ledger.clock())
    assert len(ledger.left()) == 2


def test_a_pass_key_is_free_again_when_its_code_was_fetched(ledger: Ledger, deposit: Deposit) -> None:
    _fetched(ledger, deposit, "a")
    anew = ledger.acknowledge(_TENANT, deposit.pass_key, "123456", sent_at=ledger.clock())
    _fetched(ledger, anew, "b", "123456")
    assert ledger.fetched == 2
    assert not ledger.violations


def test_a_pass_key_is_free_again_when_its_code_may_have_expired(
    ledger: Ledger, deposit: Deposit, clock: Clock
) -> None:
    clock.now += _LIFE_S
    anew = ledger.acknowledge(_TENANT, deposit.pass_key, "123456", sent_at=clock.now)
    assert ledger.left() == [anew]
    assert ledger.expired == 1


def test_a_repeated_submit_must_be_told_the_same_code(ledger: Ledger, deposit: Deposit) -> None:
    ledger.acknowledge_again(deposit, "486818")
    with pytest.raises(SomebodyElsesCode):
        ledger.acknowledge_again(deposit, "000000")


def test_what_is_left_is_neither_fetched_nor_expired(ledger: Ledger, deposit: Deposit, clock: Clock) -> None:
    del deposit  # expires
    clock.now += _LIFE_S
    fetched, left = (ledger.acknowledge(_TENANT, key, "1", sent_at=clock.now) for key in ("1", "2"))
    _fetched(ledger, fetched, "a", "1")
    assert ledger.left() == [left]
    assert ledger.expired == 1


def test_what_was_never_asked_for_is_settled_by_a_fresh_request(deposit: Deposit) -> None:
    assert request_to_settle(deposit, "fresh") == "fresh"


def test_what_was_asked_for_without_an_answer_is_settled_by_the_same_request(
    ledger: Ledger, deposit: Deposit
) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    assert request_to_settle(deposit, "fresh") == "a"


def test_what_was_asked_for_without_an_answer_and_cannot_be_repeated_is_not_settled(
    ledger: Ledger, deposit: Deposit
) -> None:
    ledger.sending(deposit, "a", repeatable=False)
    assert request_to_settle(deposit, "fresh") is None


def test_what_two_asked_for_without_an_answer_is_not_settled(ledger: Ledger, deposit: Deposit) -> None:
    ledger.sending(deposit, "a", repeatable=True)
    ledger.sending(deposit, "b", repeatable=True)
    assert request_to_settle(deposit, "fresh") is None


def test_an_answer_is_accepted_once(ledger: Ledger) -> None:
    question = Question("/challenge")
    ledger.accept(question, is_right=True)
    assert ledger.verified == 1
    with pytest.raises(WronglyAccepted):
        ledger.accept(question, is_right=True)
    assert ledger.violations == Counter([WronglyAccepted.sentence])
    assert ledger.verified == 1


def test_an_answer_that_is_wrong_and_accepted_is_caught(ledger: Ledger) -> None:
    with pytest.raises(WronglyAccepted):
        ledger.accept(Question("/challenge"), is_right=False)
    assert ledger.verified == 0


@pytest.mark.parametrize("violation", Violation.__subclasses__())
def test_a_violation_names_neither_code_nor_pass_key(violation: type[Violation]) -> None:
    assert str(violation()) == violation.sentence
    assert not any(map(str.isdigit, violation.sentence))


def test_nothing_that_is_printed_of_a_deposit_is_a_secret(deposit: Deposit) -> None:
    assert not any(secret in repr(deposit) for secret in ("486818", "15550102030", "'key'"))
