"""A river detector as bytes: its pickle for the same river, the values since its last change for another.

A pickle can run any code, so it is loaded through an allow-list of river's detectors and of what they
hold. Everything else in a state is JSON, numbers and zlib.
"""

import io
import json
import pickle
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError

FORMAT = 1
RIVER_VERSION = version("river")

BLOCK = 4096
"""Values in one compressed block of a history."""
BLOCKS = 24
"""How many full blocks a history keeps: the newest 98,304 values."""

BITS, TABLE, ROUNDED, EXACT = range(4)
"""How a block is packed: 0/1; at most 256 distinct values; 16 bits a value; float64."""

HEAD = struct.Struct("<II")
"""Length of the JSON header, and the checksum of all that follows it."""

PAGE_HINKLEY_TESTS = frozenset({"_test_increase", "_test_decrease", "_test_both"})

ALLOWED = frozenset(
    {
        ("river.drift.adwin", "ADWIN"),
        ("river._river_rust.drift", "AdaptiveWindowing"),
        ("river.drift.page_hinkley", "PageHinkley"),
        ("river.drift.kswin", "KSWIN"),
        ("river.drift.binary.ddm", "DDM"),
        ("river.drift.binary.hddm_a", "HDDMA"),
        ("river.drift.binary.hddm_w", "HDDMW"),
        ("river.drift.binary.hddm_w", "SampleInfo"),
        ("river.stats.mean", "Mean"),
        ("river.stats.ewmean", "EWMean"),
        ("river._river_rust.stats", "RsEWMean"),
        ("builtins", "float"),
        ("collections", "deque"),
        ("random", "Random"),
        (__name__, "_page_hinkley_test"),
    }
)
"""Every (module, name) that a pickle may name: river's detectors and what they hold."""


class History:
    """The values since the last change, in order: the newest `BLOCK * BLOCKS` and fewer than a block more.

    Full blocks are compressed once, so that saving costs the same however long the stream is.
    """

    __slots__ = ("_blocks", "_tail")

    def __init__(self, blocks: tuple[bytes, ...] = (), tail: NDArray[np.float64] | None = None) -> None:
        self._blocks = blocks
        self._tail = np.empty(0) if tail is None else tail

    def extend(self, values: NDArray[np.float64]) -> None:
        """Append values in [0, 1]."""
        tail = np.concatenate([self._tail, values])
        full = len(tail) // BLOCK * BLOCK
        packed = [_pack(tail[start : start + BLOCK], exact=False) for start in range(0, full, BLOCK)]
        self._blocks = (*self._blocks, *packed)[-BLOCKS:]
        self._tail = tail[full:]

    def values(self) -> NDArray[np.float64]:
        """All that is kept; float64 (n,). Older values with many digits are rounded to 1/65535."""
        return np.concatenate([*map(_unpack, self._blocks), self._tail])

    def parts(self) -> tuple[bytes, ...]:
        """The blocks and last the open one, packed without loss."""
        return (*self._blocks, _pack(self._tail, exact=True))

    @classmethod
    def of(cls, parts: tuple[bytes, ...]) -> "History":
        """The history from its parts."""
        return cls(parts[:-1], _unpack(parts[-1]))

    def __bool__(self) -> bool:
        """Whether there is any value."""
        return bool(self._blocks) or len(self._tail) > 0


@dataclass(frozen=True, slots=True)
class Saved:
    """What a state holds. `detector` is None where it must be rebuilt by replay of the history.

    `count` and `total` are the number and the sum of the values since the last change.
    """

    detector: Any
    history: History
    count: int
    total: float


def save(token: str, parameters: Mapping[str, object], saved: Saved) -> bytes:
    """The state as bytes: header, river's object, history."""
    dumped = dump(saved.detector)
    parts = saved.history.parts()
    header = json.dumps(
        {
            "format": FORMAT,
            "detector": token,
            "parameters": parameters,
            "river": RIVER_VERSION,
            "count": saved.count,
            "total": saved.total,
            "lengths": [len(dumped), *map(len, parts)],
        }
    ).encode()
    content = b"".join((header, dumped, *parts))
    return HEAD.pack(len(header), zlib.crc32(content)) + content


def load(token: str, parameters: Mapping[str, object], kind: type, state: bytes) -> Saved:
    """What `save` wrote.

    `detector` is None where river's version or the parameters are others than these, or where river
    cannot read its own object. StoreError where the state is damaged, is another detector's, is of a
    newer driftd, or names in its pickle anything that no detector holds.
    """
    header, sections = _open(state)
    if header["detector"] != token:
        message = f"the state is of the stream detector {header['detector']!r}, not of {token!r}"
        raise StoreError(message)
    detector = None
    if header["river"] == RIVER_VERSION and header["parameters"] == dict(parameters):
        detector = undump(sections[0])
        if detector is not None and type(detector) is not kind:
            message = f"the state of {token!r} holds a {type(detector).__name__}, not a {kind.__name__}"
            raise StoreError(message)
    return Saved(detector, History.of(sections[1:]), int(header["count"]), float(header["total"]))


def dump(detector: object) -> bytes:
    """River's object as a pickle that names nothing but what is allowed."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(detector)
    return buffer.getvalue()


def undump(dumped: bytes) -> Any:
    """River's object; None where the pickle cannot be read; StoreError where it names what is not allowed."""
    try:
        return _Unpickler(io.BytesIO(dumped)).load()
    except StoreError:
        raise
    except BaseException as error:
        # whatever is wrong with it, replay is the answer; a panic of river's compiled part is no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return None
        raise


class _Pickler(pickle.Pickler):
    """Writes numpy's floats as floats, and Page-Hinkley's choice of test without `getattr`."""

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, np.floating):
            return float, (float(obj),)
        if isinstance(obj, MethodType):
            return _page_hinkley_test, (obj.__self__, obj.__name__)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Loads only what `ALLOWED` names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            message = (
                f"the state of a stream detector names {module}.{name}, which no detector holds: it is "
                "refused; whoever wrote it can write to the store"
            )
            raise StoreError(message)
        return super().find_class(module, name)


def _page_hinkley_test(owner: object, name: str) -> Any:
    """One of Page-Hinkley's three tests, bound to the detector: the only attribute a pickle may look up."""
    from river.drift import PageHinkley  # noqa: PLC0415 - river takes seconds to import

    if type(owner) is not PageHinkley or name not in PAGE_HINKLEY_TESTS:
        message = f"the state of a stream detector looks up {name!r}: it is refused"
        raise StoreError(message)
    return getattr(owner, name)


def _open(state: bytes) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """The header and the sections behind it, once the checksum holds and the format is known."""
    damaged = (
        f"the state of a stream detector ({len(state)} bytes) is damaged; "
        "`driftd accept MODEL` restarts the model's memories"
    )
    if len(state) < HEAD.size:
        raise StoreError(damaged)
    size, checksum = HEAD.unpack_from(state)
    content = state[HEAD.size :]
    if zlib.crc32(content) != checksum:
        raise StoreError(damaged)
    header: dict[str, Any] = json.loads(content[:size])
    if header["format"] != FORMAT:
        message = (
            f"the state of a stream detector has format {header['format']}, this driftd knows {FORMAT}; "
            "use the driftd that wrote it, or `driftd accept MODEL` to restart the model's memories"
        )
        raise StoreError(message)
    ends = (size + np.cumsum([0, *header["lengths"]])).tolist()
    return header, tuple(content[start:end] for start, end in pairwise(ends))


def _pack(values: NDArray[np.float64], *, exact: bool) -> bytes:
    """At most `BLOCK` values: count, way of packing, size of the table, then table and codes compressed."""
    table, codes = np.unique(values, return_inverse=True)
    if np.isin(table, (0.0, 1.0)).all():
        way, table, body = BITS, table[:0], np.packbits(values != 0.0).tobytes()
    elif len(table) <= 256:
        way, body = TABLE, codes.astype("<u1").tobytes()
    elif exact:
        way, table, body = EXACT, table[:0], values.astype("<f8").tobytes()
    else:
        way, table, body = ROUNDED, table[:0], np.rint(values * 65535).astype("<u2").tobytes()
    return struct.pack("<HBH", len(values), way, len(table)) + zlib.compress(
        table.astype("<f8").tobytes() + body, 1
    )


def _unpack(block: bytes) -> NDArray[np.float64]:
    """What `_pack` was given; at 16 bits rounded to 1/65535."""
    count, way, distinct = struct.unpack_from("<HBH", block)
    plain = zlib.decompressobj().decompress(block[5:], 8 * (BLOCK + 256))
    table = np.frombuffer(plain, "<f8", distinct).astype(np.float64)
    body = plain[8 * distinct :]
    if way == BITS:
        return np.unpackbits(np.frombuffer(body, "u1"), count=count).astype(np.float64)
    if way == TABLE:
        return np.take(table, np.frombuffer(body, "<u1", count))
    if way == ROUNDED:
        return np.frombuffer(body, "<u2", count).astype(np.float64) / 65535
    return np.frombuffer(body, "<f8", count).astype(np.float64)
