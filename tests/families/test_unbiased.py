"""The unbiased variance."""

import numpy as np
import pytest

import likely as lk
from banks import check_stationary
from likely.core.written import shared

X = np.random.default_rng(0).multivariate_normal([0, 1], [[1, 0.5], [0.5, 2]], 60)
BURY = [
    12.065, 11.992, 11.992, 11.921, 11.954, 11.945, 12.029, 11.948, 11.885, 11.997, 11.982, 12.109, 11.966, 12.081,
    11.846, 12.007, 12.011,
]  # fmt: skip  # Bury (1999)


def test_published_fit():
    fit = lk.fit(lk.Normal(variance=lk.unbiased), BURY)
    assert fit.model.mean == pytest.approx(11.984117647, abs=1e-9)
    assert np.sqrt(fit.model.variance) == pytest.approx(0.067097766685, rel=1e-10)
    plain = lk.fit(lk.Normal(), BURY)
    assert np.sqrt(plain.model.variance) == pytest.approx(0.065094395126, rel=1e-10)
    assert plain.log_likelihood == pytest.approx(22.320631043, abs=1e-8)


def test_estimates_divide_by_one_less():
    w = np.random.default_rng(1).integers(1, 4, 60)
    normal = lk.fit(lk.Normal(variance=lk.unbiased), X[:, 0], weights=w).model
    assert normal.variance == pytest.approx(np.cov(X[:, 0], fweights=w), rel=1e-12)
    log_normal = lk.fit(lk.LogNormal(log_variance=lk.unbiased), np.exp(X[:, 0])).model
    assert log_normal.log_variance == pytest.approx(X[:, 0].var(ddof=1), rel=1e-12)
    several = lk.fit(lk.MultivariateNormal(covariance=lk.unbiased), X).model
    assert several.covariance == pytest.approx(np.cov(X.T), rel=1e-12)


def test_the_objective_has_its_log_density():
    fit = lk.fit(lk.MultivariateNormal(covariance=lk.unbiased), X)
    half = 0.5 * np.linalg.slogdet(fit.model.covariance)[1]
    assert fit.objective - fit.log_likelihood == pytest.approx(half, rel=1e-11)


@pytest.mark.parametrize("variance", [lk.unbiased, shared(lk.unbiased)], ids=repr)
def test_m_step_is_stationary(variance):
    check_stationary(lk.Normal(variance=variance), X[:, 0])
    check_stationary(lk.Normal(mean=shared, variance=variance), X[:, 0])
    check_stationary(lk.MultivariateNormal(covariance=variance), X)


def test_more_estimated_coefficients_take_more_away():
    three = lk.unbiased.bind((), {"d": 2}).estimating(3)
    dof, scatter = three.as_moments(2)
    assert (dof.tolist(), scatter.tolist()) == ([-3], np.zeros((1, 2, 2)).tolist())
    assert three.log_density_each(np.array([[2.0, 0, 0, 3]]))[0] == pytest.approx(1.5 * np.log(6), rel=1e-14)


def test_it_is_written_as_it_reads():
    model = lk.Mixture(lk.Normal(variance=shared(lk.unbiased)), 2)
    assert repr(model) == "Mixture(Normal(variance=shared(unbiased)), 2)"
    assert lk.parse(repr(model)) == model
    assert lk.Unbiased() == lk.unbiased


@pytest.mark.parametrize(
    "ask", [lambda: lk.fit(lk.unbiased, [1, 2]), lambda: lk.unbiased.sample(2)], ids=["fit", "sample"]
)
def test_it_is_no_distribution(ask):
    with pytest.raises(lk.ModelError) as e:
        ask()
    assert str(e.value) == (
        "unbiased corrects a variance, as in Normal(variance=unbiased); it is no distribution to fit or to sample."
    )


def test_it_stands_only_in_slots_of_variances():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.Normal(mean=lk.unbiased), [1, 2])
    assert str(e.value) == (
        "Normal.mean = unbiased: this slot cannot take Unbiased as a prior; "
        "it takes Normal or PretendRows, a number, shared, or nothing."
    )


def test_a_mixture_of_mixtures_with_unbiased_covariances_converges_quietly():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(8, 2)) + c for c in ([0, 0], [3, 0], [0, 3], [3, 3])])
    pair = lk.Mixture(lk.MultivariateNormal("VEE", covariance=lk.unbiased), 2)
    assert lk.fit(lk.Mixture(pair, 2), x, starts=3).converged
