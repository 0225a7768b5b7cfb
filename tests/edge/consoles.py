"""A browser without scripts, for the console: it shows pages, fills forms in, and says where it comes from."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self

import httpx

from tests.edge.tenants import PASSWORD, fresh

if TYPE_CHECKING:
    from tests.edge.program import Edge

SAME_SITE = {"sec-fetch-site": "same-origin"}
PROBE = """"><script>alert('x')</script>{{7*7}}<img src=x onerror=alert(1)>'"""


@dataclass
class HtmlForm:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


class Page(HTMLParser):
    """A page as it came: its forms with what is filled in, its text, and its elements by name."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer
        self.status = answer.status_code
        self.forms: list[HtmlForm] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._area: str | None = None
        self.feed(answer.text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "form":
            self.forms.append(HtmlForm(given["method"] or "", given.get("action") or ""))
        elif tag == "textarea":
            self._area = given["name"]
        elif tag == "input" and (name := given.get("name")) and self.forms:
            is_choice = given.get("type") in {"radio", "checkbox"}
            if not is_choice or "checked" in given:
                self.forms[-1].fields[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._area is not None:
            self.forms[-1].fields[self._area] = data.removeprefix("\n")

    def form(self, action: str) -> HtmlForm:
        return next(form for form in self.forms if form.action == action)

    def named(self, name: str) -> dict[str, str | None]:
        """The attributes of the element with this id."""
        return next(given for _, given in self.elements if given.get("id") == name)

    def errors(self) -> list[str]:
        """The fields that the page says are wrong; each must be marked and described as such."""
        linked = [(given["href"] or "")[1:] for tag, given in self.elements if tag == "a" and _is_inner(given)]
        wrong = [name for name in linked if name != "main"]
        for name in wrong:
            assert self.named(name)["aria-invalid"] == "true"
            assert f"{name}-error" in (self.named(name)["aria-describedby"] or "")
            assert self.named(f"{name}-error")
        return wrong


def _is_inner(given: dict[str, str | None]) -> bool:
    return (given.get("href") or "").startswith("#")


class Browser:
    def __init__(self, edge: "Edge", **headers: str) -> None:
        self.http = httpx.Client(base_url=edge.url, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def token(self) -> str | None:
        return self.http.cookies.get("watchword-console")

    def show(self, path: str) -> Page:
        return Page(self.http.get(path))

    def send(self, path: str, fields: dict[str, str], headers: dict[str, str] = SAME_SITE) -> Page:
        """A form of one's own making."""
        return Page(self.http.post(path, data=fields, headers=headers))

    def fill(self, path: str, action: str | None = None, **fields: str) -> Page:
        """Show a page, fill its form in and send it; what it holds already stays."""
        form = self.show(path).form(action or path)
        return self.send(form.action, form.fields | fields)

    def follow(self, page: Page) -> Page:
        """Where a form that was carried out leads."""
        assert page.status == 303, page.text
        return self.show(page.answer.headers["location"])

    def log_in(self, email: str, password: str = PASSWORD) -> Page:
        return self.fill("/console/log-in", email=email, password=password)

    def sign_up(self) -> str:
        """As somebody new; returns the e-mail address."""
        email = fresh("console").replace(" ", "") + "@example.com"
        page = self.fill("/console/sign-up", name="Ada Lovelace", email=email, password=PASSWORD)
        assert page.status == 303, page.text
        return email

    def create_tenant(self, name: str | None = None) -> str:
        """Returns its path."""
        page = self.fill("/console", tenant_name=name or fresh("console tenant"))
        assert page.status == 303, page.text
        return page.answer.headers["location"]
