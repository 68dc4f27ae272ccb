"""K-means: published answers, what it equals, and its edges."""

import numpy as np
import pytest
from sklearn.cluster import KMeans as Reference
from sklearn.datasets import load_iris, load_wine

import likely as lk
from likely.core.data import Table
from likely.core.setting import Setting
from likely.engines.local import Local, width_of

X = np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]])


def blobs(n, d, k, seed=0, apart=4.0):
    rng = np.random.default_rng(seed)
    return apart * rng.normal(size=(k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d))


def brute(x, centres):
    return np.square(x[:, None] - centres).sum(-1)


def settled(found, x, weights=None):
    """Every row is with its nearest centre, every centre is the mean of its rows, and the inertia is theirs."""
    away = brute(np.asarray(x, float), found.centres)
    np.testing.assert_array_equal(found.labels, away.argmin(1))
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    for k, centre in enumerate(found.centres):
        own = found.labels == k
        np.testing.assert_allclose(centre, np.average(x[own], axis=0, weights=w[own]), rtol=1e-12, atol=1e-12)
    assert found.inertia == pytest.approx(w @ away.min(1), rel=1e-12)
    assert found.converged


def test_scikit_learns_example_with_weights():
    found = lk.kmeans(X, 2, start=[[0, 0], [1, 1]], weights=[3, 1, 1, 3])
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 1])
    np.testing.assert_allclose(found.centres, [[0.125, 0], [0.875, 1]], rtol=1e-15)
    assert found.inertia == 0.375


def test_a_centre_without_rows_takes_the_farthest_row():
    found = lk.kmeans(X, 2, start=[[0.5, 0.5], [3, 3]])
    np.testing.assert_array_equal(found.centres, [[0.25, 0], [0.75, 1]])
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 1])
    assert found.inertia == 0.25


def test_many_centres_without_rows():
    x = blobs(300, 2, 4)
    start = np.concatenate([x[:1], 1e3 + np.arange(10.0).reshape(5, 2)])
    found = lk.kmeans(x, 6, start=start)
    assert np.bincount(found.labels, minlength=6).min() > 0
    settled(found, x)


@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_answer_is_settled_whatever_the_units(scale, offset):
    x = (blobs(400, 3, 4) + offset) * scale
    found = lk.kmeans(x, 4)
    labels = lk.kmeans(blobs(400, 3, 4), 4).labels
    np.testing.assert_array_equal(found.labels, labels)


@pytest.mark.parametrize(("d", "k"), [(1, 3), (2, 1), (4, 7)])
def test_rows_are_with_their_nearest_centre_and_centres_are_means(d, k):
    x = blobs(500, d, k)
    settled(lk.kmeans(x, k), x)


def test_compiled_and_plain_passes_agree():
    """On many rows starts are tried on a sample, and passes are compiled."""
    x = blobs(30_000, 5, 6)
    found = lk.kmeans(x, 6, starts=3)
    settled(found, x)
    truth = Reference(6, init=found.centres + 0.5, n_init=1, tol=0).fit(x)
    again = lk.kmeans(x, 6, start=found.centres + 0.5)
    assert again.inertia == pytest.approx(truth.inertia_, rel=1e-12)
    np.testing.assert_array_equal(again.labels, truth.labels_)


def test_threads_do_not_change_a_bit():
    x = blobs(40_000, 4, 8, apart=1.0)
    one, two = (lk.kmeans(x, 8, start=x[:8], threads=threads, max_passes=20) for threads in (1, 2))
    np.testing.assert_array_equal(one.centres, two.centres)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.inertia == two.inertia


def test_weights_are_repeated_rows_and_zero_is_an_absent_row():
    x, counts = blobs(300, 2, 3), np.random.default_rng(1).integers(0, 4, 300)
    weighted = lk.kmeans(x, 3, start=x[:3], weights=counts)
    repeated = lk.kmeans(np.repeat(x, counts, 0), 3, start=x[:3])
    np.testing.assert_allclose(weighted.centres, repeated.centres, rtol=1e-12)
    assert weighted.inertia == pytest.approx(repeated.inertia, rel=1e-12)
    assert len(weighted.labels) == 300
    np.testing.assert_array_equal(weighted.labels, brute(x, weighted.centres).argmin(1))


def test_duplicate_rows():
    x = np.repeat([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], 20, 0)
    found = lk.kmeans(x, 2)
    assert found.inertia == pytest.approx(20 * 41 / 2)  # (5, 5) and (9, 0) share a centre halfway
    settled(found, x)


def test_rows_in_single_precision():
    x = blobs(2000, 3, 4).astype(np.float32)
    found, wide = lk.kmeans(x, 4), lk.kmeans(x.astype(float), 4)
    np.testing.assert_array_equal(found.labels, wide.labels)
    np.testing.assert_allclose(found.centres, wide.centres, rtol=1e-12)


def test_new_rows_go_to_the_nearest_centre():
    x = blobs(500, 2, 3)
    found = lk.kmeans(x, 3)
    new = blobs(50_000, 2, 3, seed=5)
    np.testing.assert_array_equal(found.predict(new), brute(new, found.centres).argmin(1))
    np.testing.assert_array_equal(found.predict(new[:7]), brute(new[:7], found.centres).argmin(1))


def test_the_model_is_the_mixture_of_equal_spheres():
    x = blobs(400, 3, 2)
    found = lk.kmeans(x, 2)
    variance = found.inertia / x.size
    np.testing.assert_allclose(found.model.component.covariance, variance * np.stack([np.eye(3)] * 2), rtol=1e-12)
    same = lk.fit(
        lk.Mixture(lk.MultivariateNormal("spherical", covariance=lk.shared), 2, weights=[0.5, 0.5]),
        x, hard=True, start=found.model,
    )  # fmt: skip
    np.testing.assert_allclose(same.model.component.mean, found.centres, rtol=1e-12)


@pytest.mark.parametrize("k", [3, 10])
@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_no_worse_than_scikit_learn(load, k):
    x = load().data
    theirs = Reference(k, n_init=10, random_state=0).fit(x).inertia_
    assert lk.kmeans(x, k).inertia <= theirs * 1.003


def test_a_limit_of_passes_is_kept_and_said():
    x = blobs(3000, 2, 8, apart=1.0)
    found = lk.kmeans(x, 8, start=x[:8], max_passes=3)
    assert len(found.fit.trace) == 3
    assert not found.converged
    assert found.outcome is lk.Outcome.pass_limit


def test_text_of_a_result():
    assert repr(lk.kmeans(X, 2, start=[[0, 0], [1, 1]])) == "KMeans(2 centres, inertia=0.25, rows=[2, 2])"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"k": 0}, "kmeans(x, 0): the number of centres must be a whole number from 1."),
        ({"k": True}, "kmeans(x, True): the number of centres must be a whole number from 1."),
        ({"k": 2, "starts": 0}, "starts=0; at least one start is needed."),
        (
            {"k": 2, "start": [[0.0, 1.0]]},
            "start has shape (1, 2); 2 centres in 2 columns need numbers in shape (2, 2).",
        ),
        (
            {"k": 1, "start": [[0.0, np.nan]]},
            "start has values that are not finite; 1 centres in 2 columns need numbers in shape (1, 2).",
        ),
        ({"k": 5}, "5 components, but the data has only 4 distinct rows; ask for at most 4."),
        (
            {"k": 4},
            "4 centres leave no distance between the 4 rows and the nearest of them, so the common variance is 0. "
            "Ask for fewer centres than there are distinct rows.",
        ),
    ],
)
def test_what_cannot_be_done_is_said(given, text):
    with pytest.raises(lk.LikelyError) as e:
        lk.kmeans(X, **given)
    assert str(e.value) == text


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("component", "d", "k"),
    [
        (lk.Normal(variance=lk.shared), 1, 60),
        (lk.MultivariateNormal("spherical", covariance=lk.shared), 1, 60),
        (lk.MultivariateNormal("EII"), 3, 20),
        (lk.MultivariateNormal("spherical", covariance=2.0), 3, 20),
    ],
    ids=repr,
)
def test_the_fast_path_equals_the_default_path(component, d, k, weighted):
    """Law 9, along several passes, and where weights or variances are not equal too."""
    x, rng = blobs(6000, d, k, apart=20.0) + 1e4, np.random.default_rng(0)
    table = Table(x, weights=rng.random(6000) if weighted else None)
    for weights, nearest in (([1 / k] * k, True), (rng.dirichlet([5.0] * k), False)):
        family = lk.Mixture(component, k, weights=weights).bind((), Setting.of(table))
        params = family.start(table, np.array(table.weight_column()), rng)
        with (
            Local(table, width_of(family), sweeps=True) as fast,
            Local(table, width_of(family), sweeps=False) as plain,
        ):
            for _ in range(6):
                one, two = (engine.evaluate(family, params, 0.0) for engine in (fast, plain))
                assert one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-12)
                np.testing.assert_allclose(one.stats.counts, two.stats.counts, rtol=1e-12)
                seen = one.stats.counts[0] > 0
                np.testing.assert_allclose(one.stats.component.mean[seen], two.stats.component.mean[seen], rtol=1e-12)
                scale = np.abs(two.stats.component.scatter).max()
                np.testing.assert_allclose(
                    one.stats.component.scatter, two.stats.component.scatter, rtol=1e-9, atol=1e-12 * scale
                )
                params = family.maximize(one.stats, params)
            assert all(("nearest" in chunk.memo) is nearest for chunk in fast.chunks)
