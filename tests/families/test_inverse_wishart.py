"""The inverse Wishart distribution, as a prior and on its own."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import psi, zeta

import likely as lk
from banks import check_stationary
from likely.core.written import shared

SCALE = np.array([[2.0, 0.5], [0.5, 1.0]])
V = np.array([[[1.0, 0.2], [0.2, 3.0]], [[2.0, -1.0], [-1.0, 0.7]]])
X = np.random.default_rng(0).multivariate_normal([0, 1], [[1, 0.5], [0.5, 2]], 60)


def test_log_prob_is_scipys():
    for dof in (1.5, 2, 7):
        law = stats.invwishart(dof, SCALE) if dof >= 2 else None
        found = lk.InverseWishart(dof, SCALE).log_prob(V.reshape(2, 4))
        if law is not None:
            assert found == pytest.approx([law.logpdf(v) for v in V], rel=1e-12)
        assert np.isfinite(found).all()


def test_matrices_that_are_no_covariances_are_impossible():
    rows = [[1, 0, 0, 1], [1, 2, 2, 1], [1, 0.5, 0, 1], [-1, 0, 0, 1]]
    assert np.isneginf(lk.InverseWishart(3, SCALE).log_prob(rows)).tolist() == [False, True, True, True]


def test_as_a_prior_it_is_pretend_rows():
    fit = lk.fit(lk.MultivariateNormal(mean=0, covariance=lk.InverseWishart(5, SCALE)), X)
    assert fit.model.covariance == pytest.approx((X.T @ X + SCALE) / (60 + 5 + 3), rel=1e-12)
    prior = stats.invwishart(5, SCALE).logpdf(fit.model.covariance)
    assert fit.objective - fit.log_likelihood == pytest.approx(prior, rel=1e-10)


@pytest.mark.parametrize(
    "covariance",
    [lk.InverseWishart(5, SCALE), shared(lk.InverseWishart(5, 2)), lk.InverseWishart([3, 9], SCALE)],
    ids=["each", "shared", "dof each"],
)
def test_m_step_is_stationary(covariance):
    check_stationary(lk.MultivariateNormal(covariance=covariance), X, size=2)


def test_as_moments_says_the_same_as_the_log_density():
    prior = lk.InverseWishart(4, SCALE).bind((), {"d": 2})
    dof, scatter = prior.as_moments(2)
    assert (dof.tolist(), scatter.tolist()) == ([7], [SCALE.tolist()])
    one, two = (prior.log_density_each(v.reshape(1, 4))[0] for v in V)
    pretend = [-0.5 * (7 * np.linalg.slogdet(v)[1] + np.trace(SCALE @ np.linalg.inv(v))) for v in V]
    assert one - two == pytest.approx(pretend[0] - pretend[1], rel=1e-12)


def test_too_few_degrees_of_freedom_make_a_prior_but_no_distribution():
    weak = lk.InverseWishart(1, SCALE)
    fit = lk.fit(lk.MultivariateNormal(mean=0, covariance=weak), X)
    assert fit.model.covariance == pytest.approx((X.T @ X + SCALE) / (60 + 1 + 3), rel=1e-12)
    with pytest.raises(lk.ModelError) as e:
        weak.sample(2)
    assert str(e.value) == "InverseWishart.dof = 1; draws of 2 x 2 matrices need a dof above 1."


def test_moments_and_draws():
    model, law = lk.InverseWishart(9, SCALE), stats.invwishart(9, SCALE)
    x = model.sample(50_000, seed=1)
    assert x.shape == (50_000, 2, 2)
    assert x == pytest.approx(np.swapaxes(x, 1, 2), rel=1e-12)
    assert model.mean == pytest.approx(law.mean())
    assert x.mean(0) == pytest.approx(law.mean(), abs=0.005)
    log_det, freedom = np.linalg.slogdet(x)[1], np.array([9, 8]) / 2  # log det V / det scale: minus logs of chi squares
    assert log_det.mean() == pytest.approx(np.log(np.linalg.det(SCALE) / 4) - psi(freedom).sum(), abs=0.02)
    assert log_det.var() == pytest.approx(zeta(2, freedom).sum(), rel=0.03)
    assert np.isinf(lk.InverseWishart(3, SCALE).mean).all()


def test_draws_and_log_prob_agree():
    """The mean of exp(log q - log p) over draws of p is 1."""
    p, q = lk.InverseWishart(9, SCALE), lk.InverseWishart(10, 1.1 * SCALE)
    rows = p.sample(50_000, seed=2).reshape(-1, 4)
    assert np.exp(q.log_prob(rows) - p.log_prob(rows)).mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: lk.fit(lk.InverseWishart(), [[1, 0, 0, 1]]),
            "InverseWishart is a prior, as in MultivariateNormal(covariance=InverseWishart(5, 1)); "
            "it is not fitted itself.",
        ),
        (
            lambda: lk.InverseWishart(5, SCALE).log_prob([[1, 0, 1]]),
            "InverseWishart describes d x d matrices, each laid flat in a row; 3 columns make none.",
        ),
        (
            lambda: lk.InverseWishart(5, [[1, 2], [2, 1]]).sample(1),
            "InverseWishart.scale = [[1., 2.], [2., 1.]]; it needs a symmetric positive definite matrix.",
        ),
    ],
    ids=["fit", "columns", "scale"],
)
def test_what_cannot_be_is_named(ask, message):
    with pytest.raises(lk.ModelError) as e:
        ask()
    assert str(e.value) == message
