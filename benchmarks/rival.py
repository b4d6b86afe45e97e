"""Another program's calibration on the very draws that ours sees: the prototype that `--prototype` names."""

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from deployments import Outcome, outcome
from worlds import DAILY, SHIFTS, Clock, Floats, Stretch

GUARD = 0.8
AS_DAILY = {
    "DAY": 1,
    "WEEK": 7,
    "MONTH": 30,
    "REFRAC": 1,
    "UQ": 0.8,
    "WARM": DAILY.warm,
    "LAMS": (1.0, 0.4, 0.18),
}
"""What the prototype sets for windows of a day."""


@cache
def load(path: Path, clock: Clock) -> ModuleType:
    """The program as a module, set to this length of windows."""
    spec = importlib.util.spec_from_file_location(f"prototype_{clock.per_day}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    if clock == DAILY:
        vars(found).update(AS_DAILY)
    return found


def same_draws(program: ModuleType, name: str, rows: int, seed: int, ours: Sequence[Stretch]) -> None:
    """RuntimeError unless the program's world of this seed has the same rows, one for one."""
    settings = next(value for key, value in program.SCEN.items() if key.startswith(name))
    random = np.random.default_rng(seed)
    world = program.World(random, rows, **settings)
    for number, stretch in enumerate(ours):
        windows = len(stretch.rows)
        shift: tuple[Floats, ...] = ()
        if number >= 2:
            shift = program.deltas(SHIFTS[number - 2], random, windows, program.WARM)[:2]
        _, sizes, counts = world.draw(stretch.first, windows, *shift)
        if not (np.array_equal(sizes, stretch.rows) and np.array_equal(counts, stretch.counts)):
            message = f"scenario {name}, {rows} rows, seed {seed}: stretch {number} differs"
            raise RuntimeError(message)


def judged_by(program: ModuleType, stretches: Sequence[Stretch], clock: Clock) -> Outcome:
    """What the program's scheme says of the same stretches, with its guard."""
    reference, *watched = [(each.windows, each.rows, each.counts) for each in stretches]
    scheme = program.Replay(reference)
    scheme.calibrate(scheme.summ(reference))
    line = scheme.threshold(GUARD)
    found = [scheme.comb(scheme.score(scheme.P, scheme.summ(each))) > line for each in watched]
    return outcome(found, clock)
