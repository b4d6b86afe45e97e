"""A table of the status page under its title."""

from collections.abc import Iterable

from monitor.web.markup import Markup, element, join


def titled_table(
    title: str, columns: Iterable[tuple[str, str]], rows: Iterable[Markup], style: str | None = None
) -> Markup:
    """The rows under a head of `columns`: each a name and the style of its cells."""
    head = element("tr", *(element("th", name, class_=style or None) for name, style in columns))
    table = element("table", element("thead", head), element("tbody", *rows), class_=style)
    return join(element("h3", title), element("div", table, class_="scroll"))
