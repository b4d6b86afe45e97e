"""A validator's finding as one plain sentence: what is needed, what stands there, what to write."""

import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.positions import Document, Where
from monitor.config.schema import ModelConfig
from monitor.config.secrets import STARS
from monitor.errors import ConfigProblem

LONGEST = 60
"""Longer values are cut in messages."""

_NEEDED = {
    "string_type": "text is needed",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "float_parsing": "a number is needed",
    "finite_number": "a finite number is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "tuple_type": "a list is needed",
    "list_type": "a list is needed",
    "dict_type": "a mapping is needed",
    "model_type": "a mapping of keys is needed",
    "model_attributes_type": "a mapping of keys is needed",
    "dataclass_type": "a mapping of keys is needed",
}
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_PATTERNS = {
    "model": "1 to 63 letters, digits, dots, underscores or hyphens are needed",
    "tags": "a tag's name is made of letters, digits and underscores, and starts with no digit",
}


def problems_of(document: Document, error: ValidationError) -> Iterator[ConfigProblem]:
    """Every finding of the validator at its place in the file."""
    for detail in error.errors(include_url=False):
        where = tuple(part for part in detail["loc"] if not str(part).startswith(("<", "[")))
        at_key = detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]
        yield document.problem(where, _message(document, where, detail), at_key=at_key)


def describe_detail(detail: ErrorDetails, shown: str | None) -> str:
    """One finding as a sentence; `shown` is what stands there, None where it must not be seen."""
    kind = detail["type"]
    instead = f", not {shown}" if shown is not None else ""
    if kind == "need":
        message = f"{detail['msg']}{instead}"
    elif kind in {"literal_error", "enum"}:
        message = _one_of(str(detail["ctx"]["expected"]), shown, instead)
    elif kind in _NEEDED:
        quotes = f'; put it in quotes: "{shown}"' if kind == "string_type" and _is_plain(shown) else ""
        message = f"{_NEEDED[kind]}{instead}{quotes}"
    elif kind in _LIMITS:
        words, key = _LIMITS[kind]
        message = f"{words} {detail['ctx'][key]:g} is needed{instead}"
    elif kind in {"too_short", "string_too_short"}:
        message = "it is empty; fill it or leave the key out"
    elif kind == "missing":
        message = "the key is required and missing"
    elif kind in {"value_error", "refusal"}:
        message = detail["msg"].removeprefix("Value error, ")
    else:
        message = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return message


def unknown_key(key: str, known: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> str:
    """That a key is unknown, with the nearest known one, or the section in which it belongs.

    >>> unknown_key("lenght", ["length", "lateness"])
    'unknown key; did you mean length?'
    """
    known = sorted(known)
    if elsewhere is not None and key in elsewhere:
        return f"unknown key; it belongs in {elsewhere[key]}"
    close = get_close_matches(key, known, 1, 0.6)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; known: {', '.join(known)}" if known else "unknown key; none is known here"


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """That there is no plug-in of this name, with the nearest one or all of them."""
    known = sorted(known)
    close = get_close_matches(name, known, 1, 0.6)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
    return f'{what} "{name}" is not known; {hint}'


def shown_value(document: Document, where: Where, value: object) -> str:
    """The value as one would write it, cut at a length; stars where anything in it is a secret."""
    if any(hidden[: len(where)] == where for hidden in document.hidden):
        return STARS
    if isinstance(value, (Mapping, tuple, list)):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _message(document: Document, where: Where, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden" and where[0] == "detectors":
        return "defaults: off stands alone in its entry"
    if detail["type"] == "extra_forbidden":
        return unknown_key(str(where[-1]), keys_at(where[:-1]), _SECTION_OF)
    if detail["type"] == "string_pattern_mismatch":
        return f"{_PATTERNS[str(where[0])]}, not {shown_value(document, where, detail['input'])}"
    if detail["type"] == "missing":
        near = get_close_matches(str(where[-1]), list(detail["input"]), 1, 0.8)
        return f"the key is required and missing{f'; is it meant by {near[0]}?' if near else ''}"
    in_options = len(where) >= 3 and where[1] == "source" and where[2] != "kind"
    shown = None if in_options else shown_value(document, where, detail["input"])
    return describe_detail(detail, shown)


def keys_at(where: Where) -> tuple[str, ...]:
    """The keys that the schema knows at this place."""
    model: type[BaseModel] | None = ModelConfig
    for part in where:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if model is not None else None
        model = next(_models(field.annotation), None) if field is not None else None
    return tuple(model.model_fields) if model is not None else ()


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a field's type holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in {typing.Union, types.UnionType, tuple, typing.Annotated}:
        for inner in typing.get_args(annotation):
            yield from _models(inner)


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        if prefix:
            yield name, prefix
        for inner in _models(field.annotation):
            if inner.model_config.get("extra") != "allow":
                yield from _sections(inner, f"{prefix}.{name}" if prefix else name)


def _unambiguous() -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for key, section in _sections(ModelConfig, ""):
        found.setdefault(key, []).append(section)
    return {key: sections[0] for key, sections in found.items() if len(sections) == 1}


_SECTION_OF = _unambiguous()
"""Of each key that stands in one section only, that section."""


def _one_of(expected: str, shown: str | None, instead: str) -> str:
    values = expected.replace("'", "").replace(" or ", ", ").split(", ")
    close = get_close_matches((shown or "").strip('"'), values, 1, 0.6)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{'one of ' if len(values) > 1 else ''}{', '.join(values)} is needed{instead}{hint}"


def _is_plain(shown: str | None) -> bool:
    return shown is not None and shown not in {STARS, "nothing", "a list", "a mapping"}
