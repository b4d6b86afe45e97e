"""A commit on its way to the process that writes it: of what is known of files only what changed."""

from dataclasses import dataclass, replace

from monitor.delta import Delta
from monitor.state import Commit, FileRecord, LabelFile, ModelState


@dataclass(frozen=True, slots=True)
class Piped:
    """A commit whose state lacks its files, and what changed in them since the state before."""

    commit: Commit
    files: Delta[FileRecord]
    label_files: Delta[LabelFile]


def to_pipe(commit: Commit, before: ModelState) -> Piped:
    """What a writer that knows the state before needs of this commit."""
    state, slim = commit.state, commit.to_write()
    return Piped(
        replace(slim, state=replace(slim.state, files={}, label_files={})),
        Delta.between(before.files, state.files),
        Delta.between(before.label_files, state.label_files),
    )


def from_pipe(piped: Piped, before: ModelState) -> Commit:
    """The commit with all its files again."""
    files, label_files = piped.files.applied(before.files), piped.label_files.applied(before.label_files)
    return replace(piped.commit, state=replace(piped.commit.state, files=files, label_files=label_files))
