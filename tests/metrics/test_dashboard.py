"""The dashboard: every query of it is one that Prometheus understands, of metrics that an edge exposes."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.metrics.scraped import ROOT, unknown_in

if TYPE_CHECKING:
    from tests.metrics.conftest import Walked

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/watchword.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES: list[str] = [target["expr"] for panel in PANELS for target in panel["targets"]]
VARIABLES: dict[str, dict[str, Any]] = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
WIDTH = 24


def test_every_query_asks_for_what_is_exposed(walked: "Walked") -> None:
    scrape = walked.scrape()
    for query in (*QUERIES, *(variable.get("definition", "") for variable in VARIABLES.values())):
        assert unknown_in(query, scrape) == set(), query


def test_every_metric_is_shown(walked: "Walked") -> None:
    shown = " ".join(QUERIES)
    exposed = {
        name.removesuffix("_count") for name in walked.scrape().labels if not name.endswith(("_bucket", "_sum"))
    }
    assert {name for name in exposed if name not in shown} == set()


def test_every_query_is_of_the_chosen_edges() -> None:
    for query in QUERIES:
        assert query.count("{") == query.count('{job=~"$job",instance=~"$instance"'), query


def test_the_data_source_is_the_reader_s_choice() -> None:
    assert VARIABLES["datasource"]["type"] == "datasource"
    of_queries = [target["datasource"] for panel in PANELS for target in panel["targets"]]
    for datasource in (*of_queries, *(panel["datasource"] for panel in PANELS)):
        assert datasource == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
