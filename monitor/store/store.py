"""The store: what driftd knows of its models, in one database, each tick written all or nothing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, delete, insert, select

from monitor.delta import Delta
from monitor.errors import StoreError
from monitor.state import Acceptance, AlarmRecord, Commit, Kept, ModelState
from monitor.store import codec, lease, reads, retention, writes
from monitor.store.database import Database, open_database
from monitor.store.schema import models, profiles, references, windows
from monitor.types import Evaluation, Kind

WAIT_SECONDS = 10.0
LEASE_SECONDS = 60.0
LEASE_WAIT_SECONDS = 30.0
REFERENCES_KEPT = 3


class Store:
    """One database of models; safe to use from several threads, and by several processes at once.

    Every method raises StoreError with the file and a remedy; its `reason` is `store_full`,
    `store_locked` (both transient) or `store_failed`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._series: dict[writes.SeriesKey, int] = {}
        self._known: dict[str, reads.KnownFiles] = {}

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, wait_seconds: float = WAIT_SECONDS) -> Self:
        """Open `sqlite:///FILE`, made or migrated where need be.

        `wait_seconds`: how long another process' lock is waited for. A store of a newer driftd, a
        file that is no store, and a folder that is missing or cannot be written raise StoreError.
        """
        return cls(open_database(url, read_only=read_only, wait_seconds=wait_seconds))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Names the file."""
        return f"Store({self._database.place!r})"

    def models(self) -> tuple[str, ...]:
        """Every model that was ever written, sorted."""
        with self._database.read() as connection:
            return tuple(connection.execute(select(models.c.name).order_by(models.c.name)).scalars())

    def state(self, model: str) -> ModelState:
        """Where the model stands; an empty state for a model that is new."""
        with self._understood(model), self._database.read() as connection:
            revision, state = reads.state(connection, model)
        self._known[model] = reads.KnownFiles(revision, state.files, state.label_files)
        return state

    def commit(
        self,
        commit: Commit,
        at: Callable[[str], None] = lambda _point: None,
        owner: str | None = None,
    ) -> None:
        """Write everything of one tick in one transaction; writing it twice changes nothing.

        `owner`: refuse (LeasedError) unless this owner still holds the model's lease. `at` is for
        crash tests: it is called with `begin`, `windows`, `statistics`, `state`, `before_commit` and
        `after_commit` as each point is reached.
        """
        model, state = commit.model, commit.state
        with self._understood(model):
            last = _last_lines(commit)
            pending = _encoded(commit)
            with self._database.write() as connection:
                at("begin")
                if owner is not None:
                    lease.check(connection, model, owner)
                writes.add_model(connection, model)
                numbers = writes.put_windows(connection, model, last)
                at("windows")
                by_number = {numbers[key]: one for key, one in last.items()}
                fresh = writes.put_results(connection, by_number, self._series)
                writes.put_profiles(connection, numbers, commit.profiles)
                at("statistics")
                known = self._known_files(connection, model)
                revision = writes.put_state(connection, state)
                writes.put_pending(connection, model, state.pending, pending)
                writes.put_files(connection, model, Delta.between(known.files, state.files))
                writes.put_label_files(connection, model, Delta.between(known.label_files, state.label_files))
                at("state")
                writes.put_alarms(connection, model, commit.alarms, commit.withdrawn)
                if commit.acceptance is not None:
                    writes.put_acceptance(connection, model, commit.acceptance)
                at("before_commit")
            self._series.update(fresh)
            self._known[model] = reads.KnownFiles(revision, state.files, state.label_files)
            at("after_commit")

    def add_history(self, model: str, evaluations: Sequence[Evaluation]) -> int:
        """Write the windows that the ledger has not, and nothing else; returns how many those were."""
        with self._understood(model):
            last = {one.window.key: one for one in evaluations}
            with self._database.write() as connection:
                writes.add_model(connection, model)
                known = set(
                    connection.execute(select(windows.c.key).where(windows.c.model == model)).scalars()
                )
                absent = {key: one for key, one in last.items() if key not in known}
                numbers = writes.put_windows(connection, model, absent)
                by_number = {numbers[key]: one for key, one in absent.items()}
                fresh = writes.put_results(connection, by_number, self._series)
            self._series.update(fresh)
        return len(absent)

    def evaluations(
        self,
        model: str,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> list[Evaluation]:
        """The last line of each window that begins in `[start, end)`, in time order.

        Where there are more than `limit`, the newest; of those older than the window of the key `before`. A
        window that is a file counts by its tick.
        """
        chosen = reads.chosen_windows(model, start, end, limit=limit, before=before)
        with self._understood(model), self._database.read() as connection:
            return reads.evaluations(connection, chosen)

    def latest(self, model: str, minimum_rows: int) -> Evaluation | None:
        """The last line of the newest window with at least `minimum_rows` rows."""
        chosen = reads.chosen_windows(model, minimum_rows=minimum_rows, limit=1)
        with self._understood(model), self._database.read() as connection:
            return next(iter(reads.evaluations(connection, chosen)), None)

    def profile(self, model: str, key: str) -> bytes | None:
        """The compact profile of one window."""
        query = select(profiles.c.profile).join(windows, windows.c.id == profiles.c.window)
        with self._database.read() as connection:
            return connection.execute(query.where(windows.c.model == model, windows.c.key == key)).scalar()

    def kept(self, model: str, start: datetime) -> tuple[Kept, ...]:
        """The profiles of the windows that begin at or after `start`, in time order, with open alarms."""
        with self._understood(model), self._database.read() as connection:
            return reads.kept(connection, model, start)

    def open_alarms(self, model: str) -> tuple[AlarmRecord, ...]:
        """The alarms that stand, in the order in which they opened."""
        with self._understood(model), self._database.read() as connection:
            return reads.alarm_records(connection, model, only_open=True)

    def alarms(self, model: str) -> tuple[AlarmRecord, ...]:
        """Every alarm, open or closed, in the order in which they opened."""
        with self._understood(model), self._database.read() as connection:
            return reads.alarm_records(connection, model, only_open=False)

    def acceptances(self, model: str) -> tuple[Acceptance, ...]:
        """When and why what was seen was accepted as normal, in that order."""
        with self._database.read() as connection:
            return reads.acceptances(connection, model)

    def alarms_opened(self, model: str) -> Mapping[Kind, int]:
        """How many alarms ever opened, by kind, once per (kind, since); it never goes down."""
        with self._understood(model), self._database.read() as connection:
            return reads.alarms_opened(connection, model)

    def reference(self, model: str, fingerprint: str) -> bytes | None:
        """What was learned from the reference of this fingerprint, None where it is not kept."""
        chosen = (references.c.model == model, references.c.fingerprint == fingerprint)
        with self._database.read() as connection:
            return connection.execute(select(references.c.reference).where(*chosen)).scalar()

    def references(self, model: str) -> Mapping[str, bytes]:
        """What was learned from the references that are kept, by fingerprint."""
        chosen = select(references.c.fingerprint, references.c.reference).where(references.c.model == model)
        with self._database.read() as connection:
            return {row.fingerprint: row.reference for row in connection.execute(chosen)}

    def save_reference(self, model: str, fingerprint: str, blob: bytes) -> None:
        """Keep what was learned from a reference; of each model the last three are kept."""
        of_model = references.c.model == model
        with self._database.write() as connection:
            writes.add_model(connection, model)
            connection.execute(delete(references).where(of_model, references.c.fingerprint == fingerprint))
            row = {"model": model, "fingerprint": fingerprint, "reference": blob}
            connection.execute(insert(references), row)
            newest = select(references.c.id).where(of_model).order_by(references.c.id.desc())
            kept = list(connection.execute(newest.limit(REFERENCES_KEPT)).scalars())
            connection.execute(delete(references).where(of_model, references.c.id.not_in(kept)))

    def lease(self, model: str, owner: str, seconds: float) -> bool:
        """Take, or as its owner renew, the right to evaluate the model; False where another has it."""
        with self._database.write() as connection:
            return lease.acquire(connection, model, owner, seconds)

    def lease_owner(self, model: str) -> str | None:
        """Who holds the lease, or held it last without giving it back."""
        with self._database.read() as connection:
            return lease.owner(connection, model)

    def release(self, model: str, owner: str) -> None:
        """Give the lease back; one that another owner holds stays."""
        with self._database.write() as connection:
            lease.release(connection, model, owner)

    @contextmanager
    def leased(
        self,
        model: str,
        owner: str,
        *,
        seconds: float = LEASE_SECONDS,
        wait_seconds: float = LEASE_WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[Callable[[], bool]]:
        """Hold the lease within the block; LeasedError where it is not had after `wait_seconds`.

        Yields what renews it for another `seconds`: to be called well before they are over.
        """

        def take() -> bool:
            return self.lease(model, owner, seconds)

        lease.wait(take, model, wait_seconds, clock, sleep)
        try:
            yield take
        finally:
            with suppress(StoreError):  # a lease that cannot be given back runs out by itself
                self.release(model, owner)

    def prune(self, before: datetime) -> int:
        """Delete windows, closed alarms and acceptances from before the moment; returns how many windows.

        Pending windows and open alarms stay. Many small transactions, so writers never wait long; the
        file does not shrink, its free pages are used again.
        """
        pruned, count = 0, 1
        while count:
            with self._database.write() as connection:
                count = retention.prune_windows(connection, before)
            pruned += count
        with self._database.write() as connection:
            retention.prune_alarms(connection, before)
            retention.prune_acceptances(connection, before)
        return pruned

    def _known_files(self, connection: Connection, model: str) -> reads.KnownFiles:
        """What the store knows of files, from memory where no other process has written the state since."""
        known = self._known.get(model)
        if known is not None and reads.revision(connection, model) == known.revision:
            return known
        return reads.known_files(connection, model)

    @contextmanager
    def _understood(self, model: str) -> Iterator[None]:
        """What a record or a stored text holds against the rules, as an error that names the model."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            message = f"store {self._database.place}: model {model}: {error}"
            raise StoreError(message) from error


def _last_lines(commit: Commit) -> dict[str, Evaluation]:
    """The evaluations by window, the last of each; a profile must belong to one of them."""
    last = {one.window.key: one for one in commit.evaluations}
    strangers = commit.profiles.keys() - last.keys()
    if strangers:
        message = f"profiles of windows that are not evaluated: {sorted(strangers)}"
        raise ValueError(message)
    return last


def _encoded(commit: Commit) -> dict[str, bytes]:
    """The changed pending windows as bytes, made before the database is locked."""
    pending = commit.state.pending
    return {one.window.key: codec.encode_pending(one) for one in pending if one.window.key in commit.changed}
