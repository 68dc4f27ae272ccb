"""The Dirichlet distribution."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import psi

import likely as lk
from banks import bank, bank_of_mixture, check_expectation, random_weights
from likely.core.data import Table
from likely.core.params import Params
from likely.core.written import shared
from likely.families.dirichlet import LogShares
from support import bound, e_step, q_gradient

RNG = np.random.default_rng(3)
X = np.concatenate([RNG.dirichlet([2, 3, 1.5], 100), RNG.dirichlet([9, 3, 4], 100)])
OPTIONS = [lk.free, shared, [2, np.nan, 1], [[2, np.nan, 1], [np.nan] * 3, [3, 3, np.nan]]]


def test_log_prob_is_scipys():
    for alpha in ([0.1, 2, 3], [1, 1, 1], [200, 5, 1e4]):
        expected = [stats.dirichlet(alpha).logpdf(x) for x in X]
        assert lk.Dirichlet(alpha).log_prob(X) == pytest.approx(expected, rel=1e-11)
    assert lk.Dirichlet(2).log_prob(X[:1]) == pytest.approx(stats.dirichlet([2, 2, 2]).logpdf(X[0]), rel=1e-13)
    assert lk.Dirichlet(2).log_prob([[0.5, 0.4, 0], [0.5, 0.6, -0.1], [0.5, 0.4, 0.2]]).tolist() == [-np.inf] * 3


def test_every_member_may_have_a_point_of_its_own():
    family, _ = bank(lk.Dirichlet(), 2, X)
    params = Params(alpha=np.array([[1.0, 2, 3], [4, 1, 1]]))
    own = Table(np.stack([X[:5], X[5:10]], 1))
    expected = [[stats.dirichlet(a).logpdf(x) for a, x in zip(params.alpha, row, strict=True)] for row in own.x]
    assert family.log_density(params, own) == pytest.approx(np.array(expected), rel=1e-12)
    w = random_weights(5, 2)
    s = family.collect(None, None, own, w)
    assert family.expected_log_density(params, s) == pytest.approx((w * expected).sum(0), rel=1e-12)


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.Dirichlet(), 2, X)
    w = random_weights(200, 2)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(2):
        best = optimize.minimize(
            lambda u, k=k: -w[:, k] @ stats.dirichlet(np.exp(u)).logpdf(X.T), np.zeros(3), tol=1e-10
        )
        assert np.log(params.alpha[k]) == pytest.approx(best.x, abs=1e-5)


def test_tied_alpha_is_the_fit_to_pooled_weights():
    family, table = bank(lk.Dirichlet(alpha=shared), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    pooled = lk.fit(lk.Dirichlet(), X, weights=w.sum(1)).model
    assert params.alpha == pytest.approx(np.stack([pooled.alpha] * 3), rel=1e-11)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Dirichlet(), X, {"alpha": [[0.2, 5, 90], [1, 1, 1], [4, 0.1, 2]]})


@pytest.mark.parametrize("alpha", OPTIONS, ids=repr)
def test_m_step_is_stationary(alpha):
    mixture, table = bank_of_mixture(lk.Dirichlet(alpha=alpha), X, 3)
    rng = np.random.default_rng(2)
    params = mixture.start(table, rng.exponential(size=(200, 1)), rng)
    _, s = e_step(mixture, params, table, rng.exponential(size=(200, 1)))
    new = mixture.maximize(s, params)
    assert np.abs(q_gradient(mixture, params, s)).max() > 1e-3
    assert np.abs(q_gradient(mixture, new, s)).max() < 1e-7 * 200
    known = mixture.component.slots["alpha"].known
    if known is not None:
        assert new.component.alpha[~np.isnan(known)].tolist() == known[~np.isnan(known)].tolist()


@pytest.mark.parametrize(
    "alpha", [[0.01, 0.02, 0.01], [0.01, 5, 300], [1, 1, 1], [1e3, 2e3, 10], [1e6, 1e6, 1e6], [2, 3] * 50], ids=str
)
def test_alphas_of_all_sizes_solve_the_likelihood_equations(alpha):
    """The mean logarithm of share j is psi(alpha_j) - psi(sum alpha)."""
    alpha = np.array(alpha, float)
    family, _ = bound(lk.Dirichlet(), RNG.dirichlet(np.ones(len(alpha)), 5))
    found = family.maximize(LogShares(np.ones(1), (psi(alpha) - psi(alpha.sum()))[None]))
    assert found.alpha[0] == pytest.approx(alpha, rel=1e-11 + 1e-14 * alpha.sum())


def test_two_shares_are_beta():
    x = np.random.default_rng(0).beta(3, 1, 50)
    fit, beta = lk.fit(lk.Dirichlet(), np.column_stack([x, 1 - x])), lk.fit(lk.Beta(), x)
    assert fit.model.alpha == pytest.approx([beta.model.a, beta.model.b], rel=1e-11)
    assert fit.log_likelihood == pytest.approx(beta.log_likelihood, rel=1e-12)


def test_as_a_prior_it_counts_and_says_its_log_density():
    x = [1] * 3 + [2]
    fit = lk.fit(lk.Categorical(p=lk.Dirichlet([2, 3])), x)
    assert fit.model.p == pytest.approx([4 / 7, 3 / 7], rel=1e-14)
    assert fit.objective - fit.log_likelihood == pytest.approx(stats.dirichlet([2, 3]).logpdf(fit.model.p), rel=1e-12)
    flat = lk.Dirichlet(1).bind((), {"d": 2})
    assert flat.log_density_each(np.array([[0.0, 1.0]])) == pytest.approx([0], abs=1e-15)


def test_a_prior_on_the_weights_of_one_component_is_no_matter():
    fit = lk.fit(lk.Mixture(lk.Normal(), 1, weights=lk.Dirichlet(2)), [1.0, 2, 4])
    assert fit.objective == pytest.approx(fit.log_likelihood, rel=1e-15)


def test_equal_rows_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Dirichlet(), [[0.3, 0.7]] * 4)
    assert str(e.value) == (
        "Dirichlet(): its alpha grew without bound, so the likelihood has no maximum. "
        "Its rows are alike; give alpha a value."
    )


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            {"a": [0.3, 0.2], "b": [0.7, 0.7]},
            lk.DataError,
            "row 2 sums to 0.9; Dirichlet needs rows that sum to 1. Divide each row by its sum.",
        ),
        (
            {"a": [0.3, 0.0], "b": [0.7, 1.0]},
            lk.DataError,
            "column 'a' row 2 is 0; Dirichlet() needs numbers above 0 that sum to 1 over the columns. "
            "Drop the row, or use a family that allows it.",
        ),
        (
            {"a": [0.3, 0.2]},
            lk.ModelError,
            "Dirichlet describes shares that sum to 1, a column each; the data has 1 column. "
            "For one share in (0, 1), use Beta().",
        ),
    ],
    ids=["sum", "zero", "column"],
)
def test_data_outside_the_support_is_named(x, error, message):
    with pytest.raises(error) as e:
        lk.fit(lk.Dirichlet(), x)
    assert str(e.value) == message


def test_moments_and_draws():
    model, law = lk.Dirichlet([1, 2, 5]), stats.dirichlet([1, 2, 5])
    assert model.mean == pytest.approx(law.mean())
    assert model.variance == pytest.approx(law.var())
    x = model.sample(50_000, seed=1)
    assert x.sum(1) == pytest.approx(1, rel=1e-14)
    assert x.mean(0) == pytest.approx(law.mean(), abs=0.003)
    assert x.var(0) == pytest.approx(law.var(), rel=0.03)


def test_draws_of_tiny_alpha_are_shares():
    x = lk.Dirichlet([1e-4, 1e-4, 2e-4]).sample(20_000, seed=1)
    assert np.isfinite(x).all()
    assert x.mean(0) == pytest.approx([0.25, 0.25, 0.5], abs=0.02)


def test_a_number_does_not_say_how_many_shares_to_draw():
    with pytest.raises(lk.ModelError) as e:
        lk.Dirichlet(2).sample(3)
    assert str(e.value) == (
        "Dirichlet.alpha is one number, which does not say how many shares; write an array of d numbers."
    )
