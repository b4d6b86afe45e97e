"""What commands do before their work: logs, the compiled code's cache, the model files."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.build import detector_parameters, source_parameters
from monitor.config.load import Known, load_paths
from monitor.config.schema import ModelConfig
from monitor.errors import ConfigProblem
from monitor.log import configure, hide

CACHE = ".driftd-cache"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The valid models in the order of their names; `failed` where there are others, or none at all."""

    configs: tuple[ModelConfig, ...]
    failed: bool


def prepare(state: str | None = None, log_format: str = "logfmt", log_level: str = "warning") -> None:
    """Logs to stderr; compiled code is kept beside the store, so that a read-only installation works."""
    configure(log_format, log_level)
    if state is not None:
        os.environ.setdefault("NUMBA_CACHE_DIR", str(_folder(state) / CACHE))


def _folder(state: str) -> Path:
    scheme, _, file = state.partition(":///")
    return Path(file).parent if scheme == "sqlite" else Path.cwd()


def read_models(
    paths: Sequence[Path], known: Known | None = None
) -> tuple[tuple[ModelConfig, ...], tuple[ConfigProblem, ...]]:
    """The valid models by name, and what is wrong with the others; `known` is as in `load_paths`."""
    sources, detectors = source_parameters(), detector_parameters()
    configs, problems = load_paths(paths, sources=sources, detectors=detectors, known=known)
    # libraries that open a source log its address as they like
    hide(part for config in configs for secret in config.secrets for part in secret.parts)
    return configs, problems


def load_models(paths: Sequence[Path]) -> Loaded:
    """Read the model files; what is wrong with one goes to stderr and stops no other."""
    configs, problems = read_models(paths)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if not configs and not problems:
        sys.stderr.write("driftd: there is no model to work on; `driftd init` writes a first model file\n")
    return Loaded(configs, failed=bool(problems) or not configs)
