import json
from pathlib import Path

import pytest

from monitor.config.describe import MARKDOWN_FILE, SCHEMA_FILE, json_schema, markdown
from monitor.config.schema import ModelConfig

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "text"), [(SCHEMA_FILE, json_schema), (MARKDOWN_FILE, markdown)])
def test_the_written_files_are_current(name, text):
    assert (ROOT / name).read_text(encoding="utf-8") == text(), "run: python -m monitor.config.describe"


def test_editors_learn_keys_meanings_and_defaults():
    schema = json.loads(json_schema())

    assert set(schema["properties"]) == set(ModelConfig.model_fields)
    assert schema["required"] == ["version", "model", "reference", "live"]
    window = schema["$defs"]["WindowConfig"]["properties"]
    assert window["length"]["default"] == "1d"
    assert window["lateness"]["description"]
    assert schema["additionalProperties"] is False


def test_the_page_has_a_line_for_nested_keys():
    assert "| `columns.features.private` | list |  | Columns whose values appear in no store" in markdown()
    assert "| `alarms.false_alarms` | budget | `1 per 30d` |" in markdown()
    assert "| `detectors[].threshold` | number |" in markdown()
