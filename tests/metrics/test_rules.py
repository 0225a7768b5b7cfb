"""The alerts: Prometheus accepts them, they fire when they should, and who is woken up finds a page to read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.metrics.prometheus import promtool
from tests.metrics.scraped import ROOT, unknown_in

if TYPE_CHECKING:
    from tests.metrics.conftest import Walked

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "watchword.rules.yml"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks.md"
PARTS_OF_A_RUNBOOK = (r"\*\*Users\b", r"\*\*Look\b", r"\*\*(Do\b|Look and do\b)")

_ALERT = re.compile(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", re.DOTALL)
_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_QUERY = re.compile(r"```promql\n(.*?)```", re.DOTALL)


class Alert(NamedTuple):
    name: str
    text: str

    def said(self, field: str) -> str:
        match = re.search(rf"{field}: (.+)", self.text)
        assert match, f"{self.name} has no {field}"
        return match[1]


ALERTS = [Alert(*found) for found in _ALERT.findall(RULES.read_text("utf-8"))]
SECTIONS = dict[str, str](_SECTION.findall(RUNBOOKS.read_text("utf-8")))


def test_prometheus_accepts_the_rules_and_the_configuration() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", RULES)
    promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    cases = "\n".join(path.read_text("utf-8") for path in TESTS)
    fired = set(re.findall(r"alertname=\\?\"(\w+)\\?\"", cases))
    assert fired == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_each_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(alert: Alert) -> None:
    assert alert.said("severity") in {"critical", "warning"}
    assert alert.said("summary")
    assert alert.said("description")
    assert alert.said("runbook_url") == f"docs/runbooks.md#{alert.name.lower()}"


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert list(SECTIONS) == [alert.name for alert in ALERTS]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_runbook_says_what_users_feel_where_to_look_and_what_to_do(name: str) -> None:
    for part in PARTS_OF_A_RUNBOOK:
        assert re.search(part, SECTIONS[name]), part


def test_alerts_and_runbooks_ask_for_what_is_exposed(walked: "Walked") -> None:
    scrape = walked.scrape()
    for text in (*(alert.text for alert in ALERTS), *_QUERY.findall(RUNBOOKS.read_text("utf-8"))):
        asked = re.sub(r"description: .*|summary: .*", "", text)
        assert unknown_in(asked, scrape) == set(), text


def test_every_link_of_the_runbooks_leads_somewhere() -> None:
    for file, anchor in re.findall(r"\]\((\w+\.md)?#([\w-]+)\)", RUNBOOKS.read_text("utf-8")):
        text = (RUNBOOKS.parent / (file or RUNBOOKS.name)).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, f"{file}#{anchor}"
