"""The API's description in OpenAPI 3.1, made of its endpoints and of the records that they answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from monitor import __version__
from monitor.web.answers import Failure

Schema = dict[str, Any]

_SCALARS: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    NoneType: {"type": "null"},
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a request carries in its `place`: `path` or `query`."""

    name: str
    place: str
    meaning: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    `answer`: the record of a good answer, None for the description itself. `failures`: statuses of other
    answers besides those that any request may get. `body`: the record of what a request may carry, where
    each key may be left out.
    """

    name: str
    method: str
    path: str
    summary: str
    answer: type | None
    parameters: tuple[Parameter, ...] = ()
    failures: tuple[int, ...] = ()
    body: type | None = None


def describe(endpoints: Sequence[Endpoint]) -> Schema:
    """The whole description."""
    records: dict[str, Schema] = {}
    paths: dict[str, Schema] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, records)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "driftd",
            "version": __version__,
            "description": "What driftd knows of the models that it watches. Times are in UTC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"basic": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(records.items())),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def _operation(each: Endpoint, records: dict[str, Schema]) -> Schema:
    answer = {"type": "object"} if each.answer is None else schema(each.answer, records)
    answers = {"200": _content("the answer", answer)}
    for status in sorted({400, 401, 500, *each.failures}):
        answers[str(status)] = _content(HTTPStatus(status).phrase.lower(), schema(Failure, records))
    answers["401"] = {"description": "a user name and a password are needed"}
    found: Schema = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [
            {
                "name": one.name,
                "in": one.place,
                "description": one.meaning,
                "required": one.place == "path",
                "schema": one.schema,
            }
            for one in each.parameters
        ],
        "responses": answers,
    }
    if each.body is not None:
        body = {**_record(each.body, records), "required": [], "additionalProperties": False}
        content = {"application/json": {"schema": body}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _content(meaning: str, answer: Schema) -> Schema:
    return {"description": meaning, "content": {"application/json": {"schema": answer}}}


def schema(declared: Any, records: dict[str, Schema]) -> Schema:
    """The JSON Schema of a declared type; records and enums go to `records` by name, once."""
    origin, arguments = get_origin(declared), get_args(declared)
    if declared in _SCALARS:
        return _SCALARS[declared]
    if origin in {Union, UnionType}:
        return {"anyOf": [schema(each, records) for each in arguments]}
    if origin is tuple:
        return {"type": "array", "items": schema(arguments[0], records)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema(arguments[1], records)}
    name = declared.__name__
    if name not in records:
        records[name] = {}  # a record that holds itself is described once
        records[name] = _enum(declared) if issubclass(declared, StrEnum) else _record(declared, records)
    return {"$ref": f"#/components/schemas/{name}"}


def _enum(declared: type[StrEnum]) -> Schema:
    return {"type": "string", "description": _words(declared), "enum": [each.value for each in declared]}


def _record(declared: type, records: dict[str, Schema]) -> Schema:
    assert is_dataclass(declared)
    hints = get_type_hints(declared)
    return {
        "type": "object",
        "description": _words(declared),
        "properties": {
            each.name: {**schema(hints[each.name], records), **each.metadata} for each in fields(declared)
        },
        "required": [each.name for each in fields(declared)],
    }


def _words(declared: Any) -> str:
    """The docstring as one paragraph."""
    return " ".join((declared.__doc__ or "").split())
