"""Debian's Chromium, driven by Playwright. Where it cannot be had, a newcomer's tests are skipped."""

import os
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
NARROW, WIDE = {"width": 320, "height": 640}, {"width": 800, "height": 900}
_AXE = resources.files("axe_playwright_python") / "axe.min.js"
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What was painted when, by the page's own clock, and what it took of the network.
_FIRST_PAINT_MS = """() => new Promise((done) => new PerformanceObserver((list) => {
  const [painted] = list.getEntriesByName("first-contentful-paint");
  if (painted) done(painted.startTime);
}).observe({ type: "paint", buffered: true }))"""
_TRANSFERRED = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .map((entry) => [new URL(entry.name).pathname, entry.transferSize])"""


def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        missing = "there is no chromium to be had: see `make browser`"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


async def violations(page: "Page") -> list[str]:
    """What axe-core finds wrong for people who see, hear or move otherwise (WCAG 2.2 AA, and good practice)."""
    await page.evaluate(_AXE.read_text("utf-8"))
    found: dict[str, Any] = await page.evaluate("(tags) => axe.run({ runOnly: tags })", _WCAG)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


async def keep(page: "Page", name: str) -> None:
    """A screenshot, for people."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


async def is_wider_than_its_window(page: "Page") -> bool:
    return await page.evaluate("document.documentElement.scrollWidth > innerWidth")


async def first_paint_ms(page: "Page") -> float:
    return await page.evaluate(_FIRST_PAINT_MS)


async def transferred(page: "Page") -> dict[str, int]:
    """Bytes by path, heads included."""
    return dict(await page.evaluate(_TRANSFERRED))
