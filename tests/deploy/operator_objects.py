"""Run by the Python that has the models of the operator's objects: each file must be one, with no other key.

    python operator_objects.py servicemonitor.yaml prometheusrule.yaml

Says what is wrong and ends with 1 where something is.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from cloudcoil.models.prometheus_operator import v1
from pydantic import ValidationError


def unknown(given: object, known: object, place: str) -> Iterator[str]:
    """The keys of the file that its object has not."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            if key in known:
                yield from unknown(value, known[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}: unknown key"
    elif isinstance(given, list) and isinstance(known, list):
        for number, pair in enumerate(zip(given, known, strict=True)):
            yield from unknown(*pair, f"{place}[{number}]")


def faults(path: Path) -> list[str]:
    """What is wrong with the object of a file."""
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        found = getattr(v1, given["kind"]).model_validate(given)
    except ValidationError as error:
        return [str(error)]
    return list(unknown(given, found.model_dump(by_alias=True, exclude_unset=True), given["kind"]))


if __name__ == "__main__":
    told = [f"{name}: {fault}" for name in sys.argv[1:] for fault in faults(Path(name))]
    sys.stdout.write("\n".join(told))
    sys.exit(bool(told))
