"""Where rows come from; importing this package registers the members of the family."""

from monitor.sources.files import FilesSource

__all__ = ["FilesSource"]
