import pytest

from monitor.config.positions import read_document
from monitor.config.secrets import Secret


@pytest.fixture
def read(tmp_path):
    def from_text(text, **environment):
        path = tmp_path / "model.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_document(path, environment)

    return from_text


def test_every_key_and_value_has_its_place(read):
    document, problems = read("a: 1\nb:\n  c: [x,  y]\n")

    assert problems == ()
    assert document.data == {"a": 1, "b": {"c": ("x", "y")}}
    assert document.keys == {("a",): (1, 1), ("b",): (2, 1), ("b", "c"): (3, 3)}
    assert document.values[("b", "c", 1)] == (3, 11)


def test_a_problem_stands_at_the_nearest_thing_that_is_there(read):
    document, _ = read("a:\n  b: 1\n")

    assert str(document.problem(("a", "gone"), "missing")).endswith("model.yaml:2:3: a.gone: missing")
    assert str(document.problem(("a", "b"), "bad", at_key=True)).endswith("model.yaml:2:3: a.b: bad")
    assert str(document.problem(("a", "b"), "bad")).endswith("model.yaml:2:6: a.b: bad")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T00:00Z", "2024-01-31T00:00Z"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0x1f", 31),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        (".inf", float("inf")),
        ("true", True),
        ("'true'", "true"),
        ("~", None),
        ("", None),
        ("!!str 1", "1"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(read, text, value):
    document, problems = read(f"a: {text}\n")

    assert problems == ()
    assert document.data["a"] == value
    assert type(document.data["a"]) is type(value)


def test_keys_are_text(read):
    document, _ = read("a: {0: x, true: y}\n")

    assert document.data["a"] == {"0": "x", "true": "y"}


def test_variables_are_read_and_remembered_as_hidden(read):
    document, problems = read(
        'a: "${A}"\nb: ${N}\nc: "${N}"\nd: ${EMPTY:-z}\ne: "${EMPTY:-}x"\n', A="alpha", N="12", EMPTY=""
    )

    assert document.data["a"] == "alpha"
    assert document.data["b"] == 12
    assert document.data["c"] == "12"
    assert document.data["d"] == "z"
    assert document.data["e"] == "x"
    assert set(document.hidden) == {("a",), ("b",), ("c",), ("d",), ("e",)}
    assert problems == ()


def test_a_dollar_brace_can_be_written(read):
    document, problems = read("a: cost $${A} $5 ${A}\n", A="1")

    assert problems == ()
    assert document.data["a"] == "cost ${A} $5 1"
    assert str(document.hidden["a",]) == "cost ${A} $5 ***"


def test_a_secret_file_is_read_relative_to_the_model_file(read, tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    document, problems = read("a: !file password\nb: !file ${NAME}\n", NAME="password")

    assert problems == ()
    assert document.data == {"a": Secret("hunter2"), "b": Secret("hunter2")}
    assert "hunter2" not in repr(document)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(read):
    document, problems = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")

    assert problems == ()
    assert document.data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: the file is empty; `driftd init` writes one to start from"),
        ("[" * 5000, "1:1: nested too deeply"),
        ("a: &x 1\nb: *x\n", "2:4: not valid YAML: aliases are not supported; write the value of *x out"),
        (b"a: 1\nbb: \xff\n", "2:5: not UTF-8 (byte 0xff); save the file as UTF-8"),
    ],
)
def test_what_is_no_mapping_is_one_problem(read, text, message):
    document, problems = read(text)

    assert document is None
    assert [str(problem).split("model.yaml:")[1] for problem in problems] == [message]


def test_a_file_that_is_not_there(tmp_path):
    document, problems = read_document(tmp_path / "gone.yaml", {})

    assert document is None
    assert str(problems[0]) == f"{tmp_path / 'gone.yaml'}:0:0: cannot be read: no such file or directory"
