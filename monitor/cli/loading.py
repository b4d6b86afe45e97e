"""What commands do before their work: logs, the compiled code's cache, the model files."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.build import detector_parameters, source_parameters
from monitor.config.load import load_paths
from monitor.config.schema import ModelConfig
from monitor.log import configure


@dataclass(frozen=True, slots=True)
class Loaded:
    """The valid models in the order of their names; `failed` where another was not valid."""

    configs: tuple[ModelConfig, ...]
    failed: bool


def prepare(state: str, log_format: str = "logfmt", log_level: str | None = None) -> None:
    """Logs to stderr; numba's cache beside the store, so that a read-only installation works."""
    configure(log_format, log_level or os.environ.get("DRIFTD_LOG_LEVEL", "warning"))
    if "NUMBA_CACHE_DIR" not in os.environ:
        os.environ["NUMBA_CACHE_DIR"] = str(_folder(state) / ".driftd-cache")


def _folder(state: str) -> Path:
    path = Path(state.removeprefix("sqlite:///"))
    return path.parent if "://" not in state or state.startswith("sqlite:///") else Path.cwd()


def load_models(paths: Sequence[Path]) -> Loaded:
    """Read the model files; what is wrong with one goes to stderr and stops no other."""
    configs, problems = load_paths(paths, sources=source_parameters(), detectors=detector_parameters())
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return Loaded(tuple(sorted(configs, key=lambda config: config.model)), bool(problems))
