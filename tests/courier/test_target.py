"""How a URL is read: one way, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.courier.target import Origin, Target, UrlRefused


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.example", Target(Origin(False, "a.example", 80), "a.example", "/")),
        ("https://a.example/", Target(Origin(True, "a.example", 443), "a.example", "/")),
        ("HTTPS://A.Example/B", Target(Origin(True, "a.example", 443), "a.example", "/B")),
        ("https://a.example:443/", Target(Origin(True, "a.example", 443), "a.example", "/")),
        ("http://a.example:443/", Target(Origin(False, "a.example", 443), "a.example:443", "/")),
        ("http://a.example:08080/", Target(Origin(False, "a.example", 8080), "a.example:8080", "/")),
        ("http://a.example?x=/y#z", Target(Origin(False, "a.example", 80), "a.example", "/?x=/y")),
        ("http://a.example/b?c=@d&e={f}#g", Target(Origin(False, "a.example", 80), "a.example", "/b?c=@d&e={f}")),
        ("http://a.example/%2F/../%zz//", Target(Origin(False, "a.example", 80), "a.example", "/%2F/../%zz//")),
        ("http://a.example./", Target(Origin(False, "a.example.", 80), "a.example.", "/")),
        (
            "http://xn--bcher-kva.example/",
            Target(Origin(False, "xn--bcher-kva.example", 80), "xn--bcher-kva.example", "/"),
        ),
        ("http://a.example#@b.example/", Target(Origin(False, "a.example", 80), "a.example", "/")),
        ("http://127.0.0.1:1/", Target(Origin(False, "127.0.0.1", 1), "127.0.0.1:1", "/")),
        ("http://0x7f.1/", Target(Origin(False, "0x7f.1", 80), "0x7f.1", "/")),
        ("http://[::1]:65535/", Target(Origin(False, "::1", 65535), "[::1]:65535", "/")),
        ("https://[::FFFF:127.0.0.1]/", Target(Origin(True, "::ffff:127.0.0.1", 443), "[::ffff:127.0.0.1]", "/")),
    ],
)
def test_a_url_is_taken_apart_and_its_path_left_alone(url: str, target: Target) -> None:
    assert Target.parse(url) == target


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
def test_a_url_is_read_or_refused(url: str) -> None:
    try:
        target = Target.parse(url)
    except UrlRefused:
        return
    assert target.path.startswith("/")
    assert not set(target.host + target.path) & set(" #\r\n\t")
    assert target.origin.host.strip(".") in target.host
