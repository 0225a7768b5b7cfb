"""How a URL is read: one way, or not at all."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.courier.target import Target, UrlRefused


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://a.example", ("http://a.example", "a.example", "/")),
        ("https://a.example/", ("https://a.example", "a.example", "/")),
        ("HTTPS://A.Example/B", ("https://a.example", "a.example", "/B")),
        ("https://a.example:443/", ("https://a.example", "a.example", "/")),
        ("http://a.example:443/", ("http://a.example:443", "a.example:443", "/")),
        ("http://a.example:08080/", ("http://a.example:8080", "a.example:8080", "/")),
        ("http://a.example?x=/y", ("http://a.example", "a.example", "/?x=/y")),
        ("http://a.example/b?c=@d&e={f}", ("http://a.example", "a.example", "/b?c=@d&e={f}")),
        ("http://a.example/%2F/../%zz//", ("http://a.example", "a.example", "/%2F/../%zz//")),
        ("http://a.example./", ("http://a.example.", "a.example.", "/")),
        (
            "http://xn--bcher-kva.example/",
            ("http://xn--bcher-kva.example", "xn--bcher-kva.example", "/"),
        ),
        ("http://127.0.0.1:1/", ("http://127.0.0.1:1", "127.0.0.1:1", "/")),
        ("http://0x7f.1/", ("http://0x7f.1", "0x7f.1", "/")),
        ("http://[::1]:65535/", ("http://[::1]:65535", "[::1]:65535", "/")),
        ("https://[::FFFF:127.0.0.1]/", ("https://[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "/")),
    ],
)
def test_a_url_is_taken_apart_and_its_path_left_alone(url: str, parts: tuple[str, str, str]) -> None:
    target = Target.parse(url)

    assert (str(target.origin), target.host, target.path) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example/b",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "unix:///run/redis.sock",
        "http+unix://%2Frun%2Fredis.sock/",
        "gopher://a.example/",
        "http:a.example",
        "http:/a.example",
        "http:\\\\a.example",
        "http:///b",
        "http://",
        "http://:80/",
        "http://user@a.example/",
        "http://user:pass@a.example/",
        "http://@a.example/",
        "http://a.example\\@b.example/",
        "http://a.example:80@b.example/",
        "http://a.example#@b.example/",
        "http://a.example/#b",
        "http://a.example?b#",
        " http://a.example/",
        "http://a.example/ ",
        "http://a.example/\r\nX: y",
        "http://a.example/\t",
        "ht\ntp://a.example/",
        "http://a.ex\0ample/",
        "http://a.example/é",
        "http://bücher.example/",
        "http\u017f://a.example/",
        "http://\u212a.example/",
        "http://a\u3002example/",
        "http://%31%32%37.0.0.1/",
        "http://a..example/",
        "http://.a.example/",
        f"http://{'a' * 64}.example/",
        f"http://{'.'.join(['abcd'] * 51)}/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:/",
        "http://a.example:+80/",
        "http://a.example:80x/",
        "http://a.example:\u0661/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://x[::1]/",
        "http://[a.example]/",
        "http://[127.0.0.1]/",
        "http://256.0.0.1/",
        "http://0177.0.0.1/",
        "http://[fe80::1%25lo]/",
        "http://[fe80::1%lo]/",
        "http://[v1.a]/",
        f"http://a.example/{'b' * 2048}",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(url: str) -> None:
    with pytest.raises(UrlRefused) as refusal:
        Target.parse(url)
    assert str(refusal.value) == ""


@given(
    st.one_of(
        st.text(), st.text("htps:/[]@#?.:%a1\\ ", max_size=30), st.from_regex(r"https?://.+", fullmatch=True)
    )
)
def test_a_url_is_read_as_httpx_reads_it_or_refused(url: str) -> None:
    try:
        target = Target.parse(url)
    except UrlRefused:
        return
    assert target.path.startswith("/")
    assert not set(target.host + target.path) & set(" #\r\n\t")
    assert httpx.URL(url).netloc.decode() == target.host
