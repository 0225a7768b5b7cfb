"""Pages and their files as HTTP: what is kept how long, what a page may do, and in which language it is."""

import gzip
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast

import pytest

from edge.pages.languages import LANGUAGES, read_words
from edge.pages.rendering import ASSETS
from engine.tenants import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.edge.tenants import Admin, Operator, Tenant

SCRIPT = ASSETS.url("customer.js")
NOBODYS = "3d598852-7280-11ea-9bd3-28d24448fe41"


def test_a_file_of_the_version_there_is_is_kept_for_good(http: "httpx.Client") -> None:
    answer = http.get(SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (answer.headers["x-content-type-options"], answer.headers["access-control-allow-origin"]) == (
        "nosniff",
        "*",
    )


@pytest.mark.parametrize("name", ["customer.js", "agent.js"])
def test_a_widget_is_one_script_with_what_all_of_them_have_in_common(http: "httpx.Client", name: str) -> None:
    script, common = (http.get(ASSETS.url(each)).text for each in (name, "widget.js"))
    assert common in script
    assert "@include" not in script


@pytest.mark.parametrize("path", ["/assets/customer.js", f"/assets/{'0' * 16}/customer.js"])
def test_a_file_of_no_version_or_of_another_edges_is_there_and_kept_for_minutes(
    http: "httpx.Client", path: str
) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.content) == (200, http.get(SCRIPT).content)
    assert answer.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip", "gzip;q=0.5", "*"])
def test_a_file_comes_packed_for_who_takes_it_so(http: "httpx.Client", encoding: str) -> None:
    with http.stream("GET", SCRIPT, headers={"accept-encoding": encoding}) as answer:
        packed = b"".join(answer.iter_raw())
    plain = http.get(SCRIPT, headers={"accept-encoding": "identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"]
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 2
    assert answer.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("encoding", ["identity", "gzip;q=0", "br", "gzipped", ""])
def test_a_file_comes_plain_for_who_takes_no_other(http: "httpx.Client", encoding: str) -> None:
    answer = http.get(SCRIPT, headers={"accept-encoding": encoding})
    assert "content-encoding" not in answer.headers


def test_who_has_a_file_is_not_sent_it_again(http: "httpx.Client") -> None:
    for encoding in ("gzip", "identity"):
        headers = {"accept-encoding": encoding}
        etag = http.get(SCRIPT, headers=headers).headers["etag"]
        for known in (etag, f'"other", {etag}', f"W/{etag}"):
            answer = http.get(SCRIPT, headers=headers | {"if-none-match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert http.get(SCRIPT, headers=headers | {"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/base.html",
        "/assets/__init__.py",
        "/assets/x/customer.js",
        "/assets/..%2fpage.css",
    ],
)
def test_no_other_file_is_to_be_had(http: "httpx.Client", path: str) -> None:
    assert http.get(path).status_code == 404


def test_a_page_runs_its_own_scripts_only_and_none_in_its_text(tenant: "Tenant") -> None:
    answer = tenant.http.get(f"/customer/{tenant.id}")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=|https?://", answer.text)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


def test_a_customers_page_is_framed_by_sites_of_its_tenant_only(new_tenant: "Callable[..., Tenant]") -> None:
    frames: list[str] = []
    for origins in (("*",), ("https://a.example", "https://b.example:8443")):
        tenant = new_tenant(allowed_origins=origins)
        policy = tenant.http.get(f"/customer/{tenant.id}").headers["content-security-policy"]
        frames.append(policy.rpartition("frame-ancestors ")[2])
    assert frames == ["'self'", "'self' https://a.example https://b.example:8443"]


def test_a_page_that_cannot_be_shown_says_so_in_a_page(
    http: "httpx.Client", operator: "Operator", admin: "Admin"
) -> None:
    idle = operator.new_tenant(admin, http, state=State.SUSPENDED)
    for tenant_id, status in ((NOBODYS, 404), ("%3Cscript%3E", 404), (idle.id, 403)):
        answer = http.get(f"/customer/{tenant_id}", headers={"accept-language": "de"})
        assert (answer.status_code, "Diese Seite kann nicht gezeigt werden" in answer.text) == (status, True)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        *(
            ("de", "de"),
            ("de-AT,en;q=0.8", "de"),
            ("en;q=0.5, de;q=0.9", "de"),
            ("fr, de;q=0.1", "de"),
            ("DE", "de"),
        ),
        *(
            ("", "en"),
            ("fr", "en"),
            ("de;q=0", "en"),
            ("en,de", "en"),
            ("*", "en"),
            ("de;q=x\xff", "de"),
            ("<>", "en"),
        ),
    ],
)
def test_a_page_is_in_the_language_that_its_reader_likes_best(
    tenant: "Tenant", accepted: str, language: str
) -> None:
    answer = tenant.http.get(f"/customer/{tenant.id}", headers=[(b"accept-language", accepted.encode("latin-1"))])
    assert f'<html lang="{language}">' in answer.text
    assert "accept-language" in answer.headers["vary"]


@pytest.mark.parametrize("what", ["pages", "customer"])
def test_every_language_has_all_words_and_the_same_gaps(what: str) -> None:
    words = read_words(what)
    assert words.keys() == set(LANGUAGES)
    shapes = {language: dict(gaps("", text)) for language, text in words.items()}
    for one, other in combinations(shapes, 2):
        assert shapes[one] == shapes[other]


def gaps(path: str, part: Any) -> "Iterator[tuple[str, list[str]]]":  # noqa: ANN401  # any part of a JSON value
    if isinstance(part, str):
        assert part.strip() == part != ""
        yield path, sorted(re.findall(r"\{\w+\}", part))
    elif isinstance(part, dict):
        for name, each in cast("dict[str, Any]", part).items():
            yield from gaps(f"{path}.{name}", each)
    else:
        for number, each in enumerate(part):
            yield from gaps(f"{path}.{number}", each)
