"""/docs in a browser: the whole document is shown, nobody else is asked for anything, and its examples work."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.chromium import keep, violations
from tests.edge.documented import operations

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.edge.tenants import Tenant

pytestmark = pytest.mark.anyio

SUBMIT = "#operations-identity-identity_submit"
FETCH = "#operations-identity-identity_fetch"
# The line of a call is a button with a link in it, and its headings skip a level.
SWAGGERS_OWN = {"nested-interactive", "heading-order"}


@pytest.fixture
def openapi(http: httpx.Client) -> Any:  # noqa: ANN401  # JSON
    return http.get("/openapi.json").json()


async def run(page: "Page", call: str) -> str:
    """Try a call as it is filled in, and read what the page shows of the answer."""
    block = page.locator(call)
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Execute").click()
    answered = block.locator(".live-responses-table .response")
    await expect(answered).to_be_visible()
    return await answered.inner_text()


async def test_every_call_of_the_document_is_shown(page: "Page", openapi: Any) -> None:  # noqa: ANN401
    """That nobody else was asked, and that the policy held, is seen when the page is left."""
    await page.goto("/docs")
    await expect(page.locator(".opblock")).to_have_count(len([*operations(openapi)]))
    await keep(page, "docs")


async def test_examples_work_as_they_stand(page: "Page", tenant: "Tenant") -> None:
    """With the reader's own tenant and key; nothing else is typed."""
    await page.goto(f"/docs?tenant={tenant.id}")
    assert '"pass_phrase"' in await run(page, SUBMIT)
    await page.get_by_role("button", name="Authorize").first.click()
    key = page.locator(".auth-container", has_text="The API key of the agent's dialer")
    await key.get_by_role("textbox").fill(tenant.api_key)
    await key.get_by_role("button", name="Apply").click()
    await page.get_by_role("button", name="Close").first.click()
    answer = await run(page, FETCH)
    await keep(page, "docs-tried")
    assert '"pass_phrase"' in answer


async def test_what_is_no_id_is_refused_and_not_put_into_examples(page: "Page") -> None:
    await page.goto("/docs?tenant=%3Cimg%20src=x%20onerror=alert(1)%3E")
    await expect(page.locator("#tenant:invalid")).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0


async def test_the_page_is_for_everybody(page: "Page") -> None:
    """As far as Swagger UI's own structure lets it be."""
    await page.goto("/docs")
    await expect(page.locator(".opblock").first).to_be_visible()
    found = [one for one in await violations(page) if one.partition(":")[0] not in SWAGGERS_OWN]
    assert not found
