"""A real browser, and the real edge and Redis of tests/edge. Every page of it must keep to its own edge."""

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import async_playwright

from tests.browser.chromium import WIDE, chromium
from tests.browser.sites import Site
from tests.edge.conftest import admin, edge, http, new_tenant, operator, tenant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from playwright.async_api import Browser, ConsoleMessage, Page, Request

    from tests.edge.program import Edge

__all__ = ["admin", "edge", "http", "new_tenant", "operator", "tenant"]


class Watch:
    """What went wrong on pages: errors of scripts, and of the policy of a page; and whom they asked."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.hosts: set[str] = set()

    def look_at(self, page: "Page") -> None:
        page.on("console", self._on_console)
        page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._on_request)

    def _on_console(self, message: "ConsoleMessage") -> None:
        # The browser notes every answer of 400 and above as an error: those are the pages' to tell.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _on_request(self, request: "Request") -> None:
        self.hosts.add(request.url.split("/")[2])


@pytest.fixture(scope="session")
async def browser() -> "AsyncGenerator[Browser]":
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
def watch(edge: "Edge") -> "Generator[Watch]":
    """After the test: nothing went wrong on its pages, and they have asked nobody but the edge."""
    watch = Watch()
    yield watch
    assert not watch.errors
    assert watch.hosts <= {edge.url.removeprefix("http://")}


@pytest.fixture
async def new_page(browser: "Browser", edge: "Edge") -> "AsyncGenerator[Callable[..., Awaitable[Page]]]":
    """Opens pages of browsers of their own; arguments are Playwright's."""
    contexts: list[Any] = []

    async def open_page(**options: Any) -> "Page":  # noqa: ANN401
        defaults: dict[str, Any] = {"base_url": edge.url, "locale": "en-GB", "viewport": WIDE}
        context = await browser.new_context(**defaults | options)
        context.set_default_timeout(5000)
        contexts.append(context)
        return await context.new_page()

    yield open_page
    for context in contexts:
        await context.close()


@pytest.fixture
async def page(new_page: "Callable[..., Awaitable[Page]]", watch: Watch) -> "Page":
    page = await new_page()
    watch.look_at(page)
    return page


@pytest.fixture(scope="session")
def site() -> "Generator[Site]":
    with Site() as site:
        yield site
