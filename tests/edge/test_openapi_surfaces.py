"""What the document can say of a surface: one that has a bit of everything."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType
from openapi_spec_validator import OpenAPIV31SpecValidator

from edge.app import SURFACES
from edge.calls import Answer, Call, Content, Credential, HeaderField
from edge.dialect import ProblemDetails
from edge.errors import Row, UnsupportedMediaType
from edge.openapi import document
from edge.routes import Route, Surface
from engine import errors as engine
from tests.edge.documented import Document, validator

if TYPE_CHECKING:
    from edge.http import Reply, Request
    from edge.state import EdgeState


class Grant(msgspec.Struct):
    grant_type: Literal["client_credentials"]
    scope: Annotated[str, Meta(pattern=r"^\w+(?: \w+)*\Z")] = "authenticator"


class Problem(msgspec.Struct):
    """Named as one of another surface, and another thing."""

    error: str


class Operation(msgspec.Struct):
    op: Literal["add", "replace"]
    path: str
    value: str


class Page(msgspec.Struct, kw_only=True):
    size: Annotated[int, Meta(ge=1, le=100)] = 10
    sort: str | UnsetType = UNSET


class Search(Page, kw_only=True):
    text: str = msgspec.field(name="q")


class Factor(msgspec.Struct):
    links: dict[str, str] = msgspec.field(name="_links")
    type: str = "TOTP"
    reference: str | UnsetType = UNSET


class Sparse(msgspec.Struct, omit_defaults=True):
    note: str | None = None


async def anything(state: "EdgeState", request: "Request") -> "Reply":
    raise NotImplementedError


async def another(state: "EdgeState", request: "Request") -> "Reply":
    raise NotImplementedError


async def third(state: "EdgeState", request: "Request") -> "Reply":
    raise NotImplementedError


HAL = "application/hal+json"
CLIENT = Credential("client", {"type": "http", "scheme": "basic"})
TOKEN = Credential(
    "token",
    {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/s/token", "scopes": {"write": "all of it"}}}},
    scopes=("write",),
)
LEFT = HeaderField("X-RateLimit-Remaining", "Requests that are left.", int)

SPECIMEN = Surface(
    name="specimen",
    description="A bit of everything.",
    prefix="/s",
    dialect=ProblemDetails(),
    params={"factor_id": Annotated[str, Meta(pattern=r"^[0-9a-f]+\Z")]},
    fields={engine.LimitExceeded: (LEFT,)},
    routes=(
        Route(
            "/token",
            {
                "POST": Call(
                    anything,
                    "Get a token",
                    body=Content(Grant, "application/x-www-form-urlencoded"),
                    answers=(Answer(Problem),),
                    credentials=(CLIENT,),
                )
            },
            rows={UnsupportedMediaType: Row(415, "A form, please.")},
        ),
        Route(
            "/factors/{factor_id}",
            {
                "GET": Call(
                    another,
                    "Look for factors",
                    query=Search,
                    answers=(Answer(list[Factor], media_type=HAL, headers=(LEFT,)), Answer(Sparse, status=203)),
                    credentials=(TOKEN, CLIENT),
                    refusals=(engine.LimitExceeded, engine.FactorLocked),
                ),
                "PATCH": Call(
                    third,
                    "Change a factor",
                    body=Content(list[Operation], "application/json-patch+json"),
                    answers=(Answer(Factor, status=201, media_type=HAL), Answer(status=204)),
                    credentials=(TOKEN,),
                    refusals=(engine.UnknownFactor, engine.LimitExceeded),
                ),
            },
            aliases=("/factor/{factor_id}",),
        ),
    ),
)


@pytest.fixture(scope="module")
def made() -> Document:
    return document((*SURFACES, SPECIMEN))


@pytest.fixture
def patch(made: Document) -> Any:  # noqa: ANN401  # JSON
    return made["paths"]["/s/factors/{factor_id}"]["patch"]


@pytest.fixture
def get(made: Document) -> Any:  # noqa: ANN401
    return made["paths"]["/s/factors/{factor_id}"]["get"]


def is_valid(document: Document, content: Any, instance: Any) -> bool:  # noqa: ANN401
    (media_type,) = content.values()
    return validator(document, media_type["schema"]).is_valid(instance)


def test_it_is_valid(made: Document) -> None:
    OpenAPIV31SpecValidator(made).validate()


def test_a_body_is_a_form_or_an_array_in_its_own_media_type(made: Document, patch: Any) -> None:  # noqa: ANN401
    form = made["paths"]["/s/token"]["post"]["requestBody"]["content"]
    assert [*form] == ["application/x-www-form-urlencoded"]
    assert is_valid(made, form, {"grant_type": "client_credentials"})
    assert not is_valid(made, form, {"grant_type": "password"})
    operations = patch["requestBody"]["content"]
    assert [*operations] == ["application/json-patch+json"]
    assert is_valid(made, operations, [{"op": "add", "path": "/code", "value": "123456"}])
    assert not is_valid(made, operations, {"op": "add", "path": "/code", "value": "123456"})


def test_each_status_of_success_has_its_answer(made: Document, patch: Any, get: Any) -> None:  # noqa: ANN401
    assert [status for status in patch["responses"] if status < "300"] == ["201", "204"]
    assert "content" not in patch["responses"]["204"]
    assert [*patch["responses"]["201"]["content"]] == [HAL]
    assert get["responses"]["200"]["headers"]["X-RateLimit-Remaining"]["schema"] == {"type": "integer"}
    assert is_valid(made, get["responses"]["203"]["content"], {})


def test_an_answer_says_all_that_is_always_said(made: Document, patch: Any) -> None:  # noqa: ANN401
    content = patch["responses"]["201"]["content"]
    whole = {"_links": {"self": "/s/factors/1"}, "type": "TOTP"}
    assert is_valid(made, content, whole)
    assert is_valid(made, content, whole | {"reference": "1"})
    assert not is_valid(made, content, {"_links": {}})


def test_the_query_is_one_parameter_for_each_field(get: Any) -> None:  # noqa: ANN401
    inquired = {each["name"]: each for each in get["parameters"] if each.get("in") == "query"}
    assert {name: each["required"] for name, each in inquired.items()} == {"size": False, "sort": False, "q": True}
    assert inquired["size"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
    assert inquired["sort"]["schema"] == {"type": "string"}


def test_a_parameter_of_a_path_is_described_once(made: Document, get: Any) -> None:  # noqa: ANN401
    assert {"$ref": "#/components/parameters/specimen.factor_id"} in get["parameters"]
    schema = made["components"]["parameters"]["specimen.factor_id"]["schema"]
    assert schema == {"type": "string", "pattern": "^[0-9a-f]+$"}


def test_any_of_several_credentials_will_do(made: Document, get: Any, patch: Any) -> None:  # noqa: ANN401
    assert get["security"] == [{"token": ["write"]}, {"client": []}]
    assert patch["security"] == [{"token": ["write"]}]
    assert made["components"]["securitySchemes"]["client"] == CLIENT.scheme


def test_refusals_are_told_by_status_with_the_sentences_and_shapes_of_the_surface(
    made: Document,
    patch: Any,  # noqa: ANN401
    get: Any,  # noqa: ANN401
) -> None:
    assert made["paths"]["/s/token"]["post"]["responses"]["415"]["description"] == "A form, please."
    assert patch["responses"]["404"]["description"] == "There is no such factor."
    assert [*patch["responses"]["404"]["content"]] == ["application/problem+json"]
    assert patch["responses"]["429"]["headers"]["X-RateLimit-Remaining"]["required"]
    assert "required" not in get["responses"]["429"]["headers"]["X-RateLimit-Remaining"]
    assert "Too many wrong codes" in get["responses"]["429"]["description"]
    assert {"400", "401", "408", "413", "415", "500", "503"} <= patch["responses"].keys()
    assert not {"408", "413", "415"} & get["responses"].keys()


def test_structs_of_one_name_stay_apart(made: Document) -> None:
    """One of the dialect and one of the surface itself; and those of other surfaces keep their names."""
    ours = [name for name in made["components"]["schemas"] if name.startswith("specimen.") and "Problem" in name]
    assert len(ours) == 2
    assert "health.Problem" in made["components"]["schemas"]


def test_an_older_path_is_another_operation(made: Document) -> None:
    older = made["paths"]["/s/factor/{factor_id}"]["patch"]
    assert (older["operationId"], older["deprecated"]) == ("specimen_third_at_factor_factor_id", True)
