"""`driftd check`: every problem of every file at once, where it is, and with --connect the data."""

import pandas as pd
import pytest

from tests.harness import driftd


def changed(model, *pairs: tuple[str, str]):
    text = model.path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    model.path.write_text(text)
    return model


def test_valid_files_are_0_and_named(make):
    ran = driftd("check", make("b").path, make("a").path, "--connect")
    assert (ran.code, ran.out, ran.err) == (0, "valid: a, b\n", "")


def test_all_problems_of_all_files_come_at_once_with_their_places(make, tmp_path):
    changed(make("a"), ("timestamp: ts", "timestmp: ts"), ("min_rows: 100", "min_rows: many"))
    changed(make("b"), ("label: y", "label: [y]"))
    make("c")
    ran = driftd("check", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"{tmp_path}/a.yaml:7:3: columns.timestmp: unknown key; did you mean timestamp?",
        f'{tmp_path}/a.yaml:12:46: window.min_rows: a whole number is needed, not "many"',
        f"{tmp_path}/b.yaml:10:10: columns.label: text is needed, not a list",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: files", "kind: sql", 'source.kind: source kind "sql" is not in this version'),
        ("kind: files", "kind: spark", 'source.kind: source kind "spark" is not in this version'),
    ],
)
def test_what_later_versions_do_is_refused_plainly(make, old, new, message):
    model = make()
    reference = f'reference:\n  source: {{kind: files, path: "{model.folder}/reference.parquet"}}'
    text = model.path.read_text().splitlines()
    text[3:4] = reference.splitlines()
    model.path.write_text("\n".join(text))
    ran = driftd("check", changed(model, (old, new)).path)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.parametrize(
    ("old", "new"), [("quiet.parquet", "none/*.parquet"), ("reference.parquet", "lost.parquet")]
)
def test_connect_opens_the_sources_of_every_model(make, old, new, tmp_path):
    make("good")
    changed(make("bad"), (old, new))
    assert driftd("check", tmp_path).code == 0
    ran = driftd("check", tmp_path, "--connect")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("bad: ")
    assert "no file matches" in ran.err
    assert ran.err.count("\n") == 1


def test_connect_says_where_a_column_stands_and_what_was_meant(make):
    """All at once; the values of a misspelt private column would be shown in the open."""
    model = changed(
        make(more="detectors:\n  - {detector: ks, columns: [amount, amuont]}"),
        ("timestamp: ts", "timestamp: when"),
        ("prediction: y_pred", "prediction: y_prod"),
        ("label: y", "label: truth"),
        ("categorical: [country]", "categorical: [country], private: [contry]"),
    )
    assert driftd("check", model.path).code == 0
    ran = driftd("check", model.path, "--connect")
    assert (ran.code, ran.out) == (2, "")
    both, near = "the reference and live have no column", "did you mean"
    assert ran.err.splitlines() == [
        f"{model.path}:7:14: columns.timestamp: {both} 'when'; there are ts, id, amount, country, y_pred, y",
        f"{model.path}:9:15: columns.prediction: {both} 'y_prod'; did you mean 'y_pred'?",
        f"{model.path}:10:10: columns.label: {both} 'truth'; there are ts, id, amount, country, y_pred, y",
        f"{model.path}:11:67: columns.features.private.0: {both} 'contry'; did you mean 'country'?",
        f"{model.path}:14:38: detectors.0.columns.1: the reference has no column 'amuont'; {near} 'amount'?",
    ]


def test_connect_only_warns_of_an_ignored_column_that_is_not_there(make):
    model = changed(make(), ("categorical: [country]", "categorical: [country], ignore: [ids]"))
    ran = driftd("check", model.path, "--connect")
    assert (ran.code, ran.out) == (0, "valid: small\n")
    place = f"{model.path}:11:66: warning: columns.features.ignore.0"
    assert ran.err == f"{place}: the reference and live have no column 'ids'; did you mean 'id'?\n"


def test_connect_opens_the_labels_that_arrive_apart(make, tmp_path):
    pd.DataFrame({"id": [1], "truth": [0], "known_at": [pd.Timestamp("2024-01-01", tz="UTC")]}).to_parquet(
        tmp_path / "labels.parquet"
    )
    truth = f'{{timestamp: known, source: {{kind: files, path: "{tmp_path}/labels.parquet"}}}}'
    model = changed(make(more=f"ground_truth: {truth}"), ("  id: id", "  id: row\n  version: release"))
    ran = driftd("check", model.path, "--connect")
    live = "live has no column"
    assert [line.removeprefix(f"{model.path}:") for line in ran.err.splitlines()] == [
        f"8:7: columns.id: {live} 'row'; there are ts, id, amount, country, y_pred, y",
        f"9:12: columns.version: {live} 'release'; there are ts, id, amount, country, y_pred, y",
        "14:15: ground_truth.id: ground_truth has no column 'row'; there are id, truth, known_at",
        "14:15: ground_truth.label: ground_truth has no column 'y'; there are id, truth, known_at",
        "14:27: ground_truth.timestamp: ground_truth has no column 'known'; did you mean 'known_at'?",
    ]


def test_no_secret_is_told(make, monkeypatch):
    monkeypatch.setenv("PLACE", "hunter2")
    model = changed(make(), ("quiet.parquet", "${PLACE}/*.parquet"))
    ran = driftd("check", model.path, "--connect")
    assert ran.code == 2
    assert "hunter2" not in ran.err


@pytest.mark.parametrize("more", [[], ["--connect"]])
def test_no_model_at_all_is_2(tmp_path, more):
    ran = driftd("check", tmp_path, *more)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no model to work on" in ran.err


def test_a_path_that_is_not_there_is_2(tmp_path):
    ran = driftd("check", tmp_path / "lost.yaml")
    assert ran.code == 2
    assert "there is no such file; give model files or folders of *.yaml" in ran.err


THRESHOLDS = """
detectors:
  - {detector: ks, columns: [amount], threshold: 0.9}
  - detector: psi
    columns: [amount]
    threshold: 0.01
"""


def test_connect_warns_of_a_line_that_the_reference_reaches_too_often(make):
    model = make(more=THRESHOLDS)
    line = model.path.read_text().splitlines().index("    threshold: 0.01") + 1
    assert driftd("check", model.path).err == ""
    ran = driftd("check", model.path, "--connect")
    assert (ran.code, ran.out) == (0, "valid: small\n")
    place = f"{model.path}:{line}:16: warning: detectors.1.threshold: "
    assert ran.err.startswith(f"{place}psi of 'amount' reaches 0.01 in ")
    assert ran.err.endswith(" alarms per 30 days, the budget of covariate is 0.45\n")
    assert " of 20 windows of the reference: about " in ran.err
    assert ran.err.count("\n") == 1


def test_a_reference_that_cannot_be_learned_is_no_warning(make):
    model = changed(
        make(more=THRESHOLDS), ("columns: [amount]\n", "columns: [country]\n"), ("psi", "wasserstein")
    )
    ran = driftd("check", model.path, "--connect")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "small: detectors: wasserstein does not fit the categorical column 'country'\n"
