"""The files that Grafana is given: what is committed is what the code makes, laid out and linked well."""

import json
import re
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from monitor.dashboards.files import files, write
from tests.dashboards.grafana import DASHBOARD, panels, replaced, variables
from tests.dashboards.promql import grouped

COMMITTED = Path(__file__).parents[2] / "deploy" / "grafana"


def test_what_is_committed_is_what_the_code_makes():
    found = {
        str(path.relative_to(COMMITTED)): path.read_text() for path in COMMITTED.rglob("*") if path.is_file()
    }
    assert found == files(), "run: driftd dashboards --out deploy/grafana"


def test_the_files_are_written_anew(tmp_path):
    write(tmp_path / "new")
    (tmp_path / "new" / "dashboards" / "driftd-fleet.json").write_text("old")
    write(tmp_path / "new")
    assert (
        json.loads((tmp_path / "new" / "dashboards" / "driftd-fleet.json").read_text())
        == DASHBOARD["driftd-fleet"]
    )


def test_the_provisioning_is_valid_and_names_the_same_places():
    made = {name: yaml.safe_load(text) for name, text in files().items() if name.endswith(".yaml")}
    source = made["provisioning/datasources/driftd.yaml"]["datasources"][0]
    provider = made["provisioning/dashboards/driftd.yaml"]["providers"][0]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert provider["options"]["path"].startswith("/")


@pytest.mark.parametrize("name", DASHBOARD)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name):
    placed = DASHBOARD[name]["panels"]
    assert sorted(panel["id"] for panel in placed) == list(range(1, len(placed) + 1))
    places = {panel["id"]: panel["gridPos"] for panel in placed}
    assert all(place["x"] + place["w"] <= 24 for place in places.values())
    assert [pair for pair in combinations(places, 2) if overlap(*map(places.get, pair))] == []


def overlap(one, other) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def addresses(panel):
    config = panel["fieldConfig"]
    yield from (link["url"] for link in config["defaults"].get("links", ()))
    for override in config["overrides"]:
        for each in override["properties"]:
            if each["id"] == "links":
                yield from (link["url"] for link in each["value"])


@pytest.mark.parametrize("name", DASHBOARD)
def test_links_lead_to_dashboards_that_have_the_variables(name):
    dashboard = DASHBOARD[name]
    inside = [url for panel in panels(dashboard) for url in addresses(panel)]
    for url in (*inside, *(link["url"] for link in dashboard["links"])):
        parts = urlsplit(url)
        target = DASHBOARD[parts.path.removeprefix("/d/")]
        kept = set(re.findall(r"\$\{(\w+):queryparam\}", parts.query))
        given = set(re.findall(r"var-(\w+)=", parts.query))
        assert {"datasource", "job"} <= kept <= variables(dashboard).keys()
        assert kept | given <= variables(target).keys()


def test_alerts_lead_to_dashboards_that_have_the_variables():
    rules = (COMMITTED.parent / "prometheus" / "driftd.rules.yml").read_text()
    found = re.findall(r"/d/([\w-]+)\?(\S+)", rules)
    assert {dashboard for dashboard, _ in found} <= DASHBOARD.keys()
    assert len(found) > 10
    for dashboard, query in found:
        assert set(re.findall(r"var-(\w+)=", query)) <= variables(DASHBOARD[dashboard]).keys()


@pytest.mark.parametrize("name", DASHBOARD)
def test_links_of_pictures_name_labels_that_their_queries_leave(name):
    for panel in panels(DASHBOARD[name]):
        named = {label for url in addresses(panel) for label in re.findall(r"__field\.labels\.(\w+)", url)}
        for target in panel["targets"]:
            assert named <= grouped(replaced(target["expr"])), panel["title"]


@pytest.mark.parametrize("name", DASHBOARD)
def test_what_is_repeated_is_repeated_for_a_variable_that_takes_several(name):
    dashboard = DASHBOARD[name]
    for panel in panels(dashboard):
        assert "repeat" not in panel or variables(dashboard)[panel["repeat"]]["multi"], panel["title"]


@pytest.mark.parametrize("name", DASHBOARD)
def test_titles_are_said_once(name):
    titles = [panel["title"] for panel in panels(DASHBOARD[name])]
    assert len(titles) == len(set(titles))
