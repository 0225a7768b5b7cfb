"""The running edge against its own document: generated requests for every operation, good ones and bad ones."""

from typing import TYPE_CHECKING, Any, cast

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from edge.app import SURFACES
from edge.openapi import document
from engine.policies import ChallengePolicy
from engine.tenants import Scope
from tests.edge.apps import new_app
from tests.edge.callers import PASS_KEY, Caller, House
from tests.edge.documented import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemathesis import BaseSchema

    from tests.edge.program import Edge
    from tests.edge.tenants import Operator, Tenant

EXAMPLES = 25
# What callers send of credentials is theirs to say (tests/edge/callers.py).
CONFIG = {"generation": {"with-security-parameters": False}}
CHECKS: list[Any] = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]

every_operation = pytest.mark.parametrize(
    "label", [f"{method} {path}" for path, method, _ in operations(document(SURFACES))]
)


@pytest.fixture(scope="session")
def served(edge: "Edge") -> "BaseSchema":
    """The document as it is served."""
    config = schemathesis.Config.from_dict(CONFIG)
    return schemathesis.openapi.from_url(f"{edge.url}/openapi.json", config=config)


@pytest.fixture
def house(operator: "Operator", new_tenant: "Callable[..., Tenant]") -> House:
    """With a passcode that can be fetched again and again, and a factor that does not tire of wrong codes."""
    tenant = new_tenant(max_fetches=0)
    assert tenant.submit(PASS_KEY).is_success
    app = new_app(operator, tenant, policy=ChallengePolicy(lock_after=100))
    managing_key = operator.issue_api_key(tenant, scopes=(Scope.MANAGE,))
    return House(tenant, app, app.challenge(app.active_factor()), managing_key)


@pytest.fixture
def operation(label: str, served: "BaseSchema") -> Any:  # noqa: ANN401  # schemathesis leaves its operations generic
    operation = cast("Any", served.find_operation_by_label(label))
    assert operation is not None
    return operation


@every_operation
def test_a_request_as_documented_is_carried_out(operation: Any, house: House) -> None:  # noqa: ANN401
    """Or refused as documented: a schema cannot say all that there is to say."""
    assert any(
        200 <= status < 300 for status in statuses_of(operation, [GenerationMode.POSITIVE], house.insiders())
    )


@every_operation
def test_whoever_asks_for_whatever_is_answered_as_documented(operation: Any, house: House) -> None:  # noqa: ANN401
    assert statuses_of(operation, list(GenerationMode), [*house.outsiders(), *house.insiders()])


def statuses_of(
    operation: Any,  # noqa: ANN401
    modes: "Sequence[GenerationMode]",
    callers: "Sequence[Caller]",
) -> set[int]:
    """The statuses of the answers to generated requests. Each answer is held against the document."""
    statuses: set[int] = set()
    cases: st.SearchStrategy[Any] = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(case=cases, caller=st.sampled_from(callers))
    def ask(case: Any, caller: Caller) -> None:  # noqa: ANN401
        headers = caller.brief(case)
        answer = case.call(headers=headers)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    ask()
    return statuses
