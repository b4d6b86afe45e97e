"""What the fork server loads once, so that each worker has it: all that a run imports, slow libraries too."""

import gc

import pandas as pd  # noqa: F401
import pyarrow.pandas_compat  # noqa: F401
import sklearn.covariance
import sklearn.ensemble
import sklearn.linear_model  # noqa: F401

import monitor.cli
import monitor.worker  # noqa: F401
from monitor.detectors.streams import river

river("ADWIN")

# a collection in a worker would otherwise touch, and so copy, every page of what is loaded here
gc.collect()
gc.freeze()
