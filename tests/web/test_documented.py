"""The paths that documents name are those that the server answers, and all of them are documented."""

import re
from http import HTTPStatus

import pytest

from monitor.web.api import ENDPOINTS
from monitor.web.exchange import Request
from monitor.web.routes import _ROUTES, respond
from tests.documents import NAMES, code, section, text

ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


def asked(document: str) -> set[tuple[str, str]]:
    """Method and path of every request that the document names, without query and anchor."""
    found = re.findall(r"\b(GET|POST|PUT|DELETE) (/[^\s`?#]*)", document)
    found += [("", path) for path in re.findall(r"`(/-/\w+|/metrics|/api/[^\s`?#]*)", document)]
    found += [("", path) for path in re.findall(r"https?://[\w.<>]+:9877(/[^\s`'?#)>]*)", document)]
    return set(found)


def is_answered(daemon, method: str, path: str) -> bool:
    """Whether there is such a path, and it takes the method; a path that names no method may take any."""
    filled = path.replace("{model}", "flight-delay")
    methods = [method] if method else ["GET", "POST"]
    answers = [respond(daemon.app(), Request(each, filled, {}, local=True)) for each in methods]
    return any(answer.status not in ABSENT for answer in answers)


@pytest.mark.parametrize("name", NAMES)
def test_paths_that_documents_name_are_answered(daemon, name):
    assert [each for each in asked(text(name)) if not is_answered(daemon, *each)] == []


def test_requests_are_found_and_wrong_ones_too(daemon):
    page = "`GET /metric`, `POST /-/reload`, `/api/v1/model`, http://HOST:9877/-/health `DELETE /metrics`"
    assert {path for method, path in asked(page) if not is_answered(daemon, method, path)} == {
        "/metric",
        "/api/v1/model",
        "/-/health",
        "/metrics",
    }


def test_every_path_is_documented():
    told = asked(section(text("docs/operation.md"), "HTTP"))
    answered = {(methods[0], path) for path, (methods, _) in _ROUTES.items()}
    assert told == answered | {("GET", "/api/v1/openapi.json")}


def parameters() -> set[str]:
    return {each.name for found in ENDPOINTS for each in found.parameters if each.place == "query"}


@pytest.mark.parametrize("name", NAMES)
def test_queries_that_documents_show_are_understood(name):
    queries = re.findall(r":9877/api/[^\s?'`]*\?([^\s'`]*)", code(text(name)))
    assert {part.partition("=")[0] for query in queries for part in query.split("&")} <= parameters()


def test_every_endpoint_is_documented_with_its_parameters():
    page = text("docs/api.md")
    told = set(re.findall(r"^\| `(GET|POST) (\S+)` \|", page, re.MULTILINE))
    assert told == {(each.method, each.path) for each in ENDPOINTS}
    assert parameters() <= set(re.findall(r"\w+", code(page)))
