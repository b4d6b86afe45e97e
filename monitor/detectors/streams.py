"""The stream detectors: river's, on errors in [0, 1], each value once, in order.

They all read values between 0 and 1, not only 0/1 errors: Hoeffding's and McDiarmid's bounds (`hddm_a`,
`hddm_w`) hold for any such value, and the standard deviation of a 0/1 error, which `ddm` uses, is the
largest that a value with the same mean can have, so that `ddm` is slower on them, never rasher.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.detectors.base import STREAM_DETECTORS, StreamDetector
from monitor.detectors.river_stream import (
    Engine,
    RiverStream,
    by_contrast,
    by_newest,
    by_own_window,
    fall,
    rise,
)


class _Parameters(BaseModel):
    """What the parameters of all stream detectors share; the names are river's."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class AdwinParameters(_Parameters):
    """Adaptive windowing (Bifet and Gavalda 2007)."""

    delta: float = Field(default=0.002, gt=0, lt=1, description="chance of a false cut at one test")
    clock: int = Field(default=32, ge=1, description="values between two tests")
    max_buckets: int = Field(default=5, ge=1, description="buckets of each size")
    min_window_length: int = Field(default=5, ge=1, description="shortest part that is compared")
    grace_period: int = Field(default=10, ge=1, description="values before the first test")


class PageHinkleyParameters(_Parameters):
    """Page-Hinkley's cumulative sum (Page 1954)."""

    min_instances: int = Field(default=30, ge=1, description="values before the first test")
    delta: float = Field(default=0.005, ge=0, description="difference that is tolerated")
    sum_threshold: float = Field(
        default=50.0, gt=0, description="sum of differences that is a change; river's threshold"
    )
    alpha: float = Field(default=1 - 0.0001, gt=0, le=1, description="how much of the sum each value keeps")
    mode: Literal["up", "down", "both"] = Field(default="both", description="which way is looked for")


class DdmParameters(_Parameters):
    """Drift detection method (Gama and others 2004); sees only rises."""

    warm_start: int = Field(default=30, ge=1, description="values before the first test")
    drift_threshold: float = Field(default=3.0, gt=0, description="standard deviations that are a change")


class HddmAParameters(_Parameters):
    """Hoeffding's bound on means (Frias-Blanco and others 2015)."""

    drift_confidence: float = Field(default=0.001, gt=0, lt=1, description="chance of a false change")
    two_sided_test: bool = Field(default=True, description="whether falls are looked for as well")


class HddmWParameters(HddmAParameters):
    """McDiarmid's bound on exponentially weighted means (Frias-Blanco and others 2015)."""

    lambda_val: float = Field(default=0.05, gt=0, lt=1, description="weight of the newest value")


class KswinParameters(_Parameters):
    """Kolmogorov-Smirnov test on a sliding window (Raab and others 2020)."""

    alpha: float = Field(default=0.005, gt=0, lt=1, description="level of each test")
    window_size: int = Field(default=100, ge=2, description="values in the window")
    stat_size: int = Field(default=30, ge=1, description="newest values, tested against as many older ones")
    seed: int = Field(default=0, description="seed of the draw of older values")

    @model_validator(mode="after")
    def _window_holds_both(self) -> "KswinParameters":
        if 2 * self.stat_size > self.window_size:
            message = f"stat_size {self.stat_size} is more than half of window_size {self.window_size}"
            raise ValueError(message)
        return self


def from_state(token: str, parameters: object, state: bytes) -> StreamDetector:
    """The detector as it was when `to_state` gave these bytes.

    With another version of river, or other parameters, it is rebuilt from the values since its last
    change (at most about 100,000). StoreError where the state is damaged or not to be trusted.
    """
    return STREAM_DETECTORS.get(token).build(parameters, state)


def river(name: str) -> Callable[..., Any]:
    """The class of this name in `river.drift`, which takes seconds to import and so is imported here."""
    import river.drift  # noqa: PLC0415 - see above

    found: Callable[..., Any] = attrgetter(name)(river.drift)
    return found


@STREAM_DETECTORS.register("adwin", "adaptive windowing: the mean of any two parts differs", AdwinParameters)
def adwin(parameters: AdwinParameters, state: bytes | None = None) -> StreamDetector:
    """River's ADWIN."""
    return RiverStream(Engine("adwin", river("ADWIN"), by_own_window), parameters.model_dump(), state)


@STREAM_DETECTORS.register(
    "page_hinkley", "Page-Hinkley: the cumulative difference to the mean", PageHinkleyParameters
)
def page_hinkley(parameters: PageHinkleyParameters, state: bytes | None = None) -> StreamDetector:
    """River's PageHinkley."""
    since = {"up": rise, "down": fall, "both": by_contrast}[parameters.mode]
    given = parameters.model_dump()
    given["threshold"] = given.pop("sum_threshold")  # `threshold` is the fixed line of any detector
    return RiverStream(Engine("page_hinkley", river("PageHinkley"), since), given, state)


@STREAM_DETECTORS.register("ddm", "drift detection method: the error rate above its minimum", DdmParameters)
def ddm(parameters: DdmParameters, state: bytes | None = None) -> StreamDetector:
    """River's DDM."""
    return RiverStream(Engine("ddm", river("binary.DDM"), rise), parameters.model_dump(), state)


@STREAM_DETECTORS.register("hddm_a", "Hoeffding's bound on the mean error", HddmAParameters)
def hddm_a(parameters: HddmAParameters, state: bytes | None = None) -> StreamDetector:
    """River's HDDMA."""
    since = by_contrast if parameters.two_sided_test else rise
    return RiverStream(Engine("hddm_a", river("binary.HDDMA"), since), parameters.model_dump(), state)


@STREAM_DETECTORS.register("hddm_w", "McDiarmid's bound on the weighted mean error", HddmWParameters)
def hddm_w(parameters: HddmWParameters, state: bytes | None = None) -> StreamDetector:
    """River's HDDMW."""
    since = by_contrast if parameters.two_sided_test else rise
    return RiverStream(Engine("hddm_w", river("binary.HDDMW"), since), parameters.model_dump(), state)


@STREAM_DETECTORS.register(
    "kswin", "Kolmogorov-Smirnov test on a sliding window; slow, for errors with many values", KswinParameters
)
def kswin(parameters: KswinParameters, state: bytes | None = None) -> StreamDetector:
    """River's KSWIN."""
    since = by_newest(parameters.window_size, parameters.stat_size)
    engine = Engine("kswin", river("KSWIN"), since, memory=parameters.window_size)
    return RiverStream(engine, parameters.model_dump(), state)
