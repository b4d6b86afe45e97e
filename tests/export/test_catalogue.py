import re
from pathlib import Path

from monitor.export.catalogue import BY_NAME, FAMILIES, markdown
from monitor.export.family import MetricType

ROOT = Path(__file__).parents[2]


def test_every_name_stands_once():
    assert len(BY_NAME) == len(FAMILIES)


def test_names_say_what_they_are():
    for family in FAMILIES:
        assert re.fullmatch(r"driftd_[a-z0-9_]+", family.name)
        assert family.name.endswith("_total") == (family.type is MetricType.COUNTER)
        assert family.help.endswith(".")
        assert "\n" not in family.help


def test_no_label_that_prometheus_gives_to_targets():
    labels = {label for family in FAMILIES for label in family.labels}
    assert not labels & {"instance", "job", "le", "quantile", "__name__"}


def test_the_documentation_is_current():
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m monitor.export.catalogue > docs/metrics.md"
