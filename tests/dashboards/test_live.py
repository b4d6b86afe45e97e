"""Every query of every dashboard is answered, and not emptily, by a Prometheus that scrapes a real daemon."""

import re

import pytest

from tests.dashboards.grafana import (
    DASHBOARD,
    INTERVALS,
    VARIABLE,
    Expression,
    expressions,
    replaced,
    variables,
)
from tests.dashboards.live import scraped
from tests.e2e.servers import Prometheus

SECONDS = 20
"""How far back a picture's query looks."""

LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")


def choices(live: Prometheus, expression: Expression) -> list[dict[str, str]]:
    """Every way to fill in the variables: all values at once where a matcher takes several, else each."""
    known = variables(DASHBOARD[expression.dashboard])
    used = {found[1] or found[2] for found in VARIABLE.finditer(expression.text)}
    found: list[dict[str, str]] = [{}]
    for name, variable in known.items():
        if variable["type"] != "query":
            continue
        if name not in used or f'{name}=~"${name}' in expression.text:
            found = [{**chosen, name: ".+"} for chosen in found]
        else:
            query = variable["query"]["query"]
            found = [{**chosen, name: value} for chosen in found for value in values(live, query, chosen)]
    return found


def values(live: Prometheus, query: str, chosen: dict[str, str]) -> list[str]:
    """The values that a variable offers, after those before it were chosen."""
    series, label = LABEL_VALUES.fullmatch(query).groups()
    return live.values(label, replaced(series, {**INTERVALS, **chosen}))


def unanswered(live: Prometheus, expression: Expression) -> str:
    """What is wrong with the answers; empty where one at least is not empty and none is an error."""
    texts = [replaced(expression.text, {**INTERVALS, **chosen}) for chosen in choices(live, expression)]
    if not texts or any("$" in text for text in texts):
        return f"a variable has no value: {expression.text}"
    try:
        answers = [live.instant(text) if expression.instant else live.range(text, SECONDS) for text in texts]
    except AssertionError as error:
        return f"{error}: {texts[0]}"
    return "" if any(answers) else f"empty: {texts[0]}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_query_has_an_answer(prometheus, tmp_path):
    with scraped(prometheus, tmp_path) as live:
        found = {str(each): wrong for each in expressions() if (wrong := unanswered(live, each))}
        assert found == {}
        misspelt = Expression("driftd-model", "", 'max(driftd_alarms{model="$model"})')
        assert unanswered(live, misspelt).startswith("empty: ")
        ambiguous = Expression("driftd-model", "", "driftd_run_interval_seconds == on (model) driftd_alarm")
        assert "found duplicate series" in unanswered(live, ambiguous)
