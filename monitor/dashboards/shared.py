"""What several dashboards show alike: the states of alarms, the colours of a score, ages, and links."""

from typing import Final

from monitor.dashboards.elements import (
    COLUMN,
    DAEMON,
    FLEET,
    GREEN,
    MODEL,
    RED,
    Json,
    Step,
    above,
    dashboard_link,
    field_link,
    value_names,
)

ALARM_STEPS: Final = (Step(None, GREEN), Step(1, RED))
ALARM_NAMES: Final = value_names({"0": ("ok", GREEN), "1": ("alarm", RED)})

SCORE_STEPS: Final = above(red=1)
"""At a score of 1 an alarm opens, where the change is material."""

EXTREMITY_STEPS: Final = above(orange=1)
"""Value / threshold: from 1 on a statistic is beyond its line, which informs and opens no alarm."""

ONE_IS_BAD: Final = above(red=1)
ONE_IS_ODD: Final = above(orange=1)

LATE: Final = 2.5
"""A model is late after so many of its schedule's intervals without a run that succeeded."""

LATE_STEPS: Final = above(orange=1.5, red=LATE)
"""Age of the last success, in intervals of the schedule."""

BEHIND_STEPS: Final = above(orange=2, red=3)
"""Windows since the newest evaluated one became due: up to 1 where all is in time."""

TO_FLEET: Final = dashboard_link("Fleet", "All models", FLEET)
TO_DAEMON: Final = dashboard_link("Daemon", "The health of driftd itself", DAEMON)

MODEL_LINKS: Final[tuple[Json, ...]] = (
    field_link("Open model ${__field.labels.model}", MODEL, "var-model=${__field.labels.model}"),
)
"""From a line or a bar that has a label `model`."""

MODEL_CELL_LINKS: Final[tuple[Json, ...]] = (
    field_link("Open this model", MODEL, "var-model=${__value.text}"),
)
"""From a cell that holds the name of a model."""

COLUMN_CELL_LINKS: Final[tuple[Json, ...]] = (
    field_link("Open this column", COLUMN, "${model:queryparam}", "var-column=${__value.text:percentencode}"),
)
"""From a cell that holds the name of a column of the dashboard's model."""

COLUMN_LINKS: Final[tuple[Json, ...]] = (
    field_link(
        "Open column ${__field.labels.column}",
        COLUMN,
        "${model:queryparam}",
        "var-column=${__field.labels.column:percentencode}",
    ),
)
"""From a line or a bar that has a label `column`."""
