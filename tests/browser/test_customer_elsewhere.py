"""The customer's widget on a company's own site, by two lines; and on sites that have no business with it."""

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.chromium import keep, violations
from tests.browser.customer import NUMBER, SUBMIT, Customer, bare
from tests.edge.stored import nothing_new

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page, Route

    from tests.browser.sites import Site
    from tests.edge.program import Edge
    from tests.edge.tenants import Tenant

    NewPage = Callable[..., Awaitable[Page]]

pytestmark = pytest.mark.anyio

PROBES = (
    "<img src=x onerror=alert(1)>",
    "</title></h1><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "{{ 7 * 7 }}${7*7}",
    "javascript:alert(1)",
)


@pytest.fixture
async def abroad(new_page: "NewPage", site: "Site") -> Customer:
    return Customer(await new_page(base_url=site.origin))


async def test_a_site_that_the_tenant_has_named_has_the_widget_by_two_lines(
    abroad: Customer, site: "Site", edge: "Edge", new_tenant: "Callable[..., Tenant]"
) -> None:
    tenant = new_tenant(allowed_origins=(site.origin,))
    site.embed(edge=edge.url, tenant=tenant.id)
    await abroad.page.goto("/")
    await abroad.submit()
    code = await abroad.read_code()
    assert await violations(abroad.page) == []
    await keep(abroad.page, "customer-embedded")
    assert tenant.fetch(NUMBER).json()["pass_phrase"] == bare(code)


async def test_the_edges_own_page_need_not_be_named(page: "Page", new_tenant: "Callable[..., Tenant]") -> None:
    customer = Customer(page)
    await customer.visit(new_tenant(allowed_origins=("https://www.acme.example",)))
    await customer.submit()
    await customer.read_code()


async def test_another_site_shows_nothing_and_stores_nothing(
    abroad: Customer, site: "Site", edge: "Edge", new_tenant: "Callable[..., Tenant]"
) -> None:
    """By the widget or by scripts of its own, asked for or not."""
    tenant = new_tenant(allowed_origins=("https://www.acme.example",))
    site.embed(edge=edge.url, tenant=tenant.id)
    with nothing_new(edge.redis):
        await abroad.page.goto("/")
        await expect(abroad.error).to_contain_text("We cannot be reached from here")
        await expect(abroad.button(SUBMIT)).to_have_count(0)
        await keep(abroad.page, "customer-foreign-site")
        for mode, media in (("cors", "application/json"), ("cors", "text/plain"), ("no-cors", "text/plain")):
            assert await post(abroad.page, f"{edge.url}{tenant.path}", mode, media) in {"TypeError", "opaque"}


async def post(page: "Page", url: str, mode: str, media: str) -> str:
    """What a script of the page learns of its answer."""
    return await page.evaluate(
        """async ([url, mode, media]) => {
          const headers = { "content-type": media };
          const body = '{"pass_key":"23456"}';
          try { return (await fetch(url, { method: "POST", mode, headers, body })).type; }
          catch (error) { return error.name; }
        }""",
        [url, mode, media],
    )


async def test_a_site_says_which_language_its_widget_speaks(
    new_page: "NewPage", site: "Site", edge: "Edge", tenant: "Tenant"
) -> None:
    """Not the reader's, on a page that is in another; one that there is no file of is passed over."""
    site.embed(edge=edge.url, tenant=tenant.id, language="de-CH")
    customer = Customer(await new_page(base_url=site.origin, locale="en-GB"))
    await customer.page.goto("/")
    await expect(customer.button("Meinen Code zeigen")).to_be_visible()
    site.embed(edge=edge.url, tenant=tenant.id, language="fr")
    await customer.page.goto("/")
    await expect(customer.button(SUBMIT)).to_be_visible()
    await customer.page.locator("watchword-customer").evaluate("(widget) => { widget.lang = 'de'; }")
    await expect(customer.button("Meinen Code zeigen")).to_be_visible()
    await customer.page.locator("watchword-customer").evaluate("(widget) => widget.setAttribute('tenant', 'none')")
    await expect(customer.error).to_contain_text("Diese Seite ist nicht richtig eingerichtet")


async def test_no_page_is_shown_in_a_frame_of_a_site_that_the_tenant_has_not_named(
    abroad: Customer, site: "Site", edge: "Edge", new_tenant: "Callable[..., Tenant]"
) -> None:
    framed = """(source) => new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.addEventListener("load", () => done());
      frame.src = source;
      document.body.append(frame);
    })"""
    shown: list[bool] = []
    for origins in (("*",), ("https://www.acme.example",), (site.origin,)):
        tenant = new_tenant(allowed_origins=origins)
        site.embed(edge=edge.url, tenant="none")
        await abroad.page.goto("/")
        await abroad.page.evaluate(framed, f"{edge.url}/customer/{tenant.id}")
        frame = abroad.page.frames[-1]
        shown.append(frame.url.startswith(edge.url))
    assert shown == [False, False, True]


every_probe = pytest.mark.parametrize(
    "probe", [PROBES[0], *(pytest.param(probe, marks=pytest.mark.thorough) for probe in PROBES[1:])]
)


@every_probe
async def test_the_name_of_a_tenant_is_text(page: "Page", new_tenant: "Callable[..., Tenant]", probe: str) -> None:
    """Shown letter by letter; what it would run, runs nowhere (see the fixture `watch`)."""
    customer = Customer(page)
    await customer.visit(new_tenant(name=probe))
    await expect(customer.button(SUBMIT)).to_be_visible()
    await expect(page.locator(".company")).to_have_text(probe)
    assert (await page.title()).endswith(probe)
    assert await page.locator("main img, main svg, main script").count() == 0


@every_probe
async def test_whatever_an_answer_says_is_text(page: "Page", tenant: "Tenant", probe: str) -> None:
    """A code, and an error, of somebody who stands between us and the page."""

    async def lie(route: "Route") -> None:
        if len(answered) == 0:
            answered.append("error")
            await route.fulfill(status=400, json={"errors": {probe: [probe], "pass_key": [probe]}})
        else:
            await route.fulfill(json={"status": "Success", "data": {"pass_key": probe, "pass_phrase": probe}})

    answered: list[str] = []
    await page.route("**/identity/passcode", lie)
    customer = Customer(page)
    await customer.visit(tenant)
    await customer.submit(probe)
    await expect(customer.error).to_contain_text("This is neither a phone number nor an ID")
    await customer.button(SUBMIT).click()
    assert bare(await customer.read_code()) == bare(probe)
    assert await page.locator("watchword-customer img, watchword-customer svg").count() == 0
