from pathlib import Path

import pytest
import yaml
from yaml.nodes import MappingNode, SequenceNode

from monitor.config.scalars import NodeLoader, composed

ROOT = Path(__file__).parents[2]
FILES = sorted(
    {
        *ROOT.glob("configs/*.yaml"),
        *(ROOT / "tests" / "config").rglob("*.yaml"),
        *ROOT.glob("deploy/**/*.yaml"),
    }
)


def told(node):
    """Everything that is read of a node."""
    parts = node.value
    if isinstance(node, MappingNode):
        parts = [(told(key), told(value)) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        parts = [told(each) for each in node.value]
    start = (node.start_mark.line, node.start_mark.column)
    return type(node), node.tag, start, bool(getattr(node, "style", None)), parts


def outcome(compose, text):
    try:
        node = compose(text)
    except yaml.YAMLError as error:
        return type(error), str(error)
    return node and told(node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_the_same_whoever_parses(path):
    assert yaml.__with_libyaml__
    text = path.read_bytes().decode("utf-8-sig", "replace")
    assert outcome(composed, text) == outcome(lambda given: yaml.compose(given, NodeLoader), text)
