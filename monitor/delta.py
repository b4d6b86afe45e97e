"""What leads from one mapping of records to the next: a few records instead of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Delta(Generic[Record]):
    """The records that are new or differ, and the keys that are no longer there."""

    changed: Mapping[str, Record]
    gone: frozenset[str]

    @classmethod
    def between(cls, before: Mapping[str, Record], after: Mapping[str, Record]) -> "Delta[Record]":
        """What leads from `before` to `after`."""
        if before is after:
            return cls({}, frozenset())
        changed = {
            key: record
            for key, record in after.items()
            if (known := before.get(key)) is not record and known != record  # most are the same object
        }
        return cls(changed, frozenset(before.keys() - after.keys()))

    def applied(self, before: Mapping[str, Record]) -> Mapping[str, Record]:
        """`before` with the change made; itself where there is none."""
        if not self.changed and not self.gone:
            return before
        kept = {key: record for key, record in before.items() if key not in self.gone}
        return {**kept, **self.changed}
