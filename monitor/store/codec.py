"""Records as versioned JSON or bytes and back: strict in both directions, no pickle.

The forms follow from the records' type hints, so a field with a default may be added to a record
and what was stored before still reads; anything else raises VERSION.
"""

import base64
import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from monitor.lines import line
from monitor.state import ModelState, PendingWindow
from monitor.types import Evaluation, iso, utc

VERSION = 1
"""Of every form in this file; raised when an older driftd could not read what this one writes."""
APART = frozenset({"files", "label_files", "streams", "pending"})
"""The parts of a model's state that have tables of their own."""
MAGIC = b"driftd-pending"
_HEAD = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Form:
    """How one declared type is written as JSON, and read back with its type checked."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def encode_state(state: ModelState) -> str:
    """A model's state as JSON text; of the pending windows only the keys, in order."""
    content = _write_fields(state, APART)
    content["pending"] = [pending.window.key for pending in state.pending]
    return json.dumps({"version": VERSION, "state": content}, allow_nan=False)


def decode_state(text: str) -> tuple[ModelState, tuple[str, ...]]:
    """The state without its parts that have own tables, and the keys of its pending windows."""
    content = dict(_versioned(text)["state"])
    keys = form(tuple[str, ...]).read(content.pop("pending"))
    return ModelState(**_read_fields(ModelState, content, APART)), keys


def encode_evaluation(evaluation: Evaluation) -> str:
    """The evaluation's line without its verdicts and statistics, which have tables of their own."""
    return line(replace(evaluation, verdicts=(), statistics=()))


def decode_evaluation(text: str) -> Evaluation:
    """The evaluation that a line tells; keys that this version does not know are an error."""
    content = json.loads(text, parse_constant=_refuse_constant)
    evaluation: Evaluation = form(Evaluation).read(content)
    return evaluation


def encode_pending(pending: PendingWindow) -> bytes:
    """The window as magic, version, and a compressed header with the arrays' bytes behind it.

    Bytes of equal weight stand together: that halves what remains of times, labels and scores.
    """
    arrays = _arrays(PendingWindow)
    header = _write_fields(pending, frozenset(arrays))
    shapes = {name: list(getattr(pending, name).shape) for name in arrays}
    text = json.dumps({"fields": header, "shapes": shapes}, allow_nan=False).encode()
    parts = [_HEAD.pack(VERSION, len(text)), text]
    for name, dtype in arrays.items():
        flat = np.ascontiguousarray(getattr(pending, name), dtype=dtype).reshape(-1)
        parts.append(flat.view(np.uint8).reshape(-1, dtype.itemsize).T.tobytes())
    return MAGIC + zlib.compress(b"".join(parts), level=1)


def decode_pending(blob: bytes) -> PendingWindow:
    """The pending window of these bytes; damaged or foreign bytes raise ValueError."""
    if not blob.startswith(MAGIC):
        message = "these bytes are no pending window"
        raise ValueError(message)
    try:
        content = zlib.decompress(blob[len(MAGIC) :])
        version, length = _HEAD.unpack_from(content)
    except (zlib.error, struct.error) as error:
        message = f"the bytes of a pending window are damaged: {error}"
        raise ValueError(message) from error
    _check_version(version)
    header = json.loads(content[_HEAD.size : _HEAD.size + length])
    offset = _HEAD.size + length
    values = _read_fields(PendingWindow, header["fields"], frozenset(_arrays(PendingWindow)))
    for name, dtype in _arrays(PendingWindow).items():
        if name not in header["shapes"] and name not in _required(PendingWindow):
            continue  # written before there was such an array
        shape = header["shapes"][name]
        size = math.prod(shape)
        weights = np.frombuffer(content, np.uint8, size * dtype.itemsize, offset)
        flat = np.ascontiguousarray(weights.reshape(dtype.itemsize, size).T).reshape(-1)
        values[name] = flat.view(dtype).reshape(shape)
        offset += size * dtype.itemsize
    return PendingWindow(**values)


@cache
def form(declared: Any) -> Form:
    """The form of a declared type: a record, an enum, a scalar, an optional, a tuple, set or mapping."""
    origin, arguments = get_origin(declared), get_args(declared)
    if declared in _SCALARS:
        return _SCALARS[declared]
    if origin in _GENERIC:
        return _GENERIC[origin](*arguments)
    if isinstance(declared, type) and issubclass(declared, StrEnum):
        return Form(lambda value: declared(value).value, declared)
    if isinstance(declared, type) and is_dataclass(declared):
        return Form(_write_fields, lambda value: declared(**_read_fields(declared, value)))
    message = f"{declared} has no form in JSON"
    raise TypeError(message)


def _write_fields(record: Any, leave: frozenset[str] = frozenset()) -> dict[str, Any]:
    declared: Any = type(record)
    forms = _fields(declared)
    return {name: one.write(getattr(record, name)) for name, one in forms.items() if name not in leave}


def _read_fields(declared: Any, value: Any, leave: frozenset[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = f"{declared.__name__} is an object, not {value!r:.60}"
        raise ValueError(message)  # noqa: TRY004 - every fault of stored text is a ValueError
    forms = {name: one for name, one in _fields(declared).items() if name not in leave}
    unknown = value.keys() - forms.keys()
    lacking = _required(declared) - leave - value.keys()
    if unknown or lacking:
        message = f"{declared.__name__}: unknown {sorted(unknown)}, lacking {sorted(lacking)}"
        raise ValueError(message)
    return {name: forms[name].read(one) for name, one in value.items()}


@cache
def _fields(declared: Any) -> dict[str, Form]:
    arrays = _arrays(declared)
    hints = get_type_hints(declared)
    return {one.name: form(hints[one.name]) for one in fields(declared) if one.name not in arrays}


@cache
def _required(declared: Any) -> frozenset[str]:
    """The fields without a default."""
    return frozenset(
        one.name for one in fields(declared) if one.default is MISSING and one.default_factory is MISSING
    )


@cache
def _arrays(declared: Any) -> dict[str, np.dtype[Any]]:
    """The fields that are arrays, with their type as it is stored: little-endian."""
    hints = {name: hint for name, hint in get_type_hints(declared).items() if get_origin(hint) is np.ndarray}
    return {name: np.dtype(get_args(get_args(hint)[1])[0]).newbyteorder("<") for name, hint in hints.items()}


def _optional(*arguments: Any) -> Form:
    (inner,) = [form(one) for one in arguments if one is not NoneType]
    return Form(
        lambda value: None if value is None else inner.write(value),
        lambda value: None if value is None else inner.read(value),
    )


def _tuple(element: Any, _ellipsis: Any = ...) -> Form:
    if _ellipsis is ...:
        inner = form(element)
        return Form(
            lambda value: [inner.write(one) for one in value],
            lambda value: tuple(inner.read(one) for one in _checked(value, list)),
        )
    message = "tuples of one type only"
    raise TypeError(message)


def _frozenset(element: Any) -> Form:
    inner = form(element)
    return Form(
        lambda value: sorted(inner.write(one) for one in value),
        lambda value: frozenset(inner.read(one) for one in _checked(value, list)),
    )


def _mapping(key: Any, element: Any) -> Form:
    keys, inner = form(key), form(element)
    return Form(
        lambda value: {keys.write(name): inner.write(one) for name, one in value.items()},
        lambda value: {keys.read(name): inner.read(one) for name, one in _checked(value, dict).items()},
    )


def _checked(value: Any, *types: type) -> Any:
    if type(value) in types:
        return value
    message = f"{value!r:.60} is not {' or '.join(one.__name__ for one in types)}"
    raise ValueError(message)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        message = f"{number} is not a finite number"
        raise ValueError(message)
    return number


def _moment(value: Any) -> datetime:
    return utc(datetime.fromisoformat(_checked(value, str)))


def _versioned(text: str) -> dict[str, Any]:
    content: dict[str, Any] = _checked(json.loads(text, parse_constant=_refuse_constant), dict)
    _check_version(content.get("version"))
    return content


def _check_version(version: object) -> None:
    if version != VERSION:
        message = f"written in form {version}, this driftd reads form {VERSION}"
        raise ValueError(message)


def _refuse_constant(token: str) -> float:
    message = f"{token} is not JSON"
    raise ValueError(message)


_SCALARS: Mapping[Any, Form] = {
    str: Form(str, lambda value: _checked(value, str)),
    bool: Form(bool, lambda value: _checked(value, bool)),
    int: Form(int, lambda value: _checked(value, int)),
    float: Form(_finite, lambda value: _finite(_checked(value, float, int))),
    datetime: Form(iso, _moment),
    bytes: Form(
        lambda value: base64.b64encode(value).decode("ascii"),
        lambda value: base64.b64decode(_checked(value, str), validate=True),
    ),
}
_GENERIC: Mapping[Any, Callable[..., Form]] = {
    UnionType: _optional,
    Union: _optional,
    tuple: _tuple,
    frozenset: _frozenset,
    Mapping: _mapping,
}
