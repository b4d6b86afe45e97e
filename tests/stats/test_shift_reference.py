import numpy as np
import pytest

from monitor.stats.probability_calibration import Calibrator, apply
from monitor.stats.shift_reference import from_arrays, learn, score_cells, to_arrays


def scored(seed, n, k):
    random = np.random.default_rng(seed)
    calibrated = random.dirichlet(np.ones(k), n)
    label = (random.random((n, 1)) > calibrated.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return calibrated.argmax(axis=1), calibrated, label


class TestLearn:
    def test_counts_and_shares_of_labels(self):
        found = learn(np.array([0, 0, 1, 2]), None, np.array([0, 1, 1, 1]))
        np.testing.assert_array_equal(found.confusion, [[1, 1, 0], [0, 1, 0], [0, 1, 0]])
        np.testing.assert_array_equal(found.rows, [1, 3, 0])
        np.testing.assert_array_equal(found.prior, [0.25, 0.75, 0])
        assert found.scores is None

    def test_classes_that_no_row_has(self):
        assert learn(np.zeros(3, int), None, np.zeros(3, int)).confusion.shape == (2, 2)
        assert learn(np.zeros(3, int), None, np.zeros(3, int), classes=5).confusion.shape == (5, 5)

    @pytest.mark.parametrize("k", [2, 3])
    def test_moments_of_the_probabilities(self, k):
        predicted, calibrated, label = scored(1, 500, k)
        scores = learn(predicted, calibrated, label).scores
        own = calibrated[label == 1]
        np.testing.assert_allclose(scores.soft_mean[:, 1], own.mean(axis=0))
        np.testing.assert_allclose(scores.soft_second[1], own.T @ own / len(own))
        np.testing.assert_allclose(scores.prior, calibrated.mean(axis=0))
        np.testing.assert_allclose(scores.covariance, np.cov(calibrated.T, bias=True))
        assert scores.calibration_rows == 500
        assert learn(predicted, calibrated, label, calibration_rows=7).scores.calibration_rows == 7

    def test_sensitivity_is_the_derivative_of_the_mean_probability(self):
        predicted, calibrated, label = scored(2, 300, 3)
        scores, step = learn(predicted, calibrated, label).scores, 1e-5

        def mean(sharpness, bias):
            return apply(Calibrator(1 / sharpness, np.array(bias)), calibrated).mean(axis=0)

        by_temperature = (mean(1 + step, [0, 0, 0]) - mean(1 - step, [0, 0, 0])) / (2 * step)
        by_bias = (mean(1, [0, step, 0]) - mean(1, [0, -step, 0])) / (2 * step)
        np.testing.assert_allclose(scores.sensitivity[:, 0], by_temperature, atol=1e-6)
        np.testing.assert_allclose(scores.sensitivity[:, 2], by_bias, atol=1e-6)

    def test_information_is_the_covariance_of_the_calibrators_score(self):
        _, calibrated, label = scored(3, 200_000, 3)
        found = learn(calibrated.argmax(axis=1), calibrated, label).scores.information
        gap = np.eye(3)[label] - calibrated
        score = np.column_stack([(gap * np.log(calibrated)).sum(axis=1), gap])
        np.testing.assert_allclose(score.T @ score / len(score), found, atol=0.02)

    @pytest.mark.parametrize(
        ("predicted", "calibrated", "label", "message"),
        [
            ([], None, [], "one at least"),
            ([0], None, [0, 1], "one at least"),
            ([0, -1], None, [0, 1], "class codes from -1"),
            ([0, 60], None, [0, 1], "61 classes"),
            ([0, 2], np.full((2, 2), 0.5), [0, 1], "but there are 2 classes"),
            ([0, 1], np.full((3, 2), 0.5), [0, 1], "2 rows and 2 classes"),
            ([0, 1], np.full((2, 2), np.nan), [0, 1], "must be numbers"),
            ([0, 1], np.full((2, 2), 1.5), [0, 1], "must be numbers"),
        ],
    )
    def test_what_is_refused(self, predicted, calibrated, label, message):
        with pytest.raises(ValueError, match=message):
            learn(np.array(predicted, int), calibrated, np.array(label, int))


class TestCells:
    def test_two_classes_have_twenty_of_equal_mass(self):
        found = learn(*scored(4, 2000, 2)).scores.cells.sum(axis=1)
        assert len(found) == 20
        assert found.min() >= 99
        assert found.max() <= 101

    def test_more_classes_have_three_for_each_predicted_class(self):
        predicted, calibrated, label = scored(5, 3000, 4)
        scores = learn(predicted, calibrated, label).scores
        assert scores.cells.shape == (12, 4)
        cell = score_cells(scores.edges, predicted, calibrated)
        np.testing.assert_array_equal(cell // 3, predicted)
        np.testing.assert_allclose(np.bincount(cell), np.repeat(np.bincount(predicted) / 3, 3), atol=2)
        own = calibrated.max(axis=1)
        assert own[cell == 3].max() <= own[cell == 4].min()

    @pytest.mark.parametrize("k", [2, 4])
    def test_constant_probabilities_lie_in_one(self, k):
        label = np.arange(100) % k
        scores = learn(np.zeros(100, int), np.full((100, k), 1 / k), label).scores
        assert (scores.cells.sum(axis=1) > 0).sum() == 1
        assert scores.cells.sum() == 100


@pytest.mark.parametrize("k", [None, 2, 5])
def test_arrays_there_and_back(k, tmp_path):
    predicted, calibrated, label = scored(6, 400, k or 3)
    given = learn(predicted, None if k is None else calibrated, label, calibration_rows=9)
    np.savez(tmp_path / "reference.npz", **to_arrays(given))
    with np.load(tmp_path / "reference.npz", allow_pickle=False) as arrays:
        found = from_arrays(dict(arrays))
    assert to_arrays(found).keys() == to_arrays(given).keys()
    for name, array in to_arrays(given).items():
        np.testing.assert_array_equal(to_arrays(found)[name], array)
        assert to_arrays(found)[name].dtype == array.dtype
