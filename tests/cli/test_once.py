"""`driftd once`: exit codes to the letter, nothing but lines on stdout, no model stops another."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

from monitor.cli import main
from monitor.cli import once as once_command
from monitor.errors import LeasedError
from monitor.leasing import held
from monitor.store import Store
from tests.cli.conftest import UNTIL
from tests.harness import driftd, opened

FIRST, SECOND, THIRD = (f"2024-01-{day}T00:00:00Z" for day in (21, 22, 23))


def strict(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_no_alarm_is_0(make):
    ran = make().once(UNTIL)
    assert ran.code == 0
    assert list(ran.last) == [FIRST, SECOND, THIRD]


def test_an_open_alarm_is_1_and_stays_1_while_it_is_open(make):
    model = make(live="moved")
    first, second = model.once(UNTIL), model.once(UNTIL)
    assert opened(first.lines) == {"covariate": THIRD}
    assert (first.code, second.code) == (1, 1)
    assert second.out == ""


def test_an_alarm_that_was_open_after_a_window_is_1_and_0_once_it_is_over(make):
    model = make(live="passed")
    first = model.once(UNTIL)
    assert opened(first.lines) == {"covariate": SECOND}
    assert not any(each["alarm"] for each in first.lines[-1]["verdicts"])
    assert (first.code, model.once(UNTIL).code) == (1, 0)


def test_a_model_that_cannot_be_evaluated_is_2_and_the_others_are_evaluated(make, tmp_path):
    moved = make("b-moved", "moved")
    make("d-quiet")
    for name, wrong, right in (
        ("a-lost", "lost.parquet", "reference.parquet"),
        ("c-typo", "min_rosw", "min_rows"),
    ):
        path = make(name).path
        path.write_text(path.read_text().replace(right, wrong))
    ran = driftd("once", tmp_path, "--state", moved.state, "--until", UNTIL, "--json")
    assert ran.code == 2
    assert [line["model"] for line in ran.lines] == ["b-moved"] * 3 + ["d-quiet"] * 3
    assert "driftd: a-lost: no file matches" in ran.err
    assert "[scan: source_failed]" in ran.err
    assert "c-typo.yaml:12:36: window.min_rosw: unknown key; did you mean min_rows?" in ran.err


def test_models_come_by_name_whatever_the_order_of_the_paths(make):
    later, earlier = make("b"), make("a")
    ran = driftd("once", later.path, earlier.path, "--state", later.state, "--until", UNTIL, "--json")
    assert [(line["model"], line["window"]["start"]) for line in ran.lines] == [
        (model, start) for model in ("a", "b") for start in (FIRST, SECOND, THIRD)
    ]


def test_with_json_stdout_holds_strict_json_and_stderr_no_result(make):
    ran = make(live="moved").once(UNTIL, "--log-level", "debug", "--log-format", "json")
    keys = [
        "model",
        "window",
        "rows",
        "labelled_rows",
        "restated",
        "final",
        "seconds",
        "verdicts",
        "statistics",
    ]
    for text in ran.out.splitlines():
        assert list(strict(text))[: len(keys)] == keys
    assert all("msg" in strict(text) for text in ran.err.splitlines())


def test_a_window_is_due_at_its_end_plus_lateness_and_not_before(make):
    model = make()
    assert model.once("2024-01-22T00:59:59.999999Z").out == ""
    assert list(model.once("2024-01-22T01:00Z").last) == [FIRST]
    assert list(model.once("2024-01-24T02:00+01:00").last) == [SECOND, THIRD]


def test_people_read_of_alarms_and_of_what_was_evaluated(make):
    model = make(live="passed")
    ran = driftd("once", model.path, "--state", model.state, "--until", UNTIL)
    alarm, ended, total = ran.out.splitlines()
    assert alarm.startswith("ALARM small: covariate since 2024-01-22T00:00Z: amount moved: median 9.")
    assert ended == "ended small: covariate of 2024-01-22T00:00Z at 2024-01-25T00:00Z"
    assert total == "small: 5 windows, 1,000 rows; open alarms: none"
    assert driftd("once", model.path, "--state", model.state, "--until", UNTIL).out == (
        "small: no windows, 0 rows; open alarms: none\n"
    )


def test_people_read_each_problem_once(make):
    model = make(more="schedule: {every: 1h}")
    model.path.write_text(model.path.read_text().replace("min_rows: 100", "min_rows: 1000"))
    ran = driftd("once", model.path, "--state", model.state, "--until", UNTIL)
    notes = [line for line in ran.out.splitlines() if line.startswith("note")]
    assert len(notes) == 1
    assert "too_few_rows" in notes[0]


def test_without_any_model_it_is_2(tmp_path, make):
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = driftd("once", empty, "--state", make().state)
    assert ran.code == 2
    assert "there is no model to work on" in ran.err


def test_a_model_that_another_process_holds_is_2_and_the_next_is_evaluated(make, monkeypatch):
    taken, free = make("a"), make("b")

    def give_up(seconds: float) -> None:
        raise LeasedError(f"not after {seconds} s")

    monkeypatch.setattr(once_command, "held", partial(held, sleep=give_up))
    with Store.open(taken.state) as store:
        assert store.lease("a", "another/1:1:1", 60)
        ran = driftd("once", taken.path, free.path, "--state", taken.state, "--until", UNTIL, "--json")
    assert ran.code == 2
    assert {line["model"] for line in ran.lines} == {"b"}
    assert "driftd: a: not after" in ran.err


class Gateway:
    """A Pushgateway that answers with one status and keeps what it was sent."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[tuple[str, str, str]] = []
        kept = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                kept.append((self.command, self.path, body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_the_gateway_gets_each_models_metrics_of_this_run(make):
    moved, lost = make("moved", "moved"), make("lost", "lost")
    lost.path.write_text(lost.path.read_text().replace("reference.parquet", "lost.parquet"))
    with Gateway() as gateway:
        ran = driftd(
            "once", moved.path, lost.path, "--state", moved.state, "--until", UNTIL,
            "--push-gateway", gateway.url,
        )  # fmt: skip
    assert ran.code == 2
    sent = {path: body.splitlines() for method, path, body in gateway.requests if method == "PUT"}
    assert set(sent) == {"/metrics/job/driftd/model/moved", "/metrics/job/driftd/model/lost"}
    body = sent["/metrics/job/driftd/model/moved"]
    assert 'driftd_alarm{kind="covariate",model="moved",segment=""} 1.0' in body
    assert 'driftd_runs_total{model="moved",outcome="success"} 1.0' in body
    body = sent["/metrics/job/driftd/model/lost"]
    assert 'driftd_errors_total{model="lost",reason="source_failed",stage="scan"} 1.0' in body
    assert not any(line.startswith("process_") for line in body)


@pytest.mark.parametrize("answers", [True, False])
def test_a_gateway_that_does_not_take_them_is_2_and_the_windows_are_in_the_store(make, answers):
    model = make()
    with Gateway(500) as gateway:
        url = gateway.url
        if answers:
            ran = model.once(UNTIL, "--push-gateway", url)
    if not answers:
        ran = model.once(UNTIL, "--push-gateway", url)
    assert ran.code == 2
    assert f"driftd: the push gateway http://{url} did not take the metrics: " in ran.err
    assert len(ran.lines) == 3
    assert model.once(UNTIL).out == ""


@pytest.mark.parametrize("url", ["http://[oops", "ftp://host", "http://", "http://user:secret@host:1"])
def test_a_gateway_that_cannot_be_is_refused_before_the_work(make, url, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["once", str(make().path), "--push-gateway", url])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "argument --push-gateway: " in told
    assert "secret" not in told
