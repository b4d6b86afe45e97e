"""Incidents of a reference are found though they hide themselves, and quiet references have few."""

import numpy as np
import pytest

from monitor.stats import incidents
from tests.stats.panels import WEEK, calibrated, counted, locations, panel_of

LINE = np.log10(720)
ODD = slice(300, 306)


def reference(seed, odd=0.0, weeks=3):
    random = np.random.default_rng(seed)
    location = locations(random, weeks * WEEK, 3, swing=0.05)
    location[ODD, 0] += odd
    layout, panel = panel_of(counted(random, location, rows=200), len(location))
    return calibrated(layout, panel), panel


def beyond(calibration, panel):
    return np.flatnonzero(incidents.screened(calibration, panel.segments, LINE) >= LINE)


@pytest.mark.parametrize("odd", [0.7, 4.0])
def test_a_wild_stretch_is_found_however_far_it_is_off(odd):
    calibration, panel = reference(1, odd)
    found = beyond(calibration, panel)
    assert np.isin(np.arange(ODD.start, ODD.stop), found).sum() >= 5
    elsewhere = found[(found < ODD.start) | (found >= ODD.stop + 24)]
    assert len(elsewhere) <= 2


def test_what_is_no_incident_keeps_its_rarity():
    calibration, panel = reference(1, 4.0)
    said = incidents.screened(calibration, panel.segments, LINE)
    assert np.array_equal(np.isnan(said), np.isnan(calibration.replayed))
    same = said == calibration.replayed
    assert same.sum() > 0.7 * np.isfinite(said).sum()
    assert not same[ODD].any()


def test_quiet_references_have_hardly_any():
    found = [beyond(*reference(seed)) for seed in range(10, 16)]
    assert sum(len(each) > 0 for each in found) <= 2


def test_most_windows_are_never_set_aside():
    scores = np.arange(40.0)
    aside = np.any(incidents._clusters(scores, 10), axis=0)
    assert aside.sum() <= 0.3 * len(scores)
    assert incidents._clusters(np.full(5, np.nan), 2) == []
