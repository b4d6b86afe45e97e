"""How many threads compiled libraries may use."""

from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """No threads in compiled libraries: on a busy machine they wait for each other, 40 times as long."""
    # the limit holds for what is loaded before it
    import sklearn.ensemble  # noqa: PLC0415 - a second to import
    import sklearn.linear_model  # noqa: F401, PLC0415 - see above
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # noqa: PLC0415 - see above

    limit: AbstractContextManager[object] = threadpool_limits(1)
    return limit
