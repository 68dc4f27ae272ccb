"""The Gumbel distribution of largest values."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = np.random.default_rng(3).gumbel(np.repeat([0.0, 6.0], 100), 1.5)


def test_log_prob_is_scipys():
    x = np.array([-3, 0, 0.7, 3, 50])
    for location, scale in ((0, 1), (-4, 0.5), (1e3, 200)):
        assert lk.Gumbel(location, scale).log_prob(x) == pytest.approx(
            stats.gumbel_r(location, scale).logpdf(x), rel=1e-12
        )


def test_weighted_fits_solve_the_textbooks_equation():
    family, table = bank(lk.Gumbel(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        v = w[:, k] / w[:, k].sum()

        def gap(s, v=v):
            e = v * np.exp(-X / s)
            return v @ X - e @ X / e.sum() - s

        scale = optimize.brentq(gap, 0.3, 20, xtol=1e-14)
        location = -scale * np.log(v @ np.exp(-X / scale))
        assert [params.location[k], params.scale[k]] == pytest.approx([location, scale], rel=1e-9)


@pytest.mark.parametrize("location", [lk.free, shared, 2, [2, np.nan, 1], shared + [0, 4, -1]], ids=repr)
@pytest.mark.parametrize("scale", [lk.free, shared, 2, [2, np.nan, 1]], ids=repr)
def test_every_combination_of_slots_ends_where_the_gradient_vanishes(location, scale):
    if not all(isinstance(v, int) for v in (location, scale)):
        check_stationary(lk.Gumbel(location, scale), X)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Gumbel(), X, {"location": [-5, 2, 9], "scale": [1, 20, 3]})


def test_far_from_zero_nothing_is_lost():
    one, other = (lk.fit(lk.Gumbel(), X + shift) for shift in (0.0, 1e9))
    assert other.model.scale == pytest.approx(one.model.scale, rel=1e-6)
    assert other.model.location - 1e9 == pytest.approx(one.model.location, abs=1e-6)


def test_units_move_both_slots():
    one, other = (lk.fit(lk.Gumbel(), unit * X) for unit in (1, 1e-12))
    assert other.model.scale == pytest.approx(1e-12 * one.model.scale, rel=1e-10)
    assert other.model.location == pytest.approx(1e-12 * one.model.location, rel=1e-10)


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Gumbel(), [2.0, 2.0])
    assert str(e.value) == (
        "Gumbel(): its scale vanished, so the likelihood has no maximum. Its values are alike; give the scale a value."
    )


def test_moments_quantiles_tails_and_draws():
    model, law = lk.Gumbel(2, 3), stats.gumbel_r(2, 3)
    assert [model.mean, model.variance] == pytest.approx([law.mean(), law.var()], rel=1e-12)
    assert model.cdf([-9, 0, 9]) == pytest.approx(law.cdf([-9, 0, 9]), rel=1e-12)
    assert model.quantile([0, 0.2, 1]) == pytest.approx(law.ppf([0, 0.2, 1]), rel=1e-12)
    below, above = model.bind().log_tails(model.bind().known_params(), bank(model, 1, [-18, 180])[1])
    assert [below[0, 0], above[1, 0]] == pytest.approx([law.logcdf(-18), law.logsf(180)], rel=1e-12)
    assert stats.kstest(model.sample(2000, seed=1), law.cdf).pvalue > 0.01


def test_priors_give_the_mode_of_the_posterior():
    def loss(u):
        own = stats.norm(0, 0.5).logpdf(u[0]) + stats.gamma(2, scale=1 / 5).logpdf(np.exp(u[1]))
        return -stats.gumbel_r(u[0], np.exp(u[1])).logpdf(X[:40]).sum() - own

    fit = lk.fit(lk.Gumbel(location=lk.Normal(0, 0.25), scale=lk.Gamma(2, 5)), X[:40])
    best = optimize.minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11})
    assert [fit.model.location, np.log(fit.model.scale)] == pytest.approx(best.x, abs=1e-5)
