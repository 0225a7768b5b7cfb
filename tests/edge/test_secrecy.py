"""What is secret is in no place that keeps it: it does not reach Redis, its files, the logs or the metrics."""

import re
import socket
from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from engine.ids import AdminId
from engine.tenants import State
from tests.edge.program import NO_LIMITS, Edge
from tests.edge.stored import break_value, names
from tests.edge.tenants import Admin, Operator, Tenant
from tests.edge.walk import ISSUER, use_authenticator
from tests.engine.kinds import ServerKind
from tests.engine.servers import RedisServer, leaks
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

pytestmark = pytest.mark.one_node

EMAIL = "distinctive.person@example.com"
NAME = "Distinctive Person"
PASSWORD = "distinctive-password-7Qx"
WRONG_PASSWORD = "distinctive-but-wrong-9Zk"
PHRASE = "xylophonemarmalade"
PHONE = "+1 (555) 732-4986"
PASS_KEYS = [PHONE, "15557324986", "5557324986", "distinctive/customer-key"]
ONCE = {"idempotency-key": "distinctive-idempotency-5Tn"}

# All that Redis can write, in plain text.
FILES = ("--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--rdbcompression", "no")
LIMITED = {"submit_limit_per_key": "100/3600"}
# A receiver has a second, so that the walk can wait for one that hangs.
CALLED_BACK = {"callback_networks": "127.0.0.0/8", "callback_timeout_seconds": 1, "courier_claim_seconds": 3}
CODE = re.compile(r"\d{8}")
END = b"the walk is over"
NOUNS = (
    "claim",
    "token",
    "factor",
    "pending",
    "active",
    "challenge",
    "challenges",
    "due",
    "deliveries",
    "retries",
    "audit",
    "journal",
)


class Walk(NamedTuple):
    """The secrets that were used, what is configured, and every command that reached Redis meanwhile."""

    secrets: list[str]
    configured: list[str]
    heard: bytes


@pytest.fixture(scope="module")
def redis(server_kind: ServerKind) -> "Generator[RedisServer]":
    """A Redis that keeps all it is told."""
    with RedisServer(server_kind.binary, *FILES) as redis:
        yield redis


@pytest.fixture(scope="module")
def edge(redis: RedisServer) -> "Generator[Edge]":
    """An edge that logs all it ever would."""
    settings = NO_LIMITS | LIMITED | CALLED_BACK
    with Edge(redis, **settings, access_log="all", log_level="debug") as edge:
        yield edge


@pytest.fixture(scope="module")
def walk(edge: Edge, redis: RedisServer) -> "Generator[Walk]":
    """All that can be done on the surfaces, and much of what can go wrong."""
    with Operator(edge) as operator, httpx.Client(base_url=edge.url) as http:
        secrets: list[str] = []
        configured: list[str] = []

        def talk() -> None:
            secrets.extend(use_everything(edge, operator, http))
            used = use_authenticator(edge, operator, operator.new_tenant(operator.new_admin(), http))
            secrets.extend(used.secrets)
            configured.extend(used.configured)

        heard = overhear(redis, talk)
        yield Walk(secrets, configured, heard)


def overhear(redis: RedisServer, talk: "Callable[[], None]") -> bytes:
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(10)
        monitor.connect(str(redis.socket))
        monitor.sendall(b"MONITOR\r\n")
        heard = monitor.recv(65536)
        talk()
        redis.command("ECHO", END.decode())
        while END not in heard:
            heard += monitor.recv(65536)
    return heard


def use_everything(edge: Edge, operator: Operator, http: httpx.Client) -> list[str]:
    for _ in range(2):
        http.post("/api/v2/tenant/user", json={"name": NAME, "email": EMAIL, "password": PASSWORD})
    http.post("/api/v2/login", json={"email": EMAIL, "password": WRONG_PASSWORD})
    token = http.post("/api/v2/login", json={"email": EMAIL, "password": PASSWORD}).json()["token"]
    tenant = Tenant(operator.new_tenant(operator.new_admin(), http).id, Admin(AdminId(""), EMAIL, token), "", http)
    created = http.post("/api/v2/tenant", json={"tenant_name": "Plainly Acme"}, headers=tenant.bearer).json()
    tenant_id = created["data"]["tenant_id"]
    operator.run(lambda engine: engine.tenants.set_state(tenant_id, State.ACTIVE))
    refresh = f"/api/v2/tenant/{tenant_id}/api_key/refresh"
    old, new = (http.post(refresh, headers=tenant.bearer).json()["api_key"] for _ in range(2))
    tenant = Tenant(tenant_id, tenant.admin, new, http)
    tenant.configure(pass_phrase="manual", pass_phrase_method="alphabets", pass_phrase_length=20)
    for pass_key in PASS_KEYS:
        use_pass_key(tenant, pass_key)
    tenant.fetch(PHONE, headers={"x-api-key": old})
    http.get(f"{tenant.path}/config", headers={"authorization": f"Bearer {token}x"})
    for key in names(edge.redis, "passcode"):
        break_value(edge.redis, key)
    assert tenant.fetch(PHONE).status_code == 500
    assert tenant.submit(PHONE, PHRASE, headers=ONCE).status_code == 200
    assert tenant.submit(PASS_KEYS[-1], PHRASE).status_code == 409
    return [EMAIL, NAME, PASSWORD, WRONG_PASSWORD, PHRASE, token, old, new, *PASS_KEYS, *ONCE.values()]


def use_pass_key(tenant: Tenant, pass_key: str) -> None:
    for headers in ({}, ONCE):
        for phrase in (PHRASE, PHRASE, f"{PHRASE}1"):
            tenant.submit(pass_key, phrase, headers=headers)
        for _ in range(2):
            tenant.fetch(pass_key, headers=headers)
    tenant.submit(pass_key, PHRASE)  # and is left there
    half = f'{{"pass_key":"{pass_key}","pass_phrase":"{PHRASE}"'
    tenant.http.post(tenant.path, content=half)
    tenant.http.post(tenant.path, json={"pass_key": [pass_key], "pass_phrase": [PHRASE]})
    tenant.http.get(f"/api/v2/nothing/{quote(pass_key, safe='')}")


def spelled(secret: str) -> list[bytes]:
    """A secret as it is, and as it looks in a URL, in hexadecimal and in Base64 wherever it begins."""
    raw = secret.encode()
    encoded = [b64encode(b"\0" * offset + raw)[4 * bool(offset) : -4] for offset in range(3)]
    return [raw, raw.lower(), quote(secret, safe="").encode(), raw.hex().encode(), *encoded]


def found(secrets: list[str], kept: bytes) -> list[str]:
    return [secret for secret in secrets if is_in(secret, kept)]


def is_in(secret: str, kept: bytes) -> bool:
    if CODE.fullmatch(secret):  # any eight digits are in some longer number: an instant, a count
        return re.search(rb"(?<!\d)" + secret.encode() + rb"(?!\d)", kept) is not None
    return any(form in kept for form in spelled(secret))


def test_the_search_finds_a_secret_in_any_spelling() -> None:
    for secret in (PHRASE, PHONE, EMAIL):
        padded = [b"." * offset + secret.encode() + b"." for offset in range(3)]
        for kept in (*padded, quote(secret, safe="").encode(), *map(b64encode, padded)):
            assert found([secret], kept) == [secret]


def test_the_search_finds_a_code_that_stands_by_itself() -> None:
    for kept in (b'"83920174"', b"code 83920174.", b"83920174"):
        assert found(["83920174"], kept) == ["83920174"]
    assert found(["83920174"], b"1783920174") == []


def test_nothing_secret_reaches_redis(walk: Walk) -> None:
    assert walk.heard.count(b"EVALSHA") + walk.heard.count(b"evalsha") > 50
    assert b"Plainly Acme" in walk.heard  # names of tenants are no secret
    assert found(walk.secrets, walk.heard) == []


def test_what_is_configured_is_kept_as_it_is_as_documented(walk: Walk) -> None:
    assert ISSUER.encode() in walk.heard
    assert found(walk.configured, walk.heard) == walk.configured


def test_nothing_secret_is_in_what_redis_writes(redis: RedisServer, walk: Walk) -> None:
    redis.command("SAVE")
    kept = b"".join(path.read_bytes() for path in redis.directory.rglob("*") if path.is_file())
    assert kept.count(b"Plainly Acme") >= 2  # in the snapshot and in the append-only file
    assert found(walk.secrets, kept) == []


def test_nothing_secret_is_in_the_logs_of_a_talkative_edge(edge: Edge, walk: Walk) -> None:
    said = Counter(line["message"] for line in edge.log_lines())
    assert said["request"] > 50
    assert said["operation failed"] >= 4
    assert said["a callback cannot be signed"] >= 1
    assert found(walk.secrets + walk.configured, edge.log.read_bytes()) == []


def test_nothing_secret_is_in_the_metrics(edge: Edge, walk: Walk) -> None:
    def metrics() -> bytes:
        return httpx.get(f"{edge.url}/metrics").content

    wait_until(lambda: b"watchword_requests_total" in metrics())
    assert b"watchword_delivery_attempts_total" in metrics()
    assert found(walk.secrets + walk.configured, metrics()) == []


@pytest.mark.usefixtures("walk")
def test_every_key_expires_but_for_those_of_tenants_and_administrators(edge: Edge) -> None:
    for noun in ("passcode", "submitted", "session", "limit", "request", "tenant", "admin", *NOUNS):
        assert names(edge.redis, noun), f"the walk left no {noun}"
    assert leaks(edge.redis.admin) == []
