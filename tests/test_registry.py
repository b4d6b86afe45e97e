from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest

from monitor import registry
from monitor.errors import DriftdError
from monitor.registry import Registry


@dataclass(frozen=True)
class Sides:
    count: int = 4


@pytest.fixture
def shapes():
    found = Registry("shape", "driftd.shapes")
    found.register("square", "four equal sides", Sides)(lambda parameters: f"{parameters.count} sides")
    found.register("circle", "no side", Sides)(lambda parameters: "round")
    return found


def test_a_member_is_had_by_its_token(shapes):
    member = shapes.get("square")
    assert (member.token, member.description) == ("square", "four equal sides")
    assert member.build(member.parameters(count=5)) == "5 sides"


def test_register_gives_the_builder_back():
    def build(parameters):
        return parameters

    assert Registry("shape", "driftd.shapes").register("square", "", Sides)(build) is build


def test_tokens_and_members_are_in_order(shapes):
    assert shapes.tokens() == ("circle", "square")
    assert [member.token for member in shapes] == ["circle", "square"]


def test_what_is_in_it(shapes):
    assert "square" in shapes
    assert "oval" not in shapes
    assert 4 not in shapes


def test_an_unknown_token_is_an_error_that_names_the_known_ones(shapes):
    with pytest.raises(DriftdError, match=r"^shape 'oval' is not known; known: circle, square$"):
        shapes.get("oval")


def test_a_token_is_registered_once(shapes):
    with pytest.raises(DriftdError, match=r"^shape 'square' is registered twice$"):
        shapes.register("square", "another", Sides)(lambda parameters: "")
    assert shapes.get("square").description == "four equal sides"


def offering(monkeypatch, *points):
    asked = []

    def entry_points(group):
        asked.append(group)
        return points

    monkeypatch.setattr(registry, "entry_points", entry_points)
    return asked


def test_third_parties_are_imported_by_the_group_of_the_family(shapes, monkeypatch):
    asked = offering(monkeypatch, EntryPoint("star", "string:Template", "driftd.shapes"))
    shapes.load_entry_points()
    assert asked == ["driftd.shapes"]


def test_a_third_party_that_cannot_be_imported_is_named(shapes, monkeypatch):
    offering(monkeypatch, EntryPoint("star", "no_such_package.stars", "driftd.shapes"))
    with pytest.raises(DriftdError) as caught:
        shapes.load_entry_points()
    assert str(caught.value) == (
        "shape 'star' of no_such_package.stars cannot be imported: No module named 'no_such_package'; "
        "mend or uninstall the package that offers it"
    )
