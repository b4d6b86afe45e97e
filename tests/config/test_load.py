from pathlib import Path

import pytest

from monitor.config import load as load_module
from monitor.config import load_model, load_paths
from monitor.config.positions import read_document
from monitor.errors import ConfigError

GOOD = Path(__file__).parent / "good"
MINIMAL = (GOOD / "minimal.yaml").read_text()


def write(folder, **models):
    for name, text in models.items():
        (folder / f"{name}.yaml").write_text(text)


def test_paths_are_relative_to_the_file_and_urls_stay(families):
    config = load_model(GOOD / "full.yaml", **families)

    assert config.reference.source.options["path"] == str(GOOD / "data/reference.parquet")
    assert config.live.source.options["path"] == "s3://bucket/live/**/*.parquet"
    assert config.ground_truth.source.options["path"] == str(GOOD / "data/labels/*.parquet")


def test_a_folder_with_pattern_characters_is_no_pattern(tmp_path, families):
    folder = tmp_path / "a[b]"
    folder.mkdir()
    write(folder, model=MINIMAL)

    path = load_model(folder / "model.yaml", **families).live.source.options["path"]

    assert path == f"{tmp_path}/a[[]b]/live/*.parquet"


def test_an_absolute_path_stays(load):
    config = load(MINIMAL.replace("reference.parquet", "/data/ref.parquet"))

    assert config.reference.source.options["path"] == "/data/ref.parquet"


def test_a_folder_is_its_yaml_files_and_a_bad_one_hides_no_other(tmp_path, families):
    write(tmp_path, b=MINIMAL.replace("small", "b"), a=MINIMAL.replace("small", "a"), c="version: 2\n")
    (tmp_path / "notes.txt").write_text("not read")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", d=MINIMAL)

    configs, problems = load_paths([tmp_path], **families)

    assert [config.model for config in configs] == ["a", "b"]
    assert {problem.file for problem in problems} == {str(tmp_path / "c.yaml")}


def test_a_name_that_two_files_use_is_a_problem_that_names_both(tmp_path, families):
    write(tmp_path, one=MINIMAL, two=MINIMAL, three=MINIMAL.replace("small", "other"))

    configs, problems = load_paths([tmp_path], **families)

    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    assert [str(problem) for problem in problems] == [
        f'{two}:2:8: model: "small" is the model of {one} too; give each its own name'
    ]
    assert [config.model for config in configs] == ["other"]


def test_the_same_file_named_twice_is_read_once(tmp_path, families):
    write(tmp_path, one=MINIMAL)

    configs, problems = load_paths([tmp_path, tmp_path / "one.yaml", tmp_path / "." / "one.yaml"], **families)

    assert (len(configs), problems) == (1, ())


def test_a_path_that_is_not_there_is_a_problem(tmp_path, families):
    _, problems = load_paths([tmp_path / "gone"], **families)

    message = "there is no such file; give model files or folders of *.yaml"
    assert [str(problem) for problem in problems] == [f"{tmp_path / 'gone'}:0:0: {message}"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "the folder {folder} holds no *.yaml"),
        ("a.yml", "the folder {folder} holds no *.yaml; rename *.yml to *.yaml"),
    ],
)
def test_a_folder_without_model_files_is_a_warning(tmp_path, families, name, message, caplog):
    (tmp_path / name).write_text(MINIMAL)

    configs, problems = load_paths([tmp_path], **families)

    assert problems == ()
    assert configs == ()
    assert caplog.messages == [message.format(folder=tmp_path)]


def test_the_environment_of_the_process_is_the_default(tmp_path, families, monkeypatch):
    monkeypatch.setenv("DRIFTD_TEST_OWNER", "team")
    write(tmp_path, one=MINIMAL + "owner: ${DRIFTD_TEST_OWNER}\n")

    config = load_model(tmp_path / "one.yaml", sources=families["sources"], detectors=families["detectors"])

    assert config.owner == "team"


def test_a_source_of_a_third_party_brings_its_own_keys(tmp_path, families):
    write(tmp_path, one=MINIMAL.replace("{kind: files, path: reference.parquet}", "{kind: sql}"))

    with pytest.raises(ConfigError, match='source kind "sql" is not in this version'):
        load_model(tmp_path / "one.yaml", **families)
    sources = families["sources"] | {"sql": families["detectors"]["psi"]}
    assert (
        load_model(tmp_path / "one.yaml", **(families | {"sources": sources})).reference.source.kind == "sql"
    )


@pytest.fixture
def known():
    return {}


@pytest.fixture
def parsed(monkeypatch):
    """The names of files that are parsed."""
    found = []

    def read(path, environment):
        found.append(path.stem)
        return read_document(path, environment)

    monkeypatch.setattr(load_module, "read_document", read)
    return found


def test_a_file_that_has_not_changed_is_not_parsed_again(tmp_path, families, known, parsed):
    write(tmp_path, a=MINIMAL.replace("small", "a"), b=MINIMAL.replace("small", "b"))
    first, _ = load_paths([tmp_path], **families, known=known)
    write(tmp_path, b=MINIMAL.replace("small", "c"))
    second, _ = load_paths([tmp_path], **families, known=known)
    (tmp_path / "a.yaml").unlink()
    third, _ = load_paths([tmp_path], **families, known=known)

    assert [[config.model for config in configs] for configs in (first, second, third)] == [
        ["a", "b"],
        ["a", "c"],
        ["c"],
    ]
    assert second[0] is first[0]
    assert parsed == ["a", "b", "b"]
    assert [path.stem for path in known] == ["b"]


def test_a_file_that_is_not_all_by_itself_is_read_anew(tmp_path, families, known):
    """What the environment and other files say changes without the file."""
    secret = MINIMAL.replace("small", "secret").replace("kind: files,", "kind: files, secret: !file word,", 1)
    write(tmp_path, owner=MINIMAL.replace("small", "owner") + "owner: ${OWNER:-nobody}\n", secret=secret)
    write(tmp_path, broken="version: 2\n")
    told = []
    for value in ("", "someone"):
        (tmp_path / "word").write_text(f"word of {value}")
        given = families | {"environment": {"OWNER": value}}
        configs, problems = load_paths([tmp_path], **given, known=known)
        owner, secret = configs
        told.append((owner.owner, secret.reference.source.options["secret"], bool(problems)))

    assert told == [("nobody", "word of ", True), ("someone", "word of someone", True)]
    assert not known


def test_a_known_name_that_a_second_file_takes_is_a_problem(tmp_path, families, known):
    write(tmp_path, one=MINIMAL)
    assert load_paths([tmp_path], **families, known=known)[1] == ()
    write(tmp_path, two=MINIMAL)
    configs, problems = load_paths([tmp_path], **families, known=known)

    assert configs == ()
    two = f'{tmp_path}/two.yaml:2:8: model: "small" is the model of {tmp_path}/one.yaml too'
    assert [str(problem) for problem in problems] == [f"{two}; give each its own name"]
