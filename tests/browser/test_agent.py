"""What the agent sees: a log-in, a look-up, and a code to say, with its time."""

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.browser.agent import KEY, LOOK_UP, SIGN_IN, AgentPage
from tests.browser.chromium import keep, violations
from tests.browser.customer import NUMBER, Customer, bare
from tests.browser.test_customer import policy
from tests.edge.agents import Agent, new_agent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page

    from tests.browser.conftest import Watch
    from tests.edge.tenants import Operator, Tenant

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(page: "Page") -> AgentPage:
    return AgentPage(page)


@pytest.fixture
def agent(operator: "Operator", tenant: "Tenant") -> Agent:
    return new_agent(operator, tenant)


async def test_customer_and_agent_meet_in_two_browsers(
    desk: AgentPage, agent: Agent, new_page: "Callable[..., Awaitable[Page]]", watch: "Watch"
) -> None:
    page = await new_page()
    watch.look_at(page)
    customer = Customer(page)
    await customer.visit(agent.tenant)
    await customer.submit()
    code = await customer.read_code()

    await desk.visit(agent.tenant)
    await keep(desk.page, "agent-sign-in")
    await desk.sign_in(agent)
    await expect(desk.page.get_by_label(KEY)).to_be_focused()
    await expect(desk.page.get_by_text("Signed in as Ann")).to_be_visible()
    await keep(desk.page, "agent-look-up")
    await desk.look_up("1 (555) 010-2030")
    assert await desk.read_code() == code
    await expect(desk.timer).to_contain_text("Valid for another")
    await expect(desk.heading("Say this to the customer")).to_be_focused()
    first, second = code.split()
    spoken = f"{' '.join(first)}, {' '.join(second)}"
    await expect(desk.heading("Say this to the customer")).to_have_accessible_description(spoken)
    await keep(customer.page, "meeting-customer")
    await keep(desk.page, "meeting-agent")
    await customer.button("They said the same").click()
    await desk.button("Next customer").click()
    await expect(desk.code).to_have_count(0)


async def test_a_code_is_shown_once_and_then_it_is_explained_that_there_is_none(
    desk: AgentPage, agent: Agent
) -> None:
    await desk.visit(agent.tenant)
    await desk.sign_in(agent)
    agent.tenant.submit(NUMBER)
    await desk.look_up(NUMBER)
    await desk.read_code()
    await desk.button("Next customer").click()
    await desk.look_up(NUMBER)
    await expect(desk.heading("There is no code")).to_be_focused()
    await expect(desk.page.get_by_text(f"For {NUMBER} nothing is waiting")).to_be_visible()
    await keep(desk.page, "agent-gone")
    await desk.button("Look again").click()
    await expect(desk.page.get_by_label(KEY)).to_have_value(NUMBER)


async def test_a_code_goes_when_its_time_is_up(
    desk: AgentPage, operator: "Operator", new_tenant: "Callable[..., Tenant]"
) -> None:
    tenant = new_tenant(configuration=policy(expires_s=4))
    await desk.visit(tenant)
    await desk.sign_in(new_agent(operator, tenant))
    await expect(desk.button(LOOK_UP)).to_be_visible()
    tenant.submit(NUMBER)
    await desk.look_up(NUMBER)
    code = await desk.read_code()
    await expect(desk.heading("The time is up")).to_be_focused()
    assert code not in await desk.page.locator("watchword-agent").inner_text()


async def test_a_wrong_password_is_explained_and_no_field_is_blamed(desk: AgentPage, agent: Agent) -> None:
    await desk.visit(agent.tenant)
    await desk.sign_in(agent, "wrong")
    await expect(desk.error).to_have_text("E-mail address and password do not go together.")
    await desk.sign_in(agent)
    await expect(desk.button(LOOK_UP)).to_be_visible()


async def test_a_reload_keeps_the_session_and_signing_out_ends_it(desk: AgentPage, agent: Agent) -> None:
    await desk.visit(agent.tenant)
    await desk.sign_in(agent)
    await expect(desk.button(LOOK_UP)).to_be_visible()
    await desk.page.reload()
    await expect(desk.button(LOOK_UP)).to_be_visible()
    assert await desk.page.evaluate("document.cookie") == ""
    assert "wwg" not in desk.page.url
    await desk.button("Sign out").click()
    await expect(desk.button(SIGN_IN)).to_be_visible()
    await desk.page.reload()
    await expect(desk.button(SIGN_IN)).to_be_visible()


async def test_a_session_that_is_over_leads_back_to_the_log_in(
    desk: AgentPage, agent: Agent, operator: "Operator"
) -> None:
    await desk.visit(agent.tenant)
    await desk.sign_in(agent)
    await expect(desk.button(LOOK_UP)).to_be_visible()
    operator.run(lambda engine: engine.agents.reset_password(agent.tenant.id, email=agent.email))
    await desk.look_up(NUMBER)
    await expect(desk.error).to_have_text("Your session has ended. Please sign in again.")
    await expect(desk.button(SIGN_IN)).to_be_visible()


async def test_an_answer_that_was_lost_is_got_by_trying_again(desk: AgentPage, agent: Agent) -> None:
    code = agent.tenant.submit(NUMBER).json()["data"]["pass_phrase"]

    async def lose(route: object) -> None:
        await route.fetch()  # type: ignore[attr-defined]
        await route.abort()  # type: ignore[attr-defined]

    await desk.visit(agent.tenant)
    await desk.sign_in(agent)
    await expect(desk.button(LOOK_UP)).to_be_visible()
    await desk.page.route("**/passcode", lose)
    await desk.look_up(NUMBER)
    await expect(desk.error).to_contain_text("The service cannot be reached")
    await desk.page.unroute("**/passcode")
    await desk.button(LOOK_UP).click()
    assert bare(await desk.read_code()) == code


async def test_the_walk_is_done_by_keyboard_alone(desk: AgentPage, agent: Agent) -> None:
    code = agent.tenant.submit(NUMBER).json()["data"]["pass_phrase"]
    await desk.visit(agent.tenant)
    await expect(desk.button(SIGN_IN)).to_be_visible()
    keyboard = desk.page.keyboard
    for text in (agent.email, agent.password):
        await keyboard.press("Tab")
        await keyboard.type(text)
    await keyboard.press("Enter")
    await expect(desk.page.get_by_label(KEY)).to_be_focused()
    await keyboard.type(NUMBER)
    await keyboard.press("Enter")
    assert bare(await desk.read_code()) == code


@pytest.mark.parametrize(
    "options", [{"color_scheme": "dark"}, {"viewport": {"width": 320, "height": 640}}], ids=str
)
async def test_the_walk_has_no_barriers(
    new_page: "Callable[..., Awaitable[Page]]", agent: Agent, options: "dict[str, object]"
) -> None:
    desk = AgentPage(await new_page(**options))
    agent.tenant.submit(NUMBER)
    await desk.visit(agent.tenant)
    await expect(desk.button(SIGN_IN)).to_be_visible()
    assert await violations(desk.page) == []
    await desk.sign_in(agent)
    await expect(desk.button(LOOK_UP)).to_be_visible()
    assert await violations(desk.page) == []
    await desk.look_up(NUMBER)
    await desk.read_code()
    assert await violations(desk.page) == []
    assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await keep(desk.page, f"agent-code-{'-'.join(options)}")


async def test_the_page_speaks_german_to_who_reads_german(
    new_page: "Callable[..., Awaitable[Page]]", agent: Agent
) -> None:
    desk = AgentPage(await new_page(locale="de-DE"))
    await desk.visit(agent.tenant)
    await expect(desk.button("Anmelden")).to_be_visible()
