"""The scripts of factors and challenges against a model in Python, under a clock that the test moves."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import fakeredis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from engine.store import keys
from engine.store.challenges import ChallengeStore, ReadStatus
from engine.store.factors import FactorStore
from engine.store.keys import KeySpace, Place
from tests.engine.cases import events
from tests.engine.conftest import FakeRunner
from tests.engine.factor_model import (
    CAPACITY,
    FIRST_MS,
    FREE,
    KEPT_MS,
    LAST,
    LIFE_MS,
    LONGEST_MS,
    MOST_ACTIVATIONS,
    MOST_ATTEMPTS,
    PENDING_LIFE_MS,
    Model,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Code(NamedTuple):
    """`ahead` is how far its step is ahead of the last one that was accepted. Codes that were sent have none."""

    is_right: bool
    ahead: int | None = None


recent = st.integers(0, 2)  # which challenge, counted from the youngest
steps = st.sampled_from([None, None, -1, 0, 1, 1])
codes = st.sampled_from([Code(False)] * 3 + [Code(True), Code(True, -1), Code(True, 0), Code(True, 1)])
passing = st.sampled_from([1, 1_000, FIRST_MS - 1, FIRST_MS, LIFE_MS - 1, LIFE_MS])


class FactorMachine(RuleBasedStateMachine):
    """Does the same to the scripts and to the model. Challenges are named by their number."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._server = fakeredis.FakeRedis(version=(7,))
        runner = FakeRunner(self._server)
        self._factors, self._challenges = FactorStore(runner), ChallengeStore(runner)
        self._space = KeySpace(partitions=8, index_key=bytes(32))
        self._user = self._space.place("user", "tenant", "alice")
        self._factor = self._beside("factor")
        self._tenant = self._beside("tenant")

    @initialize(is_active=st.sampled_from([True, True, True, False]))
    def begin(self, *, is_active: bool) -> None:
        self._model = Model()
        if is_active:
            self.enrol()
            self.change(newer=0, state="ACTIVE", ahead=None)

    @rule(passed_ms=passing)
    def time_passes(self, passed_ms: int) -> None:
        self._model.now_ms += passed_ms

    @rule()
    def enrol(self) -> None:
        reply = self._run(
            self._factors.enrol(
                user=self._user,
                factor=self._factor,
                tenant=self._tenant,
                factor_id="f",
                record=b"sealed",
                life_ms=KEPT_MS,
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.enrol()

    @rule()
    def attempt_activation(self) -> None:
        reply = self._run(self._factors.attempt(factor=self._factor, most=MOST_ACTIVATIONS, now_us=self._now_us))
        assert reply.status is self._model.attempt_activation()

    @rule(newer=st.sampled_from([0, 0, 0, 1]), state=st.sampled_from(["ACTIVE"] * 9 + ["INACTIVE"]), ahead=steps)
    def change(self, newer: int, state: str, ahead: int | None) -> None:
        version, step = self._model.version + newer, self._step(ahead)
        reply = self._run(
            self._factors.change(
                factor=self._factor,
                user=self._user,
                tenant=self._tenant,
                factor_id="f",
                version=version,
                state=state,
                record=b"sealed",
                step=step,
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.change(version, state, step)

    @rule(is_told=st.booleans())
    def open(self, *, is_told: bool) -> None:
        name = f"{self._model.opened}"
        reply = self._run(
            self._challenges.open(
                factor=self._factor,
                challenge=self._beside(name),
                challenge_id=name,
                due_as=name,
                record=b"sealed",
                most=MOST_ATTEMPTS,
                life_ms=LIFE_MS,
                kept_ms=KEPT_MS,
                capacity=CAPACITY,
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.open(name, f"topic tenant {name}" if is_told else "")

    @rule(age=recent)
    def attempt(self, age: int) -> None:
        name = self._name(age)
        reply = self._run(
            self._challenges.attempt(
                challenge=self._beside(name),
                factor=self._factor,
                tenant=self._tenant,
                factor_id="f",
                free=FREE,
                first_ms=FIRST_MS,
                longest_ms=LONGEST_MS,
                last=LAST,
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.attempt(name)

    @rule(age=recent, code=codes)
    def conclude(self, age: int, code: Code) -> None:
        name, step = self._name(age), self._step(code.ahead)
        reply = self._run(
            self._challenges.conclude(
                challenge=self._beside(name),
                factor=self._factor,
                is_right=code.is_right,
                step=step,
                due_as=name,
                notice=self._notice(name),
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.conclude(name, is_right=code.is_right, step=step)

    @rule(age=recent, is_approved=st.booleans())
    def decide(self, age: int, *, is_approved: bool) -> None:
        name = self._name(age)
        reply = self._run(
            self._challenges.decide(
                challenge=self._beside(name),
                factor=self._factor,
                is_approved=is_approved,
                due_as=name,
                notice=self._notice(name),
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.decide(name, is_approved=is_approved)

    @rule(age=recent)
    def cancel(self, age: int) -> None:
        name = self._name(age)
        reply = self._run(
            self._challenges.cancel(
                challenge=self._beside(name), due_as=name, notice=self._notice(name), now_us=self._now_us
            )
        )
        assert reply.status is self._model.cancel(name)

    @rule(age=recent)
    def expire(self, age: int) -> None:
        """A courier may have read the due set long ago, and comes at any time."""
        self._expire(self._name(age))

    @rule()
    def expire_what_is_overdue(self) -> None:
        reply = self._run(self._challenges.overdue(partition=self._factor, most=100, now_us=self._now_us))
        overdue = reply.due_as.decode().splitlines()
        due = self._model.due().items()
        assert set(overdue) == {name for name, expires_ms in due if expires_ms <= self._model.now_ms}
        for name in overdue:
            self._expire(name)

    @rule(age=recent)
    def forget(self, age: int) -> None:
        name = self._name(age)
        reply = self._run(
            self._challenges.forget(
                factor=self._factor, challenge=self._beside(name), challenge_id=name, due_as=name
            )
        )
        assert reply.status is self._model.forget(name)

    @invariant()
    def everybody_reads_what_the_model_says(self) -> None:
        assert self._run(self._factors.read(factor=self._factor)).state.decode() == self._model.state
        for number in range(self._model.opened):
            challenge = self._model.challenges.get(f"{number}")
            reply = self._run(self._challenges.read(challenge=self._beside(f"{number}"), now_us=self._now_us))
            assert (reply.status is ReadStatus.ABSENT) == (challenge is None)
            assert challenge is None or reply.state.decode() == self._model.seen(challenge)

    @invariant()
    def the_factor_is_listed_by_its_state(self) -> None:
        for state in ("PENDING", "ACTIVE", "INACTIVE"):
            reply = self._run(
                self._factors.list(
                    tenant=self._tenant,
                    states=state[0],
                    is_oldest_first=True,
                    most=10,
                    life_ms=PENDING_LIFE_MS,
                    now_us=self._now_us,
                )
            )
            expected = [b"f", b"%d" % self._model.created_ms] if self._model.listed(state) else []
            assert (reply.total, reply.ids.split()) == (len(expected) // 2, expected)

    @invariant()
    def every_end_is_told_once_and_what_has_not_ended_is_due(self) -> None:
        assert events(self._server, self._factor) == self._model.events
        due = self._server.zrange(keys.due(self._factor), 0, -1, withscores=True)
        assert due == sorted(
            ((name.encode(), float(expires_ms)) for name, expires_ms in self._model.due().items()),
            key=lambda one: (one[1], one[0]),
        )

    def teardown(self) -> None:
        self._loop.close()

    @property
    def _now_us(self) -> int:
        return self._model.now_ms * 1000

    def _name(self, age: int) -> str:
        return f"{self._model.opened - 1 - age}"

    def _notice(self, name: str) -> str:
        challenge = self._model.challenges.get(name)
        return "" if challenge is None else challenge.notice

    def _step(self, ahead: int | None) -> int | None:
        return None if ahead is None else max(self._model.burnt + ahead, 0)

    def _expire(self, name: str) -> None:
        reply = self._run(
            self._challenges.expire(
                challenge=self._beside(name), due_as=name, notice=self._notice(name), now_us=self._now_us
            )
        )
        assert reply.status is self._model.expire(name)

    def _beside(self, name: str) -> Place:
        return self._space.place_in(self._user.partition, name)

    def _run(self, call: "Coroutine[object, object, T]") -> T:
        return self._loop.run_until_complete(call)


@pytest.mark.parametrize("examples", [40, pytest.param(150, marks=pytest.mark.thorough)])
def test_factors_and_challenges_do_what_the_model_does(examples: int) -> None:
    run_state_machine_as_test(
        FactorMachine, settings=settings(max_examples=examples, stateful_step_count=50, deadline=None)
    )
