"""What Gaussian families share: densities of all members at once, conditional maximisation, guards."""

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

import likely as lk
from banks import bank
from likely.core.slot import Axis
from likely.families.gaussian import log_gaussian, normal_draws, whitening
from support import bound, e_step

RNG = np.random.default_rng(4)


def spd(k, d, rng=RNG):
    a = rng.normal(size=(k, d, d))
    return a @ np.swapaxes(a, 1, 2) + 0.1 * np.eye(d)


def one_by_one(x, mean, covariance):
    """Each member about its own mean, by a triangular solve."""
    out = []
    for m, c in zip(mean, covariance, strict=True):
        factor = np.linalg.cholesky(c)
        z = solve_triangular(factor, (x - m).T, lower=True)
        out.append(-0.5 * ((z**2).sum(0) + len(m) * np.log(2 * np.pi)) - np.log(np.diag(factor)).sum())
    return np.stack(out, 1)


def density(x, mean, covariance):
    white, log_det = whitening(covariance)
    return log_gaussian(x, white, mean, log_det)


@pytest.mark.parametrize("d", [1, 2, 8, 40])
def test_log_density_of_many_members_is_that_of_each(d):
    x, mean, covariance = RNG.normal(size=(3000, d)), RNG.normal(size=(4, d)), spd(4, d)
    assert density(x, mean, covariance) == pytest.approx(one_by_one(x, mean, covariance), rel=1e-11)
    first = stats.multivariate_normal(mean[0], covariance[0]).logpdf(x[:50])
    assert density(x[:50], mean, covariance)[:, 0] == pytest.approx(first, rel=1e-10)


@pytest.mark.parametrize("separation", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("offset", [0, 1e8])
def test_far_clusters_and_large_offsets_cost_no_digits(separation, offset):
    mean = offset + separation * np.array([[0.0, 0], [1, 2], [-1, 1]])
    covariance = spd(3, 2, np.random.default_rng(1))
    x = np.concatenate([m + RNG.normal(size=(200, 2)) for m in mean])
    found, plain = density(x, mean, covariance), one_by_one(x, mean, covariance)
    own = np.repeat(np.arange(3), 200)
    assert found[np.arange(600), own] == pytest.approx(plain[np.arange(600), own], rel=1e-12)
    assert found == pytest.approx(plain, rel=1e-12)


def test_columns_of_very_different_units_cost_no_digits():
    unit = np.array([1e-9, 1, 1e9])
    covariance, mean = spd(2, 3), RNG.normal(size=(2, 3))
    x = RNG.normal(size=(100, 3))
    scaled = density(x * unit, mean * unit, covariance * np.outer(unit, unit))
    assert scaled == pytest.approx(density(x, mean, covariance) - np.log(unit).sum(), rel=1e-12)


def test_members_may_look_at_points_of_their_own():
    x, mean, covariance = RNG.normal(size=(7, 4, 3)), RNG.normal(size=(4, 3)), spd(4, 3)
    found = density(x, mean, covariance)
    for k in range(4):
        assert found[:, k] == pytest.approx(density(x[:, k], mean, covariance)[:, k], rel=1e-13)


def test_no_rows_have_no_densities():
    assert density(np.zeros((0, 2)), np.zeros((3, 2)), spd(3, 2)).shape == (0, 3)


@pytest.mark.parametrize("d", [1, 5, 16, 17, 100])
def test_whitening_makes_the_identity_by_a_lower_triangle(d):
    covariance = spd(3, d, np.random.default_rng(d))
    white, log_det = whitening(covariance)
    assert white @ covariance @ np.swapaxes(white, 1, 2) == pytest.approx(
        np.broadcast_to(np.eye(d), (3, d, d)), abs=1e-9
    )
    np.testing.assert_array_equal(white, np.tril(white))
    assert log_det == pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-12)


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("variance", [0.0, np.inf])
def test_a_covariance_out_of_all_bounds_quietly_has_no_density(d, variance):
    covariance = np.diag(np.r_[np.ones(d - 1), variance])[None]
    assert not np.isfinite(density(np.ones((3, d)), np.zeros((1, d)), covariance)).any()


@pytest.mark.parametrize("form", ["full", "diagonal"])
@pytest.mark.parametrize("far", [1e160, 1e300])
def test_a_point_absurdly_far_away_quietly_has_density_zero(form, far):
    model = lk.MultivariateNormal(form, mean=[1.0, 2.0], covariance=[[2.0, 0.0], [0.0, 1.0]])
    near_by = stats.multivariate_normal([1, 2], [[2, 0], [0, 1]]).logpdf([0, 0])
    np.testing.assert_allclose(model.log_prob([[0, 0], [far, -far]]), [near_by, -np.inf], rtol=1e-12)


def test_draws_have_the_covariance_of_their_member():
    covariance = spd(2, 3)
    members = np.repeat([0, 1], 100_000)
    z = normal_draws(covariance, members, np.random.default_rng(0))
    for k in (0, 1):
        assert np.cov(z[members == k].T) == pytest.approx(covariance[k], abs=0.02 * np.abs(covariance[k]).max())


def test_a_common_mean_of_unlike_columns_is_the_numerical_maximum():
    # Columns in units of 1e-6 and 1e6, so that a criterion in absolute terms would stop too early.
    unit = np.array([1e-6, 1e6])
    x = np.concatenate([RNG.normal(0, 1, (40, 2)), RNG.normal(0.5, 3, (40, 2))])
    w = np.repeat(np.eye(2), 40, 0)
    family, table = bank(lk.MultivariateNormal(mean=lk.shared), 2, x * unit)
    params = family.maximize(family.collect(None, None, table, w), None)

    def lost(mean):
        r = [x[:40] - mean, x[40:] - mean]
        return sum(40 * np.linalg.slogdet(a.T @ a / 40)[1] for a in r)

    best = minimize(lost, x.mean(0), method="BFGS", options={"gtol": 1e-9})
    assert params.mean[0] / unit == pytest.approx(best.x, abs=1e-6)
    assert params.mean[1].tolist() == params.mean[0].tolist()


@pytest.mark.parametrize(
    "model",
    [
        lk.MultivariateNormal(mean=[[1, np.nan], [2, 3], [np.nan, np.nan]]),
        lk.MultivariateNormal(mean=lk.shared),
        lk.MultivariateNormal(covariance=lk.shared),
        lk.MultivariateNormal(mean=lk.shared, covariance=[[2, 0.5], [0.5, 1]]),
    ],
)
def test_a_member_without_weight_keeps_what_it_had_and_disturbs_nobody(model):
    x = RNG.normal(size=(30, 2)) + [1, 3]
    family, table = bank(model, 3, x)
    w = RNG.random((30, 3))
    first = family.maximize(family.collect(None, None, table, w), None)
    w[:, 2] = 0
    second = family.maximize(family.collect(first, None, table, w), first)
    alone, _ = bank(model_of_two(model), 2, x)
    two = alone.maximize(alone.collect(None, None, table, w[:, :2]), None)
    assert second.mean[:2] == pytest.approx(two.mean, rel=1e-9)
    assert second.covariance[:2] == pytest.approx(two.covariance, rel=1e-9)
    if not family.slots["mean"].ties:
        assert second.mean[2].tolist() == first.mean[2].tolist()
    if not family.slots["covariance"].ties:
        assert second.covariance[2].tolist() == first.covariance[2].tolist()


def model_of_two(model):
    return lk.MultivariateNormal(
        mean=model.mean[:2] if isinstance(model.mean, np.ndarray) else model.mean, covariance=model.covariance
    )


@pytest.mark.parametrize(
    "columns", [[[1.0, 2], [2, 4], [3, 6], [4, 8]], [[1.0, 7], [2, 7], [4, 7]], [[1e8 + 1, 1]] * 5]
)
def test_dependent_or_constant_columns_are_degenerate(columns):
    family, table = bound(lk.MultivariateNormal(), columns)
    with pytest.raises(lk.Degenerate) as e:
        family.maximize(family.collect(None, None, table, np.ones((len(columns), 1))), None)
    assert str(e.value) == "its covariance fell to zero"
    assert e.value.members == (0,)
    assert e.value.weights == (len(columns),)


def test_dependent_columns_are_found_also_after_merging_many_chunks():
    x = RNG.normal(1e3, 1, (20_000, 1)) * [1, 2, -3] + [0, 5, 1]
    family, table = bound(lk.MultivariateNormal(), x)
    total = None
    for a in range(0, 20_000, 1000):
        chunk = table.take(slice(a, a + 1000))
        total = family.collect(None, None, chunk, np.ones((1000, 1))) + total
    with pytest.raises(lk.Degenerate):
        family.maximize(total, None)


def test_a_tight_cluster_far_from_another_is_no_collapse():
    x = np.concatenate([RNG.normal(size=(50, 2)), [1e6, 1e6] + RNG.normal(size=(50, 2))])
    family, table = bound(lk.Mixture(lk.MultivariateNormal(), 2), x)
    params = family.start(table, np.ones((100, 1)), np.random.default_rng(0))
    for _ in range(20):
        params = family.maximize(e_step(family, params, table)[1], params)
    order = np.argsort(params.component.mean[:, 0])
    for k, part in zip(order, (x[:50], x[50:]), strict=True):
        assert params.component.mean[k] == pytest.approx(part.mean(0), rel=1e-14, abs=1e-14)
        assert params.component.covariance[k] == pytest.approx(np.cov(part.T, bias=True), rel=1e-9)


def test_a_prior_counts_once_however_many_members_share_the_slot():
    prior = lk.InverseWishart(7, [[2, 0.5], [0.5, 1]])
    x = RNG.normal(size=(40, 2))
    w = RNG.random((40, 3))
    model = lk.MultivariateNormal(covariance=lk.shared(prior))
    family = model.bind((Axis("component", 3),), {"d": 2})
    _, table = bound(lk.MultivariateNormal(), x)
    new = family.maximize(family.collect(None, None, table, w), None)
    scatter = sum(np.cov(x.T, aweights=w[:, k], bias=True) * w[:, k].sum() for k in range(3))
    expected = (scatter + prior.scale) / (w.sum() + 7 + 3)
    assert new.covariance == pytest.approx(np.broadcast_to(expected, (3, 2, 2)), rel=1e-12)


@pytest.mark.parametrize(("least", "degenerate"), [(0.5e-12, True), (2e-12, False)])
def test_a_direction_of_no_variance_is_found_among_many_columns(least, degenerate):
    """The floor is 1e-12 of the columns' own variances, however many columns there are."""
    d = 200
    x = np.random.default_rng(8).normal(size=(3 * d, d))
    x[:, 1] = x[:, 0]
    q = np.linalg.qr(x - x.mean(0))[0]
    contrast = q[:, 1] - q[:, 0] * (q[:, 0] @ q[:, 1])
    # Two columns a + b and a - b: their correlation matrix has the smaller eigenvalue 2 |b|^2 / (|a|^2 + |b|^2).
    x[:, 0], x[:, 1] = q[:, 0] + np.sqrt(least / 2) * contrast, q[:, 0] - np.sqrt(least / 2) * contrast
    x[:, 2:] = q[:, 2:]
    if degenerate:
        with pytest.raises(lk.FitError, match="its covariance fell to zero"):
            lk.fit(lk.MultivariateNormal(), x)
    else:
        assert lk.fit(lk.MultivariateNormal(), x).converged
