import ast
import io
import json
import logging
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.log import STARS, Form, LineFormatter, configure, within


def record(message="window evaluated", at=logging.INFO, error=None, **extra):
    made = logging.makeLogRecord(
        {
            "name": "monitor",
            "levelno": at,
            "levelname": logging.getLevelName(at),
            "msg": message,
            **extra,
        }
    )
    made.created = 1_707_523_200.25
    if error is not None:
        made.exc_info = (type(error), error, error.__traceback__)
    return made


def logfmt(made, secrets=()):
    return LineFormatter(Form.LOGFMT, secrets).format(made)


def as_json(made, secrets=()):
    return json.loads(LineFormatter(Form.JSON, secrets).format(made))


@pytest.fixture
def logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.captureWarnings(capture=False)  # a command that an earlier test ran in this process may hold them
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_one_line_with_time_level_message_model_and_window():
    made = record(rows=720, window="2024-02-10T00:00:00Z", model="flight-delay", ok=True, seconds=0.12)
    assert logfmt(made) == (
        'time=2024-02-10T00:00:00.250Z level=info msg="window evaluated" model=flight-delay '
        "window=2024-02-10T00:00:00Z rows=720 ok=true seconds=0.12"
    )


def test_lines_that_are_logged_within_a_window_name_it():
    assert " window=" not in logfmt(record(model="flights"))
    with within("a.csv"):
        assert logfmt(record(model="flights", rows=3)).endswith(" model=flights window=a.csv rows=3")
        assert logfmt(record(window="b.csv")).endswith(" window=b.csv")
        with pytest.raises(ValueError, match="odd"), within("c.csv"):
            raise ValueError("odd")
        assert logfmt(record()).endswith(" window=a.csv")
    assert " window=" not in logfmt(record())


def test_json_keeps_numbers_and_booleans():
    assert as_json(record(model="m", rows=720, ok=False, none=None)) == {
        "time": "2024-02-10T00:00:00.250Z",
        "level": "info",
        "msg": "window evaluated",
        "model": "m",
        "rows": 720,
        "ok": False,
        "none": None,
    }


def test_a_number_that_is_none_is_text_in_json():
    assert as_json(record(value=float("nan")))["value"] == "nan"


@given(st.text(), st.text())
def test_every_event_is_one_line(message, value):
    for form in Form:
        line = LineFormatter(form).format(record(message.replace("%", "%%"), value=value))
        assert len(line.splitlines()) == 1
        line.encode()


def test_a_line_break_cannot_forge_a_line():
    assert logfmt(record("a\nlevel=error msg=forged")).endswith(r'msg="a\nlevel=error msg=forged"')


def test_an_odd_key_cannot_forge_a_field():
    assert 'a_b_="c"' not in logfmt(record(**{"a b=": "c"}))
    assert " a_b_=c" in logfmt(record(**{"a b=": "c"}))


def test_a_field_never_replaces_what_every_line_has():
    fields = as_json(record(level="high", time="now"))
    assert (fields["level"], fields["level_"]) == ("info", "high")
    assert (fields["time"], fields["time_"]) == ("2024-02-10T00:00:00.250Z", "now")


def test_an_exception_is_told_on_the_same_line():
    try:
        raise ValueError("bad\nvalue")
    except ValueError as error:
        fields = as_json(record(at=logging.ERROR, error=error))
        line = logfmt(record(at=logging.ERROR, error=error))
    assert fields["exception"] == "ValueError: bad\nvalue"
    assert fields["trace"].startswith("Traceback")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("form", list(Form))
def test_secrets_are_stars_wherever_they_stand(form):
    try:
        raise OSError("cannot open s3://hunter2/data")
    except OSError as error:
        made = record("key hunter2", error=error, path="x/hunter2/y", password="abc", api_token="def")
    line = LineFormatter(form, ["hunter2", "x"]).format(made)
    assert "hunter2" not in line
    assert "abc" not in line
    assert "def" not in line
    assert f"key {STARS}" in line
    assert f"x/{STARS}/y" in line


def test_the_longer_of_two_secrets_goes_first():
    assert "tail" not in logfmt(record("secrettail"), ["secret", "secrettail"])


def test_a_password_in_an_address_is_stars():
    assert "postgresql://***@db/driftd" in logfmt(record("open postgresql://me:pass@db/driftd"))


@pytest.mark.usefixtures("logging_as_before")
def test_configure_sends_everything_to_one_place():
    stream = io.StringIO()
    configure("json", "warning", ["hunter2"], stream)
    logger = logging.getLogger("somewhere.else")
    logger.info("not told")
    logger.warning("told %s", "hunter2", extra={"model": "m"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("deprecated", UserWarning, stacklevel=1)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert lines[0]["msg"] == f"told {STARS}"
    assert "deprecated" in lines[1]["msg"]


@pytest.mark.usefixtures("logging_as_before")
def test_configure_again_replaces_the_first():
    first, second = io.StringIO(), io.StringIO()
    configure(stream=first)
    configure(stream=second)
    logging.getLogger("x").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


@pytest.mark.usefixtures("logging_as_before")
def test_logs_go_to_stderr(capsys):
    configure(level="info")
    logging.getLogger("x").info("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "msg=hello" in captured.err
    assert sys.stderr is not None


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize(("form", "level"), [("xml", "info"), ("json", "loud")])
def test_a_form_or_level_that_does_not_exist(form, level):
    with pytest.raises(ValueError, match=r"xml|LOUD"):
        configure(form, level)


def calls():
    """Every call of a module's `log` that may be a warning or an error."""
    package = Path(__file__).parents[1] / "monitor"
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(ast.Name("log"), "warning" | "error" | "exception" | "log")):
                    yield f"{path.relative_to(package)}:{node.lineno}", node


def test_every_warning_and_error_says_in_fields_what_it_is_about():
    found = list(calls())
    assert len(found) > 10
    assert [place for place, call in found if "extra" not in {each.arg for each in call.keywords}] == []
