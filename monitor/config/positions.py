"""YAML text to plain data that remembers where everything stands, with variables and secret files.

Nothing that a user wrote changes its meaning on the way: scalars follow YAML 1.2's core schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.config.scalars import TAG, composed, constructed, resolved
from monitor.config.secrets import STARS, Secret
from monitor.errors import ConfigError, ConfigProblem

Where: TypeAlias = tuple[str | int, ...]
"""The keys and list indices that lead to a value."""
Place: TypeAlias = tuple[int, int]
"""Line and column, from 1."""

_VARIABLE = re.compile(r"\$(?:\$\{|\{(?P<body>[^{}]*)\}|\{)")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>:-(?P<default>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A model file as data: mappings with text keys, tuples, text, numbers, booleans and None.

    `keys` and `values` say where each key and each value stands. `hidden` are the values that came
    from the environment or from a secret file; `files` those of them that came from a file. What
    could not be read is `broken`: it has had its problem. `content` is the file, byte by byte.
    """

    file: str
    content: bytes = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    keys: Mapping[Where, Place]
    values: Mapping[Where, Place]
    hidden: Mapping[Where, Secret]
    files: frozenset[Where]
    broken: frozenset[Where]

    def problem(self, where: Where, message: str, *, at_key: bool = False) -> ConfigProblem:
        """A problem at the value (or the key); at the nearest thing around it if it is not there."""
        places = self.keys if at_key and where in self.keys else self.values
        known = where
        while known not in places and known:
            known = known[:-1]
        line, column = places.get(known, (1, 1))
        return ConfigProblem(self.file, line, column, ".".join(map(str, where)), message)


def read_document(
    path: Path, environment: Mapping[str, str]
) -> tuple[Document | None, tuple[ConfigProblem, ...]]:
    """Read one model file; None where it is no mapping at all, and every problem met."""
    reading = _Reading(path, environment)
    try:
        content = _content(path)
        data = reading.mapping(_root(path, content), ())
    except ConfigError as error:
        return None, error.problems
    except RecursionError:
        return None, (ConfigProblem(str(path), 1, 1, "", "nested too deeply"),)
    return reading.document(content, data), tuple(reading.problems)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise ConfigError([ConfigProblem(str(path), 0, 0, "", f"cannot be read: {reason}")]) from error


def _root(path: Path, content: bytes) -> MappingNode:
    """The file's outermost mapping; ConfigError where there is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([_encoding_problem(path, error)]) from error
    try:
        root = composed(text)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_problem(path, text, error)]) from error
    if root is None:
        message = "the file is empty; `driftd init` writes one to start from"
        raise ConfigError([ConfigProblem(str(path), 1, 1, "", message)])
    if not isinstance(root, MappingNode):
        message = 'a mapping of keys is needed, such as "version: 1"'
        raise ConfigError([ConfigProblem(str(path), *_place(root), "", message)])
    return root


class _Reading:
    """What is gathered while one file's nodes are walked."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.environment = environment
        self.problems: list[ConfigProblem] = []
        self.keys: dict[Where, Place] = {}
        self.values: dict[Where, Place] = {}
        self.hidden: dict[Where, Secret] = {}
        self.files: set[Where] = set()
        self.broken: set[Where] = set()

    def document(self, content: bytes, data: Mapping[str, Any]) -> Document:
        """Everything gathered, frozen."""
        return Document(
            str(self.path),
            content,
            data,
            self.keys,
            self.values,
            self.hidden,
            frozenset(self.files),
            frozenset(self.broken),
        )

    def mapping(self, node: MappingNode, where: Where) -> dict[str, Any]:
        """The mapping with its keys as text; of a key that stands twice the first holds."""
        self.values[where] = _place(node)
        if node.tag != TAG + "map":
            self._report(node, where, f"the tag {_shown(node.tag)} is not supported; leave it out")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._report(key_node, where, "a key must be text")
                continue
            key = str(key_node.value)
            if key in result:
                line = self.keys[(*where, key)][0]
                message = f"the key stands twice, first in line {line}; keep one"
                self.problems.append(self._problem(key_node, (*where, key), message))
                continue
            self.keys[(*where, key)] = _place(key_node)
            result[key] = self.value(value_node, (*where, key))
        return result

    def value(self, node: Node, where: Where) -> Any:
        """A nested value, its place noted."""
        if isinstance(node, MappingNode):
            return self.mapping(node, where)
        self.values[where] = _place(node)
        if isinstance(node, SequenceNode):
            if node.tag != TAG + "seq":
                self._report(node, where, f"the tag {_shown(node.tag)} is not supported; leave it out")
            return tuple(self.value(inner, (*where, index)) for index, inner in enumerate(node.value))
        return self.scalar(node, where)

    def scalar(self, node: Node, where: Where) -> Any:
        """A scalar with its variables expanded; the contents for `!file`."""
        text = self.expanded(node, where)
        if node.tag == "!file":
            return self.file(node, where, text)
        if not node.tag.startswith(TAG) or node.tag.removeprefix(TAG) not in {
            "str",
            "int",
            "float",
            "bool",
            "null",
        }:
            self._report(node, where, f"the tag {_shown(node.tag)} is not supported; leave it out")
            return text
        if where in self.hidden:
            return text if getattr(node, "style", None) else resolved(text)
        try:
            return constructed(node.tag, text)
        except ValueError:
            self._report(node, where, f"{text!r} does not fit its tag {_shown(node.tag)}")
            return text

    def expanded(self, node: Node, where: Where) -> str:
        """The scalar's text with `${NAME}` and `${NAME:-default}` replaced, `$${` as a literal `${`."""
        pieces: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            value = self.variable(node, where, match["body"])
            pieces.append(value)
            return value

        raw = str(node.value)
        text = _VARIABLE.sub(replace, raw)
        if pieces:
            shown = _VARIABLE.sub(lambda match: "${" if match[0] == "$${" else STARS, raw)
            self.hidden[where] = Secret(text, shown, tuple(piece for piece in pieces if piece))
        return text

    def variable(self, node: Node, where: Where, body: str | None) -> str:
        """What the environment says, or the default; a missing variable is a problem."""
        match = _BODY.fullmatch(body) if body is not None else None
        if match is None:
            message = 'a variable is written "${NAME}" or "${NAME:-default}", a literal "${" as "$${"'
            self._report(node, where, message)
            return ""
        value = self.environment.get(match["name"])
        if match["rest"] is not None:
            return value or match["default"]
        if value is None:
            name = match["name"]
            message = f"the variable {name} is not set; set it or write ${{{name}:-default}}"
            self._report(node, where, message)
            return ""
        return value

    def file(self, node: Node, where: Where, name: str) -> Secret:
        """The secret that a file holds, without its last line end."""
        self.files.add(where)
        try:
            text = (self.path.parent / name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            message = f'the secret file "{name}" cannot be read: {(reason or "it is no text").lower()}'
            self._report(node, where, message)
            return Secret("")
        if not text:
            self._report(node, where, f'the secret file "{name}" is empty')
        self.hidden[where] = Secret(text)
        return self.hidden[where]

    def _report(self, node: Node, where: Where, message: str) -> None:
        self.broken.add(where)
        self.problems.append(self._problem(node, where, message))

    def _problem(self, node: Node, where: Where, message: str) -> ConfigProblem:
        return ConfigProblem(str(self.path), *_place(node), ".".join(map(str, where)), message)


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _shown(tag: str) -> str:
    return tag.replace(TAG, "!!")


def _encoding_problem(path: Path, error: UnicodeDecodeError) -> ConfigProblem:
    before = error.object[: error.start]
    line = before.count(b"\n") + 1
    column = len(before) - (before.rfind(b"\n") + 1) + 1
    message = f"not UTF-8 (byte 0x{error.object[error.start]:02x}); save the file as UTF-8"
    return ConfigProblem(str(path), line, column, "", message)


def _syntax_problem(path: Path, text: str, error: yaml.YAMLError) -> ConfigProblem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        found = ", ".join(part for part in (error.context, error.problem) if part)
        return ConfigProblem(str(path), line, column, "", f"not valid YAML: {found}")
    position = getattr(error, "position", 0)
    before = text[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    character = text[position : position + 1]
    return ConfigProblem(
        str(path), line, column, "", f"not valid YAML: the character {character!a} is not allowed"
    )
