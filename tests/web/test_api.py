"""The API: what it answers, what it refuses and how, and that its description is of what it does."""

import gzip
import json
import re
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

import pytest
from export_samples import DAY, NOW, START, evaluation

from monitor.errors import LeasedError, ReasonError, StoreError
from monitor.export.snapshot import Snapshot
from monitor.lines import document
from monitor.store.codec import form
from monitor.types import Kind, Reason, Stage
from monitor.web import answers, api
from monitor.web.exchange import Request
from monitor.web.routes import respond

NAME = "flights"
JSON = {"content-type": "application/json"}
ONE = f"/api/v1/models/{NAME}"


def ask(daemon, path, method="GET", headers=None, *, local=True, authenticated=False, body=b""):
    path, _, query = path.partition("?")
    request = Request(method, path, headers or {}, local, authenticated, query, body)
    found = respond(daemon.app(), request)
    assert found.content_type == "application/json"
    return found


def content(found):
    return json.loads(found.body, parse_constant=pytest.fail)


def error(found):
    failure = content(found)
    assert list(failure) == ["error"]
    return failure["error"]


@pytest.fixture
def name(daemon):
    return next(iter(daemon.board.current().models))


class TestModels:
    def test_every_model_at_a_glance(self, daemon):
        found = form(answers.Models).read(content(ask(daemon, "/api/v1/models")))
        views = daemon.board.current().models
        assert [each.model for each in found.models] == sorted(views)
        for each in found.models:
            view = views[each.model]
            assert each.alarms == tuple(one.kind for one in view.verdicts if one.alarm)
            assert (each.window_end, each.last_run) == (view.window_end, view.last_run)

    def test_one_model_that_a_reload_takes_away_meanwhile(self, daemon, name, monkeypatch):
        snapshots = iter([daemon.board.current()])
        monkeypatch.setattr(daemon.board, "current", lambda: next(snapshots, Snapshot()))
        assert ask(daemon, f"/api/v1/models/{name}").status == HTTPStatus.OK

    def test_one_model(self, daemon, name):
        found = form(answers.ModelNow).read(content(ask(daemon, f"/api/v1/models/{name}")))
        view = daemon.board.current().models[name]
        assert (found.verdicts, found.statistics) == (view.verdicts, view.statistics)
        assert (found.window, found.rows) == (view.newest.window, view.newest.rows)

    def test_a_model_of_which_nothing_is_known_yet(self, daemon):
        names = [name for name, view in daemon.board.current().models.items() if view.newest is None]
        found = form(answers.ModelNow).read(content(ask(daemon, f"/api/v1/models/{names[0]}")))
        assert (found.window, found.rows, found.verdicts) == (None, None, ())

    def test_private_classes_are_named_nowhere(self, daemon, name):
        view = daemon.board.current().models[name]
        assert answers.now(replace(view, private_classes=False)).class_shares
        assert answers.now(replace(view, private_classes=True)).class_shares == {}

    @pytest.mark.parametrize("path", ["", "/windows", "/accept"])
    def test_an_unknown_model(self, daemon, name, path):
        method = "POST" if path == "/accept" else "GET"
        found = ask(daemon, f"/api/v1/models/{name}x{path}", method, JSON)
        assert found.status == HTTPStatus.NOT_FOUND
        assert error(found) == f'there is no model "{name}x"; did you mean {name}?'

    def test_a_name_that_is_percent_encoded(self, daemon, name):
        encoded = "".join(f"%{ord(letter):02x}" for letter in name)
        assert content(ask(daemon, f"/api/v1/models/{encoded}"))["model"] == name


class TestWindows:
    @pytest.fixture
    def lines(self, daemon):
        daemon.lines = [evaluation(day) for day in range(50)]
        return daemon.lines

    def pages(self, daemon, name, query):
        before, found = None, []
        while True:
            more = f"&before={before}" if before else ""
            page = content(ask(daemon, f"/api/v1/models/{name}/windows?{query}{more}"))
            found.append(page["windows"])
            before = page["next"]
            if before is None:
                return found

    def test_each_is_the_line_that_once_prints(self, daemon, name, lines):
        found = content(ask(daemon, f"/api/v1/models/{name}/windows"))
        assert (found["model"], found["next"]) == (name, None)
        assert found["windows"] == [json.loads(json.dumps(document(line))) for line in lines]
        assert form(answers.Windows).read(found).windows == tuple(lines)

    def test_page_after_page_gives_each_once_newest_page_first(self, daemon, name, lines):
        found = self.pages(daemon, name, "limit=23")
        assert [len(page) for page in found] == [23, 23, 4]
        starts = [line["window"]["start"] for page in reversed(found) for line in page]
        assert starts == [document(line)["window"]["start"] for line in lines]

    def test_from_is_included_and_to_is_not(self, daemon, name, lines):
        query = "from=2024-02-12T00:00Z&to=2024-02-14T01:00%2B01:00"
        (found,) = self.pages(daemon, name, query)
        assert [line["window"]["start"] for line in found] == ["2024-02-12T00:00:00Z", "2024-02-13T00:00:00Z"]

    def test_many_bytes_make_many_pages(self, daemon, name, lines, monkeypatch):
        monkeypatch.setattr(api, "MOST_BYTES", 1)
        assert [len(page) for page in self.pages(daemon, name, "limit=1000")] == [20, 20, 10]

    def test_none_is_an_empty_page(self, daemon, name):
        assert content(ask(daemon, f"/api/v1/models/{name}/windows")) == {
            "model": name,
            "windows": [],
            "next": None,
        }

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("from=yesterday", 'from: "yesterday" is no time with a zone; write it as 2024-02-10T00:00Z'),
            ("to=2024-02-10T00:00", 'to: "2024-02-10T00:00" is no time with a zone'),
            ("to=2024-02-10T00:00+01:00", "(a plus sign as %2B)"),
            ("from=0001-01-01T00:00%2B02:00", "is no time with a zone"),
            ("limit=0", 'limit: "0" is no whole number from 1 to 1000'),
            ("limit=1001", 'limit: "1001" is no whole number'),
            ("limit=" + "9" * 5000, "is no whole number"),
            ("limit=%C2%B2", "is no whole number"),
            ("limit=1&limit=2", "limit is given twice"),
            ("form=2024-02-10T00:00Z", 'unknown parameter "form"; did you mean from?'),
            ("zzz=1", 'unknown parameter "zzz"'),
            ("limit=%ff", "the query cannot be read: percent-encode it as UTF-8"),
            ("&".join("a=1" for _ in range(50)), "the query cannot be read"),
        ],
    )
    def test_a_query_that_says_nothing_sensible(self, daemon, name, query, message):
        found = ask(daemon, f"/api/v1/models/{name}/windows?{query}")
        assert found.status == HTTPStatus.BAD_REQUEST
        assert message in error(found)

    def test_long_answers_are_compressed_where_asked_for(self, daemon, name, lines):
        plain = ask(daemon, f"/api/v1/models/{name}/windows")
        small = ask(daemon, f"/api/v1/models/{name}/windows", headers={"accept-encoding": "gzip"})
        assert gzip.decompress(small.body) == plain.body
        assert small.headers["Content-Encoding"] == "gzip"
        assert plain.headers["Vary"] == "Accept-Encoding"

    def test_a_store_that_cannot_be_read(self, daemon, name):
        daemon.error = StoreError("store driftd.db: database is locked")
        found = ask(daemon, f"/api/v1/models/{name}/windows")
        assert (found.status, error(found)) == (503, "store driftd.db: database is locked")


class TestAccept:
    @pytest.fixture
    def path(self, name):
        return f"/api/v1/models/{name}/accept"

    def test_it_says_what_it_closed(self, daemon, name, path):
        found = ask(daemon, path, "POST", JSON, body=b'{"reason": " new sensor "}')
        assert found.status == HTTPStatus.OK
        assert daemon.accepted == [(name, "new sensor")]
        done = form(answers.Accepted).read(content(found))
        assert (done.model, done.at, done.watermark, done.reason) == (name, NOW, START + DAY, "new sensor")
        assert [(each.kind, each.reason) for each in done.alarms] == [(Kind.COVARIATE, "accepted")]

    @pytest.mark.parametrize("body", [b"", b"{}", b" \n"])
    def test_a_reason_may_be_left_out(self, daemon, name, path, body):
        headers = {"content-type": "application/json; charset=utf-8", "host": "localhost:9877"}
        assert ask(daemon, path, "POST", headers, body=body).status == HTTPStatus.OK
        assert daemon.accepted == [(name, "")]

    @pytest.mark.parametrize(
        "body",
        [b"[]", b"1", b"{", b"\xff", b'{"reason": 1}', b'{"why": ""}', b"[" * 60_000, b'{"reason": null}'],
    )
    def test_a_body_that_says_nothing_sensible(self, daemon, path, body):
        found = ask(daemon, path, "POST", JSON, body=body)
        assert found.status == HTTPStatus.BAD_REQUEST
        assert "reason" in error(found)
        assert daemon.accepted == []

    @pytest.mark.parametrize(
        ("headers", "more", "status"),
        [
            (JSON, {"local": False}, 403),
            (JSON, {"local": False, "authenticated": True}, 200),
            ({**JSON, "sec-fetch-site": "cross-site"}, {}, 403),
            ({**JSON, "sec-fetch-site": "cross-site"}, {"authenticated": True}, 403),
            ({**JSON, "sec-fetch-site": "same-origin", "host": "evil.example:9877"}, {}, 403),
            ({**JSON, "host": "evil.example"}, {}, 403),
            ({**JSON, "host": "drift.example"}, {"authenticated": True}, 200),
            ({**JSON, "host": "[::1"}, {}, 403),
            ({}, {}, 415),
            ({"content-type": "text/plain"}, {}, 415),
            ({"content-type": "application/x-www-form-urlencoded"}, {}, 415),
        ],
    )
    def test_no_page_of_another_site_can_set_it_off(self, daemon, path, headers, more, status):
        found = ask(daemon, path, "POST", headers, **more)
        assert found.status == status
        assert bool(daemon.accepted) is (status == HTTPStatus.OK)

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (LeasedError("busy", reason=Reason.LEASED), 409),
            (ReasonError("one line"), 400),
            (StoreError("full"), 503),
        ],
    )
    def test_what_fails_says_why(self, daemon, path, fault, status):
        daemon.error = fault
        found = ask(daemon, path, "POST", JSON)
        assert (found.status, error(found)) == (status, str(fault))


class TestPaths:
    @pytest.mark.parametrize("path", ["/api/", "/api/v1", "/api/v2/models", "/api/v1/models/", f"{ONE}/x"])
    def test_an_unknown_one(self, daemon, path):
        found = ask(daemon, path)
        assert found.status == HTTPStatus.NOT_FOUND
        assert "/api/v1/models/{model}/windows" in error(found)

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("POST", "/api/v1/models", "GET, HEAD"),
            ("GET", f"{ONE}/accept", "POST"),
            ("PUT", ONE, "GET, HEAD"),
        ],
    )
    def test_a_method_that_is_not_allowed(self, daemon, method, path, allowed):
        found = ask(daemon, path, method)
        assert found.status == HTTPStatus.METHOD_NOT_ALLOWED
        assert found.headers["Allow"] == allowed

    def test_a_fault_of_ours_is_told_to_the_log_only(self, daemon, name, caplog):
        daemon.error = RuntimeError("secret detail")
        found = ask(daemon, f"/api/v1/models/{name}/windows")
        assert found.status == HTTPStatus.INTERNAL_SERVER_ERROR
        assert "secret detail" not in error(found)
        assert "secret detail" in caplog.text
        assert daemon.board.current().errors[Stage.EXPORT, Reason.INTERNAL] == 1


class TestDescription:
    @pytest.fixture
    def document(self, daemon):
        return content(ask(daemon, "/api/v1/openapi.json"))

    def test_it_has_every_endpoint_and_no_other(self, document):
        operations = {
            (method.upper(), path, each["operationId"])
            for path, methods in document["paths"].items()
            for method, each in methods.items()
        }
        assert operations == {(each.method, each.path, each.name) for each in api.ENDPOINTS}
        assert operations >= {
            ("GET", "/api/v1/models", "listModels"),
            ("GET", "/api/v1/models/{model}", "getModel"),
            ("GET", "/api/v1/models/{model}/windows", "listWindows"),
            ("GET", "/api/v1/openapi.json", "describeApi"),
        }

    @pytest.mark.parametrize("endpoint", api.ENDPOINTS, ids=lambda endpoint: endpoint.name)
    def test_every_endpoint_answers_what_it_describes(self, daemon, document, name, endpoint):
        daemon.lines = [evaluation(day) for day in range(3)]
        found = ask(daemon, endpoint.path.replace("{model}", name), endpoint.method, JSON)
        assert found.status == HTTPStatus.OK
        described = document["paths"][endpoint.path][endpoint.method.lower()]["responses"]["200"]
        shape = described["content"]["application/json"]["schema"]
        assert faults(content(found), shape, document["components"]["schemas"]) == []

    def test_a_fault_in_an_answer_would_be_seen(self, daemon, document, name):
        schemas = document["components"]["schemas"]
        answer = content(ask(daemon, f"/api/v1/models/{name}"))
        for key, wrong in (("model", 1), ("rows", "3"), ("verdicts", {}), ("task", "guessing"), ("tags", [])):
            assert faults({**answer, key: wrong}, {"$ref": "#/components/schemas/ModelNow"}, schemas)
        del answer["rows"]
        assert faults(answer, {"$ref": "#/components/schemas/ModelNow"}, schemas)

    def test_every_name_in_it_leads_somewhere_and_every_record_says_what_it_is(self, document):
        schemas = document["components"]["schemas"]
        text = json.dumps(document)
        assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) == schemas.keys()
        assert all(each["description"] for each in schemas.values())
        assert document["openapi"] == "3.1.0"


TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "array": list,
}


def faults(value, shape, schemas, place="$"):
    """Where a value is not what a schema says; of JSON Schema what the description uses."""
    if "$ref" in shape:
        return faults(value, schemas[shape["$ref"].rpartition("/")[2]], schemas, place)
    if "anyOf" in shape:
        found = [faults(value, each, schemas, place) for each in shape["anyOf"]]
        return [] if [] in found else [each for some in found for each in some]
    if not isinstance(value, TYPES[shape["type"]]) or value not in shape.get("enum", [value]):
        return [f"{place}: {value!r} is not {shape}"]
    if shape.get("format") == "date-time":
        assert datetime.fromisoformat(value).tzinfo is not None
    if shape["type"] == "array":
        return [each for one in value for each in faults(one, shape["items"], schemas, f"{place}[]")]
    if shape["type"] == "object":
        missing = [f"{place}.{key} is missing" for key in shape.get("required", ()) if key not in value]
        inner = [(f"{place}.{key}", one, of(shape, key)) for key, one in value.items()]
        return missing + [each for at, one, by in inner if by for each in faults(one, by, schemas, at)]
    return []


def of(shape, key):
    """The schema of one key of an object, None where it may be anything."""
    return shape.get("properties", {}).get(key, shape.get("additionalProperties"))
