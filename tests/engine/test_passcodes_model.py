"""The engine's passcodes against a model in a few lines of Python, in thousands of random steps.

Time is moved in one way only: `time_passes` ends the life of every key that has one. Passcodes and their receipts
expire together, so that is what the passage of a passcode's life looks like.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from engine.assembly import Engine, Options, open_engine
from engine.configurations import Changes
from engine.errors import IdempotencyMismatch, PasscodeGone, PassKeyTaken, Refusal
from engine.ids import TenantId
from engine.policies import MAX_EXPIRES_S, PasscodePolicy
from engine.tenants import State
from tests.conftest import OWNER
from tests.engine.servers import leaks, scan

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from anyio.from_thread import BlockingPortal

    from engine.passcodes import Passcode
    from tests.engine.servers import Admin

MAX_FETCHES = (1, 3, 0)
SPELLINGS = {
    "4930123456": ("+49 30 123456", "(4930) 12.34-56"),
    "customer 7": ("customer 7", " customer 7 "),
}

# Time passes rarely enough for something to happen in between.
STEPS_OF_A_LIFE = 15

tenants = st.integers(0, len(MAX_FETCHES) - 1)
keys = st.sampled_from(sorted(SPELLINGS))
spellings = st.integers(0, 1)
idempotency_keys = st.sampled_from([None, None, "a", "b"])
phrases = st.sampled_from([None, None, "ignored"])


class Customer(NamedTuple):
    """A tenant, and what its agent fetches with."""

    tenant_id: TenantId
    api_key: str


class Model:
    """What one tenant's customers and agents must see."""

    def __init__(self, max_fetches: int) -> None:
        self._max_fetches = max_fetches
        self._live: dict[str, list[str]] = {}  # by key: the texts that fetches will still get
        self._requests: dict[str, tuple[str, str]] = {}
        self._submitted: dict[tuple[str, str], str] = {}
        self._fetched: dict[tuple[str, str], str] = {}

    def submit(self, key: str, phrase: str | None, request: str | None, text: str) -> str | type[Refusal]:
        if request is not None:
            if self._requests.setdefault(request, (key, phrase or "")) != (key, phrase or ""):
                return IdempotencyMismatch
            if (key, request) in self._submitted:
                return self._submitted[key, request]
        if self._live.get(key):
            return PassKeyTaken
        self._live[key] = [text] * (self._max_fetches or 1)
        if request is not None:
            self._submitted[key, request] = text
        return text

    def fetch(self, key: str, request: str | None) -> str | type[Refusal]:
        if request is not None and (key, request) in self._fetched:
            return self._fetched[key, request]
        if not self._live.get(key):
            return PasscodeGone
        text = self._live[key].pop() if self._max_fetches else self._live[key][0]
        if request is not None:
            self._fetched[key, request] = text
        return text


class PasscodeMachine(RuleBasedStateMachine):
    """Does the same to the engine and to one model for each tenant."""

    def __init__(
        self, engine: Engine, portal: "BlockingPortal", server: "Admin", customers: list[Customer]
    ) -> None:
        super().__init__()
        self._engine = engine
        self._portal = portal
        self._server = server
        self._customers = customers
        self._models: list[Model] = []
        self._steps = 0
        self._seen: set[str] = set()

        self._forget()

    @precondition(lambda self: self._steps >= STEPS_OF_A_LIFE)
    @rule()
    def time_passes(self) -> None:
        self._forget()

    @rule(tenant=tenants, key=keys, spelling=spellings, phrase=phrases, request=idempotency_keys)
    def submit(self, tenant: int, key: str, spelling: int, phrase: str | None, request: str | None) -> None:
        result = self._outcome(
            partial(
                self._engine.passcodes.submit,
                tenant_id=self._customers[tenant].tenant_id,
                pass_key=SPELLINGS[key][spelling],
                pass_phrase=phrase,
                address="192.0.2.1",
                idempotency_key=request,
            )
        )
        drawn = result if isinstance(result, str) else ""
        assert result == self._models[tenant].submit(key, phrase, request, drawn)
        if request is None and drawn:
            assert drawn not in self._seen
        self._seen.add(drawn)

    @rule(tenant=tenants, key=keys, spelling=spellings, request=idempotency_keys)
    def fetch(self, tenant: int, key: str, spelling: int, request: str | None) -> None:
        customer = self._customers[tenant]
        result = self._outcome(
            partial(
                self._engine.passcodes.fetch,
                tenant_id=customer.tenant_id,
                api_key=customer.api_key,
                pass_key=SPELLINGS[key][spelling],
                idempotency_key=request,
            )
        )
        assert result == self._models[tenant].fetch(key, request)

    def teardown(self) -> None:
        assert not leaks(self._server)

    def _forget(self) -> None:
        for key in scan(self._server):
            if self._server.pttl(key) > 0:
                self._server.pexpireat(key, 1)
        self._steps = 0
        self._models = [Model(max_fetches) for max_fetches in MAX_FETCHES]

    def _outcome(self, call: "partial[Coroutine[Any, Any, Passcode]]") -> str | type[Refusal]:
        self._steps += 1
        try:
            return self._portal.call(call).text
        except Refusal as refusal:
            return type(refusal)


async def make_customer(engine: Engine, number: int) -> Customer:
    tenant = await engine.tenants.create(name=f"Tenant {number}", owner=OWNER, state=State.ACTIVE)
    # So long that no two passcodes are alike by chance.
    policy = PasscodePolicy(length=20, expires_s=MAX_EXPIRES_S)
    await engine.configurations.create(tenant.id, admin=OWNER, policy=policy)
    await engine.configurations.change(tenant.id, Changes(max_fetches=MAX_FETCHES[number]))
    return Customer(tenant.id, await engine.api_keys.issue(tenant.id, name="dialer"))


def test_the_engine_does_what_the_model_does(engine_options: Options, admin_redis: "Admin") -> None:
    with (
        start_blocking_portal("asyncio", {"use_uvloop": True}) as portal,
        portal.wrap_async_context_manager(open_engine(engine_options)) as engine,
    ):
        customers = [portal.call(make_customer, engine, number) for number in range(len(MAX_FETCHES))]

        class Machine(PasscodeMachine):
            def __init__(self) -> None:
                super().__init__(engine, portal, admin_redis, customers)

        run_state_machine_as_test(
            Machine, settings=settings(max_examples=80, stateful_step_count=50, deadline=None)
        )
