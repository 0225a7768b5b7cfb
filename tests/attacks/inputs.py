"""What decoders are tried with: things that come near what they read, and things that do not."""

from base64 import b64encode
from collections.abc import Mapping, Sequence

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)  # lone surrogates, too
BYTES = st.binary(max_size=300)
TEXT_AS_BYTES = TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
NUMERALS = st.integers().map(str)
TOKENS = st.from_regex(r"ww[acks][0-9a-f]{32}[A-Za-z0-9]{43}[0-9a-f]{8}", fullmatch=True) | TEXT
PHONES = st.text("0123456789 +().-", max_size=70) | TEXT
URLS = st.from_regex(r"(redis|rediss|unix|https?)(\+[a-z]+)?://[ -~]{0,40}", fullmatch=True) | TEXT
SEARCHES = st.text("ab=!();,'\"\\ ~<>\0", max_size=80) | TEXT
TOPOLOGIES = st.from_regex(r"rediss?\+(sentinel|cluster)://[a-z0-9:@,.\[\]/?=&%]{0,40}", fullmatch=True) | URLS
HOPS = st.ip_addresses().map(str) | st.text("0123456789abcdef:.%,[] \t-", max_size=60)
CHAINS = st.lists(HOPS, max_size=5).map(lambda hops: ",".join(hops).encode()) | BYTES
ROWS = st.lists(TEXT | NUMERALS | st.uuids().map(str), max_size=7).map(" ".join)
FORMS = st.text("a=&%+;2f").map(str.encode) | BYTES
PATHS = st.text("/%0123456789abcdefxyz.").map(str.encode)
KEYRINGS = st.from_regex(r"[a-z0-9]{1,8}:[A-Za-z0-9+/=]{40,48}(,.*)?") | TEXT
COOKIES = st.from_regex(rb"((watchword-agent|x)=[a-z0-9=\" ]{0,5};? ?){0,5}") | TEXT_AS_BYTES
LANGUAGES = st.from_regex(rb"([a-z]{2,3}(-[A-Z]{2})?(;q=[01](\.[0-9]{0,3})?)?,? ?){0,9}") | TEXT_AS_BYTES
BASIC = st.binary(max_size=60).map(lambda raw: b"Basic " + raw) | TEXT_AS_BYTES

RATES = st.from_regex(r"[0-9]{1,9}/[0-9]{1,9}") | TEXT
SECRETS = (
    TEXT | TEXT.map("whsec_".__add__) | st.binary(max_size=80).map(lambda raw: "whsec_" + b64encode(raw).decode())
)
_PARAMETERS = st.sampled_from(["page", "size", "search", "sort", "x"])
QUERIES = (
    st.dictionaries(_PARAMETERS, TEXT | NUMERALS).map(
        lambda given: "&".join(f"{name}={text}" for name, text in given.items()).encode("utf-8", "surrogatepass")
    )
    | BYTES
)
_POINTERS = st.sampled_from(
    ["/configuration", "/configuration/authenticator", "/configuration/-", "/code", "/status"]
)
_OPERATION: "Mapping[str, st.SearchStrategy[object]]" = {
    "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]),
    "path": _POINTERS | st.text("/~01-configuration", max_size=30),
}
_MORE: "Mapping[str, st.SearchStrategy[object]]" = {
    "value": st.text() | st.integers() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text()),
    "from": _POINTERS,
}
PATCHES = st.lists(st.fixed_dictionaries(dict(_OPERATION), optional=dict(_MORE)), max_size=5).map(
    msgspec.json.encode
)

# The largest body that there may be, spent as badly as can be.
MOST = 16 * 1024
WORST = (
    b"[" * MOST,
    b'{"a":' * (MOST // 5),
    b"[" * (MOST // 2) + b"]" * (MOST // 2),
    b'"' + b"a" * MOST + b'"',
    b'"' + b"\\u0000" * (MOST // 6) + b'"',
    b'{"pass_key":"' + b"(" * (MOST - 20) + b'"}',
    b'{"name":"' + b" .'-" * (MOST // 4) + b'!"}',
    b'{"email":"' + b"@." * (MOST // 2) + b'"}',
    b"9" * MOST,
    b'{"tenant_config_details":{"pass_key_expires":' + b"9" * MOST + b"}}",
    b'{"tenant_config_details":{"pass_key_expires":1e' + b"9" * 300 + b"}}",
    b"{" + b'"pass_key":"1",' * (MOST // 15) + b'"pass_key":"1"}',
    b"[" + b'{"op":"copy","from":"/configuration","path":"/configuration/a"},' * 200 + b"{}]",
    b"\xef\xbb\xbf{}",
    '{"pass_key":"1"}'.encode("utf-16"),
    '{"pass_key":"1"}'.encode("utf-32"),
    b'{"pass_key":"\\ud800"}',
    b"%41" * (MOST // 3),
    b"a=b&" * (MOST // 4),
    b"1.1.1.1," * (MOST // 8),
    b"::" * (MOST // 2),
    b"((((((((" * (MOST // 8),
    b"'\\" * (MOST // 2),
    b"redis://" + b":@" * (MOST // 2),
    b"+" + b"1 " * (MOST // 2),
    b" " * MOST,
    b"\0" * MOST,
    b"\xff" * MOST,
)


def json_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[bytes]:
    """JSON that comes near: with the fields that there are, of kinds that they may not have; and what is none."""
    names = st.sampled_from(sorted(_names(inspect.type_info(kind))))
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300) | names
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=5), inner, max_size=6)
        ),
        max_leaves=12,
    )
    near = (st.dictionaries(names, values, max_size=8) | values).map(msgspec.json.encode)
    return near | near.flatmap(_mutated) | BYTES


def settings(names: Sequence[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(names), TEXT | NUMERALS | HOPS | URLS)


def _mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """With something in it overwritten, left out or put in."""
    position, new = st.integers(0, len(content)), st.binary(max_size=4)

    def written(first: int, last: int, text: bytes) -> bytes:
        return content[:first] + text + content[last:]

    return st.builds(written, position, position, new)


def _names(kind: inspect.Type) -> set[str]:
    """Of all fields, however deep."""
    match kind:
        case inspect.StructType():
            return {name for field in kind.fields for name in {field.encode_name} | _names(field.type)}
        case inspect.UnionType():
            return {name for part in kind.types for name in _names(part)}
        case inspect.Metadata():
            return _names(kind.type)
        case _:
            return {"a"}
