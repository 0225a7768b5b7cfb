"""A user's factor and its challenges as their scripts keep them, with instants that the tests choose."""

from typing import TYPE_CHECKING, cast

from engine.store import keys
from engine.store.challenges import (
    AttemptStatus,
    CancelStatus,
    ChallengeStore,
    ConcludeStatus,
    DecideStatus,
    ExpireStatus,
    ForgetStatus,
    OpenStatus,
)
from engine.store.factors import ChangeReply, ChangeStatus, EnrolStatus, FactorStore
from engine.store.keys import KeySpace, Place
from tests.engine.conftest import Backend

if TYPE_CHECKING:
    from tests.engine.servers import Admin

NOW_MS = 1_800_000_000_000
LIFE_MS, KEPT_MS = 300_000, 86_400_000
RECORD = bytes(range(256))
FREE, LAST, FIRST_MS, LONGEST_MS = 3, 12, 30_000, 200_000
CAPACITY = 20


def us(after_ms: int = 0) -> int:
    return (NOW_MS + after_ms) * 1000


class Case:
    """One user's factor and its challenges, in one partition. Names of challenges begin with their factor's."""

    def __init__(self, backend: Backend, space: KeySpace) -> None:
        self.backend = backend
        self.space = space
        self.factors = FactorStore(backend.runner)
        self.challenges = ChallengeStore(backend.runner)
        self.user = space.place("user", "tenant", "alice")
        self.tenant = space.place_in(self.user.partition, "factors", "tenant")
        self.factor = self.beside("f")

    def beside(self, name: str) -> Place:
        return self.space.place_in(self.user.partition, name)

    async def enrol(self, factor_id: str = "f", *, user: str = "alice", after_ms: int = 0) -> EnrolStatus:
        """Other users' factors are in the same partition."""
        reply = await self.factors.enrol(
            user=self.user if user == "alice" else self.beside(user),
            factor=self.beside(factor_id),
            tenant=self.tenant,
            factor_id=factor_id,
            record=RECORD,
            life_ms=LIFE_MS,
            now_us=us(after_ms),
        )
        return reply.status

    async def change(
        self,
        state: str,
        factor_id: str = "f",
        *,
        version: int = 1,
        step: int | None = None,
        releases: str = "",
        until_ms: int | None = None,
    ) -> ChangeReply:
        return await self.factors.change(
            factor=self.beside(factor_id),
            user=self.user,
            tenant=self.tenant,
            factor_id=factor_id,
            version=version,
            state=state,
            record=RECORD,
            step=step,
            releases=releases,
            until_ms=until_ms,
            now_us=us(),
        )

    async def activate(self) -> None:
        await self.enrol()
        assert (await self.change("ACTIVE", step=100)).status is ChangeStatus.CHANGED

    async def listed(
        self, states: str = "PAI", *, is_oldest_first: bool = False, most: int = 10, after_ms: int = 0
    ) -> tuple[int, list[bytes]]:
        reply = await self.factors.list(
            tenant=self.tenant,
            states=states,
            is_oldest_first=is_oldest_first,
            most=most,
            life_ms=LIFE_MS,
            now_us=us(after_ms),
        )
        return reply.total, reply.ids.split()

    def failures(self) -> int:
        """Failures in a row of the factor, as it has them."""
        return int(self.backend.admin.hget(keys.factor(self.factor), "failures") or 0)

    async def open(self, challenge_id: str, *, most: int = 1, after_ms: int = 0) -> tuple[OpenStatus, int]:
        reply = await self.challenges.open(
            factor=self.factor,
            challenge=self.beside(challenge_id),
            challenge_id=challenge_id,
            due_as=due_as(challenge_id),
            record=RECORD,
            most=most,
            life_ms=LIFE_MS,
            kept_ms=KEPT_MS,
            capacity=CAPACITY,
            now_us=us(after_ms),
        )
        return reply.status, reply.retry_after_ms

    async def attempt(self, challenge_id: str, *, after_ms: int = 0) -> AttemptStatus:
        reply = await self.challenges.attempt(
            challenge=self.beside(challenge_id),
            factor=self.factor,
            tenant=self.tenant,
            factor_id="f",
            free=FREE,
            first_ms=FIRST_MS,
            longest_ms=LONGEST_MS,
            last=LAST,
            now_us=us(after_ms),
        )
        return reply.status

    async def conclude(
        self,
        challenge_id: str,
        step: int | None = None,
        *,
        is_right: bool | None = None,
        after_ms: int = 0,
        notice: str = "",
    ) -> ConcludeStatus:
        """A code with a step is right, unless it is said otherwise."""
        reply = await self.challenges.conclude(
            challenge=self.beside(challenge_id),
            factor=self.factor,
            is_right=step is not None if is_right is None else is_right,
            step=step,
            due_as=due_as(challenge_id),
            notice=notice,
            now_us=us(after_ms),
        )
        return reply.status

    async def decide(
        self, challenge_id: str, *, is_approved: bool, after_ms: int = 0, notice: str = ""
    ) -> DecideStatus:
        reply = await self.challenges.decide(
            challenge=self.beside(challenge_id),
            factor=self.factor,
            is_approved=is_approved,
            due_as=due_as(challenge_id),
            notice=notice,
            now_us=us(after_ms),
        )
        return reply.status

    async def cancel(self, challenge_id: str, *, after_ms: int = 0, notice: str = "") -> CancelStatus:
        reply = await self.challenges.cancel(
            challenge=self.beside(challenge_id), due_as=due_as(challenge_id), notice=notice, now_us=us(after_ms)
        )
        return reply.status

    async def expire(self, challenge_id: str, *, after_ms: int = LIFE_MS, notice: str = "") -> ExpireStatus:
        reply = await self.challenges.expire(
            challenge=self.beside(challenge_id), due_as=due_as(challenge_id), notice=notice, now_us=us(after_ms)
        )
        return reply.status

    async def forget(self, challenge_id: str) -> ForgetStatus:
        reply = await self.challenges.forget(
            factor=self.factor,
            challenge=self.beside(challenge_id),
            challenge_id=challenge_id,
            due_as=due_as(challenge_id),
        )
        return reply.status

    async def overdue(self, *, most: int = 10, after_ms: int = LIFE_MS) -> list[str]:
        reply = await self.challenges.overdue(partition=self.factor, most=most, now_us=us(after_ms))
        return reply.due_as.decode().splitlines()

    async def state(self, challenge_id: str, *, after_ms: int = 0) -> bytes:
        return (await self.challenges.read(challenge=self.beside(challenge_id), now_us=us(after_ms))).state

    def due(self) -> dict[bytes, float]:
        """When each challenge of the due set expires, in milliseconds."""
        found = self.backend.admin.zrange(keys.due(self.factor), 0, -1, withscores=True)
        return dict(cast("list[tuple[bytes, float]]", found))

    def events(self) -> list[str]:
        """What couriers are to tell, in the order in which it happened."""
        return events(self.backend.admin, self.factor)


def due_as(challenge_id: str) -> str:
    return f"tenant f {challenge_id}"


def events(admin: "Admin", partition: Place) -> list[str]:
    """What is to be told in a partition for the first time, in order."""
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", admin.xrange(keys.outbox(partition)))
    assert all(fields[b"attempt"] == b"1" for _, fields in entries)
    return [fields[b"event"].decode() for _, fields in entries]
