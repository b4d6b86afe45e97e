"""What end-to-end tests share: a model in a folder, the command line run in this process, its lines."""

import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from monitor.cli import main

Line = dict[str, Any]


class Ran:
    """One command: its exit code, its JSON lines, and what it said on stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[Line]:
        return [json.loads(text) for text in self.out.splitlines()]

    @property
    def last(self) -> dict[str, Line]:
        """The last line of each window, by its start or file."""
        return {key(line): line for line in self.lines}


def key(line: Line) -> str:
    return line["window"]["start"] or line["window"]["file"]


def driftd(*arguments: object) -> Ran:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Ran(code, out.getvalue(), err.getvalue())


class Model:
    """A model file and its data in a folder; `write` takes frames, `once` evaluates."""

    def __init__(self, folder: Path, yaml: str, name: str = "model") -> None:
        self.folder = folder
        self.path = folder / f"{name}.yaml"
        self.path.write_text(yaml, encoding="utf-8")
        self.state = f"sqlite:///{folder}/driftd.db"

    def write(self, **frames: pd.DataFrame) -> "Model":
        for name, frame in frames.items():
            frame.to_parquet(self.folder / f"{name}.parquet", index=False)
        return self

    def once(self, until: datetime | str | None = None, *more: str) -> Ran:
        arguments: list[object] = ["once", self.path, "--state", self.state, "--json", *more]
        if until is not None:
            arguments += ["--until", until if isinstance(until, str) else until.isoformat()]
        return driftd(*arguments)


def verdict(line: Line, kind: str) -> Line:
    return next(each for each in line["verdicts"] if each["kind"] == kind)


def statistic(line: Line, column: str, detector: str) -> Line:
    return next(
        each for each in line["statistics"] if (each["column"], each["detector"]) == (column, detector)
    )


def opened(lines: Sequence[Line]) -> Mapping[str, str]:
    """By kind, the start of the first window in whose last line its alarm stands."""
    found: dict[str, str] = {}
    for line in lines:
        for each in line["verdicts"]:
            if each["alarm"]:
                found.setdefault(each["kind"], key(line))
    return found
