"""The domain classifier among the detectors: what it may be asked, and what it says of rows."""

import numpy as np
import pytest

from monitor.detectors.base import ROW_DETECTORS
from monitor.errors import DetectorError
from monitor.stats.tables import Table


def detector(**parameters):
    member = ROW_DETECTORS.get("domain_classifier")
    return member.build(member.parameters(**parameters))


def table(rows, seed, moved=0.0):
    numbers = np.random.default_rng(seed).normal(size=(rows, 3))
    numbers[:, 1] += moved
    return Table(numbers.astype(np.float32), np.zeros((rows, 0), np.int32))


def test_it_is_registered_under_its_token_with_a_description():
    assert detector().token == "domain_classifier"
    assert ROW_DETECTORS.get("domain_classifier").description
    assert detector(variant="forest").windows < detector().windows


@pytest.mark.parametrize("variant", ["sparse", "forest"])
def test_like_rows_are_not_told_apart_and_unlike_ones_are(variant):
    chosen = detector(variant=variant)
    like = chosen.separate(table(1000, 1), table(300, 2))
    assert abs(like.auc - 0.5) < 4 * like.error
    unlike = chosen.separate(table(1000, 1), table(300, 2, moved=1.0))
    assert unlike.auc > 0.65
    assert unlike.columns[0][0] == 1


def test_too_few_rows_are_undefined():
    with pytest.raises(DetectorError, match="needs 50"):
        detector().separate(table(1000, 1), table(49, 2))
