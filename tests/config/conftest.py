from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from monitor.config import load_model

SECRET = "hunter2-from-environment"


@dataclass(frozen=True, slots=True)
class FilesParameters:
    path: str
    format: Literal["parquet", "csv", "jsonl"] | None = None
    batch_rows: int = 1000
    secret: str | None = None


class AdwinParameters(BaseModel):
    delta: Annotated[float, Field(gt=0, lt=1)] = 0.002


@dataclass(frozen=True, slots=True)
class NoParameters: ...


SOURCES = {"files": FilesParameters}
DETECTORS = {"psi": NoParameters, "ks": NoParameters, "adwin": AdwinParameters}


@pytest.fixture
def families():
    return {"sources": SOURCES, "detectors": DETECTORS, "environment": {"DRIFTD_TEST_SECRET": SECRET}}


@pytest.fixture
def load(tmp_path, families):
    """Load a model file given as text."""

    def from_text(text, **environment):
        path = tmp_path / "model.yaml"
        path.write_text(text, encoding="utf-8")
        return load_model(path, **(families | {"environment": environment}))

    return from_text
