"""What the customer sees: a code to compare, its time, and what to do if something is wrong."""

from typing import TYPE_CHECKING

import msgspec
import pytest
from playwright.async_api import expect

from engine.policies import Alphabet, Mode, PasscodePolicy
from engine.tenants import Configuration
from tests.browser.chromium import keep
from tests.browser.customer import KEY, NUMBER, SUBMIT, SUBMIT_WORD, WORD, Customer, bare
from tests.edge.tenants import fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Page, Route

    from tests.edge.tenants import Operator, Tenant

pytestmark = pytest.mark.anyio


@pytest.fixture
def customer(page: "Page") -> Customer:
    return Customer(page)


def policy(**fields: object) -> Configuration:
    """A configuration, of shorter lives too than an administrator may set."""
    return Configuration(msgspec.structs.replace(PasscodePolicy(), **fields), None, 0, 0)


async def test_a_customer_gets_the_code_that_the_agent_fetches(customer: Customer, tenant: "Tenant") -> None:
    await customer.visit(tenant)
    await keep(customer.page, "customer-entry")
    await customer.submit()
    code = await customer.read_code()
    await keep(customer.page, "customer-code")

    assert [len(group) for group in code.split()] == [3, 3]
    assert tenant.fetch("15550102030").json()["pass_phrase"] == bare(code)
    await customer.button("They said the same").click()
    await expect(customer.heading("You are speaking with us")).to_be_focused()
    await expect(customer.code).to_have_count(0)


async def test_a_customer_who_hears_something_else_is_told_to_hang_up(
    customer: Customer, tenant: "Tenant"
) -> None:
    await customer.visit(tenant)
    await customer.submit()
    await expect(customer.page.get_by_text("it is not us. Hang up")).to_be_visible()
    await customer.button("They said something else").click()
    await expect(customer.heading("Hang up now")).to_be_focused()
    await keep(customer.page, "customer-hang-up")


async def test_a_code_is_read_out_character_by_character_in_groups(customer: Customer, tenant: "Tenant") -> None:
    await customer.visit(tenant)
    await customer.submit()
    first, second = (await customer.read_code()).split()
    heading = customer.heading("This is your code")
    await expect(heading).to_be_focused()
    await expect(heading).to_have_accessible_description(f"{' '.join(first)}, {' '.join(second)}")


async def test_in_manual_mode_the_customer_chooses_the_word_by_its_rule(
    customer: Customer, new_tenant: "Callable[..., Tenant]"
) -> None:
    tenant = new_tenant(configuration=policy(mode=Mode.MANUAL, alphabet=Alphabet.ALPHABETS, length=12))
    await customer.visit(tenant)
    await expect(customer.page.get_by_text("3 to 12 letters, A to Z.")).to_be_visible()
    for bad in ("ab", "chennai1"):
        await customer.submit(word=bad)
        await expect(customer.error).to_have_text("This word does not fit. Please look at the rule above.")
        await expect(customer.page.get_by_label(WORD)).to_be_focused()
    assert await customer.page.get_by_label(WORD).get_attribute("aria-invalid") == "true"
    await keep(customer.page, "customer-word-refused")
    assert tenant.fetch(NUMBER).status_code == 410

    await customer.submit(word="chennai")
    assert await customer.read_code() == "chennai"
    await keep(customer.page, "customer-word")
    assert tenant.fetch(NUMBER).json()["pass_phrase"] == "chennai"


async def test_a_tenant_that_begins_to_ask_for_words_is_followed(
    customer: Customer, tenant: "Tenant", operator: "Operator"
) -> None:
    await customer.visit(tenant)
    await expect(customer.button(SUBMIT)).to_be_visible()
    operator.change(tenant, configuration=policy(mode=Mode.MANUAL, length=9))
    await customer.submit()
    await expect(customer.button(SUBMIT_WORD)).to_be_visible()
    await expect(customer.page.get_by_label(KEY)).to_have_value(NUMBER)


async def test_a_number_that_has_a_code_already_is_explained(customer: Customer, tenant: "Tenant") -> None:
    tenant.submit(NUMBER)
    await customer.visit(tenant)
    await customer.submit()
    await expect(customer.error).to_contain_text("There is a code for this number already")
    await expect(customer.error).to_contain_text("1 minute at most")
    await expect(customer.error).to_contain_text("hang up, and call us")
    await keep(customer.page, "customer-conflict")


async def test_a_code_whose_time_is_up_is_gone_and_another_is_to_be_had(
    customer: Customer, new_tenant: "Callable[..., Tenant]"
) -> None:
    tenant = new_tenant(configuration=policy(expires_s=2))
    await customer.visit(tenant)
    await customer.submit()
    first = await customer.read_code()
    await expect(customer.heading("The time is up")).to_be_focused()
    await expect(customer.code).to_have_count(0)
    assert bare(first) not in bare(await customer.page.locator("watchword-customer").inner_text())
    await keep(customer.page, "customer-expired")

    assert tenant.fetch(NUMBER).status_code == 410
    await customer.button("Get a new one").click()
    await expect(customer.page.get_by_label(KEY)).to_be_focused()
    await customer.submit()
    assert tenant.fetch(NUMBER).json()["pass_phrase"] == bare(await customer.read_code())


async def test_time_is_shown_by_the_second_and_announced_at_a_few(
    customer: Customer, new_tenant: "Callable[..., Tenant]"
) -> None:
    await customer.page.clock.install()
    await customer.visit(new_tenant(configuration=policy(expires_s=90)))
    await customer.submit()
    await customer.read_code()
    shown: set[str] = set()
    announced: list[str] = []
    for _ in range(89):
        shown.add(await customer.timer.inner_text())
        said = await customer.status.inner_text()
        if said and said not in announced:
            announced.append(said)
        await customer.page.clock.run_for(1000)
    assert len(shown) >= 88
    assert "Good for another 1 minute 5 seconds" in shown
    assert [text.removeprefix("Good for another ") for text in announced] == [
        "1 minute",
        "30 seconds",
        "10 seconds",
    ]


async def test_a_device_that_slept_finds_the_time_up(customer: Customer, tenant: "Tenant") -> None:
    await customer.page.clock.install()
    await customer.visit(tenant)
    await customer.submit()
    await customer.read_code()
    await customer.page.clock.fast_forward("01:00")
    await expect(customer.heading("The time is up")).to_be_visible()


async def test_what_is_shown_cannot_be_copied_and_that_is_said(customer: Customer, tenant: "Tenant") -> None:
    await customer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await customer.visit(tenant)
    await customer.submit()
    code = await customer.read_code()
    await expect(customer.page.get_by_text("This cannot be copied")).to_be_visible()
    await customer.code.dblclick()
    await customer.page.keyboard.press("Control+a")
    await customer.page.keyboard.press("Control+c")
    selected = await customer.page.evaluate("getSelection().toString()")
    copied = await customer.page.evaluate("navigator.clipboard.readText()")
    for text in (selected, copied):
        assert bare(code) not in bare(text)


async def test_nobody_who_goes_back_finds_the_code(customer: Customer, tenant: "Tenant") -> None:
    await customer.visit(tenant)
    await customer.submit()
    await customer.read_code()
    await customer.page.goto("/livez")
    await customer.page.go_back()
    await expect(customer.page.get_by_label(KEY)).to_have_value("")
    await expect(customer.code).to_have_count(0)


async def test_an_answer_that_was_lost_is_got_by_trying_again(customer: Customer, tenant: "Tenant") -> None:
    """The same attempt has the same code; a further one would be refused as a conflict."""
    lost: list[str] = []

    async def lose(route: "Route") -> None:
        answer = await route.fetch()
        lost.append((await answer.json())["data"]["pass_phrase"])
        await route.abort()

    await customer.visit(tenant)
    await customer.page.route("**/identity/passcode", lose)
    await customer.submit()
    await expect(customer.error).to_contain_text("We cannot be reached from here")
    await customer.page.unroute("**/identity/passcode")
    await customer.button(SUBMIT).click()
    assert [bare(await customer.read_code())] == lost


async def test_a_customer_without_a_network_is_told_so(customer: Customer, tenant: "Tenant") -> None:
    await customer.visit(tenant)
    await expect(customer.button(SUBMIT)).to_be_visible()
    await customer.page.context.set_offline(True)
    await customer.submit()
    await expect(customer.error).to_have_text("You are offline. Please check your connection and try again.")
    await customer.page.context.set_offline(False)
    await customer.button(SUBMIT).click()
    await customer.read_code()


async def test_who_enters_nothing_is_asked_for_a_number(customer: Customer, tenant: "Tenant") -> None:
    await customer.visit(tenant)
    await customer.submit(" ")
    await expect(customer.error).to_have_text("Please enter your phone number or ID.")
    await expect(customer.page.get_by_label(KEY)).to_be_focused()


async def test_who_tries_too_often_is_told_how_long_to_wait(
    customer: Customer, new_tenant: "Callable[..., Tenant]"
) -> None:
    """Until then nothing is sent."""
    tenant = new_tenant(submit_limit=1)
    sent: list[int] = []

    async def spend_and_send(route: "Route") -> None:
        tenant.submit(fresh("key"))
        while (answer := await route.fetch()).status != 429:
            tenant.submit(fresh("key"))
        sent.append(answer.status)
        await route.fulfill(response=answer)

    await customer.visit(tenant)
    await expect(customer.button(SUBMIT)).to_be_visible()
    began = await customer.page.evaluate("Date.now()")
    await customer.page.clock.set_fixed_time(began)
    await customer.page.route("**/identity/passcode", spend_and_send)
    await customer.submit()
    await expect(customer.error).to_have_text("There were too many tries. Please wait 1 second.")
    await customer.button(SUBMIT).click()
    await expect(customer.error).to_have_text("There were too many tries. Please wait 1 second.")
    await keep(customer.page, "customer-limit")
    assert sent == [429]

    await customer.page.clock.set_fixed_time(began + 2000)
    await customer.button(SUBMIT).click()
    await expect(customer.error).to_have_text("There were too many tries. Please wait 1 second.")
    assert sent == [429, 429]
