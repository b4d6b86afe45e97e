"""YAML 1.2's core scalars: `off`, `yes` and times are text, only `true` and `false` are booleans."""

import re
from contextlib import suppress
from functools import cache
from typing import cast

import yaml
from yaml.composer import Composer
from yaml.nodes import Node
from yaml.resolver import Resolver

TAG = "tag:yaml.org,2002:"


class NodeComposer(Composer, Resolver):
    """Composes nodes only, with YAML 1.2's core scalars and without aliases, of what a parser gives."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - a copy of its own, so that PyYAML's YAML 1.1 rules do not apply

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Refuse aliases: they can make a small file huge."""
        events = cast("yaml.SafeLoader", self)
        if events.check_event(yaml.AliasEvent):
            event: yaml.AliasEvent = events.peek_event()  # type: ignore[no-untyped-call]
            message = f"aliases are not supported; write the value of *{event.anchor} out"
            raise yaml.MarkedYAMLError(problem=message, problem_mark=cast("yaml.Mark", event.start_mark))
        return super().compose_node(parent, index)


_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", tuple("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        tuple("-+.0123456789"),
    ),
)
for _name, _pattern, _first in _RESOLVERS:
    NodeComposer.add_implicit_resolver(TAG + _name, re.compile(rf"(?:{_pattern})\Z"), list(_first))


class NodeLoader(NodeComposer, yaml.SafeLoader):
    """Reads in Python: its errors say what is wrong and where."""


def composed(text: str) -> Node | None:
    """The document's outermost node, None where it is empty; raises yaml.YAMLError.

    Read by libyaml where PyYAML has it, which takes a fifth of the time.
    """
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return yaml.compose(text, _fast())
    return yaml.compose(text, NodeLoader)


@cache
def _fast() -> type[yaml.CSafeLoader]:
    """The loader that parses by libyaml: there is none to inherit from where PyYAML was built without it."""

    class FastNodeLoader(NodeComposer, yaml.CSafeLoader):
        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)

    return FastNodeLoader


def resolved(text: str) -> str | int | float | bool | None:
    """What a plain scalar of this text is.

    >>> resolved("1"), resolved("off"), resolved("1e3"), resolved("true"), resolved("2024-01-31")
    (1, 'off', 1000.0, True, '2024-01-31')
    """
    for name, pattern, _ in _RESOLVERS:
        if re.fullmatch(pattern, text):
            return constructed(TAG + name, text)
    return text


def constructed(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar with this tag; ValueError where the text does not fit it."""
    kind = tag.removeprefix(TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text, 0) if text[:2].lower() in {"0o", "0x"} else int(text)
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
