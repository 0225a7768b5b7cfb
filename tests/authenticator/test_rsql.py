"""Searching: what parses means what it says, and everything else is refused in one way."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.authenticator.rsql import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Comparison,
    Node,
    Operator,
    Or,
    Sort,
    candidates,
    evaluate,
    parse,
    parse_sort,
    selectors,
)
from engine.errors import Invalid, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

MALFORMED = Problem("search", "format")
RESERVED = "\"'();,=!~<> \t\r\n\xa0"
EQUAL, NOT_EQUAL, IN, OUT = Operator

A, B, C, D = (Comparison(letter, EQUAL, ("1",)) for letter in "abcd")


def equal(selector: str, value: str) -> Comparison:
    return Comparison(selector, EQUAL, (value,))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("external_user_id==alice", equal("external_user_id", "alice")),
        ("status!=ACTIVE", Comparison("status", NOT_EQUAL, ("ACTIVE",))),
        ("status=in=(ACTIVE,PENDING)", Comparison("status", IN, ("ACTIVE", "PENDING"))),
        ("status=in=(ACTIVE)", Comparison("status", IN, ("ACTIVE",))),
        ("status=out=(ACTIVE,'two words')", Comparison("status", OUT, ("ACTIVE", "two words"))),
        ("a==1;b==1", And((A, B))),
        ("a==1,b==1", Or((A, B))),
        ("a==1 and b==1", And((A, B))),
        ("a==1 or b==1", Or((A, B))),
        ("a==1;b==1;c==1", And((A, B, C))),
        ("a==1,b==1;c==1,d==1", Or((A, And((B, C)), D))),
        ("a==1 or b==1 and c==1 or d==1", Or((A, And((B, C)), D))),
        ("a==1;b==1 or c==1", Or((And((A, B)), C))),
        ("(a==1,b==1);(c==1,d==1)", And((Or((A, B)), Or((C, D))))),
        ("(a==1)and(b==1)", And((A, B))),
        ("((a==1))", A),
        ("(a==1;b==1);c==1", And((And((A, B)), C))),
        (" a == 1 ; ( b == 1 , c == 1 ) ", And((A, Or((B, C))))),
        ("and==or", equal("and", "or")),
        ("and==or and or==and", And((equal("and", "or"), equal("or", "and")))),
        ("a=='and'", equal("a", "and")),
        ("a==''", equal("a", "")),
        ("a=='it\\'s'", equal("a", "it's")),
        ('a=="say \\"so\\""', equal("a", 'say "so"')),
        ("a=='a\\\\'", equal("a", "a\\")),
        ("a=='\\n'", equal("a", "n")),
        ("a=='\n'", equal("a", "\n")),
        (f"a=='{RESERVED.replace(chr(39), '')}'", equal("a", RESERVED.replace("'", ""))),
        ("a==al*ce", equal("a", "al*ce")),
        ("a==+4915112345678", equal("a", "+4915112345678")),
        ("a==2020-06-01T16:43:30+00:00", equal("a", "2020-06-01T16:43:30+00:00")),
        ("a==büro@acme.example", equal("a", "büro@acme.example")),
        ("a==b\\c", equal("a", "b\\c")),
    ],
)
def test_an_expression_is_read(text: str, node: Node) -> None:
    assert parse(text) == node


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "a=",
        "a==",
        "==b",
        "a=b",
        "a===b",
        "a==b c",
        "a==b'c'",
        "'a'==b",
        "a=='b",
        "a==b'",
        "a==\"b'",
        "a=='b\\'",
        "a==b=c",
        "a==b~c",
        "a==(b)",
        "a==(b,c)",
        "a=gt=1",
        "a>1",
        "a<=1",
        "a=IN=(b)",
        "a=in=b",
        "a=in=()",
        "a=in=(b,)",
        "a=in=(,b)",
        "a=in=(b",
        "a=in=(b;c)",
        "a=in=(b or c)",
        "a=in=((b))",
        "a=in=(b)c",
        "a==b;",
        ";a==b",
        "a==b,",
        "a==b;;c==d",
        "a==b and",
        "a==b AND c==d",
        "a==b andc==d",
        "a==b 'and' c==d",
        "a==b\tand\tc==d",
        "(a==b",
        "a==b)",
        "()",
        ")a==b(",
        "a==b(c==d)",
        "!a==b",
        "a==\x00b'",
    ],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse(text)
    assert refusal.value.problems == (MALFORMED,)


@pytest.mark.parametrize("character", RESERVED)
def test_a_reserved_character_needs_quotes(character: str) -> None:
    quote = '"' if character == "'" else "'"
    assert parse(f"a=={quote}b{character}c{quote}") == equal("a", f"b{character}c")
    with pytest.raises(Invalid):
        parse(f"a==b{character}c")
    with pytest.raises(Invalid):
        parse(f"a{character}b==c")


def test_what_is_too_long_is_refused() -> None:
    longest = "a==" + "b" * (MAX_LENGTH - 3)
    assert parse(longest) == equal("a", longest[3:])
    with pytest.raises(Invalid) as refusal:
        parse(longest + "b")
    assert refusal.value.problems == (Problem("search", "max_length", MAX_LENGTH),)


def test_what_is_nested_too_deep_is_refused() -> None:
    assert parse("(" * MAX_DEPTH + "a==1" + ")" * MAX_DEPTH) == A
    with pytest.raises(Invalid):
        parse("(" * (MAX_DEPTH + 1) + "a==1" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(Invalid):
        parse("(" * MAX_LENGTH)


def test_what_compares_too_much_is_refused() -> None:
    assert parse(",".join(["a==1"] * MAX_COMPARISONS)) == Or((A,) * MAX_COMPARISONS)
    with pytest.raises(Invalid):
        parse(",".join(["a==1"] * (MAX_COMPARISONS + 1)))


names = st.sampled_from(["a", "b", "status", "and"])
values = st.one_of(
    st.sampled_from(["1", "2", "or"]), st.text(max_size=5), st.text("'\"\\ ();,=and", min_size=1, max_size=5)
)
comparisons = st.one_of(
    st.builds(Comparison, names, st.sampled_from([EQUAL, NOT_EQUAL]), st.tuples(values)),
    st.builds(
        Comparison,
        names,
        st.sampled_from([IN, OUT]),
        st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
)


def _joined(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts))


nodes: st.SearchStrategy[Node] = st.recursive(comparisons, _joined, max_leaves=MAX_DEPTH)
rows = st.dictionaries(names, st.one_of(st.sampled_from(["1", "2", "or"]), values))


def printed(node: Node) -> str:
    match node:
        case And():
            return ";".join(_part(part, (And, Or)) for part in node.parts)
        case Or():
            return " or ".join(_part(part, (Or,)) for part in node.parts)
        case Comparison():
            quoted = ",".join(map(_quoted, node.values))
            return f"{node.selector}{node.operator}" + (f"({quoted})" if node.operator in (IN, OUT) else quoted)


def _part(part: Node, in_parentheses: tuple[type[Node], ...]) -> str:
    return f"({printed(part)})" if isinstance(part, in_parentheses) else printed(part)


def _quoted(value: str) -> str:
    if value and not any(character.isspace() or character in RESERVED for character in value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(nodes)
def test_what_is_printed_is_read_back(node: Node) -> None:
    assert parse(printed(node)) == node


@given(
    st.one_of(
        st.text(),
        st.text("ab=!()'\"\\;, andorinout", max_size=40),
        st.lists(st.sampled_from(["a", "==", "!=", "=in=", "(", ")", ";", ",", " or ", " and ", "'b'"])).map(
            "".join
        ),
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except Invalid:
        return
    assert parse(printed(node)) == node


def as_python(node: Node) -> str:
    """The same as an expression of Python, which has its own idea of what binds tighter."""
    match node:
        case And():
            return " and ".join(f"({as_python(part)})" for part in node.parts)
        case Or():
            return " or ".join(as_python(part) for part in node.parts)
        case Comparison():
            value, all_of = f"row.get({node.selector!r})", list(node.values)
            return {
                EQUAL: f"{value} == {all_of[0]!r}",
                NOT_EQUAL: f"{value} != {all_of[0]!r}",
                IN: f"{value} in {all_of!r}",
                OUT: f"{value} not in {all_of!r}",
            }[node.operator]


@given(nodes, rows)
def test_what_is_found_is_what_python_would_find(node: Node, row: dict[str, str]) -> None:
    assert evaluate(node, row.get) is eval(as_python(node), {"row": row})  # noqa: S307  # made above


@given(nodes, names, rows)
def test_nothing_is_found_without_the_candidates(node: Node, name: str, row: dict[str, str]) -> None:
    required = candidates(node, name)
    if required is not None and evaluate(node, row.get):
        assert row.get(name) in required


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("u==x", {"x"}),
        ("u=in=(x)", {"x"}),
        ("status==ACTIVE;u==x", {"x"}),
        ("(status==ACTIVE,status==PENDING);(type==TOTP;u==x)", {"x"}),
        ("u==x;u==y", set[str]()),
        ("u!=x", None),
        ("u=out=(x)", None),
        ("u=in=(x,y)", {"x", "y"}),
        ("u=in=(x,y);u=in=(y,z)", {"y"}),
        ("u==x,status==ACTIVE", None),
        ("status==ACTIVE;(u==x,u==y)", {"x", "y"}),
        ("status==u", None),
    ],
)
def test_an_expression_names_the_values_that_it_requires_one_of(text: str, values: set[str] | None) -> None:
    assert candidates(parse(text), "u") == values


def test_a_value_that_is_not_there_equals_nothing() -> None:
    absent: Callable[[str], str | None] = {"b": "1"}.get
    assert not evaluate(parse("a==1"), absent)
    assert not evaluate(parse("a==''"), absent)
    assert not evaluate(parse("a=in=(1,2)"), absent)
    assert evaluate(parse("a!=1"), absent)
    assert evaluate(parse("a=out=(1,2)"), absent)


def test_all_selectors_are_told() -> None:
    assert selectors(parse("a==1,(b!=1;c=in=(1)),a==2")) == {"a", "b", "c"}


def test_a_sort_is_a_name_and_a_direction() -> None:
    assert parse_sort("created_at,desc") == Sort("created_at", descending=True)
    assert parse_sort("status,asc") == Sort("status", descending=False)


@pytest.mark.parametrize(
    "text",
    ["", "created_at", "created_at,DESC", "created_at,desc,status,asc", ",desc", "created_at,"],
)
def test_anything_else_is_no_sort(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_sort(text)
    assert refusal.value.problems == (Problem("sort", "format"),)
