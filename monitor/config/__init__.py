"""The YAML of the models: positions, strict schema, secrets."""

from monitor.config.fingerprint import numbers_fingerprint
from monitor.config.load import load_model, load_paths
from monitor.config.parameters import source_parameters_of
from monitor.config.schema import DetectorConfig, ModelConfig, SourceConfig
from monitor.config.secrets import Secret, redact
from monitor.config.units import Duration, FalseAlarms

__all__ = [
    "DetectorConfig",
    "Duration",
    "FalseAlarms",
    "ModelConfig",
    "Secret",
    "SourceConfig",
    "load_model",
    "load_paths",
    "numbers_fingerprint",
    "redact",
    "source_parameters_of",
]
