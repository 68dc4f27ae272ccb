"""Probabilities of intervals from the logarithms of tails."""

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from likely.numerics.tails import log_between


def tails(z):
    z = np.asarray(z, float)
    return log_ndtr(z), log_ndtr(-z)


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 2), (-np.inf, 0.3), (0.3, np.inf), (-np.inf, np.inf), (5, 6), (-6, -5), (1, 1 + 1e-6)]
)
def test_it_is_the_difference_of_distribution_functions(low, high):
    upper = low > 0
    direct = norm.sf(low) - norm.sf(high) if upper else norm.cdf(high) - norm.cdf(low)
    assert log_between(tails(low), tails(high)) == pytest.approx(np.log(direct), rel=1e-10, abs=1e-15)


def test_far_out_where_the_difference_is_zero_in_floating_point():
    for low, high in ((50, 51), (-51, -50)):
        found = float(log_between(tails(low), tails(high)))
        assert found == pytest.approx(log_ndtr(-50) + np.log(-np.expm1(log_ndtr(-51) - log_ndtr(-50))), rel=1e-15)


def test_nothing_lies_between_a_point_and_itself_or_beyond_everything():
    assert log_between(tails(2.0), tails(2.0)) == -np.inf
    assert log_between(tails(np.inf), tails(np.inf)) == -np.inf
