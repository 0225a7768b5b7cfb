"""Cookies of sessions over TLS, behind a proxy that ends it, and in the clear."""

import pytest

from edge.addresses import ClientAddresses
from edge.console.visitors import begun, ended, session_of
from edge.http import Request, RequestIds
from edge.metrics import Metrics
from edge.pages.sessions import require_own_page
from edge.state import EdgeState
from engine.errors import OriginRefused

NAME = "watchword-console"


def state(public_url: str | None = None) -> EdgeState:
    metrics = Metrics(None, password_threads=1, max_requests=1)
    return EdgeState(metrics, RequestIds("x"), ClientAddresses(()), "off", 1, b"", public_url)


def asked(scheme: str = "http", **headers: str) -> Request:
    async def receive() -> dict[str, object]:
        raise AssertionError

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "scheme": scheme, "headers": named}
    return Request(scope, receive, {}, b"id")


@pytest.mark.parametrize(
    ("public_url", "scheme"),
    [(None, "https"), ("https://api.example.com/x", "http"), ("https://a.example", "https")],
)
def test_over_tls_a_cookie_is_bound_to_its_host(public_url: str | None, scheme: str) -> None:
    edge, request = state(public_url), asked(scheme, host="a.example", cookie=f"{NAME}=plain; __Host-{NAME}=good")
    name, value = begun(edge, request, "token")
    assert name == b"set-cookie"
    assert value == b"__Host-watchword-console=token; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    assert ended(edge, request)[1].startswith(b"__Host-watchword-console=; Path=/; Max-Age=0; ")
    assert session_of(edge, request) == "good"


@pytest.mark.parametrize("cookie", ["", NAME, "other=x", f"{NAME}=a; {NAME}=b", f"__Host-{NAME}=x"])
def test_what_is_no_cookie_of_ours_is_none(cookie: str) -> None:
    assert not session_of(state(), asked(host="a.example", cookie=cookie))


@pytest.mark.parametrize(
    ("public_url", "origin", "passes"),
    [
        (None, "https://a.example", True),  # a proxy ends TLS
        (None, "http://a.example:8080", False),
        (None, "https://api.example.com", False),
        ("https://api.example.com/x", "https://api.example.com", True),
        ("https://api.example.com/x", "https://a.example", True),  # by the name of its own
        ("https://api.example.com/x", "https://api.example.com.evil.example", False),
        (None, "null", False),
        (None, "", False),
        (None, "https://[", False),
    ],
)
def test_where_browsers_say_origin_only_it_must_be_ours(public_url: str | None, origin: str, passes: bool) -> None:
    request = asked(host="a.example", origin=origin)
    if passes:
        require_own_page(state(public_url), request)
    else:
        with pytest.raises(OriginRefused):
            require_own_page(state(public_url), request)


def test_who_names_no_host_has_no_origin_of_ours() -> None:
    for headers in ({}, {"host": "<>"}):
        with pytest.raises(OriginRefused):
            require_own_page(state(), asked(origin="", **headers))
