"""The scripts of factors and challenges against a model in Python, under a clock that the test moves."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import fakeredis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from engine.store.challenges import AttemptStatus, ChallengeStore, ConcludeStatus, OpenStatus
from engine.store.factors import AttemptStatus as ActivationStatus
from engine.store.factors import ChangeStatus, EnrolStatus, FactorStore
from engine.store.keys import KeySpace, Place
from tests.engine.conftest import FakeRunner

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

START_MS = 1_800_000_000_000
LIFE_MS, KEPT_MS = 300_000, 86_400_000
MOST_ACTIVATIONS, MOST_ATTEMPTS = 3, 2
FREE, FIRST_MS, LONGEST_MS = 2, 30_000, 100_000

recent = st.integers(0, 2)  # which challenge, counted from the youngest
steps = st.sampled_from(
    [None, None, -1, 0, 1, 1]
)  # None = a wrong code, else ahead of the last step that was accepted
passing = st.sampled_from([1, 1_000, FIRST_MS - 1, FIRST_MS, LIFE_MS - 1, LIFE_MS])


@dataclass
class ModelChallenge:
    expires_ms: int
    state: str = "PENDING"
    attempts: int = 0
    wrong: int = 0


@dataclass
class Model:
    """What a factor and its challenges must do."""

    now_ms: int = START_MS
    state: str = ""
    version: int = 1
    activations: int = 0
    burnt: int = -1
    failures: int = 0
    locked_ms: int = 0
    challenges: dict[str, ModelChallenge] = field(default_factory=dict[str, ModelChallenge])

    def enrol(self) -> EnrolStatus:
        if self.state:
            return EnrolStatus.TAKEN
        self.state = "PENDING"
        return EnrolStatus.ENROLLED

    def attempt_activation(self) -> ActivationStatus:
        if not self.state:
            return ActivationStatus.ABSENT
        if self.state != "PENDING":
            return ActivationStatus.CLOSED
        self.activations += 1
        return ActivationStatus.COUNTED if self.activations <= MOST_ACTIVATIONS else ActivationStatus.CLOSED

    def change(self, version: int, state: str, step: int | None) -> ChangeStatus:
        if not self.state:
            return ChangeStatus.ABSENT
        if version != self.version:
            return ChangeStatus.STALE
        if step is not None:
            if step <= self.burnt:
                return ChangeStatus.REPLAYED
            self.burnt = step
        self.state = state
        self.version += 1
        return ChangeStatus.CHANGED

    def open(self, name: str) -> OpenStatus:
        if not self.state:
            return OpenStatus.ABSENT
        if self.state != "ACTIVE":
            return OpenStatus.CLOSED
        if self.now_ms < self.locked_ms:
            return OpenStatus.LOCKED
        self.challenges[name] = ModelChallenge(self.now_ms + LIFE_MS)
        return OpenStatus.OPENED

    def attempt(self, name: str) -> AttemptStatus:
        challenge = self.challenges.get(name)
        if challenge is None:
            return AttemptStatus.ABSENT
        if self.seen(challenge) != "PENDING" or self.state != "ACTIVE":
            return AttemptStatus.CLOSED
        if self.now_ms < self.locked_ms:
            return AttemptStatus.LOCKED
        challenge.attempts += 1
        return AttemptStatus.COUNTED if challenge.attempts <= MOST_ATTEMPTS else AttemptStatus.CLOSED

    def conclude(self, name: str, step: int | None) -> ConcludeStatus:
        challenge = self.challenges.get(name)
        if challenge is None or self.seen(challenge) != "PENDING" or self.state != "ACTIVE":
            return ConcludeStatus.CLOSED
        if step is not None and step > self.burnt:
            self.burnt, self.failures, challenge.state = step, 0, "VERIFIED"
            return ConcludeStatus.VERIFIED
        self.failures += 1
        over = self.failures - FREE
        self.locked_ms = self.now_ms + (min(FIRST_MS * 2**over, LONGEST_MS) if over >= 0 else 0)
        challenge.wrong += 1
        if challenge.wrong < MOST_ATTEMPTS:
            return ConcludeStatus.WRONG
        challenge.state = "FAILED"
        return ConcludeStatus.FAILED

    def seen(self, challenge: ModelChallenge) -> str:
        is_over = challenge.state == "PENDING" and self.now_ms >= challenge.expires_ms
        return "EXPIRED" if is_over else challenge.state


class FactorMachine(RuleBasedStateMachine):
    """Does the same to the scripts and to the model. Challenges are named by their number."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        runner = FakeRunner(fakeredis.FakeRedis(version=(7,)))
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
                releases=False,
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.change(version, state, step)

    @rule()
    def open(self) -> None:
        name = f"{len(self._model.challenges)}"
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
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.open(name)

    @rule(age=recent)
    def attempt(self, age: int) -> None:
        name = self._name(age)
        reply = self._run(
            self._challenges.attempt(challenge=self._beside(name), factor=self._factor, now_us=self._now_us)
        )
        assert reply.status is self._model.attempt(name)

    @rule(age=recent, ahead=steps)
    def conclude(self, age: int, ahead: int | None) -> None:
        name, step = self._name(age), self._step(ahead)
        reply = self._run(
            self._challenges.conclude(
                challenge=self._beside(name),
                factor=self._factor,
                is_right=step is not None,
                step=step,
                free=FREE,
                first_ms=FIRST_MS,
                longest_ms=LONGEST_MS,
                due_as=name,
                notice="",
                now_us=self._now_us,
            )
        )
        assert reply.status is self._model.conclude(name, step)

    @invariant()
    def everybody_reads_what_the_model_says(self) -> None:
        assert self._run(self._factors.read(factor=self._factor)).state.decode() == self._model.state
        for name, challenge in self._model.challenges.items():
            reply = self._run(self._challenges.read(challenge=self._beside(name), now_us=self._now_us))
            assert reply.state.decode() == self._model.seen(challenge)

    def teardown(self) -> None:
        self._loop.close()

    @property
    def _now_us(self) -> int:
        return self._model.now_ms * 1000

    def _name(self, age: int) -> str:
        return f"{len(self._model.challenges) - 1 - age}"

    def _step(self, ahead: int | None) -> int | None:
        return None if ahead is None else max(self._model.burnt + ahead, 0)

    def _beside(self, name: str) -> Place:
        return self._space.place_in(self._user.partition, name)

    def _run(self, call: "Coroutine[object, object, T]") -> T:
        return self._loop.run_until_complete(call)


def test_factors_and_challenges_do_what_the_model_does() -> None:
    run_state_machine_as_test(
        FactorMachine, settings=settings(max_examples=150, stateful_step_count=50, deadline=None)
    )
