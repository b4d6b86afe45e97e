"""Whether rows arrive, and whether they can be read and measured."""

from typing import Final

from monitor.export.rules import texts
from monitor.export.rules.drift import HOLD
from monitor.export.rules.promql import (
    INTERVAL,
    LONGEST_LAG,
    QUALITY_KNOWN_CLOSED,
    RUNS_WELL,
    WINDOW_END,
    newest,
)
from monitor.export.rules.records import Alert, Group, Severity
from monitor.types import Reason

_LAG: Final = f"""\
time() - {WINDOW_END}
  >
{LONGEST_LAG}"""
_NO_DATA_RUNS: Final = newest('driftd_runs_total{outcome="no_data"}', "outcome")


def _problems(*reasons: Reason) -> str:
    return newest(f'driftd_column_problems{{reason=~"{"|".join(reasons)}"}}')


NO_DATA: Final = Alert(
    "DriftdNoData",
    Severity.WARNING,
    f"""\
{_LAG}
and
{RUNS_WELL}
or
{_NO_DATA_RUNS} * {INTERVAL}
  >
{LONGEST_LAG}
unless
{WINDOW_END}""",
    summary=(
        "No new window of model {{ $labels.model }} for {{ $value | humanizeDuration }}: rows are missing."
    ),
    description=(
        "Runs end well and find no rows after the last window that was evaluated, so no drift can be seen. "
        "Either the feed stopped, or its path, its timestamps or its time zone have changed." + texts.ERRORS
    ),
    hold=HOLD,
)

WINDOWS_OVERDUE: Final = Alert(
    "DriftdWindowsOverdue",
    Severity.WARNING,
    f"""\
{_LAG}
unless
{RUNS_WELL}""",
    summary=(
        "The newest window of model {{ $labels.model }} that was evaluated ended "
        "{{ $value | humanizeDuration }} ago."
    ),
    description=(
        "No run has ended well since, so what is shown of this model is old. Nothing is lost: the next "
        "run that ends well evaluates every window that is due." + texts.ERRORS
    ),
    wait="30m",
    hold=HOLD,
)

SCHEMA: Final = Alert(
    "DriftdSchemaChanged",
    Severity.WARNING,
    f"""\
{_problems(Reason.ABSENT_COLUMN)} > 0
or
{_problems(Reason.TYPE_CHANGED)} > 0
  unless ignoring (reason) ({QUALITY_KNOWN_CLOSED})""",
    summary=(
        "The schema of model {{ $labels.model }} has changed: {{ $labels.reason }} in "
        f"{texts.counted('column')}."
    ),
    description=(
        "The reference has these columns, with these types; the newest window has not."
        + texts.asked(
            "max by (column, detector) "
            '(driftd_statistic_drifted{job=%q,model=%q,detector=~"absent|type"}) == 1',
            texts.MODEL,
            " Columns: "
            + texts.listed("column", "{{ $each.Labels.column }} {{ $each.Labels.detector }}")
            + ".",
        )
        + " The model itself may fail, or fill in values, wherever it reads the same rows."
    ),
    hold=HOLD,
)

UNREADABLE: Final = Alert(
    "DriftdFilesUnreadable",
    Severity.WARNING,
    f"{_problems(Reason.FILE_UNREADABLE, Reason.BAD_ENCODING)} > 0",
    summary="Files of model {{ $labels.model }} cannot be read: {{ $labels.reason }}.",
    description=(
        "Their rows are in no window, so what was judged is not all there is. The daemon's log names the "
        "files." + texts.ERRORS
    ),
    hold=HOLD,
)

ROWS_LEFT_OUT: Final = Alert(
    "DriftdRowsLeftOut",
    Severity.INFO,
    f"{_problems(Reason.LATE_ROWS, Reason.FUTURE_ROWS, Reason.NO_TIMESTAMP, Reason.BAD_ROWS)} > 0",
    summary="Rows of model {{ $labels.model }} are left out: {{ $labels.reason }}.",
    description="They are counted and in no window. The daemon's page and its log say how many.",
    hold=HOLD,
)

TOO_FEW_ROWS: Final = Alert(
    "DriftdTooFewRows",
    Severity.INFO,
    f"{_problems(Reason.TOO_FEW_ROWS, Reason.EMPTY_WINDOW)} > 0",
    summary="The newest window of model {{ $labels.model }} has too few rows to be judged.",
    description=(
        "It has fewer rows than window.min_rows, or none: every verdict is unknown, and alarms stay as "
        "they are."
        + texts.asked(
            f"driftd_window_rows{texts.OF_MODEL}",
            texts.MODEL,
            f" The last window that was judged had {texts.printed('%.0f')} rows.",
        )
    ),
    hold=HOLD,
)

DETECTOR_FAILED: Final = Alert(
    "DriftdDetectorFailed",
    Severity.WARNING,
    f"{_problems(Reason.DETECTOR_FAILED)} > 0",
    summary=f"A detector of model {{{{ $labels.model }}}} fails on {texts.counted('column')}.",
    description=(
        "It does not measure them; the other columns and detectors go on. The daemon's page and its log "
        "say why."
    ),
    hold=HOLD,
)

GROUP: Final = Group(
    "driftd-data",
    (NO_DATA, WINDOWS_OVERDUE, SCHEMA, UNREADABLE, ROWS_LEFT_OUT, TOO_FEW_ROWS, DETECTOR_FAILED),
)
