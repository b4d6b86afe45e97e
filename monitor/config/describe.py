"""The model file described for editors (JSON Schema) and for readers (Markdown), from the schema itself.

`python -m monitor.config.describe` writes both files anew.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from monitor.config.schema import ModelConfig
from monitor.config.units import Duration, FalseAlarms

SCHEMA_FILE = Path("configs/model.schema.json")
MARKDOWN_FILE = Path("docs/config.md")


class _Schema(GenerateJsonSchema):
    """Defaults as one would write them; sections have none, since each of their keys has its own."""

    def encode_default(self, dft: Any) -> Any:
        """The default in the notation of the file."""
        if isinstance(dft, (Duration, FalseAlarms)):
            return str(dft)
        return {} if isinstance(dft, BaseModel) else super().encode_default(dft)


def json_schema() -> str:
    """The JSON Schema of the model file, as text."""
    schema = ModelConfig.model_json_schema(schema_generator=_Schema)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "driftd model file"}
    return json.dumps(dialect | _without_titles(schema), indent=1, ensure_ascii=False) + "\n"


def markdown() -> str:
    """Every key of the model file as a Markdown table: type, default, meaning."""
    schema = json.loads(json_schema())
    lines = [
        "# The model file",
        "",
        "One YAML file per model. Written by `python -m monitor.config.describe` from the schema; editors",
        "read `configs/model.schema.json`. Scalars follow YAML 1.2: `off` and times are text. Relative paths",
        "are relative to the file. `${NAME}` and `${NAME:-default}` read the environment, `$${` is a literal",
        "`${`; `!file PATH` as a source's option reads a secret file. Unknown keys are errors.",
        "",
        "| key | value | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in _rows(schema, schema, "")]
    return "\n".join(lines) + "\n"


def _rows(schema: Mapping[str, Any], section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, ...]]:
    for key, entry in section["properties"].items():
        name = f"{prefix}{key}"
        inner = [_resolved(schema, form) for form in _forms(entry)]
        default = "required" if key in section.get("required", ()) else _written(entry.get("default"))
        kinds = " or ".join(dict.fromkeys(_kind(form) for form in inner if form.get("type") != "null"))
        yield f"`{name}`", kinds, default, entry.get("description") or inner[0].get("description", "")
        for form in inner:
            lists = [_resolved(schema, part) for part in _forms(form.get("items", {}))]
            for part, below in [(form, f"{name}."), *((part, f"{name}[].") for part in lists)]:
                for alternative in [part, *part.get("anyOf", ())]:
                    if "properties" in alternative:
                        yield from _rows(schema, alternative, below)


def _forms(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives that a value may be."""
    found: list[Mapping[str, Any]] = []
    for form in entry.get("anyOf") or entry.get("oneOf") or [entry]:
        found += _forms(form) if "anyOf" in form or "oneOf" in form else [form]
    return found


def _resolved(schema: Mapping[str, Any], form: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in form:
        return form
    resolved: Mapping[str, Any] = schema["$defs"][form["$ref"].removeprefix("#/$defs/")]
    return resolved


def _kind(form: Mapping[str, Any]) -> str:
    """What a value of this form is called."""
    if "const" in form:
        return f"`{form['const']}`"
    if "enum" in form:
        return " or ".join(f"`{value}`" for value in form["enum"])
    pattern = str(form.get("pattern", ""))
    if "smhdw" in pattern:
        return "budget" if "per" in pattern else "duration"
    if form.get("format") == "date-time":
        return "time with a zone"
    if "anyOf" in form:
        return "mapping or `off`"
    named = {"string": "text", "integer": "whole number", "array": "list", "object": "mapping"}
    kinds = form.get("type", "anything")
    return " or ".join(named.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _written(default: object) -> str:
    return "" if default in (None, {}, []) else f"`{json.dumps(default)}`".replace('"', "")


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _without_titles(value: Any) -> Any:
    """The schema without the titles that only repeat the keys."""
    if isinstance(value, list):
        return [_without_titles(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_titles(inner)
        for key, inner in value.items()
        if key != "title" or not isinstance(inner, str)
    }


def write(root: Path) -> None:
    """Write both files below the repository's root."""
    for name, text in ((SCHEMA_FILE, json_schema()), (MARKDOWN_FILE, markdown())):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2])
