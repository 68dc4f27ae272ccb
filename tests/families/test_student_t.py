"""Student's t distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, bank_of_mixture, check_expectation, check_stationary, random_weights
from likely.core.written import shared
from support import meeting

RNG = np.random.default_rng(3)
X = np.repeat([1.0, 8.0], 100) + np.repeat([1, 2], 100) * RNG.standard_t(3, 200)
FLAT = RNG.uniform(0, 1, 300)
LOCATIONS = [lk.free, shared, shared + [0, 3, 6], [2, np.nan, 1], shared(lk.Normal(3, 2))]
SCALES = [lk.free, shared, [2, np.nan, 1], lk.InverseGamma(3, 2), shared(lk.Gamma(3, 2))]
DOFS = [3, shared, lk.Gamma(3, 1), [3, np.inf, np.nan]]


def test_log_prob_is_scipys():
    x = np.array([-1e5, -3, 0, 0.1, 50, 1e5])
    for dof in (0.1, 1, 3, 150, 199.9, 200.1, 1e5):
        law = stats.t(dof, 3, 0.5)
        assert lk.StudentT(3, 0.5, dof).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)


def test_infinite_dof_is_the_normal_distribution():
    x, normal, model = np.array([-7.0, 3, 4]), lk.Normal(3, 0.25), lk.StudentT(3, 0.5, np.inf)
    assert model.log_prob(x) == pytest.approx(normal.log_prob(x), rel=1e-14)
    assert model.cdf(x) == pytest.approx(normal.cdf(x), rel=1e-14)
    assert model.quantile([0.1, 0.9]) == pytest.approx(normal.quantile([0.1, 0.9]), rel=1e-13)
    assert (model.mean, model.variance) == (3, 0.25)
    assert lk.StudentT(3, 0.5, 1e12).log_prob(x) == pytest.approx(normal.log_prob(x), rel=1e-9)
    assert stats.kstest(model.sample(5000, seed=1), lambda x: normal.cdf(x)).pvalue > 0.01


def test_distribution_function_and_quantiles_are_scipys():
    x, q = np.linspace(-20, 30, 11), [0, 0.1, 0.5, 0.99, 1]
    for dof in (0.5, 3, 40):
        model, law = lk.StudentT(3, 2, dof), stats.t(dof, 3, 2)
        assert model.cdf(x) == pytest.approx(law.cdf(x), rel=1e-12)
        assert model.quantile(q) == pytest.approx(law.ppf(q), rel=1e-9)


def test_moments_exist_or_not():
    models = [lk.StudentT(3, 2, dof) for dof in (1, 1.5, 2, 4, np.inf)]
    np.testing.assert_equal([m.mean for m in models], [np.nan, 3, 3, 3, 3])
    np.testing.assert_equal([m.variance for m in models], [np.nan, np.inf, np.inf, 8, 4])
    assert lk.Mixture(lk.StudentT([1, 2], 1, [3, 0.5]), 2, weights=[0.5, 0.5]).component.variance[0] == 3


def test_draws_follow_the_distribution_function():
    model = lk.StudentT(3, 2, 1.5)
    assert stats.kstest(model.sample(5000, seed=1), lambda x: model.cdf(x)).pvalue > 0.01


@pytest.mark.parametrize("dof", [0.5, 1, 3, 10])
def test_fits_are_those_of_a_general_optimiser(dof):
    x = 3 + 2 * np.random.default_rng(4).standard_t(dof, 400)
    fit = lk.fit(lk.StudentT(), x)

    def loss(u):
        return -stats.t.logpdf(x, np.exp(u[0]), u[1], np.exp(u[2])).sum()

    best = optimize.minimize(loss, [np.log(dof), 3, np.log(2)], tol=1e-10)
    assert fit.log_likelihood >= -best.fun - 1e-8
    assert [np.log(fit.model.dof), fit.model.location, np.log(fit.model.scale)] == pytest.approx(best.x, abs=1e-3)


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.StudentT(dof=3), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(lambda u, k=k: -w[:, k] @ stats.t.logpdf(X, 3, u[0], np.exp(u[1])), [5, 1], tol=1e-10)
        assert params.location[k] == pytest.approx(best.x[0], abs=1e-4)
        assert params.scale[k] == pytest.approx(np.exp(best.x[1]), rel=1e-4)


def test_light_tails_are_normal():
    fit, normal = lk.fit(lk.StudentT(), FLAT), lk.fit(lk.Normal(), FLAT)
    assert fit.model.dof == np.inf
    assert fit.log_likelihood == pytest.approx(normal.log_likelihood, rel=1e-12)
    assert (fit.model.location, fit.model.scale**2) == pytest.approx((normal.model.mean, normal.model.variance))


def test_a_normal_component_of_a_mixture_can_become_heavy_again():
    family, table = bank(lk.StudentT(), 2, RNG.standard_t(3, 200))
    stats_ = family.collect(None, None, table, random_weights(200, 2))
    found = family.maximize(stats_)
    again = family.maximize(stats_, found.replace(dof=np.array([np.inf, 2])))
    assert np.isfinite(found.dof).all()
    assert again.dof == pytest.approx(found.dof, rel=1e-6)


def test_dof_stays_finite_under_a_prior_and_at_the_lower_end():
    fit = lk.fit(lk.StudentT(dof=lk.Gamma(2, 0.01)), FLAT)
    assert 30 < fit.model.dof < 1000
    spikes = np.concatenate([np.zeros(8), 10.0 ** np.arange(-60, 60)])
    assert lk.fit(lk.StudentT(0, 1), spikes).model.dof == pytest.approx(0.1, rel=1e-15)


def test_of_two_maxima_the_higher_is_found():
    x = np.concatenate([np.linspace(-1, 1, 41) * 1e-3, np.linspace(-50, 50, 120)])
    fit = lk.fit(lk.StudentT(location=0), x)
    grid = [
        optimize.minimize(
            lambda u: -stats.t.logpdf(x, np.exp(u[0]), 0, np.exp(u[1])).sum(), [np.log(dof), np.log(scale)], tol=1e-9
        ).fun
        for dof in (0.2, 1, 5, 50)
        for scale in (1e-3, 0.1, 10)
    ]
    assert fit.log_likelihood == pytest.approx(-min(grid), abs=1e-3)


def test_statistics_say_what_the_rows_say():
    check_expectation(lk.StudentT(), X, {"location": [0, 3, 1e6], "scale": [1, 0.01, 30], "dof": [0.5, 20, np.inf]})


@pytest.mark.parametrize(("location", "scale", "dof"), meeting(LOCATIONS, SCALES, DOFS), ids=str)
def test_the_m_step_is_a_maximum_whatever_the_slots(location, scale, dof):
    check_stationary(lk.StudentT(location, scale, dof), X)


def test_the_objective_never_falls_where_components_turn_normal():
    x = np.concatenate([FLAT[:80], 3 + X[::3]])
    for dof in (lk.free, shared):
        fit = lk.fit(lk.Mixture(lk.StudentT(dof=dof), 2), x, starts=2, tol=1e-6)
        assert fit.converged
        assert np.all(np.diff([m.objective for m in fit.trace]) >= -1e-9)


def test_members_without_weight_keep_what_they_had():
    mixture, _ = bank_of_mixture(lk.StudentT(), X, 2)
    family, table = bank(lk.StudentT(), 2, X)
    before = family.maximize(family.collect(None, None, table, np.ones((200, 2))))
    w = np.ones((200, 2))
    w[:, 1] = 0
    after = family.maximize(family.collect(None, None, table, w), before.replace(location=np.array([0.0, 77])))
    assert after.location[1] == 77
    assert np.isfinite(after.location[0])
    assert mixture.count_free() == 7


def test_too_many_values_alike():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.StudentT(), [1.0] * 5 + [2, 3])
    assert str(e.value) == (
        "StudentT(): its scale fell to zero, so the likelihood has no maximum. "
        "Its values are alike; give the scale a value or a prior."
    )
    with pytest.raises(lk.FitError, match="component 1: its scale fell to zero with"):
        lk.fit(lk.Mixture(lk.StudentT(), 2), [1.0] * 5 + [2, 3, 4, 5, 6, 7], starts=2)


def test_a_constant_column_names_the_scale():
    with pytest.raises(lk.DataError) as error:
        lk.fit(lk.StudentT(), [2.0, 2.0, 2.0])
    assert str(error.value) == (
        "column 1 is constant (2 in all 3 rows): the likelihood grows without bound as the scale falls to 0. "
        "Leave the column out, or give the scale a value or a prior."
    )
