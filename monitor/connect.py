"""`check --connect`: what does not fit between a model file and its data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from monitor.asked import placed
from monitor.build import labels_of, open_source
from monitor.config.positions import Where
from monitor.config.schema import DetectorConfig, ModelConfig

SHOWN_COLUMNS = 12
"""How many columns of the data a message lists."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What stands at `where` in the model file does not fit the data; a `harmless` one is only told."""

    where: Where
    message: str
    harmless: bool = False


def connect(config: ModelConfig) -> Sequence[Misfit]:
    """What does not fit between the model file and its data; nothing is learned."""
    reference = open_source(config.reference.source).schema()
    live = open_source(config.live.source).schema()
    return [
        *_columns(config, reference, live),
        *_detectors(config, reference.names),
        *_labels(config, reference.names, live.names),
    ]


def _columns(config: ModelConfig, reference: pa.Schema, live: pa.Schema) -> Iterator[Misfit]:
    """Columns that both must have, of one type; those that one of them must have; those of live alone."""
    both = {"the reference": reference.names, "live": live.names}
    for where, name in placed(config):
        if absent := {side: names for side, names in both.items() if name not in names}:
            yield Misfit(where, _absent(name, absent))
        elif live.field(name).type != reference.field(name).type:
            before, now = reference.field(name).type, live.field(name).type
            yield Misfit(where, f"column {name!r} is {now} in live, {before} in the reference")
    features = config.columns.features
    for group, names in (("ignore", features.ignore), ("private", features.private)):
        for index, name in enumerate(names):
            if name not in {*reference.names, *live.names}:
                where = ("columns", "features", group, index)
                yield Misfit(where, _absent(name, both), harmless=group == "ignore")
    version = config.columns.version
    if version is not None and version not in live.names:
        yield Misfit(("columns", "version"), _absent(version, {"live": live.names}))


def _detectors(config: ModelConfig, reference: Sequence[str]) -> Iterator[Misfit]:
    for number, entry in enumerate(config.detectors):
        for index, name in enumerate(entry.columns if isinstance(entry, DetectorConfig) else ()):
            if name not in {"*", *reference}:
                where = ("detectors", number, "columns", index)
                yield Misfit(where, _absent(name, {"the reference": reference}))


def _labels(config: ModelConfig, reference: Sequence[str], live: Sequence[str]) -> Iterator[Misfit]:
    """Labels join the rows of live; without a source of their own they stand there."""
    columns = config.columns
    truth = labels_of(config)
    if truth is None:
        if columns.label is not None and columns.label not in {*reference, *live}:
            both = {"the reference": reference, "live": live}
            yield Misfit(("columns", "label"), _absent(columns.label, both))
        return
    if columns.id is not None and columns.id not in live:
        yield Misfit(("columns", "id"), _absent(columns.id, {"live": live}))
    there = truth.source.schema().names
    for key, name in (("id", truth.id), ("label", truth.label), ("timestamp", truth.timestamp)):
        if name is not None and name not in there:
            yield Misfit(("ground_truth", key), _absent(name, {"ground_truth": there}))


def _absent(name: str, sides: Mapping[str, Sequence[str]]) -> str:
    """`sides`: the columns of those that lack it."""
    names = list(dict.fromkeys(column for side in sides.values() for column in side))
    told = f"{' and '.join(sides)} {'has' if len(sides) == 1 else 'have'} no column {name!r}"
    near = get_close_matches(name, names, n=1)
    if near:
        return f"{told}; did you mean {near[0]!r}?"
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    return f"{told}; there are {', '.join(names[:SHOWN_COLUMNS])}{more}"
