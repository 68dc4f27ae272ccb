"""Normal distributions of independent columns: squares alone do what all products would."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, random_weights
from likely.core.data import Belief
from likely.families.diagonal import DiagonalMoments, diagonal_moments, log_diagonal
from likely.families.moments import moments
from support import bound

RNG = np.random.default_rng(6)


def same(found, full, rel=1e-12):
    assert found.weight == pytest.approx(full.weight, rel=rel)
    assert found.mean == pytest.approx(full.mean, rel=rel, abs=rel)
    assert found.scatter == pytest.approx(np.einsum("kdd->kd", full.scatter), rel=rel)


@pytest.mark.parametrize(("n", "d", "k"), [(2, 1, 1), (5000, 3, 4), (300, 60, 2), (9, 625, 3)])
def test_moments_are_the_diagonal_of_the_full_ones(n, d, k):
    x, w = RNG.normal(3, 2, (n, d)), RNG.random((n, k))
    same(diagonal_moments(x, w), moments(x, w), 1e-11)


@pytest.mark.parametrize("separation", [1e2, 1e4, 1e6])
def test_tight_clusters_far_from_the_centre_keep_their_digits(separation):
    x = np.concatenate([RNG.normal(size=(300, 2)) + separation * np.array(c) for c in ([0, 0], [1, 1], [-1, 2])])
    w = np.repeat(np.eye(3), 300, 0) * RNG.random((900, 1))
    same(diagonal_moments(x, w), moments(x, w), 1e-11)


def test_zero_weight_never_touches_a_value():
    x, w = RNG.normal(size=(60, 2)), RNG.random((60, 3))
    w[::7] = 0
    clean = diagonal_moments(x, w)
    x[::7] = 1e300
    found = diagonal_moments(x, w)
    assert found.mean == pytest.approx(clean.mean, rel=1e-12)
    assert found.scatter == pytest.approx(clean.scatter, rel=1e-11)
    none = diagonal_moments(RNG.normal(size=(20, 2)), np.zeros((20, 1)))
    assert (none.weight.tolist(), none.scatter.tolist()) == ([0], [[0, 0]])
    assert diagonal_moments(np.zeros((0, 2)), np.zeros((0, 1))).weight.tolist() == [0]


def test_points_of_their_own_and_beliefs_count_too():
    x, w = RNG.normal(5, 1, (200, 4, 3)), RNG.random((200, 4))
    same(diagonal_moments(x, w), moments(x, w), 1e-11)
    blur = np.broadcast_to([[2, 0.5], [0.5, 1]], (50, 2, 2))
    points, w = RNG.normal(size=(50, 2)), RNG.random((50, 3))
    same(diagonal_moments(Belief(points, blur), w), moments(Belief(points, blur), w))
    each = np.broadcast_to(blur[:, None], (50, 3, 2, 2))
    own = np.repeat(points[:, None], 3, 1)
    same(diagonal_moments(Belief(own, each), w), moments(Belief(own, each), w))


def test_merging_packing_and_moving_are_exact():
    x, w = RNG.normal(1e4, 1, (90, 3)), RNG.random((90, 2))
    a, b, c = (diagonal_moments(x[i : i + 30], w[i : i + 30]) for i in (0, 30, 60))
    whole = diagonal_moments(x, w)
    for merged in ((a + b) + c, a + (b + c), (c + a) + b):
        assert merged.scatter == pytest.approx(whole.scatter, rel=1e-10)
        assert merged.mean == pytest.approx(whole.mean, rel=1e-13)
    u = a.pack(whole) + b.pack(whole) + c.pack(whole)
    assert len(u) == 2 * (2 + 3 + 3) == len(whole.positive())
    assert u == pytest.approx(whole.pack(whole), rel=1e-9, abs=1e-9)
    back, used = whole.unpack(u, whole)
    assert isinstance(back, DiagonalMoments)
    assert used == len(u)
    assert back.scatter == pytest.approx(whole.scatter, rel=1e-9)
    point = RNG.normal(1e4, 1, (2, 3))
    assert whole.about(point) == pytest.approx(np.einsum("kdd->kd", moments(x, w).about(point)), rel=1e-10)
    assert whole.valid()
    assert not diagonal_moments(x[:1], w[:1]).valid()
    both = DiagonalMoments.concatenate([a, b])
    assert both.scatter.shape == (4, 3)


@pytest.mark.parametrize("offset", [0, 1e8])
@pytest.mark.parametrize("separation", [1, 1e2, 1e6])
def test_log_density_of_many_members_is_that_of_each(separation, offset):
    mean = offset + separation * RNG.normal(size=(4, 3))
    variance = RNG.exponential(size=(4, 3)) + 0.1
    x = np.concatenate([m + RNG.normal(size=(500, 3)) for m in mean])
    expected = np.stack([stats.norm(m, np.sqrt(v)).logpdf(x).sum(1) for m, v in zip(mean, variance, strict=True)], 1)
    assert log_diagonal(x, mean, variance) == pytest.approx(expected, rel=1e-11, abs=1e-10)
    own = np.repeat(x[:50, None], 4, 1)
    assert log_diagonal(own, mean, variance) == pytest.approx(expected[:50], rel=1e-11, abs=1e-10)
    assert log_diagonal(x[:0], mean, variance).shape == (0, 4)


@pytest.mark.parametrize("form", ["diagonal", "spherical", "VEI"])
@pytest.mark.parametrize("mean", [None, lk.shared, lk.shared + [[0, 0], [1, 2]], [[np.nan, 1], [0, np.nan]]])
def test_means_of_every_kind_are_those_of_full_covariances_without_correlations(form, mean):
    x, w = RNG.normal(size=(60, 2)) * [1, 4], random_weights(60, 2)
    slots = {} if mean is None else {"mean": mean}
    family, table = bank(lk.MultivariateNormal(form, **slots), 2, x)
    found = family.maximize(family.collect(None, None, table, w), None)
    full, _ = bank(lk.MultivariateNormal(covariance=found.covariance, **slots), 2, x)
    expected = full.maximize(full.collect(None, None, table, w), None)
    assert found.mean == pytest.approx(expected.mean, rel=1e-7, abs=1e-9)


def test_draws_have_their_variances():
    x = lk.MultivariateNormal("diagonal", mean=[1, 2], covariance=[[4, 0], [0, 0.25]]).sample(100_000, seed=1)
    assert x.mean(0) == pytest.approx([1, 2], abs=0.03)
    assert np.cov(x.T) == pytest.approx(np.diag([4, 0.25]), abs=0.05)


def test_many_columns_cost_numbers_of_their_order():
    x = RNG.normal(size=(40, 625))
    family, table = bound(lk.Mixture(lk.MultivariateNormal("diagonal"), 2), x)
    params = family.start(table, np.ones((40, 1)), np.random.default_rng(0))
    record = family.collect(params, family.infer(params, table), table, np.ones((40, 1))).component
    assert record.scatter.shape == (2, 625)
    assert len(record.pack(record)) == 2 * (2 + 2 * 625)


def test_a_constant_column_is_explained():
    x = np.column_stack([RNG.normal(size=20), np.full(20, 3.0)])
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Mixture(lk.MultivariateNormal("VEI"), 2), x)
    assert str(e.value) == (
        "column 2 is constant (3 in all 20 rows): the likelihood grows without bound as the variance falls to 0. "
        "Leave the column out, or give the variance a value or a prior."
    )
