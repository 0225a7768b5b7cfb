"""The agent's page as an agent finds their way: by what is written on it."""

from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.edge.agents import Agent
    from tests.edge.tenants import Tenant

KEY = "The customer\u2019s phone number or ID"
SIGN_IN, LOOK_UP = "Sign in", "Show the customer\u2019s code"


class AgentPage:
    def __init__(self, page: "Page") -> None:
        self.page = page
        self.code = page.locator(".code")
        self.error = page.get_by_role("alert")
        self.timer = page.get_by_role("timer")

    async def visit(self, tenant: "Tenant") -> None:
        await self.page.goto(f"/agent/{tenant.id}")

    async def sign_in(self, agent: "Agent", password: str | None = None) -> None:
        await self.page.get_by_label("E-mail address").fill(agent.email)
        await self.page.get_by_label("Password").fill(agent.password if password is None else password)
        await self.button(SIGN_IN).click()

    async def look_up(self, number: str) -> None:
        await self.page.get_by_label(KEY).fill(number)
        await self.button(LOOK_UP).click()

    async def read_code(self) -> str:
        await expect(self.code).to_be_visible()
        return await self.code.inner_text()

    def button(self, name: str) -> "Locator":
        return self.page.get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> "Locator":
        return self.page.get_by_role("heading", name=name, exact=True)
