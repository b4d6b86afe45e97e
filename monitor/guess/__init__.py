"""`driftd init`: a model file guessed from a look at the data, every guess with its reason."""

import glob
import json
import os
import re
from datetime import timedelta
from pathlib import Path

from monitor.config.scalars import resolved
from monitor.errors import DriftdError
from monitor.guess.looks import DataFile, look_at
from monitor.guess.roles import Roles, feature_reason, is_category, is_named, roles_of
from monitor.types import Task, iso

FEW_ROWS = 500
"""Windows with fewer rows are said to be small."""
LENGTHS = {"1h": (1 / 24, 500), "6h": (1 / 4, 500), "1d": (1.0, 500), "7d": (7.0, 100), "28d": (28.0, 0)}
"""Usual lengths in days, and the rows in a window from which each is proposed, the shortest first."""
_POSITIVE = ("yes", "true", "1", "positive", "pos", "fraud", "spam", "bad", "default", "churn", "late")
_REFERENCE = frozenset({"reference", "ref", "train", "training", "baseline"})
_GENERIC = frozenset({"data", "prepared", "reference", "train", "training", "table", "dataset"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def guess(data: Path, live: Path | None = None, folder: Path | None = None) -> str:
    """A commented, valid model file for a data file, to be edited.

    `live` is where new rows will arrive: a file, or a pattern. `folder` is where the model file will
    stand: what is within is named as seen from there. DriftdError where the data cannot be read.
    """
    file = look_at(data)
    roles = roles_of(file)
    lines = [
        "# Guessed by `driftd init` from a look at the data: read each comment, mend what is wrong, then run",
        "# `driftd check FILE --connect`. All keys: docs/config.md",
        "version: 1",
        f"model: {_model_name(data)}  # from the file's name; must be unique",
    ]
    if roles.task is not None:
        lines.append(f"task: {roles.task}  # {roles.task_reason}")
    lines += ["", *_sources(file, roles, live, folder), "", *_columns(roles), "", *_window(file, roles)]
    return "\n".join(lines) + "\n"


def _sources(file: DataFile, roles: Roles, live: Path | None, folder: Path | None) -> list[str]:
    reference = _path(file.path, folder)
    lines = ["reference:  # what normal is", f"  source: {{kind: files, path: {reference}}}"]
    bound = _split_bound(file, roles)
    if bound is not None:
        lines.append(f"  end: {bound}  # where {_scalar(_split(roles))} stops to say reference")
    lines.append("live:  # what arrives")
    if live is not None:
        lines.append(f"  source: {{kind: files, path: {_path(live, folder)}}}")
        lines += [f"  # {note}" for note in _differences(file, live)]
    elif bound is not None:
        lines.append(f"  source: {{kind: files, path: {reference}}}  # the same file, after the reference")
    else:
        lines.append('  source: {kind: files, path: "live/*.parquet"}  # EDIT: where new rows arrive')
    if bound is not None and live is None:
        lines.append(f"  start: {bound}")
    if "label" in roles.named and "id" in roles.named:
        lines += [
            "# ground_truth:  # where labels arrive apart, later, and are joined by id",
            '#   source: {kind: files, path: "labels/*.parquet"}',
        ]
    return lines


def _columns(roles: Roles) -> list[str]:
    lines = ["columns:"]
    for role in ("timestamp", "id", "prediction", "probability", "label", "version"):
        if role in roles.named:
            look, reason = roles.named[role]
            lines.append(f"  {role}: {_scalar(look.name)}  # {reason}")
        if role == "probability" and roles.classes:
            lines.append("  probability:  # by class, as the columns are named")
            lines += [f"    {_scalar(of)}: {_scalar(look.name)}" for of, look in roles.classes.items()]
        if role == "label":
            lines += _positive(roles)
    if "timestamp" not in roles.named:
        lines.append("  # timestamp: no column of times was found, so every live file is one window")
    lines.append("  features:")
    for key, wanted in (("numeric", False), ("categorical", True)):
        looks = [look for look in roles.left if is_category(look) is wanted]
        lines += [f"    {key}:"] * bool(looks)
        lines += [f"      - {_scalar(look.name)}  # {feature_reason(look)}" for look in looks]
    lines += ["    ignore:"] * bool(roles.ignored)
    lines += [f"      - {_scalar(look.name)}  # {reason}" for look, reason in roles.ignored]
    private = [look for look in roles.left if is_named(look, "private")]
    lines += ["    private:  # their values are shown nowhere"] * bool(private)
    lines += [f"      - {_scalar(look.name)}  # named like personal data" for look in private]
    if lines[-1] == "  features:":
        lines[-1] = "  # features: every other column"
    return lines


def _positive(roles: Roles) -> list[str]:
    """The positive class of a binary model."""
    look = roles.look("label") or roles.look("prediction")
    if roles.task is not Task.BINARY or look is None or not look.values:
        return []
    if look.kind != "text":
        best = (
            look.values[-1]
            if look.kind == "boolean"
            else max(look.values, key=lambda value: float(str(value)))
        )
        value = str(best).lower() if isinstance(best, bool) else f"{float(str(best)):g}"
        texts, reason = ({value}, "the greater value")
    else:
        texts = {str(value) for value in look.values}
        known = [text for text in _POSITIVE if text in {value.lower() for value in texts}]
        value = next((text for text in sorted(texts) if text.lower() in known), max(texts))
        reason = "by its name" if known else "EDIT: one of the two, taken at random"
        value = _scalar(value)
    if roles.classes and not texts & set(roles.classes):
        return []
    return [f"  positive: {value}  # {reason}"]


def _window(file: DataFile, roles: Roles) -> list[str]:
    time = roles.look("timestamp")
    if time is None:
        return ["window: {min_rows: 200}  # a file with fewer rows is not judged"]
    first, last = file.span(time.name)
    days = max((last - first) / timedelta(days=1), 1 / 24)
    rate = file.rows / days
    length, size = next((text, size) for text, (size, least) in LENGTHS.items() if rate * size >= least)
    rows = int(rate * size)
    min_rows = max(20, min(200, rows // 2))
    zone = "" if time.zoned else "; the times have no zone and are read in this one"
    return [
        f"# {file.rows} rows from {iso(first.replace(microsecond=0))} to {iso(last.replace(microsecond=0))}:",
        f"# about {rows} in {length}, the shortest usual length that holds enough"
        if rows >= FEW_ROWS
        else f"# about {rows} in {length}: few, so small changes will not be seen",
        "window:",
        f"  length: {length}",
        "  lateness: 1h  # how late rows may come",
        f"  min_rows: {min_rows}  # a window with fewer is not judged",
        f"  timezone: UTC  # of calendar days{zone}",
    ]


def _split(roles: Roles) -> str:
    """The column that tells the reference from the rest; empty where there is none."""
    texts = [look for look, _ in roles.ignored if is_named(look, "split") and look.kind == "text"]
    return next(
        (look.name for look in texts if _REFERENCE & {str(value).lower() for value in look.values}), ""
    )


def _split_bound(file: DataFile, roles: Roles) -> str | None:
    """The time at which the rows stop to be the reference; None where rows of both are mixed."""
    time, split = roles.look("timestamp"), _split(roles)
    if time is None or not split:
        return None
    bound = file.end_of(split, _REFERENCE, time.name)
    return None if bound is None else f"{bound.isoformat()}Z"


def _differences(file: DataFile, live: Path) -> list[str]:
    """What a first live file lacks or has beyond the reference."""
    names = sorted(glob.glob(str(live), recursive=True))  # noqa: PTH207 - the pattern may be absolute
    if not names:
        return ["no such file yet; it is read when it arrives"]
    try:
        there = {look.name: look for look in look_at(Path(names[0])).looks}
    except DriftdError as error:
        return [f"not compared: {error}"]
    here = {look.name: look for look in file.looks}
    notes = [f"the live file has no column {_scalar(name)}" for name in here if name not in there]
    notes += [f"the live file has a column more: {_scalar(name)}" for name in there if name not in here]
    for name, look in here.items():
        if name in there and there[name].kind != look.kind:
            notes.append(
                f"{_scalar(name)} is {look.kind} in the reference and {there[name].kind} in the live file"
            )
    return notes


def _path(path: Path, folder: Path | None) -> str:
    """The path as it is found from the folder, so that both can be moved together, or from everywhere.

    A URL, whose slashes a Path has merged, as it was.
    """
    url = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", str(path))
    if url is not None:
        return _scalar(f"{url[1]}://{url[2]}")
    found = _normal(path)
    if folder is not None and found.is_relative_to(_normal(folder)):
        found = found.relative_to(_normal(folder))
    return _scalar(found)


def _normal(path: Path) -> Path:
    """The whole path without detours; links are not followed."""
    return Path(os.path.normpath(path.absolute()))


def _scalar(value: object) -> str:
    """Text as YAML that reads as the same text, whatever is in it."""
    text = str(value).replace("${", "$${")
    if _PLAIN.fullmatch(text) and resolved(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _model_name(path: Path) -> str:
    """The file's name, or its folder's where the file is only called data or the like."""
    stem = path.name.split(".")[0]
    name = path.absolute().parent.name if stem.lower() in _GENERIC else stem
    cleaned = re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")[:63] or "model"
    return cleaned if resolved(cleaned) == cleaned else f"model-{cleaned}"[:63]
