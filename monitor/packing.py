"""Records as bytes: a JSON header and plain arrays, compressed, versioned, without pickle."""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.errors import StoreError
from monitor.stats.bins import (
    CategoricalBins,
    CategoricalCounts,
    CategoricalReference,
    ColumnCounts,
    ColumnReference,
    NumericBins,
    NumericCounts,
    NumericReference,
)

ARCHIVE = b"PK"

Arrays: TypeAlias = dict[str, NDArray[Any]]
Header: TypeAlias = dict[str, Any]


def pack(what: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """One blob: the format's name and version in clear, then everything else compressed.

    >>> unpack("example", 1, pack("example", 1, {"rows": 2}, {"x": np.arange(2)}))
    ({'rows': 2}, {'x': array([0, 1])})
    """
    given = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    index = [[name, array.dtype.str, arrays[name].shape] for name, array in given.items()]
    text = json.dumps({"header": header, "arrays": index}).encode()
    content = b"".join([text, b"\n", *(array.tobytes() for array in given.values())])
    return f"driftd {what} {version}\n".encode() + zlib.compress(content, 6)


def unpack(what: str, version: int, data: bytes) -> tuple[Header, Arrays]:
    """The header and arrays of `pack`; raises StoreError for other, newer or damaged bytes."""
    first, _, rest = data.partition(b"\n")
    words = first.decode("ascii", "replace").split()
    if len(words) != 3 or words[:2] != ["driftd", what] or not words[2].isdigit():
        message = f"these bytes are no {what} of driftd"
        raise StoreError(message)
    if int(words[2]) > version:
        message = (
            f"this {what} was written by a newer driftd (format {words[2]}, this one reads up to {version}); "
            "use that version or a newer one"
        )
        raise StoreError(message)
    try:
        content = zlib.decompress(rest)
        return _archived(content) if content.startswith(ARCHIVE) else _indexed(content)
    except (ValueError, KeyError, TypeError, OSError, zlib.error, zipfile.BadZipFile) as error:
        message = f"this {what} is damaged: {error}"
        raise StoreError(message) from error


def _indexed(content: bytes) -> tuple[Header, Arrays]:
    """A line of JSON, then the arrays it names, one after the other."""
    place = content.index(b"\n") + 1
    known = json.loads(content[:place])
    arrays: Arrays = {}
    for name, kind, shape in known["arrays"]:
        wanted = np.dtype(kind)
        count = math.prod(shape)
        arrays[name] = np.frombuffer(content, wanted, count, place).reshape(shape).copy()
        place += count * wanted.itemsize
    if place != len(content):
        message = f"{len(content)} bytes where {place} are told"
        raise ValueError(message)
    return known["header"], arrays


def _archived(content: bytes) -> tuple[Header, Arrays]:
    """An archive of numpy's, as the first stores hold it; it takes ten times as long to read."""
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        arrays = {name.removeprefix("array_"): found[name] for name in found.files}
    return json.loads(arrays.pop("header").tobytes()), arrays


def smallest(numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
    """Whole numbers, none negative, in the narrowest type that holds them all.

    >>> smallest([1, 300]).dtype
    dtype('uint16')
    """
    array = np.asarray(numbers, np.int64)
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))


def split(joined: NDArray[Any], lengths: NDArray[Any]) -> list[NDArray[Any]]:
    """The parts, of these lengths, that were concatenated."""
    return np.split(joined, np.cumsum(lengths.astype(np.int64))[:-1]) if len(lengths) else []


def join(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The parts one after the other; nothing for no part."""
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def pack_counts(columns: Mapping[str, ColumnCounts]) -> tuple[Header, Arrays]:
    """Counts of all columns as a few arrays, exact to the bit."""
    numeric = {name: each for name, each in columns.items() if isinstance(each, NumericCounts)}
    categorical = {name: each for name, each in columns.items() if isinstance(each, CategoricalCounts)}
    header: Header = {
        "order": list(columns),
        "numeric": list(numeric),
        "categorical": list(categorical),
        "unseen": [list(each.unseen_names.items()) for each in categorical.values()],
    }
    facts = [(each.null, each.nan, each.pos_inf, each.neg_inf, each.invalid) for each in numeric.values()]
    sums = [
        (each.total, each.square, each.low, each.high, each.low_sum, each.high_sum)
        for each in numeric.values()
    ]
    return header, {
        "bins": join([each.bins for each in numeric.values()]),
        "bins_length": np.array([len(each.bins) for each in numeric.values()], np.int64),
        "facts": np.array(facts, np.int64).reshape(-1, 5),
        "sums": np.array(sums, np.float64).reshape(-1, 6),
        "categories": join([each.categories for each in categorical.values()]),
        "categories_length": np.array([len(each.categories) for each in categorical.values()], np.int64),
        "others": np.array(
            [(each.other, each.unseen, each.null) for each in categorical.values()], np.int64
        ).reshape(-1, 3),
    }


def unpack_counts(header: Header, arrays: Arrays) -> dict[str, ColumnCounts]:
    """The counts that `pack_counts` packed."""
    found: dict[str, ColumnCounts] = {}
    parts = split(arrays["bins"], arrays["bins_length"])
    for number, name in enumerate(header["numeric"]):
        facts, sums = arrays["facts"][number].tolist(), arrays["sums"][number].tolist()
        found[name] = NumericCounts(parts[number].astype(np.int64), *facts, *sums)
    parts = split(arrays["categories"], arrays["categories_length"])
    for number, name in enumerate(header["categorical"]):
        other, unseen, null = arrays["others"][number].tolist()
        names = {str(each): int(count) for each, count in header["unseen"][number]}
        found[name] = CategoricalCounts(parts[number].astype(np.int64), other, unseen, null, names)
    return {name: found[name] for name in header["order"]}


def pack_references(columns: Mapping[str, ColumnReference]) -> tuple[Header, Arrays]:
    """Bins and counts of all columns of a reference, exact to the bit."""
    header, arrays = pack_counts({name: each.counts for name, each in columns.items()})
    numeric = [each.bins for each in columns.values() if isinstance(each, NumericReference)]
    categorical = [each.bins for each in columns.values() if isinstance(each, CategoricalReference)]
    header["bins"] = [
        [list(each.categories), sorted(each.rare), each.high_cardinality, each.singletons, each.digests]
        for each in categorical
    ]
    edges = [each.edges for each in numeric]
    shapes = [(each.low, each.high, each.center, each.scale) for each in numeric]
    return header, arrays | {
        "edges": np.concatenate(edges) if edges else np.zeros(0),
        "cells": join([each.cells for each in numeric]),
        "shapes": np.array(shapes, np.float64).reshape(-1, 4),
    }


def unpack_references(header: Header, arrays: Arrays) -> dict[str, ColumnReference]:
    """The columns that `pack_references` packed."""
    lengths = arrays["bins_length"]
    edges, cells = iter(split(arrays["edges"], lengths - 1)), iter(split(arrays["cells"], lengths))
    shapes, categorical = iter(arrays["shapes"].tolist()), iter(header["bins"])
    found: dict[str, ColumnReference] = {}
    for name, counts in unpack_counts(header, arrays).items():
        if isinstance(counts, NumericCounts):
            bins = NumericBins(next(edges), next(cells), *next(shapes))
            found[name] = NumericReference(bins, counts)
        else:
            names, rare, *more = next(categorical)
            kept = CategoricalBins(tuple(names), frozenset(rare), *more)
            found[name] = CategoricalReference(kept, counts)
    return found
