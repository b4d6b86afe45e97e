"""What calibration learned of each kind, as bytes and back, and the memory between windows as bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError
from monitor.packing import pack, unpack
from monitor.stats import judge, materiality
from monitor.stats.channels import Expected, Scales
from monitor.stats.judge import Group, Judge, Level, Memory
from monitor.stats.materiality import Pool
from monitor.stats.memory import Predictor
from monitor.stats.panel import Floats, Index, Layout
from monitor.stats.replay import Calibration, Settings
from monitor.stats.season import Season
from monitor.stats.tails import Tail
from monitor.stats.whitening import Whitening
from monitor.types import Kind

VERSION = 1
"""Of the bytes; a greater one is refused."""
STANDING = 2
"""Of the bytes of a standing; those of version 1 do not know when columns began to move."""

Arrays: TypeAlias = dict[str, NDArray[Any]]
Header: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """One kind of one model: the columns of its panel in their order, and the calibration.

    `starts`: when each calibrated window began, or its file, in the order of `calibration.replayed`.
    """

    columns: tuple[str, ...]
    calibration: Calibration
    starts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Calibrations:
    """Every calibrated kind, and how far the lines of single statistics are above two-sample ones.

    `excesses`: by (column, detector). `why_not`: by kind that could not be calibrated, the reason.
    `most`: by column the largest share that one cell ever had in a window.
    """

    kinds: Mapping[Kind, Calibrated] = field(default_factory=dict)
    excesses: Mapping[tuple[str, str], float] = field(default_factory=dict)
    why_not: Mapping[Kind, str] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Everything; arrays of many columns in single precision."""
        header: Header = {
            "why_not": dict(self.why_not),
            "most": dict(self.most),
            "excesses": [[*key, excess] for key, excess in self.excesses.items()],
            "kinds": [],
        }
        arrays: Arrays = {}
        for kind, each in self.kinds.items():
            packed, parts = _packed(each)
            header["kinds"].append([kind, packed])
            arrays |= {f"{kind} {name}": array for name, array in parts.items()}
        return pack("calibration", VERSION, header, arrays)

    @classmethod
    def from_bytes(cls, data: bytes, layouts: Mapping[Kind, Layout]) -> "Calibrations":
        """What `to_bytes` wrote; the layouts follow from the reference."""
        header, arrays = unpack("calibration", VERSION, data)
        kinds = {}
        for name, packed in header["kinds"]:
            parts = {
                key.removeprefix(f"{name} "): array
                for key, array in arrays.items()
                if key.startswith(f"{name} ")
            }
            kinds[Kind(name)] = _unpacked(packed, parts, layouts[Kind(name)])
        excesses = {(column, token): excess for column, token, excess in header["excesses"]}
        why_not = {Kind(kind): text for kind, text in header["why_not"].items()}
        return cls(kinds, excesses, why_not, header["most"])


def _packed(each: Calibrated) -> tuple[Header, Arrays]:
    found = each.calibration
    how, said = found.settings, found.judge
    header: Header = {
        "columns": list(each.columns),
        "starts": list(each.starts),
        "settings": [list(how.rates), how.hourly, how.apart, how.share, [int(one) for one in how.seasons]],
        "groups": [[one.predictor.persistence, one.predictor.gain] for one in said.groups],
        "levels": [[one.rate, [list(law) for law in one.laws]] for one in said.levels],
        "tails": [_numbers(tail) for tail in (found.whole, found.guarded, found.alone, *found.parts)],
        "windows": [found.windows, found.effective, found.full_folds],
    }
    scales = said.scales
    arrays: Arrays = {
        "season": said.expected.season.astype(np.int8),
        "replayed": found.replayed,
        "between": scales.between,
        "dispersion": scales.dispersion,
        "cell_between": scales.cell_between,
        "centre": scales.centre,
        "spread": scales.spread,
    }
    arrays |= {f"expected {int(season)}": each for season, each in said.expected.coefficients.items()}
    for number, group in enumerate(said.groups):
        arrays[f"channels {number}"] = group.channels
        if group.whitening is not None:
            arrays[f"inverse {number}"] = group.whitening.inverse.astype(np.float32)
    arrays |= {f"level {number}": level.spread for number, level in enumerate(said.levels)}
    return header, arrays


def _numbers(tail: Tail) -> list[float]:
    return [float(tail.start), float(tail.rate), float(tail.excess)]


def _unpacked(header: Header, arrays: Arrays, layout: Layout) -> Calibrated:
    rates, hourly, apart, share, seasons = header["settings"]
    how = Settings(tuple(rates), hourly, apart, share, tuple(Season(each) for each in seasons))
    coefficients = {
        Season(int(name.split()[1])): array for name, array in arrays.items() if name.startswith("expected ")
    }
    groups = tuple(
        Group(
            arrays[f"channels {number}"],
            Predictor(*filter_),
            Whitening(arrays[f"inverse {number}"].astype(np.float64))
            if f"inverse {number}" in arrays
            else None,
        )
        for number, filter_ in enumerate(header["groups"])
    )
    levels = tuple(
        Level(rate, arrays[f"level {number}"], tuple((scale, freedom) for scale, freedom in laws))
        for number, (rate, laws) in enumerate(header["levels"])
    )
    scales = Scales(*(arrays[name] for name in ("between", "dispersion", "cell_between", "centre", "spread")))
    whole, guarded, alone, *parts = (Tail(*numbers) for numbers in header["tails"])
    said = Judge(Expected(coefficients, arrays["season"].astype(np.int64)), scales, groups, levels)
    found = Calibration(
        layout, how, said, tuple(parts), whole, guarded, alone, arrays["replayed"], *header["windows"]
    )
    return Calibrated(tuple(header["columns"]), found, tuple(header["starts"]))


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What earlier windows left of one kind: averages, what has begun to move, the last window's end.

    `began`: int64 (k,), the start of the window in which each column began to, in microseconds, or 0.
    """

    memory: Memory
    pool: Pool
    began: Index
    last: datetime | None = None


def fresh(calibration: Calibration) -> Standing:
    """The standing at the start, after a gap, and after an alarm closed."""
    began = np.zeros(calibration.layout.columns, np.int64)
    return Standing(judge.nothing(calibration.judge), materiality.empty(calibration.layout), began)


def pack_standing(found: Standing) -> bytes:
    """The standing in single precision: a model's state is written at every tick."""
    parts = [
        found.memory.estimate,
        found.memory.averages.reshape(-1),
        found.pool.rows,
        found.pool.effects,
        found.pool.cells,
    ]
    last = found.last.isoformat() if found.last is not None else ""
    numbers = np.concatenate(parts).astype("<f4").tobytes()
    return f"{STANDING} {last}\n".encode() + found.began.astype("<i8").tobytes() + numbers


def unpack_standing(data: bytes | None, calibration: Calibration) -> Standing:
    """What `pack_standing` wrote; the fresh standing for nothing, and for that of another calibration."""
    start = fresh(calibration)
    if not data:
        return start
    head, _, rest = data.partition(b"\n")
    version, _, last = head.decode("ascii", "replace").partition(" ")
    if version not in {str(VERSION), str(STANDING)}:
        message = f"this memory of alarms has the form {version}, which this driftd does not know"
        raise StoreError(message)
    size = start.began.nbytes if version == str(STANDING) else 0
    if len(rest) < size:
        return start
    began = np.frombuffer(rest[:size], "<i8").astype(np.int64) if size else start.began
    numbers = np.frombuffer(rest[size:], "<f4").astype(np.float64)
    pieces = (
        start.memory.estimate,
        start.memory.averages,
        start.pool.rows,
        start.pool.effects,
        start.pool.cells,
    )
    if len(numbers) != sum(each.size for each in pieces):
        return start
    cut: list[Floats] = np.split(numbers, np.cumsum([each.size for each in pieces])[:-1])
    averages = cut[1].reshape(start.memory.averages.shape)
    ended = datetime.fromisoformat(last) if last else None
    return Standing(Memory(cut[0], averages), Pool(*cut[2:]), began, ended)
