"""HTML in which every text is escaped unless it was made here: names of columns come from data."""

from html import escape
from typing import Final, TypeAlias

_VOID: Final = frozenset({"link", "meta"})


class Markup(str):
    """HTML that is already safe."""

    __slots__ = ()


Child: TypeAlias = "Markup | str | int | None"


def element(tag: str, *children: Child, **attributes: str | float | None) -> Markup:
    """An element; in an attribute's name a trailing underscore is dropped, others become hyphens.

    >>> element("td", "<script>", class_="name")
    '<td class="name">&lt;script&gt;</td>'
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_readable(str(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{given}>" if tag in _VOID else f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """The children one after the other, escaped where they are not yet HTML; None is left out."""
    pieces = (
        child if isinstance(child, Markup) else escape(_readable(str(child)))
        for child in children
        if child is not None
    )
    return Markup("".join(pieces))


def _readable(text: str) -> str:
    """Valid Unicode without control characters, some of which turn the direction of what follows."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
