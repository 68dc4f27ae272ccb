"""States that last, and moves that depend on covariates, against the enumeration of all paths."""

import itertools

import numpy as np
import pytest
from scipy import stats

import likely as lk

DURATIONS = np.array([[0.2, 0.5, 0.0, 0.3, 0, 0], [0.6, 0.0, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]])


def shares(paths, joint, m):
    """(n, m): probability of each state at each row under weights exp(joint); and the weights."""
    w = np.exp(joint - joint.max())
    w /= w.sum()
    return np.stack([w @ (paths == i) for i in range(m)], 1), w


def pairs_of(paths, w, m):
    """(n - 1, m, m)."""
    pairs = np.array([[w @ ((paths[:, :-1] == i) & (paths[:, 1:] == j)) for j in range(m)] for i in range(m)])
    return pairs.transpose(2, 0, 1)


def lasting(seed, rows=6):
    """States that last, by a table of durations: the model, rows, all paths and their log joint probabilities."""
    rng = np.random.default_rng(seed)
    moves = rng.dirichlet(np.ones(3), 3)
    np.fill_diagonal(moves, 0.0)
    moves /= moves.sum(1, keepdims=True)
    first, rates = rng.dirichlet(np.ones(3)), rng.uniform(0.5, 9, 3)
    x = rng.poisson(4, 6).astype(float)
    x[rng.integers(5)] = np.nan
    x = x[:rows]
    durations = lk.Categorical(DURATIONS, categories=[0, 1, 2, 3, 4, 5])
    model = lk.HMM(lk.Poisson(rates), 3, initial=first, transition=moves, durations=durations)
    density = np.where(np.isnan(x)[:, None], 0.0, stats.poisson.logpmf(np.nan_to_num(x)[:, None], rates))
    paths = np.array(list(itertools.product(range(3), repeat=rows)))
    return model, x, paths, np.array([joint_of_stays(p, first, moves, density) for p in paths])


def joint_of_stays(path, first, moves, density):
    """Log probability of one path with its rows; the last stay lasts at least as long as it is seen."""
    runs = [(j, len(list(g))) for j, g in itertools.groupby(path)]
    p = first[runs[0][0]]
    for (j, d), (k, _) in itertools.pairwise(runs):
        p *= DURATIONS[j, d - 1] * moves[j, k]
    j, d = runs[-1]
    p *= DURATIONS[j, d - 1 :].sum()
    with np.errstate(divide="ignore"):
        return np.log(p) + density[np.arange(len(path)), path].sum()


@pytest.mark.parametrize("seed", range(4))
def test_states_that_last_are_told_as_all_paths_together_have_them(seed):
    model, x, paths, joint = lasting(seed)
    gamma, w = shares(paths, joint, 3)
    np.testing.assert_allclose(model.smoothed(x), gamma, atol=1e-12)
    for t in range(1, 7):
        until = lasting(seed, t)[2:]
        np.testing.assert_allclose(model.filtered(x)[t - 1], shares(*until, 3)[0][-1], atol=1e-12)
    pairs = pairs_of(paths, w, 3)
    np.testing.assert_allclose(model.pairwise(x, rows=True)[1:], pairs, atol=1e-12)
    np.testing.assert_allclose(model.pairwise(x), [pairs.sum(0)], atol=1e-12)
    np.testing.assert_allclose(model.entropy(x), [-(w[w > 0] * np.log(w[w > 0])).sum()], atol=1e-11)
    best = model.decode(x, paths=10)
    np.testing.assert_allclose(best.log_probs[:, 0], -np.sort(-joint)[:10], rtol=1e-11)
    place = {tuple(p): j for p, j in zip(paths.tolist(), joint, strict=True)}
    np.testing.assert_allclose([place[tuple(p)] for p in best.paths.tolist()], best.log_probs[:, 0], rtol=1e-11)
    each = model.decode(x, method="posterior")
    np.testing.assert_allclose(each.log_prob, place[tuple(each.states.tolist())], rtol=1e-11)


@pytest.mark.parametrize("seed", range(2))
def test_forecasts_of_states_that_last_are_those_of_rows_not_yet_seen(seed):
    model, x, *_ = lasting(seed, 4)
    later = model.smoothed(np.append(x, [np.nan, np.nan]))[4:]
    np.testing.assert_allclose(model.forecast(2, x).states[0], later, atol=1e-12)
    np.testing.assert_allclose(model.forecast(2).states[0], model.smoothed([[np.nan, np.nan], [1.0]])[:2], atol=1e-12)
    np.testing.assert_allclose(model.predicted(np.append(x, 1.0))[4], later[0], atol=1e-12)


def test_drawn_paths_respect_durations():
    model, x, paths, joint = lasting(2, 4)
    w = shares(paths, joint, 3)[1]
    drawn = model.sample_paths(x, 20_000, seed=1) @ (3 ** np.arange(4)[::-1])
    counts = np.bincount(drawn, minlength=3**4)
    assert not counts[w == 0].any()
    seen = w > 1e-3
    assert stats.chisquare(counts[seen], counts[seen].sum() * w[seen] / w[seen].sum()).pvalue > 1e-3


def test_states_that_last_have_their_share_of_rows_in_the_long_run():
    model = lk.HMM(
        lk.Normal([0, 5], 1.0), 2, initial=[1, 0], transition=[[0, 1], [1, 0]], durations=lk.Poisson([2.0, 5.0])
    )
    np.testing.assert_allclose(model.expected_durations(), [3, 6])
    np.testing.assert_allclose(model.stationary_distribution(), [1 / 3, 2 / 3])
    assert model.sample(30_000, states=True)[1].mean() == pytest.approx(2 / 3, abs=0.02)


def test_long_stays_are_refused_where_they_would_take_too_much_room():
    model = lk.HMM(
        lk.Normal([0, 5], 1.0), 2, initial=[1, 0], transition=[[0, 1], [1, 0]], durations=lk.Poisson([2.0, 5.0])
    )
    with pytest.raises(lk.ModelError) as e:
        model.filtered(np.zeros(2001))
    assert str(e.value) == (
        "with durations=... this takes a matrix for all 2001 rows that a stay in each of the 2 states can last, and "
        "4002 is more than 4000. decode() and smoothed() are there; or cut the sequence."
    )


def test_moves_may_depend_on_covariates():
    u = np.array([[0.0], [1.0], [0.0], [2.0], [1.0]])
    intercept, slope = np.array([-1.0, 0.5]), np.array([[2.0], [-1.0]])
    regression = lk.LogisticRegression(intercept=intercept, coefficients=slope)
    model = lk.HMM(lk.Normal([0, 2], 1.0), 2, initial=[0.3, 0.7], transition=regression)
    x = np.array([0.1, 2.2, 1.0, np.nan, 1.4])
    to_one = 1 / (1 + np.exp(-(intercept + u @ slope.T)))  # (n, from)
    moves = np.log(np.stack([1 - to_one, to_one], 2))
    paths = np.array(list(itertools.product(range(2), repeat=5)))
    density = np.where(np.isnan(x)[:, None], 0.0, stats.norm.logpdf(x[:, None], [0, 2]))
    joint = np.log([0.3, 0.7])[paths[:, 0]] + density[np.arange(5), paths].sum(1)
    joint += moves[np.arange(1, 5), paths[:, :-1], paths[:, 1:]].sum(1)
    gamma, w = shares(paths, joint, 2)
    np.testing.assert_allclose(model.smoothed(x, u), gamma, atol=1e-12)
    np.testing.assert_allclose(model.pairwise(x, u, rows=True)[1:], pairs_of(paths, w, 2), atol=1e-12)
    best = model.decode(x, u, paths=32)
    np.testing.assert_allclose(best.log_probs[:, 0], -np.sort(-joint), rtol=1e-12)
    np.testing.assert_allclose(model.filtered(x, u)[-1], gamma[-1], atol=1e-12)
    ahead = (model.filtered(x, u)[:-1, :, None] * np.exp(moves[1:])).sum(1)
    np.testing.assert_allclose(model.predicted(x, u)[1:], ahead, atol=1e-12)
    assert len(model.sample(given=u, states=True)[1]) == 5
    with pytest.raises(lk.ModelError) as e:
        model.forecast(2, x, u)
    assert str(e.value) == "forecast(2): moves depend on covariates, which are not known of rows to come."
    with pytest.raises(lk.ModelError) as e:
        model.stationary_distribution()
    assert str(e.value) == (
        "this is told of chains whose moves are the same at all rows, and here they depend on covariates."
    )
