from pathlib import Path

import pytest

from monitor.config import numbers_fingerprint

TEXT = (
    (Path(__file__).parent / "good" / "full.yaml")
    .read_text()
    .replace(", secret: !file ../bad/secret.txt", "")
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: team-ops", "owner: others  # since May"),
        ('tier: "1"', 'tier: "2"'),
        ("5 * * * mon-fri", "6 * * * *"),
        ("detail: columns", "detail: all"),
        ("s3://bucket/live", "s3://bucket/other"),
        ("numeric: [temp, dewp]", "numeric: [dewp, temp]"),
        ("private: [carrier]", "private: []"),
        ("min_rows: 200, ", ""),
        ("  keep: 8w\n", ""),
        ("keep: 8w", "keep: 56d"),
        ("2024-01-31T01:00+01:00", "2024-01-31T00:00Z"),
        ("length: 1d", "length:   1d"),
        ("model: flight-delay", "model: other"),
    ],
)
def test_what_changes_no_number_changes_nothing(load, old, new):
    assert old in TEXT
    assert numbers_fingerprint(load(TEXT.replace(old, new))) == numbers_fingerprint(load(TEXT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("task: binary\n", ""),
        ("data/reference.parquet", "data/other.parquet"),
        ("2024-01-01T00:00Z", "2024-01-02T00:00Z"),
        ("season: auto", "season: none"),
        ("season: auto", "season: hour"),
        ("season: auto", "season: week"),
        ("mode: rolling\n  keep: 8w", "mode: fixed"),
        ("keep: 8w", "keep: 9w"),
        ("positive: 1", "positive: 0"),
        ("length: 1d", "length: 24h"),
        ("Europe/Berlin", "UTC"),
        ("ignore: [seq, split]", "ignore: [seq]"),
        ("delta: 0.001", "delta: 0.002"),
        ("1 per 30d", "1 per 60d"),
        ("sd: 0.15", "sd: 0.2"),
        ("weighting: importance", "weighting: none"),
    ],
)
def test_what_changes_numbers_changes_the_fingerprint(load, old, new):
    assert old in TEXT
    assert numbers_fingerprint(load(TEXT.replace(old, new))) != numbers_fingerprint(load(TEXT))


def test_another_secret_is_the_same_reference(load):
    text = TEXT.replace("path: data/reference.parquet", 'path: "s3://u:${PASSWORD}@bucket/ref.parquet"')

    assert numbers_fingerprint(load(text, PASSWORD="old-one")) == numbers_fingerprint(
        load(text, PASSWORD="new-one")
    )
