"""Token endpoints and access tokens as no client should use them (RFC 6749 5.2, RFC 6750, RFC 7009)."""

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from engine.ids import TenantId
from tests.edge.apps import App, new_app
from tests.edge.sockets import Answer, ask, request
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.edge.program import Edge
    from tests.edge.tenants import Admin, Operator

TOKEN, REVOKE = "/oauth2/v1/token", "/oauth2/v1/revoke"
CLOSE = ("connection", "close")
FORM_TYPE = ("content-type", "application/x-www-form-urlencoded")
GRANT = "grant_type=client_credentials"
UNKNOWN = TenantId("3d598852-7280-11ea-9bd3-28d24448fe41")


@pytest.fixture(scope="module")
def app(operator: "Operator", admin: "Admin", http: "httpx.Client") -> App:
    return new_app(operator, operator.new_tenant(admin, http))


@pytest.fixture(scope="module")
def other(operator: "Operator", admin: "Admin", http: "httpx.Client") -> App:
    return new_app(operator, operator.new_tenant(admin, http))


@pytest.fixture(scope="module", autouse=True)
def _nothing_stored(edge: "Edge", app: App, other: App) -> "Iterator[None]":
    del app, other  # made before
    with nothing_new(edge.redis):
        yield


def basic(pair: bytes) -> tuple[str, str]:
    return "authorization", f"Basic {b64encode(pair).decode()}"


def post(edge: "Edge", path: str, form: str | bytes, *headers: tuple[str, str]) -> Answer:
    body = form.encode() if isinstance(form, str) else form
    return ask(edge, request("POST", path, [CLOSE, FORM_TYPE, *headers], body))


def assert_is_refusal(answer: Answer, status: int, error: str) -> str:
    """In the shape of RFC 6749 5.2. Returns the description."""
    said = answer.json()
    assert (answer.status, said["error"]) == (status, error)
    assert set(said) == {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return said["error_description"]


def assert_is_nobody(answer: Answer) -> None:
    assert_is_refusal(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="watchword"'


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YTpi=",
        "Basic YTpi YTpi",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + b64encode(b"\0:\0").decode(),
        "Basic " + b64encode(b":").decode(),
        "Basic " + b64encode(b"a" * 30_000 + b":b").decode(),
        "Basic \xff",
        "Bearer YTpi",
        "Digest username=a",
        "YTpi",
    ],
    ids=lambda text: text[:16].encode("unicode_escape").decode(),
)
def test_whoever_has_no_credentials_is_nobody(edge: "Edge", authorization: str) -> None:
    headers = () if not authorization else (("authorization", authorization),)
    for path, form in ((TOKEN, GRANT), (REVOKE, "token=x")):
        assert_is_nobody(post(edge, path, form, *headers))


def test_credentials_are_read_from_their_header_only(edge: "Edge", app: App) -> None:
    client_id, secret = app.credentials
    form = f"{GRANT}&client_id={client_id}&client_secret={secret}"
    assert_is_nobody(post(edge, TOKEN, form))
    assert_is_nobody(post(edge, f"{TOKEN}?{form}", GRANT))


def test_a_client_and_a_secret_that_do_not_belong_together_are_nobody(edge: "Edge", app: App) -> None:
    client_id, secret = app.credentials
    tenant_id, _, number = client_id.partition(".")
    pairs = [
        (client_id, ""),
        (client_id, secret[:-1]),
        (client_id, f"{secret} "),
        (client_id, app.token),
        (client_id, app.tenant.api_key),
        (tenant_id, secret),
        (f"{tenant_id}.", secret),
        (f"{UNKNOWN}.{number}", secret),
        (client_id.upper(), secret),
        (f"{client_id}\0", secret),
        (f" {client_id}", secret),
        (secret, client_id),
    ]
    for pair in pairs:
        assert_is_nobody(post(edge, TOKEN, GRANT, basic(":".join(pair).encode())))


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", "invalid_request"),
        ("grant_type", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("GRANT_TYPE=client_credentials", "invalid_request"),
        (f"{GRANT}&{GRANT}", "invalid_request"),
        (f"{GRANT}&scope=authenticator&scope=oidc", "invalid_request"),
        (f"{GRANT}&&scope", "invalid_request"),
        (b"grant_type=client_credentials&x=\xff", "invalid_request"),
        ("&".join([GRANT, *(f"x{number}=" for number in range(32))]), "invalid_request"),
        ('{"grant_type":"client_credentials"}', "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=CLIENT_CREDENTIALS", "unsupported_grant_type"),
        ("grant_type=client_credentials%00", "unsupported_grant_type"),
        ("grant_type=%ff", "unsupported_grant_type"),
        ("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code", "unsupported_grant_type"),
        (f"{GRANT}&scope=admin", "invalid_scope"),
        (f"{GRANT}&scope=authenticator+admin", "invalid_scope"),
        (f"{GRANT}&scope=authenticator%00", "invalid_scope"),
        (f"{GRANT}&scope=AUTHENTICATOR", "invalid_scope"),
        (f"{GRANT}&scope=authenticator%2Coidc", "invalid_scope"),
        (f"{GRANT}&scope={'x+' * 5000}", "invalid_scope"),
    ],
    ids=lambda form: str(form)[:40],
)
def test_a_form_that_means_nothing_is_refused_by_its_error(
    edge: "Edge", app: App, form: str | bytes, error: str
) -> None:
    description = assert_is_refusal(post(edge, TOKEN, form, *app.basic.items()), 400, error)
    assert app.credentials.secret not in description


def test_what_is_missing_is_named(edge: "Edge", app: App) -> None:
    for path, name in ((TOKEN, "grant_type"), (REVOKE, "token")):
        answer = post(edge, path, "more=1", *app.basic.items())
        assert assert_is_refusal(answer, 400, "invalid_request") == f"Missing: {name}"


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_another_body_than_a_form_is_refused(edge: "Edge", app: App, media_type: str) -> None:
    headers = [CLOSE, ("content-type", media_type), *app.basic.items()]
    for path in (TOKEN, REVOKE):
        answer = ask(edge, request("POST", path, headers, GRANT.encode()))
        assert_is_refusal(answer, 400, "invalid_request")


def test_a_header_that_comes_twice_is_refused(edge: "Edge", app: App) -> None:
    """Whose credentials count, or what the body is, two readers might see differently."""
    for headers in ([*app.basic.items()] * 2, [FORM_TYPE, *app.basic.items()]):
        assert_is_refusal(post(edge, TOKEN, GRANT, *headers), 400, "invalid_request")


def test_a_token_is_never_given_by_a_link(edge: "Edge", app: App) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = ask(edge, request(method, f"{TOKEN}?{GRANT}", [CLOSE, *app.basic.items()]))
        assert_is_refusal(answer, 405, "invalid_request")
        assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("token", ["x", "%00", "%ff", "wwa" + "0" * 83, "{other}", "{secret}", "{api_key}"])
def test_what_is_no_token_of_ours_is_well_revoked_and_nothing_is(
    edge: "Edge", app: App, other: App, token: str
) -> None:
    known = {"secret": app.credentials.secret, "api_key": app.tenant.api_key, "other": other.token}
    answer = post(edge, REVOKE, f"token={token.format(**known)}", *app.basic.items())
    assert (answer.status, answer.body) == (200, b"")
    for one in (app, other):
        assert one.get("/authenticator/v0.1/factors").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer \xff",
        "Bearer {token}x",
        "Bearer {token} {token}",
        "Bearer x{token}",
        "Basic {token}",
        "{token}",
        "Bearer {upper}",
        "Bearer " + "x" * 30_000,
    ],
    ids=lambda text: text[:16].encode("unicode_escape").decode(),
)
def test_a_token_that_is_none_admits_nobody(edge: "Edge", app: App, authorization: str) -> None:
    text = authorization.format(token=app.token, upper=app.token.upper())
    answer = ask(edge, request("GET", "/authenticator/v0.1/factors", [CLOSE, ("authorization", text)]))
    assert (answer.status, answer.json()["type"]) == (401, "http://edge/errors#unauthorized")
    is_sent = text.startswith("Bearer ") and text.strip() != "Bearer"
    assert answer.headers["www-authenticate"] == ('Bearer error="invalid_token"' if is_sent else "Bearer")


def test_a_token_in_the_query_or_the_body_admits_nobody(edge: "Edge", app: App) -> None:
    path = f"/authenticator/v0.1/factors?access_token={app.token}"
    assert ask(edge, request("GET", path, [CLOSE])).status == 401
    body = f"access_token={app.token}".encode()
    assert ask(edge, request("POST", path, [CLOSE, FORM_TYPE], body)).status == 401
