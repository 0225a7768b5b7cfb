"""A model in Python of a factor and its challenges: what their scripts must do."""

from dataclasses import dataclass, field

from engine.store.challenges import (
    AttemptStatus,
    CancelStatus,
    ConcludeStatus,
    DecideStatus,
    ExpireStatus,
    ForgetStatus,
    OpenStatus,
)
from engine.store.factors import AttemptStatus as ActivationStatus
from engine.store.factors import ChangeStatus, EnrolStatus

START_MS = 1_800_000_000_000
LIFE_MS, KEPT_MS = 300_000, 86_400_000
PENDING_LIFE_MS = 2 * LIFE_MS  # after which a factor leaves the list; its key has the life of the server's clock
MOST_ACTIVATIONS, MOST_ATTEMPTS = 3, 2
FREE, LAST, FIRST_MS, LONGEST_MS = 2, 4, 30_000, 100_000
CAPACITY = 8


@dataclass
class ModelChallenge:
    """`state` is what has been noted: one whose time is up is PENDING until somebody notes it."""

    expires_ms: int
    notice: str
    state: str = "PENDING"
    attempts: int = 0
    wrong: int = 0


@dataclass
class Model:
    now_ms: int = START_MS
    state: str = ""
    created_ms: int = 0
    version: int = 1
    activations: int = 0
    burnt: int = -1
    failures: int = 0
    locked_ms: int = 0
    opened: int = 0
    challenges: dict[str, ModelChallenge] = field(default_factory=dict[str, ModelChallenge])
    events: list[str] = field(default_factory=list[str])

    def enrol(self) -> EnrolStatus:
        if self.state:
            return EnrolStatus.TAKEN
        self.state, self.created_ms = "PENDING", self.now_ms
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

    def listed(self, state: str) -> bool:
        """Whether the factor is among those of a state."""
        is_over = self.state == "PENDING" and self.now_ms >= self.created_ms + PENDING_LIFE_MS
        return self.state == state and not is_over

    def open(self, name: str, notice: str) -> OpenStatus:
        if not self.state:
            return OpenStatus.ABSENT
        if self.state != "ACTIVE":
            return OpenStatus.CLOSED
        if self.now_ms < self.locked_ms:
            return OpenStatus.LOCKED
        if len(self.challenges) >= CAPACITY:
            return OpenStatus.FULL
        self.opened += 1
        self.challenges[name] = ModelChallenge(self.now_ms + LIFE_MS, notice)
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
        if challenge.attempts > MOST_ATTEMPTS:
            return AttemptStatus.CLOSED
        self.failures += 1
        if self.failures > LAST:
            self.state = "INACTIVE"
            self.version += 1
            return AttemptStatus.CLOSED
        if self.failures >= FREE:
            self.locked_ms = self.now_ms + min(FIRST_MS * 2 ** (self.failures - FREE), LONGEST_MS)
        return AttemptStatus.COUNTED

    def conclude(self, name: str, *, is_right: bool, step: int | None) -> ConcludeStatus:
        challenge = self.challenges.get(name)
        if challenge is None or self.seen(challenge) != "PENDING" or self.state != "ACTIVE":
            return ConcludeStatus.CLOSED
        if is_right and (step is None or step > self.burnt):
            self.burnt, self.failures, self.locked_ms = self.burnt if step is None else step, 0, 0
            self._end(challenge, "VERIFIED")
            return ConcludeStatus.VERIFIED
        challenge.wrong += 1
        if challenge.wrong < MOST_ATTEMPTS:
            return ConcludeStatus.WRONG
        self._end(challenge, "FAILED")
        return ConcludeStatus.FAILED

    def decide(self, name: str, *, is_approved: bool) -> DecideStatus:
        challenge = self.challenges.get(name)
        if challenge is None:
            return DecideStatus.ABSENT
        if self.seen(challenge) != "PENDING" or self.state != "ACTIVE":
            return DecideStatus.CLOSED
        self._end(challenge, "VERIFIED" if is_approved else "FAILED")
        return DecideStatus.VERIFIED if is_approved else DecideStatus.FAILED

    def cancel(self, name: str) -> CancelStatus:
        challenge = self.challenges.get(name)
        if challenge is None:
            return CancelStatus.ABSENT
        if self.seen(challenge) != "PENDING":
            return CancelStatus.CLOSED
        self._end(challenge, "CANCELLED")
        return CancelStatus.CANCELLED

    def expire(self, name: str) -> ExpireStatus:
        challenge = self.challenges.get(name)
        if challenge is None or challenge.state != "PENDING":
            return ExpireStatus.ENDED
        if self.now_ms < challenge.expires_ms:
            return ExpireStatus.EARLY
        self._end(challenge, "EXPIRED", at_ms=challenge.expires_ms)
        return ExpireStatus.EXPIRED

    def forget(self, name: str) -> ForgetStatus:
        return ForgetStatus.ABSENT if self.challenges.pop(name, None) is None else ForgetStatus.FORGOTTEN

    def due(self) -> dict[str, int]:
        """When each of the challenges that nobody has ended expires."""
        pending = {name: one for name, one in self.challenges.items() if one.state == "PENDING"}
        return {name: challenge.expires_ms for name, challenge in pending.items()}

    def seen(self, challenge: ModelChallenge) -> str:
        is_over = challenge.state == "PENDING" and self.now_ms >= challenge.expires_ms
        return "EXPIRED" if is_over else challenge.state

    def _end(self, challenge: ModelChallenge, state: str, *, at_ms: int | None = None) -> None:
        challenge.state = state
        if challenge.notice:
            self.events.append(f"{challenge.notice} {state} {self.now_ms if at_ms is None else at_ms}")
