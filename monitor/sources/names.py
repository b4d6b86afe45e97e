"""Which names a pattern means: its fixed folder, its wildcards, and what is never a data file."""

import re
from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname

UNFINISHED = (".tmp", ".crdownload", ".inprogress", ".part")
"""Endings of files that another program has not finished."""
EXTENSIONS = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".csv.gz"),
    "jsonl": (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz"),
}
_WILD = re.compile(r"[*?\[]")
_PIECE = re.compile(
    r"(?P<folders>\*\*/)|(?P<rest>\*\*)|(?P<any>\*)|(?P<one>\?)|\[(?P<set>!?\]?[^\]/]*)\]|(?P<text>.)"
)


def format_of(name: str) -> str | None:
    """The format that the name tells.

    >>> format_of("day.CSV.gz"), format_of("notes.txt")
    ('csv', None)
    """
    lowered = name.lower()
    return next((kind for kind, ends in EXTENSIONS.items() if lowered.endswith(ends)), None)


def is_left_out(name: str) -> bool:
    """Hidden files, those in hidden folders, and unfinished downloads.

    >>> [is_left_out(name) for name in ("a/b.csv", "_delta_log/0.json", "a/.b.csv", "b.csv.tmp")]
    [False, True, True, True]
    """
    hidden = any(part.startswith((".", "_")) for part in name.split("/"))
    return hidden or name.lower().endswith(UNFINISHED)


def _expression(glob: str) -> str:
    """A glob as a regular expression of the whole name; `**` is any number of folders.

    >>> bool(re.match(_expression("**/day-?/*.csv"), "2024/02/day-1/a.csv"))
    True
    """
    meanings = {"folders": "(?:[^/]+/)*", "rest": ".*", "any": "[^/]*", "one": "[^/]"}
    parts = []
    for piece in _PIECE.finditer(glob):
        kind, text = piece.lastgroup or "", piece[piece.lastgroup or 0]
        if kind == "set":
            inside = text.removeprefix("!").replace("\\", r"\\")
            parts.append(f"[{'^' if text.startswith('!') else ''}{inside}]")
        else:
            parts.append(meanings.get(kind, re.escape(text)))
    return "".join(parts) + r"\Z"


@dataclass(frozen=True)
class Pattern:
    """A path that may hold wildcards: `root` is the folder above the first of them, `rest` what follows.

    >>> Pattern.of("/data/live/**/*.parquet")
    Pattern(root='/data/live', rest='**/*.parquet')
    >>> Pattern.of("/data/day.csv")
    Pattern(root='/data', rest='day.csv')
    """

    root: str
    rest: str

    @classmethod
    def of(cls, path: str) -> "Pattern":
        """Split the path."""
        wild = _WILD.search(path)
        root = dirname(path[: wild.start()] if wild else path.rstrip("/"))
        return cls(root, path[len(root) :].strip("/"))

    @property
    def path(self) -> str:
        """The whole of it."""
        return f"{self.root.rstrip('/')}/{self.rest}" if self.root else self.rest

    @property
    def wild(self) -> bool:
        """Whether it has wildcards."""
        return _WILD.search(self.rest) is not None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(_expression(self.rest))

    def matches(self, name: str) -> bool:
        """Whether a name below the root, or a folder that it lies in, is meant."""
        if not self.wild:
            return name == self.rest or name.startswith(self.rest + "/")
        while name:
            if self._expression.match(name):
                return True
            name = dirname(name)
        return False

    def reaches(self, folder: str) -> bool:
        """Whether names that are meant can lie in this folder below the root."""
        depth = folder.count("/") + 1
        return "**" in self.rest or depth < self.rest.count("/") + 1 or self.matches(folder)

    def means(self, name: str, *, any_format: bool) -> bool:
        """Whether a name is a data file: as the pattern says; within a folder, if its name tells a format."""
        if not self.matches(name):
            return False
        if not self.wild and name == self.rest:
            return True
        if is_left_out(name):
            return False
        exact = self.wild and self._expression.match(name) is not None
        return exact or any_format or format_of(basename(name)) is not None
