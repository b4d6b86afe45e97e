"""Since when each version of a model is known to have predicted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from monitor.export.view import ModelView, before, frozen
from monitor.types import Evaluation

REMEMBERED: Final = 1_000
"""Past so many versions those that the newest window does not have are forgotten."""


def first_seen(view: ModelView, evaluation: Evaluation) -> Mapping[str, datetime | None]:
    """By version, when the first window that has rows of it was due; None where that is not known.

    It is not known of the versions in the oldest window that the view was made from: a window before it
    may have had them. A replay of the same windows tells the same times.
    """
    known = view.versions
    fresh = evaluation.versions.keys() - known.keys()
    if not fresh:
        return known
    oldest = not known or (view.newest is not None and before(evaluation.window, view.newest.window))
    since = None if oldest else _due(view, evaluation)
    kept = {
        version: moment
        for version, moment in known.items()
        if len(known) < REMEMBERED or version in evaluation.versions
    }
    return frozen({**kept, **dict.fromkeys(fresh, since)})


def _due(view: ModelView, evaluation: Evaluation) -> datetime:
    """The first tick of the window: a line that is printed again has a later one."""
    end = evaluation.window.end
    return evaluation.tick if end is None else end + timedelta(seconds=view.lateness_seconds or 0.0)
