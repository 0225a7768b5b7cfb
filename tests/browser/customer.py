"""The customer's widget as a customer finds his way: by what is written on it."""

from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.edge.tenants import Tenant

NUMBER = "+1 555 010 2030"
KEY, WORD = "Your phone number or ID", "Your secret word"
SUBMIT, SUBMIT_WORD = "Show my code", "Keep this word for the agent"


class Customer:
    def __init__(self, page: "Page") -> None:
        self.page = page
        self.code = page.locator(".code")
        self.error = page.get_by_role("alert")
        self.status = page.get_by_role("status")
        self.timer = page.get_by_role("timer")

    async def visit(self, tenant: "Tenant") -> None:
        await self.page.goto(f"/customer/{tenant.id}")

    async def submit(self, number: str = NUMBER, word: str | None = None) -> None:
        await self.page.get_by_label(KEY).fill(number)
        if word is not None:
            await self.page.get_by_label(WORD).fill(word)
        await self.button(SUBMIT if word is None else SUBMIT_WORD).click()

    async def read_code(self) -> str:
        await expect(self.code).to_be_visible()
        return await self.code.inner_text()

    def button(self, name: str) -> "Locator":
        return self.page.get_by_role("button", name=name, exact=True)

    def heading(self, name: str) -> "Locator":
        return self.page.get_by_role("heading", name=name, exact=True)


def bare(code: str) -> str:
    """A code without the gaps between its groups."""
    return "".join(code.split())
