"""driftd: a data-drift monitoring daemon for machine-learning models in production."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("driftd")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
