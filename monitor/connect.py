"""`check --connect`: what does not fit between a model file and its data."""

from collections.abc import Sequence

from monitor.asked import needed
from monitor.build import labels_of, open_source
from monitor.config.schema import ModelConfig


def connect(config: ModelConfig) -> Sequence[str]:
    """What does not fit between the model file and its data; nothing is learned."""
    source = open_source(config.reference.source)
    reference = source.schema()
    found = [
        f"reference: column {name!r} is absent; it has {', '.join(reference.names)}"
        for name in needed(config)
        if name not in reference.names
    ]
    found += [
        f"detectors: {entry.detector} names {name!r}, which is no column of the reference"
        for entry in config.chosen_detectors
        for name in entry.columns
        if name not in {"*", *reference.names}
    ]
    live = open_source(config.live.source).schema()
    for name in needed(config):
        if name not in live.names:
            found.append(f"live: column {name!r} is absent; it has {', '.join(live.names)}")
        elif name in reference.names and live.field(name).type != reference.field(name).type:
            before, now = reference.field(name).type, live.field(name).type
            found.append(f"live: column {name!r} is {now}, in the reference {before}")
    truth = labels_of(config)
    if truth is not None:
        columns = truth.source.schema().names
        wanted = [truth.id, truth.label, *([truth.timestamp] if truth.timestamp else [])]
        found += [
            f"ground_truth: column {name!r} is absent; it has {', '.join(columns)}"
            for name in wanted
            if name not in columns
        ]
    return found
