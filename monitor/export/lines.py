"""What `once --json` and `backfill --json` print: one line per evaluation of a window."""

from monitor.lines import document, line

__all__ = ["document", "line"]
