"""How many threads compiled libraries may use."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[object]:
    """No threads in compiled libraries: on a busy machine they wait for each other, 40 times as long."""
    limit: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limit


@cache
def _libraries() -> Any:
    """Those that are loaded, found once: looking for them takes longer than many a prediction."""
    # only what is loaded is found
    import sklearn.ensemble  # noqa: PLC0415 - a second to import
    import sklearn.linear_model  # noqa: F401, PLC0415 - see above
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped] # noqa: PLC0415 - see above

    return ThreadpoolController()
