"""Series beside their own past."""

import numpy as np
import pytest

import likely as lk


def test_every_row_stands_beside_the_rows_before_it_latest_first():
    x = np.arange(12.0).reshape(6, 2)
    y, past = lk.lagged(x, 2)
    np.testing.assert_array_equal(y, x[2:])
    np.testing.assert_array_equal(past, np.column_stack([x[1:-1], x[:-2]]))


def test_series_of_a_list_are_never_glued():
    y, past = lk.lagged([[1.0, 2.0, 3.0], np.array([10.0, 20.0])])
    assert [v.tolist() for v in y] == [[2, 3], [20]]
    assert [v.tolist() for v in past] == [[[1], [2]], [[10]]]


def test_one_state_is_least_squares_on_the_past():
    x = np.random.default_rng(1).normal(size=200).cumsum()
    y, past = lk.lagged(x, 2)
    fit = lk.fit(lk.HMM(lk.LinearGaussian(), 1), y, given=past)
    design = np.column_stack([x[1:-1], x[:-2], np.ones(198)])
    truth = np.linalg.lstsq(design, x[2:], rcond=None)[0]
    np.testing.assert_allclose(fit.model.emission.coefficients.ravel(), truth[:2], rtol=1e-8)


def test_regimes_of_several_series_are_found():
    rng = np.random.default_rng(0)
    series = []
    for slope in (0.9, -0.6, 0.9, -0.6):
        x = np.zeros(150)
        for t in range(1, 150):
            x[t] = slope * x[t - 1] + rng.normal()
        series.append(x)
    y, past = lk.lagged(series)
    fit = lk.fit(lk.HMM(lk.LinearGaussian(), 2), y, given=past, starts=5)
    assert np.sort(fit.model.emission.coefficients.ravel()) == pytest.approx([-0.6, 0.9], abs=0.1)


@pytest.mark.parametrize(
    ("x", "lags", "message"),
    [
        ([1.0, 2.0], 0, "lagged(x, lags=0): lags is a whole number of rows, from 1."),
        (
            [1.0, 2.0], 2,
            "lagged(x, lags=2): the series has 2 rows, so no row has 2 before it; at least 3 are needed. Leave it out, "
            "or use fewer lags.",
        ),
        (
            [[1.0, 2.0], [3.0]], 1,
            "lagged(x, lags=1): sequence 2 has 1 row, so no row has 1 before it; at least 2 are needed. Leave it out, "
            "or use fewer lags.",
        ),
    ],
)  # fmt: skip
def test_too_few_rows_are_refused(x, lags, message):
    with pytest.raises(lk.DataError) as e:
        lk.lagged(x, lags)
    assert str(e.value) == message
