"""A rolling reference: once a week normal is learned anew, from the last windows without an open alarm."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from monitor.calibrating import Past, calibrated_kind
from monitor.calibration import Calibrations
from monitor.errors import StoreError
from monitor.packing import pack, unpack
from monitor.plan import Plan
from monitor.profile import compact, read_compact
from monitor.state import Kept
from monitor.types import LABEL_KINDS, Kind, Verdict, Window, iso

WEEK = timedelta(days=7)
MONDAY = datetime.fromisoformat("1970-01-05T00:00:00+00:00")
VERSION = 1
"""Of the bytes of past windows."""


def week_of(window: Window) -> datetime:
    """The Monday, 00:00 UTC, at or before the window's start."""
    assert window.start is not None
    return MONDAY + (window.start - MONDAY) // WEEK * WEEK


def opened(verdicts: Iterable[Verdict]) -> frozenset[Kind]:
    """The kinds of open alarms."""
    return frozenset(verdict.kind for verdict in verdicts if verdict.alarm)


@dataclass(slots=True)
class Rolling:
    """The windows that a rolling reference may learn from, and the week that it was learned for.

    Only kinds that read no labels are learned anew: labels of the last windows may still be awaited.
    Nothing is learned from the windows of planned events. A kind that cannot be learned is judged by
    `reference`, what the reference itself taught: last week's would depend on when the run began.
    """

    keep: timedelta
    pasts: list[Past]
    reference: Calibrations
    week: datetime | None = None

    def plan_at(self, plan: Plan, window: Window) -> Plan:
        """The plan by which the window is judged: of the windows that ended before its week began."""
        week = week_of(window)
        if week != self.week:
            self.week = week
            return self._learned(plan, week)
        return plan

    def add(self, kept: Kept) -> None:
        """One more window, after it was judged."""
        self.pasts.append(_past(kept))

    def _learned(self, plan: Plan, week: datetime) -> Plan:
        self.pasts = [past for past in self.pasts if _start(past) >= week - self.keep - WEEK]
        chosen = [
            past
            for past in self.pasts
            if past.window.end is not None and past.window.end <= week and _start(past) >= week - self.keep
            if plan.event_in(past.window) is None
        ]
        kinds = dict(self.reference.kinds)
        for kind in plan.panels.columns:
            if kind not in LABEL_KINDS:
                found = calibrated_kind(plan, chosen, kind)
                kinds |= {} if isinstance(found, str) else {kind: found}
        return replace(plan, calibrations=replace(plan.calibrations, kinds=kinds))


def _start(past: Past) -> datetime:
    assert past.window.start is not None
    return past.window.start


def _past(kept: Kept) -> Past:
    return Past(kept.window, read_compact(kept.profile), open=kept.open)


def begin(plan: Plan, kept: Iterable[Kept]) -> Rolling | None:
    """What a run starts from: the reference's windows, then those that the store keeps; None where fixed.

    Windows that were counted in the cells of another reference, or in an older form, do not count.
    """
    if plan.keep is None:
        return None
    pasts = [_past(each) for each in plan.past]
    for each in kept:
        with suppress(StoreError):
            past = _past(each)
            if past.profile.reference == plan.reference.fingerprint:
                pasts.append(past)
    return Rolling(plan.keep, pasts, plan.calibrations)


def to_bytes(pasts: Iterable[Past]) -> bytes:
    """The reference's windows, to be kept with it."""
    found = [past for past in pasts if past.window.start is not None and past.window.end is not None]
    header = {"spans": [[iso(_start(past)), iso(past.window.end)] for past in found if past.window.end]}
    blobs = [np.frombuffer(compact(past.profile), np.uint8) for past in found]
    return pack("past", VERSION, header, {f"window_{number}": blob for number, blob in enumerate(blobs)})


def from_bytes(data: bytes) -> tuple[Kept, ...]:
    """What `to_bytes` wrote; raises StoreError for newer or damaged bytes."""
    header, arrays = unpack("past", VERSION, data)
    return tuple(
        Kept(
            Window(datetime.fromisoformat(start), datetime.fromisoformat(end)),
            arrays[f"window_{number}"].tobytes(),
            frozenset(),
        )
        for number, (start, end) in enumerate(header["spans"])
    )
