"""A configuration becomes a plan: the only place that names concrete sources and detectors."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version

import pyarrow as pa

import monitor.detectors
import monitor.sources  # noqa: F401 - registers its members
from monitor import alarms, attachments, baseline, history, pairs, reference_sample
from monitor.asked import (
    SEASONS,
    added,
    bounds_of,
    budget_days,
    calendar_of,
    columns_read,
    interval_of,
    names_of,
    needed,
    wanted,
)
from monitor.attachments import PAIRS
from monitor.budget import shares
from monitor.chosen import row_tests_of, stream_of, tests_of
from monitor.config.fingerprint import numbers_fingerprint
from monitor.config.parameters import source_parameters_of
from monitor.config.schema import ModelConfig, SourceConfig
from monitor.detectors.base import DETECTORS, ROW_DETECTORS, STREAM_DETECTORS
from monitor.errors import BadReferenceError
from monitor.history import History
from monitor.panels import MISSING, Panels, watched
from monitor.plan import Event, Labelled, LabelSource, Names, Plan, Target, Test, features_of, sampled_rows
from monitor.reference import Reference, learn
from monitor.sample import Sample
from monitor.sources.base import SOURCES, Source
from monitor.stats.effects import MinimumEffect
from monitor.types import KIND_OF, Kind, Problem, Task
from monitor.values import categorical

SHAPE_VERSION = 7
"""Part of the fingerprint: a driftd that learns differently learns again."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The plan; where the reference was learned just now, its bytes; and `key`, under which they are kept."""

    plan: Plan
    key: str
    learned: bytes | None


def source_parameters() -> dict[str, type]:
    """The parameters of each source kind, for the checks of the configuration."""
    SOURCES.load_entry_points()
    return {member.token: member.parameters for member in SOURCES}


def detector_parameters() -> dict[str, type]:
    """The parameters of each detector, for the checks of the configuration."""
    DETECTORS.load_entry_points()
    return {member.token: member.parameters for member in (*DETECTORS, *ROW_DETECTORS, *STREAM_DETECTORS)}


def _import_third_parties(config: ModelConfig) -> None:
    """What the file names may be theirs, and a worker has not read the file: it has not imported them yet."""
    truth = config.ground_truth
    sources = [config.reference.source, config.live.source, *([truth.source] if truth else [])]
    if not {source.kind for source in sources} <= set(SOURCES.tokens()):
        SOURCES.load_entry_points()
    detectors = {entry.detector for entry in config.chosen_detectors}
    if not detectors <= {*DETECTORS.tokens(), *ROW_DETECTORS.tokens(), *STREAM_DETECTORS.tokens()}:
        DETECTORS.load_entry_points()


def open_source(config: SourceConfig) -> Source:
    """The source that the configuration names."""
    member = SOURCES.get(config.kind)
    return member.build(source_parameters_of(config, member.parameters))


def resolve(config: ModelConfig, references: Mapping[str, bytes], threads: int) -> Resolved:
    """Learn the reference, or take it from the store where neither data nor configuration changed.

    Files may change without the reference's rows: live rows come to where the reference is. So what was
    learned anew is another reference only if it differs.
    """
    _import_third_parties(config)
    source, live = open_source(config.reference.source), open_source(config.live.source)
    key = _key(config, source)
    if key in references:
        return Resolved(_plan(config, Reference.from_bytes(references[key]), live), key, None)
    plan, _ = _learned(config, source, live, threads)
    return Resolved(plan, key, plan.reference.to_bytes())


def learned(config: ModelConfig, threads: int) -> tuple[Plan, History]:
    """The plan and its reference's windows, learned afresh; lines that the file fixes are measured too."""
    source, live = open_source(config.reference.source), open_source(config.live.source)
    return _learned(config, source, live, threads, fixed=True)


def _asked(config: ModelConfig) -> str:
    return f"{SHAPE_VERSION} {numbers_fingerprint(config)} {sorted(config.columns.features.private)}"


def _key(config: ModelConfig, source: Source) -> str:
    """Under which the reference is kept; what scikit-learn fitted is read by the same version alone."""
    return _digest(f"{_asked(config)} {source.fingerprint()} {version('scikit-learn')}".encode())


def _learned(
    config: ModelConfig, source: Source, live: Source, threads: int, *, fixed: bool = False
) -> tuple[Plan, History]:
    reference = _with_pairs(config, _learn(config, source, threads), source)
    rows = replace(reference, problems=(), seen=(), types={})
    reference = replace(reference, fingerprint=_digest(_asked(config).encode() + rows.to_bytes()))
    plan = _plan(config, reference, live)
    past = history.read(plan, source, interval_of(config), threads, fixed=fixed)
    weighted = config.estimate.weighting == "importance"
    found = attachments.learned(plan, source, interval_of(config), past, weighted=weighted)
    return _plan(config, replace(reference, attachments={**reference.attachments, **found}), live), past


def _with_pairs(config: ModelConfig, reference: Reference, source: Source) -> Reference:
    """The reference with the pairs of its watched numeric features, chosen once."""

    def drawn(names: Sequence[str]) -> Sample:
        return reference_sample.draw(source, interval_of(config), names, (), sampled_rows(len(names)))

    panels = _panels(reference, tests_of(config, reference), None)
    names = panels.distributions[Kind.COVARIATE]
    found = pairs.choose({name: panels.numeric[name] for name in names if name in panels.numeric}, drawn)
    return replace(reference, attachments={**reference.attachments, PAIRS: pairs.to_bytes(found)})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _learn(config: ModelConfig, source: Source, threads: int) -> Reference:
    schema = source.schema().names
    absent = [name for name in needed(config) if name not in schema]
    if absent:
        named = ", ".join(map(repr, absent))
        message = (
            f"the reference has no column {named}, which the model file names; it has {', '.join(schema)} "
            "(driftd check --connect says where and what was meant)"
        )
        raise BadReferenceError(message)
    interval = interval_of(config)
    roles = names_of(config)
    label = config.columns.label if config.columns.label in schema else None
    task = config.task or _task(config, source, label)
    asked = wanted(config, schema, task)
    reference = learn(
        lambda: source.scan(columns_read(asked, interval), interval),
        asked,
        bounds=bounds_of(interval),
        threads=threads,
    )
    faults = (Problem(each.column, each.reason, f"reference: {each.message}") for each in source.problems())
    return baseline.with_labels(
        replace(reference, problems=(*reference.problems, *faults)),
        replace(roles, label=label),
        source,
        interval,
        task,
        _text(config.columns.positive),
        stream_of(config),
    )


def _task(config: ModelConfig, source: Source, label: str | None) -> Task | None:
    """The task where the file does not say it: from the probabilities, else from the labels."""
    probability = config.columns.probability
    if isinstance(probability, Mapping):
        return Task.BINARY if len(probability) <= len(("negative", "positive")) else Task.MULTICLASS
    if probability is not None:
        return Task.BINARY
    return baseline.infer_task(source, label or config.columns.prediction, interval_of(config))


def _text(value: object) -> str | None:
    """A class as the text that data of any type have for it: 1, 1.0 and "1" are the same class."""
    if value is None:
        return None
    found = categorical(pa.array([value]))
    return found.categories[0]


def _plan(config: ModelConfig, reference: Reference, live: Source) -> Plan:
    roles = names_of(config)
    target = baseline.target_of(reference, roles)
    labelled = baseline.labelled_of(reference, stream_of(config))
    tests = tests_of(config, reference)
    row_tests = row_tests_of(config, reference)
    kinds = {test.kind for test in tests if test.kind is not Kind.LABEL} | {Kind.QUALITY}
    kinds |= {Kind.COVARIATE} if row_tests else set()
    if labelled is not None:
        kinds |= {test.kind for test in tests}
        kinds |= {Kind.PERFORMANCE, Kind.CONCEPT} if labelled.errors is not None else set()
    timed = config.columns.timestamp is not None
    calendar = calendar_of(config) if timed else None
    panels = _panels(reference, tests, labelled)
    counted = alarms.counted_days(calendar.nominal_days) if calendar is not None else 1
    days = budget_days(config) * counted
    return Plan(
        model=config.model,
        target=target,
        calendar=calendar,
        zone=config.window.timezone,
        lateness=config.window.lateness.nominal,
        min_rows=config.window.min_rows,
        live=live,
        live_start=config.live.start if timed else None,
        names=_with_positive(roles, target),
        labels=labels_of(config),
        reference=reference,
        tests=tests,
        labelled=labelled,
        budgets={kind: days / share for kind, share in shares(kinds).items()},
        minimum=MinimumEffect(**config.alarms.min_effect.model_dump()),
        panels=panels,
        seasons=SEASONS[config.reference.season],
        keep=config.reference.keep.nominal if config.reference.keep is not None else None,
        problems=(*reference.problems, *added(config, reference, live)),
        events=tuple(sorted(Event(each.start, each.end, each.reason) for each in config.planned)),
        row_tests=row_tests,
        reference_sample=_reference_sample(config, reference),
        **attachments.read(reference.attachments, panels),
    )


def _reference_sample(config: ModelConfig, reference: Reference) -> Callable[[], Sample] | None:
    """Some rows of the features, read when they are first asked for."""
    numeric, categorical = features_of(reference)
    if not numeric and not categorical:
        return None

    def drawn() -> Sample:
        source, most = open_source(config.reference.source), sampled_rows(len(numeric) + len(categorical))
        return reference_sample.draw(source, interval_of(config), numeric, categorical, most)

    return cache(drawn)


def _panels(reference: Reference, tests: Sequence[Test], labelled: Labelled | None) -> Panels:
    """What calibration watches: the columns that have a detector without a fixed line."""
    references = {name: each for name, (column, each) in reference.columns.items() if column.role in KIND_OF}
    chosen = [test for test in tests if test.fixed is None]
    by_kind = {
        kind: watched([test.column.name for test in chosen if test.kind is kind], references)
        for kind in (Kind.COVARIATE, Kind.PREDICTION, Kind.LABEL)
    }
    if labelled is None:
        by_kind[Kind.LABEL] = ()
    missing = watched([test.column.name for test in chosen if test.detector.token == MISSING], references)
    stored = reference.attachments.get(PAIRS)
    errors = labelled.errors if labelled is not None else None
    return Panels(references, by_kind, missing, errors, pairs.from_bytes(stored) if stored else ())


def _with_positive(roles: Names, target: Target) -> Names:
    """One probability column is that of the positive class."""
    if set(roles.probabilities) == {""} and target.positive is not None:
        return replace(roles, probabilities={target.positive: roles.probabilities[""]})
    return roles


def labels_of(config: ModelConfig) -> LabelSource | None:
    """Where labels arrive apart from the rows; None where they do not."""
    truth = config.ground_truth
    if truth is None:
        return None
    return LabelSource(
        open_source(truth.source),
        truth.id or config.columns.id or "",
        truth.label or config.columns.label or "",
        truth.timestamp,
        truth.horizon.nominal,
    )
