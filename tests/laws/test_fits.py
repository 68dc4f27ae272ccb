"""Laws of whole fits: bits, permutations, labels, scales, recovery, storage."""

import numpy as np
import pytest

import likely as lk
from cases import CASES, PAIR, REAL
from likely.engines.local import Local

BLOBS = np.concatenate([np.random.default_rng(i).normal(c, 1, (200, 2)) for i, c in enumerate([0, 6, 12])])


def test_threads_do_not_change_a_bit():
    x = np.random.default_rng(0).normal(np.repeat([[0.0, 0.0], [4.0, 8.0]], 40_000, axis=0), [1, 2])
    one, two = (lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), x, starts=2, threads=t, max_passes=30) for t in (1, 2))
    assert one.model == two.model
    assert one.log_likelihood == two.log_likelihood


def test_the_same_call_gives_the_same_fit():
    one, two = (lk.fit(lk.Mixture(lk.Normal(), 2), REAL) for _ in range(2))
    assert one.model == two.model
    assert one.starts == two.starts


def test_order_of_rows_changes_nothing_but_rounding():
    x = np.random.default_rng(1).permutation(BLOBS)
    one, two = (lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), d) for d in (BLOBS, x))
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-6)


def test_permuting_members_of_the_start_permutes_the_answer():
    start = lk.Mixture(lk.Normal(mean=[0, 3], variance=[1, 2]), 2, weights=[0.4, 0.6])
    flipped = lk.Mixture(lk.Normal(mean=[3, 0], variance=[2, 1]), 2, weights=[0.6, 0.4])
    one, two = (lk.fit(lk.Mixture(lk.Normal(), 2), REAL, start=s).model for s in (start, flipped))
    assert one.component.mean == pytest.approx(two.component.mean[::-1], abs=1e-9)
    assert one.weights == pytest.approx(two.weights[::-1], abs=1e-9)


def test_complete_labels_give_direct_maximum_likelihood_at_once():
    labels = np.repeat([0, 1, 2], 200)
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), BLOBS, labels=labels)
    for j in range(3):
        alone = lk.fit(lk.MultivariateNormal(), BLOBS[labels == j]).model
        assert fit.model.component.mean[j] == pytest.approx(alone.mean, rel=1e-12)
        assert fit.model.component.covariance[j] == pytest.approx(alone.covariance, rel=1e-10)
    assert fit.trace[0].objective == pytest.approx(fit.objective, rel=1e-14)


def test_a_few_labels_name_the_components():
    labels = np.full(600, -1)
    labels[[0, 200, 400]] = [2, 0, 1]
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), BLOBS, labels=labels)
    assert fit.model.component.mean[[2, 0, 1], 0] == pytest.approx([0, 6, 12], abs=0.3)


@pytest.mark.parametrize(("shift", "scale"), [(1e8, 1), (0, 1e8), (0, 1e-8), (-1e6, 1e3)])
def test_shift_and_scale_move_the_answer_along(shift, scale):
    plain = lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), BLOBS)
    moved = lk.fit(lk.Mixture(lk.MultivariateNormal(), 3), shift + scale * BLOBS)
    assert moved.model.component.mean == pytest.approx(shift + scale * plain.model.component.mean, rel=1e-6)
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood - BLOBS.size * np.log(scale), rel=1e-6)


def test_a_mixture_is_recovered_from_its_own_samples():
    truth = lk.Mixture(lk.Normal(mean=[0, 5], variance=[1, 4]), 2, weights=[0.3, 0.7])
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), truth.sample(20_000, seed=3))
    order = np.argsort(fit.model.component.mean)
    assert fit.model.component.mean[order] == pytest.approx([0, 5], abs=0.1)
    assert fit.model.component.variance[order] == pytest.approx([1, 4], abs=0.3)
    assert fit.model.weights[order] == pytest.approx([0.3, 0.7], abs=0.02)
    assert fit.log_likelihood > truth.log_prob(truth.sample(20_000, seed=3)).sum()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights_of_two_equal_two_copies(case):
    family, table = case.bound()
    params = family.start(table, np.ones((len(table), 1)), np.random.default_rng(0))
    double = table.with_(weights=np.full(len(table), 2.0))
    twice = table.take(np.repeat(np.arange(len(table)), 2))
    with Local(double, 1) as a, Local(twice, 1) as b:
        assert a.evaluate(family, params).log_likelihood == pytest.approx(
            b.evaluate(family, params).log_likelihood, rel=1e-12
        )


def test_map_with_a_vanishing_prior_is_maximum_likelihood():
    ml = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), PAIR)
    weak = lk.InverseWishart(1e-9, 1e-9 * np.eye(2))
    # An inverse Wishart worth nothing still has d + 1 degrees of freedom in its mode; 1e6 copies of the data hide them.
    heavy = lk.fit(
        lk.Mixture(lk.MultivariateNormal(covariance=weak), 2), PAIR, weights=np.full(len(PAIR), 1e6), start=ml
    )
    assert heavy.model.component.covariance == pytest.approx(ml.model.component.covariance, rel=1e-3)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fit_survives_its_file(case, tmp_path):
    names = tuple(case.model.parts()) if isinstance(case.model, lk.Product) else None
    data = dict(zip(names, case.x.T, strict=True)) if names else case.x
    data = case.bound()[1] if case.lengths else data
    given = None if case.lengths else case.given
    fit = lk.fit(case.model, data, given=given, starts=1, max_passes=5)
    fit.save(tmp_path / "fit.json")
    again = lk.load(tmp_path / "fit.json")
    assert again.model == fit.model
    assert again.family == fit.family
    assert (again.log_likelihood, again.n_free, again.outcome, again.starts) == (
        fit.log_likelihood,
        fit.n_free,
        fit.outcome,
        fit.starts,
    )
    np.testing.assert_array_equal(again.log_prob(data, given=given), fit.log_prob())
    assert str(again.summary())
