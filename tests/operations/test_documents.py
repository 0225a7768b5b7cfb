"""What operators read leads somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("operations.md", "backup.md", "kubernetes.md", "sizing.md")

_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([\w-]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_the_pages_for_operators_leads_somewhere(name: str) -> None:
    links = _LINK.findall((DOCS / name).read_text("utf-8"))
    assert links
    for file, anchor in links:
        page = (DOCS / (file or name)).resolve()
        assert page.exists(), file
        assert not anchor or anchor in anchors(page), f"{file}#{anchor}"
