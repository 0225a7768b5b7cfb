"""/docs without a browser: its headers keep it to this edge, and its files are there."""

import re
from typing import TYPE_CHECKING

from edge.pages import docs

if TYPE_CHECKING:
    import httpx


def test_nothing_but_this_edge_is_named(http: "httpx.Client") -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 5
    assert all(re.match(r"/[^/]", address) for address in addresses)
    assert not re.search(r"<script(?![^>]* src=)|<style| on\w+=| style=", page.text)


def test_the_policy_lets_nobody_else_be_asked(http: "httpx.Client") -> None:
    policy = http.get("/docs").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == rules["frame-ancestors"] == "'none'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'self'", "'none'", "data:"}
    assert "data:" not in rules["script-src"] + rules["connect-src"]


def test_every_file_of_the_page_is_there_and_may_be_kept(http: "httpx.Client") -> None:
    for address in re.findall(r'(?:src|href)="(/(?:docs|assets)/[^"]+)"', http.get("/docs").text):
        file = http.get(address)
        assert (file.status_code, file.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert file.headers["content-encoding"] == "gzip"


def test_other_files_of_the_package_are_not_served(http: "httpx.Client") -> None:
    version = re.search(r"/docs/([0-9a-f]{16})/", http.get("/docs").text)
    assert version
    for name in ("VERSION", "..%2f__init__.py", "swagger-ui.js"):
        assert http.get(f"/docs/{version[1]}/{name}").status_code == 404


def test_without_the_package_there_are_no_files() -> None:
    assert docs.read_swagger_ui("there-is-no-such-package") is None
