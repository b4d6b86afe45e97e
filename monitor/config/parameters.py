"""The keys that belong to a plug-in: checked against the type that it declares."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from monitor.config.data_schema import SourceConfig
from monitor.config.messages import describe_detail, shown_value, unknown_key
from monitor.config.positions import Document, Where
from monitor.config.secrets import revealed, secrets_in
from monitor.errors import ConfigProblem, DriftdError

T = TypeVar("T")


def source_parameters_of(source: SourceConfig, parameters: type[T]) -> T:
    """The source's own record from its keys in the file, with secrets revealed."""
    return _record(source.options, parameters, strict=not source.secrets)


def _record(options: Mapping[str, Any], parameters: type[T], *, strict: bool) -> T:
    """Strict: text is no number, but where it came from the environment or a file, "5432" may be one."""
    return TypeAdapter(parameters).validate_json(json.dumps(revealed(options)), strict=strict)


def parameter_problems(
    document: Document,
    where: Where,
    section: Mapping[str, Any],
    parameters: type,
    *,
    shared: tuple[str, ...],
    hide: bool,
) -> Iterator[ConfigProblem]:
    """What does not fit the plug-in's type, each at its place.

    `shared` are the section's keys that belong to every plug-in; `hide` keeps values out of messages.
    """
    own = parameter_names(parameters)
    for key in section:
        if key not in {*own, *shared}:
            yield document.problem((*where, key), unknown_key(key, {*own, *shared}), at_key=True)
    mine = {key: value for key, value in section.items() if key in own and key not in shared}
    try:
        _record(mine, parameters, strict=next(secrets_in(mine), None) is None)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            inner = tuple(part for part in detail["loc"] if _stands(part))
            here = (*where, *inner)
            shown = None if hide else shown_value(document, here, detail["input"])
            yield document.problem(here, describe_detail(detail, shown))
    except DriftdError as error:
        yield document.problem(where, str(error))


def parameter_names(parameters: type) -> tuple[str, ...]:
    """The keys that the YAML may hold."""
    if issubclass(parameters, BaseModel):
        return tuple(parameters.model_fields)
    if dataclasses.is_dataclass(parameters):
        return tuple(field.name for field in dataclasses.fields(parameters) if field.init)
    message = f"{parameters.__name__} is no dataclass and no pydantic model"
    raise TypeError(message)


def _stands(part: str | int) -> bool:
    """Whether a part of a finding's place stands in the file, and is no branch of a union."""
    return isinstance(part, int) or part.isidentifier()
