"""Patches: read in any spelling, told by name what is wrong with them, and never carried out by halves."""

import copy
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.authenticator.patches import apply, challenge_code, factor_changes
from edge.errors import MalformedBody
from engine.errors import Invalid, Problem
from engine.factor_records import Changes
from engine.ids import UserName

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = {"op": "add", "path": "/code", "value": "123456"}
RENAME = {"op": "replace", "path": "/external_user_id", "value": "alice"}
END = {"op": "replace", "path": "/status", "value": "INACTIVE"}

read_as_configuration = partial(apply, {"configuration": {}})


def body(*operations: object) -> bytes:
    return json.dumps(operations).encode()


def problems(read: "Callable[[bytes], object]", content: bytes) -> list[Problem]:
    with pytest.raises(Invalid) as refusal:
        read(content)
    return list(refusal.value.problems)


@pytest.mark.parametrize(
    ("operations", "changes"),
    [
        ([CODE], Changes(code="123456")),
        ([{**CODE, "op": "replace"}], Changes(code="123456")),
        ([{**CODE, "value": "00000000"}], Changes(code="00000000")),
        ([RENAME], Changes(user=UserName("alice"))),
        ([{**RENAME, "op": "add"}], Changes(user=UserName("alice"))),
        ([{**RENAME, "value": "Zoë / ☃ ' \""}], Changes(user=UserName("Zoë / ☃ ' \""))),
        ([{**RENAME, "value": "x" * 255}], Changes(user=UserName("x" * 255))),
        ([END], Changes(is_ended=True)),
        ([{**END, "op": "add"}], Changes(is_ended=True)),
        ([RENAME, END], Changes(user=UserName("alice"), is_ended=True)),
        ([END, CODE, RENAME], Changes("123456", UserName("alice"), is_ended=True)),
        ([{**CODE, "from": "/status", "comment": {"x": [1]}}], Changes(code="123456")),
    ],
)
def test_changes_of_a_factor_are_read(operations: list[object], changes: Changes) -> None:
    assert factor_changes(body(*operations)) == changes


@pytest.mark.parametrize(
    "content",
    [
        b'[{"op":"add","path":"/code","value":"123456"}]',
        b'[{"value":"123456","path":"/code","op":"add"}]',
        b' [ {"path" : "/code",\n"op":"\\u0061dd", "value":"123456"} ] ',
    ],
)
def test_the_keys_of_an_operation_come_in_any_order(content: bytes) -> None:
    assert factor_changes(content) == Changes(code="123456")
    assert challenge_code(content) == "123456"


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({**CODE, "value": "12345"}, Problem("[0].value", "format")),
        ({**CODE, "value": "123456789"}, Problem("[0].value", "format")),
        ({**CODE, "value": "12345a"}, Problem("[0].value", "format")),
        ({**CODE, "value": "١٢٣٤٥٦"}, Problem("[0].value", "format")),
        ({**CODE, "value": "123456\n"}, Problem("[0].value", "format")),
        ({**CODE, "value": ""}, Problem("[0].value", "format")),
        ({**CODE, "value": 123456}, Problem("[0].value", "string")),
        ({**CODE, "value": ["123456"]}, Problem("[0].value", "string")),
        ({**CODE, "value": None}, Problem("[0].value", "required")),
        ({"op": "add", "path": "/code"}, Problem("[0].value", "required")),
        ({**CODE, "op": "remove"}, Problem("[0].op", "choice")),
        ({**CODE, "op": "test"}, Problem("[0].op", "choice")),
        ({**CODE, "op": "ADD"}, Problem("[0].op", "choice")),
        ({**CODE, "op": 1}, Problem("[0].op", "choice")),
        ({"path": "/code", "value": "123456"}, Problem("[0].op", "required")),
        ({**CODE, "path": "code"}, Problem("[0].path", "choice")),
        ({**CODE, "path": "/Code"}, Problem("[0].path", "choice")),
        ({**CODE, "path": "/code/"}, Problem("[0].path", "choice")),
        ({**CODE, "path": ""}, Problem("[0].path", "choice")),
        ({**CODE, "path": 1}, Problem("[0].path", "string")),
        ({"op": "add", "value": "123456"}, Problem("[0].path", "required")),
        ([], Problem("[0]", "object")),
        ("x", Problem("[0]", "object")),
        (None, Problem("[0]", "object")),
    ],
)
def test_an_operation_that_cannot_be_used_is_named(operation: object, problem: Problem) -> None:
    assert problems(factor_changes, body(operation)) == [problem]
    assert problems(challenge_code, body(operation)) == [problem]


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({**RENAME, "value": ""}, Problem("[0].value", "required")),
        ({**RENAME, "value": "x" * 256}, Problem("[0].value", "max_length", 255)),
        ({**RENAME, "value": "a\nb"}, Problem("[0].value", "format")),
        ({**RENAME, "value": "a\x00"}, Problem("[0].value", "format")),
        ({**RENAME, "value": "a\x7f"}, Problem("[0].value", "format")),
        ({**RENAME, "value": "a\x9f"}, Problem("[0].value", "format")),
        ({**RENAME, "value": 7}, Problem("[0].value", "string")),
        ({**END, "value": "ACTIVE"}, Problem("[0].value", "choice")),
        ({**END, "value": "inactive"}, Problem("[0].value", "choice")),
        ({**END, "value": True}, Problem("[0].value", "choice")),
        ({**END, "path": "/type"}, Problem("[0].path", "choice")),
    ],
)
def test_a_value_that_a_factor_cannot_have_is_named(operation: object, problem: Problem) -> None:
    assert problems(factor_changes, body(operation)) == [problem]


@pytest.mark.parametrize("operation", [RENAME, END])
def test_a_challenge_has_nothing_but_a_code(operation: object) -> None:
    assert problems(challenge_code, body(operation)) == [Problem("[0].path", "choice")]
    assert problems(challenge_code, body(CODE, operation)) == [Problem("[1].path", "choice")]


def test_all_that_is_wrong_is_named() -> None:
    content = body({**CODE, "op": "x", "path": 1}, RENAME, 3, {**END, "value": "ACTIVE"})
    assert problems(factor_changes, content) == [
        Problem("[0].op", "choice"),
        Problem("[0].path", "string"),
        Problem("[2]", "object"),
        Problem("[3].value", "choice"),
    ]


def test_a_path_comes_once() -> None:
    assert problems(factor_changes, body(CODE, END, CODE, {**END, "op": "add"})) == [
        Problem("[2].path", "conflict"),
        Problem("[3].path", "conflict"),
    ]
    assert problems(challenge_code, body(CODE, {**CODE, "value": "654321"})) == [Problem("[1].path", "conflict")]


@pytest.mark.parametrize("read", [factor_changes, challenge_code])
def test_there_are_1_to_10_changes(read: "Callable[[bytes], object]") -> None:
    assert problems(read, b"[]") == [Problem("", "min_items", 1)]
    assert problems(read, body(*[CODE] * 11)) == [Problem("", "max_items", 10)]
    assert {problem.rule for problem in problems(read, body(*[CODE] * 10))} == {"conflict"}


@pytest.mark.parametrize("read", [factor_changes, challenge_code, read_as_configuration])
@pytest.mark.parametrize(
    "content", [b"{}", b"null", b"1", b'"[]"', b'{"op":"add","path":"/code","value":"123456"}']
)
def test_a_patch_is_an_array(read: "Callable[[bytes], object]", content: bytes) -> None:
    assert problems(read, content) == [Problem("", "array")]


@pytest.mark.parametrize("read", [factor_changes, challenge_code, read_as_configuration])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[",
        b"[{]",
        b'[{"op":"add",}]',
        b"[] []",
        b"[NaN]",
        b"\xef\xbb\xbf[]",
        b'[{"op":"\xff"}]',
        b'[{"op":"\\ud800"}]',
        b"[" * 8000,
        b'[{"op":' + b"[" * 4000 + b"]" * 4000 + b"}]",
    ],
)
def test_what_is_no_json_is_malformed(read: "Callable[[bytes], object]", content: bytes) -> None:
    with pytest.raises(MalformedBody):
        read(content)


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.sampled_from(["123456", "INACTIVE"])
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=3), st.dictionaries(st.text(max_size=2), values, max_size=3)
    ),
    max_leaves=5,
)
paths = st.sampled_from(["/code", "/external_user_id", "/status", "/configuration", "/configuration/a", "/"])
operations = st.fixed_dictionaries(
    {},
    optional={
        "op": st.one_of(st.sampled_from(["add", "replace", "test", "move"]), json_values),
        "path": st.one_of(paths, json_values),
        "from": st.one_of(paths, json_values),
        "value": json_values,
    },
)
bodies = st.one_of(
    st.binary(), st.lists(st.one_of(operations, json_values), max_size=12).map(lambda given: body(*given))
)


@given(bodies)
def test_any_body_is_read_or_refused(content: bytes) -> None:
    for read in (factor_changes, challenge_code, read_as_configuration):
        try:
            read(content)
        except Invalid as refusal:
            assert refusal.problems  # noqa: PT017  # the others are as good
        except MalformedBody:
            pass


DOCUMENT: dict[str, Any] = {
    "project_id": "p",
    "configuration": {"authenticator": {"issuer_name": "ACME", "list": ["a", "b"]}, "a/b": {"m~n": 1}},
}


def configured(*operations: object) -> Any:  # noqa: ANN401  # JSON
    return apply(DOCUMENT, body(*operations))["configuration"]


def test_a_whole_configuration_is_set() -> None:
    new = {"authenticator": {"issuer_name": "New", "challenge_callback_url": "https://acme.example/cb"}}
    patch = body({"op": "add", "path": "/configuration", "value": new})

    assert apply(DOCUMENT, patch) == {"project_id": "p", "configuration": new}
    assert apply({}, patch) == {"configuration": new}


def test_operations_are_carried_out_one_after_another() -> None:
    assert configured(
        {"op": "test", "path": "/configuration/authenticator/issuer_name", "value": "ACME"},
        {"op": "replace", "path": "/configuration/authenticator/issuer_name", "value": "New"},
        {"op": "copy", "from": "/configuration/authenticator", "path": "/configuration/copied"},
        {"op": "remove", "path": "/configuration/copied/list/0"},
        {"op": "add", "path": "/configuration/copied/list/-", "value": None},
        {"op": "move", "from": "/configuration/a~1b/m~0n", "path": "/configuration/moved"},
        {"op": "test", "path": "/configuration/moved", "value": 1.0},
    ) == {
        "authenticator": {"issuer_name": "New", "list": ["a", "b"]},
        "copied": {"issuer_name": "New", "list": ["b", None]},
        "a/b": {},
        "moved": 1,
    }


def test_an_empty_patch_changes_nothing() -> None:
    assert apply(DOCUMENT, b"[]") == DOCUMENT


def test_what_is_passed_in_stays_as_it_is_and_shares_nothing_with_the_copy() -> None:
    before = copy.deepcopy(DOCUMENT)
    patched = apply(DOCUMENT, body({"op": "add", "path": "/configuration/authenticator/list/-", "value": []}))
    patched["configuration"]["a/b"]["m~n"] = 2
    with pytest.raises(Invalid):
        configured({"op": "remove", "path": "/configuration"}, {"op": "remove", "path": "/configuration"})
    apply(DOCUMENT, b"[]")["configuration"]["authenticator"].clear()

    assert before == DOCUMENT


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/project_id",
        "/configurations",
        "/configuration~0",
        "configuration",
        "/configuration/~2",
        "/a/configuration",
    ],
)
@pytest.mark.parametrize("member", ["path", "from"])
def test_only_the_configuration_can_be_reached(member: str, path: str) -> None:
    operation = {"op": "copy", "from": "/configuration", "path": "/configuration/x", member: path}
    assert problems(partial(apply, DOCUMENT), body(operation)) == [Problem(f"[0].{member}", "format")]


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({"op": "copy", "path": "/configuration"}, Problem("[0].from", "required")),
        ({"op": "move", "path": "/configuration"}, Problem("[0].from", "required")),
        ({"op": "add", "path": "/configuration"}, Problem("[0].value", "required")),
        ({"op": "test", "path": "/configuration"}, Problem("[0].value", "required")),
        ({"op": "remove"}, Problem("[0].path", "required")),
        ({"op": "append", "path": "/configuration", "value": 1}, Problem("[0].op", "choice")),
        ({"path": "/configuration", "value": 1}, Problem("[0].op", "required")),
        ([], Problem("[0]", "object")),
    ],
)
def test_an_incomplete_operation_is_named(operation: object, problem: Problem) -> None:
    assert problems(partial(apply, DOCUMENT), body(operation)) == [problem]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/configuration/authenticator/issuer_name", "value": "acme"},
        {"op": "test", "path": "/configuration/a~1b/m~0n", "value": True},
        {"op": "test", "path": "/configuration/none", "value": None},
        {"op": "remove", "path": "/configuration/none"},
        {"op": "replace", "path": "/configuration/none", "value": 1},
        {"op": "add", "path": "/configuration/none/x", "value": 1},
        {"op": "add", "path": "/configuration/authenticator/issuer_name/x", "value": 1},
        {"op": "add", "path": "/configuration/authenticator/list/3", "value": 1},
        {"op": "add", "path": "/configuration/authenticator/list/01", "value": 1},
        {"op": "add", "path": "/configuration/authenticator/list/-1", "value": 1},
        {"op": "add", "path": "/configuration/authenticator/list/" + "9" * 5000, "value": 1},
        {"op": "remove", "path": "/configuration/authenticator/list/-"},
        {"op": "copy", "from": "/configuration/none", "path": "/configuration/x"},
        {"op": "copy", "from": "/configuration/authenticator/list/-", "path": "/configuration/x"},
        {"op": "move", "from": "/configuration", "path": "/configuration/x"},
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_all_that_came_with_it(operation: object) -> None:
    first = {"op": "add", "path": "/configuration/x", "value": 1}
    assert problems(partial(apply, DOCUMENT), body(first, operation, first)) == [Problem("[1]", "conflict")]


def test_the_document_is_not_repeated_in_a_refusal() -> None:
    with pytest.raises(Invalid) as refusal:
        configured({"op": "remove", "path": "/configuration/none"})
    assert refusal.value.__context__ is None


def test_there_are_at_most_32_operations() -> None:
    operation = {"op": "replace", "path": "/configuration", "value": 1}
    assert configured(*[operation] * 32) == 1
    assert problems(partial(apply, DOCUMENT), body(*[operation] * 33)) == [Problem("", "max_items", 32)]


def nested(levels: int) -> Any:  # noqa: ANN401  # JSON
    return [nested(levels - 1)] if levels else "x"


def test_a_document_is_nested_16_levels_at_most() -> None:
    def place(levels: int) -> dict[str, object]:
        return {"op": "add", "path": "/configuration", "value": nested(levels)}

    assert configured(place(15)) == nested(15)
    assert problems(read_as_configuration, body(place(16))) == [Problem("[0]", "max_depth", 16)]
    assert problems(read_as_configuration, body(place(17))) == [Problem("[0].value", "max_depth", 16)]
    assert problems(read_as_configuration, body(place(500))) == [Problem("[0].value", "max_depth", 16)]


def test_copies_of_a_whole_into_itself_come_to_an_end() -> None:
    copies = [{"op": "copy", "from": "/configuration", "path": "/configuration/a"}] * 32
    large = {"configuration": {"x": "x" * 9000}}

    assert problems(read_as_configuration, body(*copies)) == [Problem("[14]", "max_depth", 16)]
    assert problems(partial(apply, large), body(*copies)) == [Problem("[0]", "max_length", 16384)]


pointers = st.builds(
    "/configuration{}".format,
    st.lists(st.sampled_from(["/a", "/b", "/0", "/1", "/-", "/", "/~01"]), max_size=3).map("".join),
)
verbs = st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])


@given(
    st.fixed_dictionaries({"configuration": json_values}),
    st.lists(
        st.fixed_dictionaries({"op": verbs, "path": pointers, "from": pointers, "value": json_values}), max_size=6
    ),
)
def test_any_operations_give_a_new_document_or_a_refusal(document: dict[str, Any], given: list[object]) -> None:
    before = copy.deepcopy(document)
    try:
        patched = apply(document, body(*given))
    except Invalid:
        assert given
    else:
        assert set(patched) <= {"configuration"}
    assert document == before
