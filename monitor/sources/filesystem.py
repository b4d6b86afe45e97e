"""Files where they lie: listed, looked at and opened, on this machine or behind a URL."""

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from monitor.errors import SourceError
from monitor.sources.base import FileEntry
from monitor.sources.names import Pattern

EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "adl": "azure",
    "http": "http",
    "https": "http",
}
"""Which extra of the distribution brings what a URL needs."""
_URL = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")
_VERSION_KEYS = ("ETag", "etag", "md5Hash", "generation", "content_md5", "VersionId")
_TIME_KEYS = ("LastModified", "last_modified", "mtime", "updated", "created")


@dataclass(frozen=True, slots=True)
class Found:
    """One file as it stands: where it is, and when it was last written if that is known."""

    entry: FileEntry
    path: str
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files in name order, and the folders that could not be read, each with the reason."""

    files: tuple[Found, ...]
    unreadable: tuple[str, ...] = ()

    def by_name(self, name: str) -> Found | None:
        """The file of this name."""
        at = bisect_left(self.files, name, key=lambda found: found.entry.name)
        inside = at < len(self.files) and self.files[at].entry.name == name
        return self.files[at] if inside else None


class FileSystem(Protocol):
    """What the reader of files needs of the place where they lie."""

    remote: bool

    def list(self, *, any_format: bool) -> Listing:
        """The files that the pattern means."""
        ...

    def look(self, found: Found) -> Found:
        """The same file as it stands now; raises FileNotFoundError where it is gone."""
        ...

    def open(self, found: Found) -> pa.NativeFile:
        """Open for reading, with seeking."""
        ...


def open_filesystem(path: str, options: Mapping[str, Any]) -> FileSystem:
    """The place that a path or URL names; `options` go to its filesystem."""
    url = _URL.match(path)
    if url is None or url[1].lower() == "file":
        return LocalFiles(Pattern.of(path.removeprefix("file://")))
    return RemoteFiles(path, url[1].lower(), options)


class LocalFiles:
    """Files on this machine."""

    remote = False

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._root = Path(pattern.root or ".")

    def list(self, *, any_format: bool) -> Listing:
        """Walk the folders; those that may not be read are told, the others go on."""
        unreadable: list[str] = []

        def tell(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                unreadable.append(f"{error.filename}: {error.strerror}")

        found = []
        for name in self._names(tell):
            if not self._pattern.means(name, any_format=any_format):
                continue
            try:
                found.append(self._found(name))
            except FileNotFoundError:
                continue  # gone since the folder was read
            except OSError as error:
                tell(error)
        return Listing(tuple(sorted(found, key=lambda one: one.entry.name)), tuple(unreadable))

    def _names(self, tell: Callable[[OSError], None]) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root, onerror=tell):
            below = Path(folder).relative_to(self._root).as_posix()
            prefix = "" if below == "." else f"{below}/"
            folders[:] = sorted(name for name in folders if self._pattern.reaches(prefix + name))
            yield from (prefix + name for name in files)

    def _found(self, name: str) -> Found:
        path = self._root / name
        status = path.stat()
        version = f"{status.st_size}-{status.st_mtime_ns}"
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return Found(FileEntry(name, status.st_size, version), str(path), modified)

    def look(self, found: Found) -> Found:
        """Ask the filesystem again."""
        return self._found(found.entry.name)

    def open(self, found: Found) -> pa.NativeFile:
        """Read calls rather than a memory map: a file that is cut short is an error, not a crash."""
        return pa.OSFile(found.path)


class RemoteFiles:
    """Files behind a URL, by fsspec."""

    remote = True

    def __init__(self, url: str, protocol: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._system, path = _remote(url, protocol, options)
        self._pattern = Pattern.of(path)

    def list(self, *, any_format: bool) -> Listing:
        """Ask the server; a server that does not answer is an error that may pass."""
        try:
            found = self._infos()
        except FileNotFoundError:
            return Listing(())
        except Exception as error:
            message = f"{self._url} cannot be listed: {str(error) or type(error).__name__}"
            raise SourceError(message, transient=not isinstance(error, PermissionError)) from error
        files = [_found(self._name(path), path, info) for path, info in found.items()]
        means = [one for one in files if self._pattern.means(one.entry.name, any_format=any_format)]
        return Listing(tuple(sorted(means, key=lambda one: one.entry.name)))

    def _infos(self) -> dict[str, dict[str, Any]]:
        """What the server says of each file that may be meant."""
        self._system.invalidate_cache()
        path = self._pattern.path
        if self._pattern.wild:
            found: dict[str, dict[str, Any]] = self._system.glob(path, detail=True)
            folders = [name for name, info in found.items() if info["type"] == "directory"]
            for folder in folders:
                found |= self._system.find(folder, detail=True)
        else:
            info = self._system.info(path)
            found = self._system.find(path, detail=True) if info["type"] == "directory" else {path: info}
        return {name: info for name, info in found.items() if info["type"] == "file"}

    def _name(self, path: str) -> str:
        return path.removeprefix(self._pattern.root).lstrip("/")

    def look(self, found: Found) -> Found:
        """Ask the server again."""
        self._system.invalidate_cache()
        return _found(found.entry.name, found.path, self._system.info(found.path))

    def open(self, found: Found) -> pa.NativeFile:
        """The file through fsspec's own read-ahead."""
        return pa.PythonFile(self._system.open(found.path, "rb"), mode="r")


def _remote(url: str, protocol: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """The filesystem of the URL as fsspec has it, and the path within it."""
    from fsspec.core import url_to_fs  # noqa: PLC0415 - only URLs need it

    try:
        system, path = url_to_fs(url, **options)
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        remedy = f'pip install "driftd[{extra}]"' if extra else str(error)
        message = f"{protocol}:// needs a package that is not installed: {remedy}"
        raise SourceError(message) from error
    except (TypeError, ValueError) as error:
        message = f"{protocol}:// cannot be opened: {error}; check the path and options of the source"
        raise SourceError(message) from error
    return system, str(path)


def _found(name: str, path: str, info: Mapping[str, Any]) -> Found:
    """A file by what its server says of it."""
    size = -1 if info.get("size") is None else int(info["size"])
    marks = [str(info[key]) for key in (*_VERSION_KEYS, *_TIME_KEYS) if info.get(key) is not None]
    modified = next((moment for key in _TIME_KEYS if (moment := _moment(info.get(key))) is not None), None)
    return Found(FileEntry(name, size, "-".join([str(size), *marks])), path, modified)


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    return None
