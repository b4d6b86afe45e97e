"""What of a configuration changes numbers."""

import hashlib
import json

from pydantic.main import IncEx

from monitor.config.schema import ModelConfig

_OF_NUMBERS: dict[str, IncEx | bool] = {
    "task": True,
    "reference": True,
    "ground_truth": {"id", "label", "timestamp", "horizon"},
    "columns": True,
    "window": True,
    "detectors": True,
    "alarms": True,
    "estimate": True,
}


def numbers_fingerprint(config: ModelConfig) -> str:
    """A digest over the keys that change numbers, 64 hexadecimal digits.

    Equal for files that differ in comments, order of features, defaults written out, owner, tags,
    schedule, export, privacy, secrets, and in where live rows and labels come from.
    """
    content = config.model_dump(mode="json", include=_OF_NUMBERS)
    features = content["columns"]["features"]
    del features["private"]
    for key, names in features.items():
        features[key] = sorted(names)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
