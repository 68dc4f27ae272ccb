"""What the families of counts share."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from likely.core.domains import NonNegative, Unit
from likely.families.counts import FUZZ, smallest_count, times, whole_trials


def test_times_lets_zero_win_over_minus_infinity():
    x = np.array([[0.0], [2.0]])
    assert times(x, np.array([-np.inf, -1.5])).tolist() == [[0.0, 0.0], [-np.inf, -3.0]]


def test_smallest_count_is_the_first_to_reach_q_by_brute_force():
    rng = np.random.default_rng(0)
    mass = rng.dirichlet(np.full(40, 0.3), 3).T
    cumulative = np.minimum(mass.cumsum(0), 1.0)
    cumulative[-1] = 1.0
    q = rng.random((500, 1))

    def at(x):
        return np.take_along_axis(cumulative, np.minimum(x, 39).astype(int), 0)

    first = np.array([[np.flatnonzero(cumulative[:, j] >= p * (1 - FUZZ))[0] for j in range(3)] for p in q[:, 0]])
    np.testing.assert_array_equal(smallest_count(q, at, np.full(3, 39.0)), first)


def test_smallest_count_ends_beyond_the_whole_numbers_that_floats_hold():
    far = 2.0**60

    def at(x):
        return np.where(x >= far, 1.0, 0.0)

    assert smallest_count(np.array([[0.5]]), at, np.array([np.inf])) == pytest.approx(far, rel=1e-15)


@pytest.mark.parametrize("trials", [0, -3, 2.5, "ten", [5, 6]])
def test_trials_are_one_whole_number(trials):
    with pytest.raises(lk.ModelError, match="the number of trials is one whole number from 1, common to all rows"):
        whole_trials("Binomial", trials)


def test_trials_text():
    with pytest.raises(lk.ModelError) as e:
        lk.Binomial(2.5)
    assert str(e.value) == (
        "Binomial(trials=2.5): the number of trials is one whole number from 1, common to all rows, "
        "as in Binomial(trials=10)."
    )
    assert lk.Binomial(10.0).trials == 10


def test_nonnegative_charts_what_is_above_zero_and_leaves_zeros():
    domain, value = NonNegative(), np.array([0.0, 2.0, 0.5])
    loose = np.array([True, True, False])
    u = domain.to_free(value, loose)
    assert u == pytest.approx(np.log([2.0]))
    assert domain.from_free(u + 1, value, loose) == pytest.approx([0.0, 2 * np.e, 0.5])
    assert domain.outside(np.array([-1.0, 0.0, np.inf, np.nan])).tolist() == [True, False, True, True]


def test_unit_can_leave_zero_out():
    value = np.array([-0.1, 0.0, 1.0, 1.1])
    assert Unit().outside(value).tolist() == [True, False, False, True]
    assert Unit(zero=False).outside(value).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lk.Poisson(0.1), stats.poisson(0.1)),
        (lk.Poisson(250.0), stats.poisson(250.0)),
        (lk.Geometric(0.3), stats.geom(0.3, loc=-1)),
        (lk.Geometric(0.001), stats.geom(0.001, loc=-1)),
        (lk.Binomial(30, 0.2), stats.binom(30, 0.2)),
        (lk.Binomial(3, 0.9), stats.binom(3, 0.9)),
        (lk.Bernoulli(0.4), stats.bernoulli(0.4)),
    ],
    ids=lambda v: str(v) if isinstance(v, lk.Family) else "",
)
class TestDistributionFunctions:
    def test_cdf_is_scipys(self, ours, theirs):
        x = np.array([-1, 0, 0.5, 1, 2, 2.99, 3, 10, 200, 1000])
        assert ours.cdf(x) == pytest.approx(theirs.cdf(x), rel=1e-12, abs=1e-300)

    def test_quantile_is_scipys(self, ours, theirs):
        q = np.random.default_rng(0).random(300)
        assert ours.quantile(q).tolist() == theirs.ppf(q).tolist()

    def test_quantile_of_the_cdf_is_the_count_itself(self, ours, theirs):
        top = theirs.ppf(0.9999)
        x = np.arange(theirs.ppf(1e-4), top + 1)
        x = x[theirs.pmf(x) > 1e-9]
        assert ours.quantile(ours.cdf(x)).tolist() == x.tolist()
        assert ours.quantile(ours.cdf(x[:-1]) * (1 + 1e-9)).tolist() == (x[:-1] + 1).tolist()

    def test_ends(self, ours, theirs):
        assert ours.quantile(0) == 0
        assert ours.quantile(1) == theirs.ppf(1)
