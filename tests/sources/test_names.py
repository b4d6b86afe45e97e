import pytest

from monitor.sources.names import Pattern, format_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", "parquet"),
        ("a.pq", "parquet"),
        ("a.CSV", "csv"),
        ("a.csv.gz", "csv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.gz", "jsonl"),
        ("a.json", "jsonl"),
        ("a.txt", None),
        ("parquet", None),
        ("a.parquet.gz", None),
    ],
)
def test_format_by_extension(name, expected):
    assert format_of(name) == expected


@pytest.mark.parametrize(
    ("path", "root", "rest"),
    [
        ("/data/*.csv", "/data", "*.csv"),
        ("/data/day?/a.csv", "/data", "day?/a.csv"),
        ("data/live", "data", "live"),
        ("live.csv", "", "live.csv"),
        ("/data/live/", "/data", "live"),
        ("/*.csv", "/", "*.csv"),
    ],
)
def test_root_is_the_folder_above_the_first_wildcard(path, root, rest):
    assert Pattern.of(path) == Pattern(root, rest)
    assert Pattern.of(path).path == path.rstrip("/")


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("/d/*.csv", "a.csv", True),
        ("/d/*.csv", "b/a.csv", False),
        ("/d/*/*.csv", "b/a.csv", True),
        ("/d/**/*.csv", "a.csv", True),
        ("/d/**/*.csv", "b/c/a.csv", True),
        ("/d/**", "b/c/a.csv", True),
        ("/d/day[0-9].csv", "day7.csv", True),
        ("/d/day[0-9].csv", "dayx.csv", False),
        ("/d/day[!0-9].csv", "dayx.csv", True),
        ("/d/day[!0-9].csv", "day7.csv", False),
        ("/d/da?.csv", "day.csv", True),
        ("/d/da?.csv", "da/.csv", False),
        ("/d/a+(b).*", "a+(b).csv", True),
        ("/d/*/**/x.csv", "a/b/c/x.csv", True),
        ("/d/*/**/x.csv", "x.csv", False),
        ("/d/*.csv", "a.csv\n", False),
        ("/d/*.parquet", "spark.parquet/part-0.parquet", True),
        ("/d/*.parquet", "spark.parquet/notes.txt", False),
        ("/d/*", ".hidden.csv", False),
        ("/d/*", "_SUCCESS", False),
        ("/d/*", "a.csv.tmp", False),
        ("/d/*", "a.crdownload", False),
        ("/d/**/*.json", "_delta_log/0.json", False),
        ("/d/_kept.csv", "_kept.csv", True),
        ("/d/folder", "folder/a/b.csv", True),
        ("/d/folder", "folder/readme.txt", False),
        ("/d/folder", "folders/a.csv", False),
    ],
)
def test_what_a_pattern_means(pattern, name, expected):
    assert Pattern.of(pattern).means(name, any_format=False) is expected


def test_an_explicit_format_takes_every_name_within_a_folder():
    assert Pattern.of("/d/folder").means("folder/part-0", any_format=True)


def test_folders_that_cannot_hold_a_match_are_not_entered():
    assert not Pattern.of("/d/*.csv").reaches("sub")
    assert Pattern.of("/d/*/*.csv").reaches("sub")
    assert not Pattern.of("/d/*/*.csv").reaches("sub/deeper")
    assert Pattern.of("/d/**/*.csv").reaches("sub/deeper")
