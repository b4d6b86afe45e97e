"""One model on the status page: verdicts, window, moved columns, performance, calibration, problems, runs."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from monitor.export.series import extremity, worst_columns
from monitor.export.snapshot import ModelView, Outcome
from monitor.maturity import age
from monitor.types import Kind, PerformanceMetric, Severity, State, Statistic, Verdict, utc
from monitor.web.calibration import calibration_table
from monitor.web.markup import Markup, element, join
from monitor.web.tables import titled_table
from monitor.web.words import DASH, chip, moment, number, short, span

SHOWN_COLUMNS: Final = 10
SHOWN_CLASSES: Final = 10
SHOWN_PROBLEMS: Final = 20
NAMED_COLUMNS: Final = 5
_WIDTH: Final = 140
_FORMULA: Final = {
    Kind.COVARIATE: "P(x)",
    Kind.PREDICTION: "P(\u0177)",
    Kind.LABEL: "P(y)",
    Kind.PERFORMANCE: "error",
    Kind.CONCEPT: "P(y|x)",
    Kind.QUALITY: "broken data",
}


def model_section(view: ModelView, now: datetime) -> Markup:
    """Everything that the page says of one model."""
    about = [
        view.owner,
        str(view.task or ""),
        *(f"{tag}: {value}" for tag, value in sorted(view.tags.items())),
    ]
    known = " \N{MIDDLE DOT} ".join(filter(None, about))
    return element(
        "section",
        element(
            "div",
            element("h2", view.model),
            model_state(view),
            element("span", known, class_="soft small") if known else None,
            class_="title",
        ),
        _facts(view, now),
        element("ul", *map(_verdict, view.verdicts), class_="kinds") if view.verdicts else None,
        _columns(view),
        _performance(view),
        _classes(view),
        calibration_table(view.promises),
        _problems(view),
        _errors(view),
        class_="card",
        id=view.model,
    )


def model_state(view: ModelView) -> Markup:
    """The state of a model in one word and one colour."""
    if view.alarming:
        return chip("alarm", "Alarm")
    if view.last_outcome is Outcome.FAILED:
        return chip("alarm", "Run failed")
    if all(verdict.state is State.UNKNOWN for verdict in view.verdicts):
        return chip("none", "Nothing known yet" if view.evaluation is None else "Unknown")
    return chip("ok", "OK")


def _facts(view: ModelView, now: datetime) -> Markup:
    facts: list[tuple[str, Markup | str]] = []
    if view.evaluation is not None:
        window, rows = view.evaluation.window, f"{view.evaluation.rows:,}"
        facts.append(("Newest window", _window(window.start, window.end, window.file)))
        if view.evaluation.labelled_rows:
            rows += f", {view.evaluation.labelled_rows:,} labelled"
        facts.append(("Rows", rows))
    if view.label_coverage is not None:
        facts.append(("Labels so far", f"{view.label_coverage:.0%} of the open windows"))
    arrival = view.newest.label_arrival if view.newest is not None else None
    if arrival is not None:
        half = f"half of them come within {age(arrival.curve['0.5'])}, " if "0.5" in arrival.curve else ""
        text = f"{arrival.overdue:,.0f}; {half}a label is due {age(arrival.due_seconds)} after its row"
        facts.append(("Labels overdue", text))
    if view.window_end is not None:
        facts.append(("Lag", span(max(utc(now) - view.window_end, timedelta()))))
    if view.last_run is not None:
        facts.append(("Last run", join(moment(view.last_run), f", {_words(view.last_outcome)}")))
    runs = ", ".join(f"{count:,} {_words(outcome)}" for outcome, count in view.runs.items() if count)
    if view.interval_seconds is not None:
        every = f"every {span(timedelta(seconds=view.interval_seconds))}"
        runs = f"{runs}; {every}" if runs else every
    facts.append(("Runs", runs or "none yet"))
    if view.stream is not None:
        rate = f"{number(view.stream.error_rate)} over {view.stream.width:,} labels"
        facts.append(("Error since the last change", rate))
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in facts)
    )


def _window(start: datetime | None, end: datetime | None, file: str | None) -> Markup | str:
    if start is None or end is None:
        return short(file or DASH)
    return join(moment(start), f" {DASH} ", moment(end))


def _words(token: str | None) -> str:
    return (token or "").replace("_", " ")


def _verdict(verdict: Verdict) -> Markup:
    style, words = verdict_state(verdict)
    kind = f"{verdict.kind} {verdict.segment}".strip()
    named = ", ".join(map(short, verdict.columns[:NAMED_COLUMNS]))
    if len(verdict.columns) > NAMED_COLUMNS:
        named += f" and {len(verdict.columns) - NAMED_COLUMNS} more"
    since = join("since ", moment(verdict.since)) if verdict.alarm and verdict.since else None
    score = f"score {number(verdict.score)}, opens at 1" if verdict.score is not None else None
    facts = [each for each in (since, score) if each is not None]
    separated = [part for each in facts for part in (" \N{MIDDLE DOT} ", each)][1:]
    return element(
        "li",
        element(
            "div",
            element("strong", kind.capitalize()),
            element("span", _FORMULA[verdict.kind], class_="soft small"),
            element("span", chip(style, words), class_="push"),
            class_="kind",
        ),
        element("p", *separated, class_="soft") if separated else None,
        element("p", "Columns: ", element("strong", named)) if named else None,
        element("p", verdict.reason) if verdict.reason else None,
        class_=f"is-{style}",
    )


def verdict_state(verdict: Verdict) -> tuple[str, str]:
    """Colour and word of a verdict: an open alarm stays one where the newest window is unknown."""
    if verdict.alarm:
        return "alarm", "Alarm, now unknown" if verdict.state is State.UNKNOWN else "Alarm"
    if verdict.state is State.UNKNOWN:
        return "none", "Unknown"
    return ("low", "Moved, but little") if verdict.severity is Severity.LOW else ("ok", "OK")


def _columns(view: ModelView) -> Markup | None:
    """The columns furthest over their lines, each by the detector that says so most."""
    chosen = worst_columns(view.statistics, SHOWN_COLUMNS)
    alarming = {verdict.kind for verdict in view.verdicts if verdict.alarm}
    rows = [
        _statistic(max((each for each in view.statistics if each.column == column), key=extremity), alarming)
        for column in chosen
    ]
    if not rows:
        return None
    names = (("Column", ""), ("Kind", "wide"), ("Detector", ""), ("Value", "number"), ("Line", "number wide"))
    return titled_table("Columns that moved most", (*names, ("Value against line", "")), rows)


def _statistic(statistic: Statistic, alarming: Collection[Kind]) -> Markup:
    return element(
        "tr",
        element("td", short(statistic.column), class_="name"),
        element("td", statistic.kind, class_="wide soft"),
        element("td", statistic.detector, class_="token"),
        element("td", number(statistic.value), class_="number"),
        element("td", number(statistic.threshold), class_="number soft wide"),
        element("td", _bar(statistic, alarming)),
    )


def _bar(statistic: Statistic, alarming: Collection[Kind]) -> Markup | str:
    """Value against line: the line is the mark in the middle, twice the line two thirds, and so on."""
    if statistic.value is None:
        return _words(statistic.reason)
    if statistic.threshold is None:
        return DASH
    ratio = extremity(statistic)
    filled = _WIDTH * (1.0 if ratio == float("inf") else ratio / (1 + ratio))
    words = f"{number(ratio)} times the line"
    over = "over" if statistic.kind in alarming else "near"
    return _picture(
        words,
        element("rect", class_="track", width=_WIDTH, height=8, y=4, rx=4),
        element("rect", class_=over if ratio >= 1 else "fill", width=f"{filled:.1f}", height=8, y=4, rx=4),
        element("rect", class_="mark", x=_WIDTH / 2 - 1, width=2, height=16),
    )


def _picture(words: str, *shapes: Markup) -> Markup:
    title = element("title", words)
    return element("svg", title, *shapes, role="img", width=_WIDTH, height=16, viewBox=f"0 0 {_WIDTH} 16")


def _performance(view: ModelView) -> Markup | None:
    if not view.performance:
        return None
    names = (("Metric", ""), ("Source", "wide"), ("Value", "number"), ("Interval", "number wide"))
    columns = (*names, ("Reference", "number"), ("", ""))
    return titled_table("Performance", columns, map(_metric, view.performance))


def _metric(metric: PerformanceMetric) -> Markup:
    known = metric.lower is not None and metric.upper is not None
    interval = f"{number(metric.lower)} to {number(metric.upper)}" if known else DASH
    return element(
        "tr",
        element("td", _words(metric.metric), class_="name"),
        element("td", metric.source, class_="wide soft"),
        element("td", number(metric.value), class_="number"),
        element("td", interval, class_="number soft wide"),
        element("td", number(metric.reference), class_="number soft"),
        element("td", _range(metric) if metric.reason is None else _words(metric.reason)),
    )


def _range(metric: PerformanceMetric) -> Markup:
    """The interval as a band, the value as a point, the reference as a mark."""
    ends = (metric.value, metric.lower, metric.upper, metric.reference)
    places = [place for place in ends if place is not None]
    low, high = min(places), max(places)
    margin = (high - low) * 0.15 or abs(high) * 0.05 or 1.0

    def at(place: float) -> float:
        return round(_WIDTH * (place - low + margin) / (high - low + 2 * margin), 1)

    shapes = [element("rect", class_="track", width=_WIDTH, height=4, y=6, rx=2)]
    if metric.lower is not None and metric.upper is not None:
        width = round(at(metric.upper) - at(metric.lower), 1)
        shapes.append(element("rect", class_="range", x=at(metric.lower), width=width, height=8, y=4, rx=4))
    if metric.reference is not None:
        shapes.append(element("rect", class_="mark", x=at(metric.reference) - 1, width=2, height=16))
    if metric.value is not None:
        shapes.append(element("circle", class_="point", cx=at(metric.value), cy=8, r=5))
    return _picture(f"{number(metric.value)}, reference {number(metric.reference)}", *shapes)


def _classes(view: ModelView) -> Markup | None:
    shares = view.class_shares
    if view.private_classes or not shares:
        return None
    sources = [source for source in ("reference", "observed", "estimated") if source in shares]
    largest: dict[str, float] = {}
    for source in sources:
        for name, share in shares[source].items():
            largest[name] = max(largest.get(name, 0.0), share)
    shown = sorted(largest, key=lambda name: (-largest[name], name))[:SHOWN_CLASSES]
    rows = (
        element(
            "tr",
            element("td", short(name), class_="name"),
            *(element("td", _share(shares[source].get(name)), class_="number") for source in sources),
        )
        for name in shown
    )
    return titled_table(
        "Class shares", (("Class", ""), *((source.capitalize(), "number") for source in sources)), rows, "fit"
    )


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.1%}"


def _problems(view: ModelView) -> Markup | None:
    rows = [
        element(
            "tr",
            element("td", short(problem.column) or "all", class_="name"),
            element("td", problem.reason, class_="token wide"),
            element("td", problem.message),
        )
        for problem in view.problems[:SHOWN_PROBLEMS]
    ]
    more = len(view.problems) - SHOWN_PROBLEMS
    title = f"Problems, {more} more not shown" if more > 0 else "Problems"
    return (
        titled_table(title, (("Column", ""), ("Reason", "wide"), ("What and how to mend it", "")), rows)
        if rows
        else None
    )


def _errors(view: ModelView) -> Markup | None:
    counted = [(f"{stage}: {_words(reason)}", count) for (stage, reason), count in view.errors.items()]
    counted += [(f"not started: {_words(reason)}", count) for reason, count in view.skipped.items() if count]
    if not counted:
        return None
    words = ", ".join(f"{what} ({count:,})" for what, count in counted)
    return join(element("h3", "Errors since the start"), element("div", words, class_="small"))
