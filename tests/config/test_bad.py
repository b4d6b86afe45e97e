"""One tiny file per rule: its first lines say every problem that it must have, word for word."""

import re
from pathlib import Path

import pytest

from monitor.config import load_model
from monitor.errors import ConfigError

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_bad_file_has_exactly_the_problems_that_it_says(path, families):
    head = path.read_bytes().decode("utf-8", errors="replace")
    expected = [f"{path}:{problem}" for problem in re.findall(r"^# expect: (.*)$", head, re.MULTILINE)]
    assert expected

    with pytest.raises(ConfigError) as caught:
        load_model(path, **families)

    assert [str(problem) for problem in caught.value.problems] == expected
    assert str(caught.value) == "\n".join(expected)


def test_no_message_shows_a_secret(families):
    secrets = ("hunter2", families["environment"]["DRIFTD_TEST_SECRET"])
    for path in FILES:
        with pytest.raises(ConfigError) as caught:
            load_model(path, **families)
        assert not [secret for secret in secrets if secret in str(caught.value)]
