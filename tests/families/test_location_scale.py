"""Laws that are moved and stretched: derivatives, starts, collapses."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, random_weights
from likely.core.written import shared
from likely.errors import Degenerate
from likely.families import logistic, student_t
from likely.families.held import Held
from likely.families.location_scale import _score, begun, check_scale, log_priors, quantile_start
from support import gradient

X = np.random.default_rng(0).standard_t(2, (1, 60)) * 2
HELD = Held(X, random_weights(60, 4).T)
SCIPYS = {
    "logistic": (logistic._law, lambda x, u: stats.logistic.logpdf(x, u[0], np.exp(u[1])), 2),
    "t": (student_t._law, lambda x, u: stats.t.logpdf(x, np.exp(u[2]), u[0], np.exp(u[1])), 3),
}


@pytest.mark.parametrize("name", SCIPYS)
def test_value_slope_and_bend_are_those_of_the_log_density(name):
    law, log_density, q = SCIPYS[name]
    rng = np.random.default_rng(1)
    unit = np.array([1.0, 2, 0.5, 3])
    u = rng.normal(size=(4, q))
    u[:, 2:] = np.log([[0.2], [1], [7], [900]])[:, : q - 2]
    value, slope, bend = _score(HELD, law, np.full(4, 0.3), unit)(u)
    for k in range(4):

        def total(v, k=k):
            return HELD.weights[k] @ log_density(X[0], [0.3 + unit[k] * v[0], *v[1:]])

        def rise(v, k=k):
            return gradient(lambda w: total(w, k), v, 1e-3)

        assert value[k] == pytest.approx(total(u[k]), rel=1e-12)
        assert slope[k] == pytest.approx(rise(u[k]), rel=1e-7, abs=1e-7)
        for i in range(q):
            assert bend[k, i] == pytest.approx(gradient(lambda v, i=i: rise(v)[i], u[k], 1e-2), rel=1e-4, abs=1e-4)


def test_a_start_is_the_median_and_a_spread():
    family, table = bank(lk.Logistic(scale=[np.nan, 7, np.nan]), 3, np.arange(9.0))
    w = np.ones((9, 3))
    w[:, 2] = np.arange(9) == 4
    begin = quantile_start(family.statistics(None, table, w), list(family.slots.values()), 2.0)
    assert begin.tolist() == [[4, 2], [4, 7], [4, 1]]


def test_most_of_many_rows_are_left_out_of_a_start():
    seen = []

    def start(some):
        seen.append(some.weights.shape[1])
        if len(seen) == 1:
            raise Degenerate("its scale fell to zero")
        return some.values[:, 0]

    many = Held(np.arange(25_000.0)[None], np.ones((1, 25_000)))
    begun(many, start)
    begun(Held(many.values, many.weights * (many.values < 2500)), start)  # too few of those have any weight
    assert seen == [8334, 25_000, 25_000]


def test_a_prior_on_a_tied_slot_counts_once():
    family, _ = bank(lk.Logistic(shared(lk.Normal(1, 4)), lk.Gamma(3, 2)), 2, X[0])
    found = log_priors(list(family.slots.values()), np.array([[2.0, 1], [2, 3]]))
    assert found.sum() == pytest.approx(stats.norm.logpdf(2, 1, 2) + stats.gamma.logpdf([1, 3], 3, scale=0.5).sum())


@pytest.mark.parametrize("scale", [lk.free, shared])
def test_a_scale_is_small_next_to_all_components_but_a_far_value_does_not_count(scale):
    family, _ = bank(lk.Logistic(scale=scale), 2, X[0])
    x = np.concatenate([X[0], [1e12]])[None]
    held, slot, zero = Held(x, np.ones((2, 61))), family.slots["scale"], np.zeros(2)
    check_scale(held, slot, zero, np.array([1.0, 1e-5]))
    with pytest.raises(Degenerate) as e:
        check_scale(held, slot, zero, np.array([1.0, 1e-8]))
    assert list(e.value.members) == [1]
    assert list(e.value.weights) == [61]
    with pytest.raises(Degenerate):
        check_scale(Held(x[:, :1], np.ones((2, 1))), slot, np.full(2, X[0, 0]), np.ones(2))
