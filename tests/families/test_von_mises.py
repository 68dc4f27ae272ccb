"""The von Mises distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, bank_of_mixture, check_expectation, check_stationary, random_weights
from likely.core.written import shared
from likely.families.von_mises import Directions
from support import e_step

RNG = np.random.default_rng(3)
X = RNG.vonmises(np.repeat([0.2, 2.9], 100), np.repeat([6, 3], 100))
MEANS = [lk.free, shared, shared + [0, 3, 4], [0.2, np.nan, 3], lk.VonMises(0.5, 4), shared(lk.VonMises(0.5, 40))]
CONCENTRATIONS = [lk.free, shared, 2, [2, np.nan, 10], lk.Gamma(3, 1), shared(lk.Gamma(3, 2))]


def test_log_prob_is_scipys_and_repeats_itself():
    x = np.array([-3.0, -1, 0, 0.1, 3])
    for mean, k in ((0, 0.5), (3, 4), (-2, 700)):
        law, model = stats.vonmises(k, mean), lk.VonMises(mean, k)
        assert model.log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)
        assert model.log_prob(x + 2 * np.pi) == pytest.approx(model.log_prob(x), rel=1e-12)
    assert lk.VonMises(1, 0).log_prob([0.3, 3]) == pytest.approx(np.full(2, -np.log(2 * np.pi)))


def test_large_concentrations_are_normal():
    x = 2 + 1e-5 * np.array([-3.0, 0, 1])
    assert lk.VonMises(2, 1e10).log_prob(x) == pytest.approx(lk.Normal(2, 1e-10).log_prob(x), rel=1e-5)


def test_distribution_function_counts_from_minus_pi():
    model = lk.VonMises(2.5, 3)
    draws = model.sample(5000, seed=1)
    assert np.abs(draws).max() <= np.pi
    assert stats.kstest(draws, lambda x: model.cdf(x)).pvalue > 0.01
    assert model.cdf([-np.pi, np.pi, -3, 2 * np.pi - 3]) == pytest.approx([0, 1, model.cdf(-3)[0], model.cdf(-3)[0]])


def test_quantiles_invert_the_distribution_function():
    q = np.array([0, 1e-6, 0.2, 0.5, 0.999, 1])
    for model in (lk.VonMises(2.5, 3), lk.VonMises(-1, 300), lk.VonMises(0, 0)):
        assert model.cdf(model.quantile(q)) == pytest.approx(q, abs=1e-13)
    assert lk.VonMises(1, 0).variance == 1
    assert lk.VonMises(1, 2).variance == pytest.approx(
        1 - np.cos(stats.vonmises(2).rvs(10**5, random_state=0)).mean(), abs=0.01
    )


def test_fits_are_scipys():
    for mean, k in ((0.3, 0.4), (3, 5), (-2, 2000)):
        x = np.random.default_rng(2).vonmises(mean, k, 300)
        fit = lk.fit(lk.VonMises(), x)
        concentration, direction, _ = stats.vonmises.fit(x, fscale=1)
        assert fit.model.mean == pytest.approx(direction, abs=1e-10)
        assert fit.model.concentration == pytest.approx(concentration, rel=1e-8)
        assert fit.log_likelihood == pytest.approx(stats.vonmises.logpdf(x, concentration, direction).sum(), abs=1e-7)


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.VonMises(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(
            lambda u, k=k: -w[:, k] @ stats.vonmises.logpdf(X, np.exp(u[1]), u[0]), [1, 0], tol=1e-10
        )
        assert params.mean[k] == pytest.approx(best.x[0], abs=1e-4)
        assert params.concentration[k] == pytest.approx(np.exp(best.x[1]), rel=1e-4)


def test_statistics_say_what_the_rows_say():
    check_expectation(lk.VonMises(), X, {"mean": [0, 3, 100], "concentration": [0, 3, 50]})


@pytest.mark.parametrize("concentration", CONCENTRATIONS, ids=str)
@pytest.mark.parametrize("mean", MEANS, ids=str)
def test_the_m_step_is_a_maximum_whatever_the_slots(mean, concentration):
    check_stationary(lk.VonMises(mean, concentration), X)


def test_a_prior_on_the_mean_adds_its_vector():
    k, prior = 3.0, lk.VonMises(1, 40)
    model = lk.fit(lk.VonMises(prior, k), X).model
    total = k * np.exp(1j * X).sum() + 40 * np.exp(1j)
    assert model.mean == pytest.approx(np.angle(total), rel=1e-12)


def test_a_known_mean_on_the_other_side_leaves_a_uniform():
    assert lk.fit(lk.VonMises(mean=np.pi), [0.1, -0.3, 0.2]).model.concentration == 0
    assert lk.fit(lk.VonMises(), [0, np.pi / 2, np.pi, -np.pi / 2]).model.concentration == 0
    fit = lk.fit(lk.VonMises(mean=np.pi, concentration=lk.Gamma(3, 1)), [0.1, -0.3, 0.2])
    best = optimize.minimize_scalar(
        lambda k: -(stats.vonmises.logpdf([0.1, -0.3, 0.2], k, np.pi).sum() + stats.gamma.logpdf(k, 3)),
        bounds=(0.01, 5), options={"xatol": 1e-9},
    )  # fmt: skip
    assert fit.model.concentration == pytest.approx(best.x, rel=1e-5)


def test_a_mixture_is_recovered_wherever_the_circle_is_cut():
    truth = lk.Mixture(lk.VonMises([0, 3], [3, 8]), 2, weights=[0.3, 0.7])
    x = truth.sample(10_000, seed=1)
    one, two = (lk.fit(lk.Mixture(lk.VonMises(), 2), d, starts=3) for d in (x, np.mod(x, 2 * np.pi)))
    order = np.argsort(one.model.component.mean)
    assert one.model.component.mean[order] == pytest.approx([0, 3], abs=0.05)
    assert one.model.component.concentration[order] == pytest.approx([3, 8], rel=0.05)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-3)


def test_merging_and_validity():
    a = Directions(np.array([2.0]), np.array([1.0]), np.array([-0.5]))
    assert (a + a).cosine == 2
    assert a.valid()
    assert not Directions(np.array([2.0]), np.array([2.0]), np.array([0.5])).valid()
    assert a.positive().tolist() == [True, False, False]


def test_what_has_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.VonMises(), [2.0, 2, 2 + 2 * np.pi])
    assert str(e.value) == (
        "VonMises(): its concentration grew without bound, so the likelihood has no maximum. "
        "Its angles are alike; give the concentration a value or a prior."
    )
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.VonMises(concentration=lk.Gamma(0.5, 1)), [1.0, 2])
    assert str(e.value) == (
        "VonMises(concentration=Gamma(shape=0.5, rate=1)): its prior on concentration grows without bound at 0, so the "
        "likelihood has no maximum. The rows do not outweigh it; use a Gamma prior whose shape is 1 or above."
    )


def test_members_without_weight_keep_what_they_had():
    family, table = bank(lk.VonMises(mean=lk.VonMises(0, 1)), 2, X)
    w = np.ones((200, 2))
    before = family.maximize(family.collect(None, None, table, w))
    w[:, 1] = 0
    after = family.maximize(family.collect(None, None, table, w), before)
    assert after.concentration[1] == before.concentration[1]
    mixture, rows = bank_of_mixture(lk.VonMises(mean=shared), X, 2)
    start = mixture.start(rows, np.ones((200, 1)), RNG)
    assert np.isfinite(mixture.maximize(e_step(mixture, start, rows)[1], start).component.mean).all()
