"""What is asked of a hidden Markov model, against the enumeration of all paths and published values."""

import itertools
from importlib import resources

import numpy as np
import pytest
from scipy import stats

import likely as lk
from likely.core.sequences import sequences_of

UMBRELLA = lk.HMM(lk.Bernoulli([0.9, 0.2]), 2, initial=[0.5, 0.5], transition=[[0.7, 0.3], [0.3, 0.7]])
SEEN = [1, 1, 0, 1, 1]
QUAKES = np.loadtxt(resources.files("likely") / "data" / "earthquakes.csv", delimiter=",", skiprows=1)[:, 1]
# The fit of Zucchini & MacDonald with three states that begin in the long run, with the digits that they print.
THREE = lk.HMM(
    lk.Poisson([13.1457, 19.7211, 29.7144]), 3, initial=[0.4436, 0.4045, 0.1519],
    transition=[[0.9547, 0.0244, 0.0209], [0.0498, 0.8993, 0.0509], [0, 0.1966, 0.8034]],
)  # fmt: skip


def problem(seed, states=3, rows=6):
    """A random chain with zeros, rows of which some are missing, and log densities of the rows (n, m)."""
    rng = np.random.default_rng(seed)
    moves = rng.dirichlet(np.ones(states), states) * (rng.random((states, states)) < 0.7)
    moves[np.arange(states), (np.arange(states) + 1) % states] += 0.1
    moves /= moves.sum(1, keepdims=True)
    first = rng.dirichlet(np.ones(states)) * (np.arange(states) != 1)
    rates = rng.uniform(0.5, 9, states)
    x = rng.poisson(4, rows).astype(float)
    x[rng.random(rows) < 0.2] = np.nan
    model = lk.HMM(lk.Poisson(rates), states, initial=first / first.sum(), transition=moves)
    density = np.where(np.isnan(x)[:, None], 0.0, stats.poisson.logpmf(np.nan_to_num(x)[:, None], rates))
    return model, x, density


def every_path(model, density):
    """All paths (K^T, T), and their log joint probabilities."""
    paths = np.array(list(itertools.product(range(model.size), repeat=len(density))))
    with np.errstate(divide="ignore"):
        first, moves = np.log(model.initial), np.log(model.transition)
    joint = first[paths[:, 0]] + density[np.arange(len(density)), paths].sum(1)
    return paths, joint + moves[paths[:, :-1], paths[:, 1:]].sum(1)


def shares(paths, joint, m):
    """(n, m): probability of each state at each row under weights exp(joint)."""
    w = np.exp(joint - joint.max())
    w /= w.sum()
    return np.stack([w @ (paths == i) for i in range(m)], 1), w


@pytest.mark.parametrize("seed", range(20))
def test_states_have_the_probabilities_that_all_paths_together_give_them(seed):
    model, x, density = problem(seed, 2 + seed % 2)
    m, n = model.size, len(x)
    paths, joint = every_path(model, density)
    gamma, w = shares(paths, joint, m)
    np.testing.assert_allclose(model.smoothed(x), gamma, atol=1e-12)
    pairs = np.array([[w @ ((paths[:, :-1] == i) & (paths[:, 1:] == j)) for j in range(m)] for i in range(m)])
    by_row = np.concatenate([np.zeros((1, m, m)), pairs.transpose(2, 0, 1)])
    np.testing.assert_allclose(model.pairwise(x, rows=True), by_row, atol=1e-12)
    np.testing.assert_allclose(model.pairwise(x), [pairs.sum(2)], atol=1e-12)
    np.testing.assert_allclose(model.entropy(x), [-(w[w > 0] * np.log(w[w > 0])).sum()], atol=1e-11)
    for t in range(n):
        until = density.copy()
        until[t + 1 :] = 0.0
        np.testing.assert_allclose(model.filtered(x)[t], shares(*every_path(model, until), m)[0][t], atol=1e-12)
        until[t] = 0.0
        np.testing.assert_allclose(model.predicted(x)[t], shares(*every_path(model, until), m)[0][t], atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_paths_are_the_best_of_all(seed):
    model, x, density = problem(seed, 2 + seed % 2)
    paths, joint = every_path(model, density)
    found = model.decode(x, paths=50)
    order = np.argsort(-joint, kind="stable")[: len(found.paths)]
    np.testing.assert_allclose(found.log_probs[:, 0], joint[order], rtol=1e-12)
    place = {tuple(p): j for p, j in zip(paths.tolist(), joint, strict=True)}
    assert len({tuple(p) for p in found.paths.tolist()}) == len(found.paths) == min(50, np.isfinite(joint).sum())
    np.testing.assert_allclose([place[tuple(p)] for p in found.paths.tolist()], found.log_probs[:, 0], rtol=1e-12)
    one = model.decode(x)
    np.testing.assert_array_equal(one.states, found.states)
    np.testing.assert_allclose(one.log_prob, found.log_prob, rtol=1e-12)


def test_ties_go_to_the_lowest_last_state_then_to_the_lowest_before_it():
    model = lk.HMM(lk.Bernoulli(0.5), 2, initial=[0.5, 0.5], transition=[[0.5, 0.5], [0.5, 0.5]])
    found = model.decode([0, 1, 1], paths=9)
    expected = [p[::-1] for p in itertools.product(range(2), repeat=3)]
    assert [tuple(p) for p in found.paths.tolist()] == expected
    np.testing.assert_allclose(found.log_probs, 6 * np.log(0.5))


def test_a_sequence_with_fewer_paths_than_asked_for_has_minus_ones():
    model = lk.HMM(lk.Bernoulli(0.5), 2, initial=[1, 0], transition=[[0.5, 0.5], [0, 1]])
    found = model.decode([[0, 1, 1], [0]], paths=5)
    assert found.paths.tolist() == [[0, 1, 1, 0], [0, 0, 0, -1], [0, 0, 1, -1]]
    np.testing.assert_allclose(found.log_probs[:, 1], [np.log(0.5), -np.inf, -np.inf])
    assert [s.tolist() for s in found.split()] == [[0, 1, 1], [0]]


@pytest.mark.parametrize("seed", range(3))
def test_drawn_paths_come_as_often_as_they_are_probable(seed):
    model, x, density = problem(seed + 30, 2, 5)
    paths, joint = every_path(model, density)
    w = shares(paths, joint, 2)[1]
    drawn = model.sample_paths([x, x[:1]], 20_000, seed=seed)[:, : len(x)]
    codes = drawn @ (2 ** np.arange(len(x))[::-1])
    counts = np.bincount(codes, minlength=2 ** len(x))
    assert not counts[w == 0].any()
    likely_ones = w > 3e-4
    kept = np.append(counts[likely_ones], counts[~likely_ones].sum()), np.append(w[likely_ones], w[~likely_ones].sum())
    seen = kept[1] > 0
    assert stats.chisquare(kept[0][seen], 20_000 * kept[1][seen] / kept[1].sum()).pvalue > 1e-3


def test_sequences_that_need_logarithms_are_told_as_exactly():
    """An unlikely beginning that the end proves right: scaled probabilities lose it (notes on kernels, lost mass)."""
    model = lk.HMM(lk.Normal([0.0, 40.0], 1.0), 2, initial=[0.5, 0.5], transition=[[1, 0], [0, 1]])
    x = np.r_[np.zeros(3), np.full(5, 40.0)]
    np.testing.assert_allclose(model.smoothed(x)[:, 1], 1.0)
    np.testing.assert_allclose(model.pairwise([x, [0.0, 0.0]]), [[[0, 0], [0, 7]], [[1, 0], [0, 0]]], atol=1e-15)
    np.testing.assert_allclose(model.pairwise(x, rows=True)[1:], np.tile([[0, 0], [0, 1.0]], (7, 1, 1)), atol=1e-15)
    assert (model.sample_paths(x, 50) == 1).all()
    np.testing.assert_allclose(model.filtered(x)[0], [1, 0])


def test_the_umbrella_example():
    np.testing.assert_allclose(
        UMBRELLA.filtered(SEEN)[:, 0],
        [0.8181818182, 0.8833570413, 0.1906679397, 0.7307940046, 0.8673388896],
        atol=1e-10,
    )
    np.testing.assert_allclose(
        UMBRELLA.smoothed(SEEN)[:, 0],
        [0.8673388896, 0.8204190536, 0.3074835760, 0.8204190536, 0.8673388896],
        atol=1e-10,
    )
    np.testing.assert_allclose(
        UMBRELLA.pairwise(SEEN)[0], [[2.0801861887, 0.7354743842], [0.7354743842, 0.4488650430]], atol=1e-10
    )
    found = UMBRELLA.decode(SEEN, names=["rain", "dry"])
    assert found.states.tolist() == ["rain", "rain", "dry", "rain", "rain"]
    assert found.log_prob[0] == pytest.approx(-4.4590282910, abs=1e-10)


def test_the_umbrella_example_with_a_day_missing():
    seen = [1, 1, np.nan, 1, 1]
    np.testing.assert_allclose(UMBRELLA.smoothed(seen)[:3, 0], [0.8892378653, 0.9064637791, 0.7803198477], atol=1e-10)
    np.testing.assert_allclose(
        UMBRELLA.pairwise(seen)[0], [[3.1323338839, 0.3501513874], [0.3501513874, 0.1673633413]], atol=1e-10
    )


def test_the_rain_example():
    weather = lk.HMM(
        lk.Categorical([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]]), 2, initial=[0.6, 0.4], transition=[[0.7, 0.3], [0.4, 0.6]]
    )
    seen = [2, 1, 0]  # walk, shop, clean
    np.testing.assert_allclose(weather.smoothed(seen)[:, 0], [0.2317029632, 0.6240628347, 0.8639771510], atol=1e-10)
    np.testing.assert_allclose(
        weather.pairwise(seen)[0], [[0.7647268833, 0.0910389147], [0.7233131025, 0.4209210996]], atol=1e-10
    )
    found = weather.decode(seen)
    assert found.states.tolist() == [1, 0, 0]
    assert np.exp(found.log_prob[0]) == pytest.approx(0.01344)


def decoded(runs):
    """States by year from runs (state from 1, last year)."""
    first, out = 1900, []
    for state, last in runs:
        out += [state - 1] * (last - first + 1)
        first = last + 1
    return out


PUBLISHED = decoded(
    [(1, 1904), (3, 1910), (2, 1918), (1, 1922), (2, 1941), (3, 1950), (2, 1967), (3, 1970), (2, 1980), (1, 2006)]
)


def test_the_states_of_the_earthquakes_are_those_published():
    found = THREE.decode(QUAKES)
    assert found.states.tolist() == PUBLISHED
    assert found.log_prob[0] == pytest.approx(-336.3977, abs=2e-3)  # the parameters have four digits
    each = THREE.decode(QUAKES, method="posterior")
    assert (np.flatnonzero(each.states != found.states) + 1900).tolist() == [1911, 1941, 1980]
    assert each.log_prob[0] < found.log_prob[0]


def test_the_forecasts_of_the_earthquakes_are_those_published():
    ahead = THREE.forecast(30, QUAKES)
    published = {
        2007: (0.951, 0.028, 0.021), 2008: (0.909, 0.053, 0.038), 2009: (0.871, 0.077, 0.052),
        2016: (0.674, 0.220, 0.107), 2026: (0.538, 0.328, 0.134), 2036: (0.482, 0.373, 0.145),
    }  # fmt: skip
    for year, states in published.items():
        np.testing.assert_allclose(ahead.states[0, year - 2007], states, atol=1e-3)
    np.testing.assert_allclose(ahead.mean[0, 0], ahead.states[0, 0] @ [13.1457, 19.7211, 29.7144])
    one = ahead.at(1)
    np.testing.assert_allclose(
        one.log_prob([10]), np.log(ahead.states[0, 0] @ stats.poisson.pmf(10, THREE.emission.rate))
    )
    assert ahead.quantile([0.05, 0.95]).shape == (1, 30, 2)
    assert ahead.quantile(0.5)[0, 0] == one.quantile(0.5)


def test_a_forecast_without_rows_is_from_the_beginning():
    begun = lk.HMM(UMBRELLA.emission, 2, initial=[1, 0], transition=UMBRELLA.transition)
    states = begun.forecast(3).states
    np.testing.assert_allclose(states[0, :, 0], [1.0, 0.7, 0.58])


def test_a_posterior_path_may_hold_an_impossible_move():
    model = lk.HMM(
        lk.Bernoulli(0.5), 3, initial=[0.4, 0.3, 0.3], transition=[[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    )  # fmt: skip
    found = model.decode([0, 0], method="posterior")  # state 0 has 0.4 at both rows, state 2 has 0.3 and then 0.6
    assert found.states.tolist() == [0, 2]
    assert found.log_prob.tolist() == [-np.inf]
    assert model.decode([0, 0]).states.tolist() == [0, 0]


def test_many_sequences_are_told_end_to_end_or_one_by_one():
    long, short = [1, 1, 0, 1, 1], [0, 0]
    both = UMBRELLA.smoothed([long, short])
    np.testing.assert_allclose(both, np.r_[UMBRELLA.smoothed(long), UMBRELLA.smoothed(short)], atol=1e-14)
    for ask in (UMBRELLA.smoothed, UMBRELLA.filtered, UMBRELLA.predicted):
        assert [len(one) for one in ask([long, short], split=True)] == [5, 2]
    assert [len(one) for one in UMBRELLA.pairwise([long, short], rows=True, split=True)] == [5, 2]
    assert UMBRELLA.forecast(3, [long, short]).states.shape == (2, 3, 2)
    assert UMBRELLA.sample_paths([long, short], 4).shape == (4, 7)


@pytest.mark.parametrize("ask", ["decode", "smoothed", "filtered", "predicted", "pairwise"])
def test_an_impossible_sequence_is_named_with_its_row(ask):
    model = lk.HMM(lk.Bernoulli([1.0, 0.0]), 2, initial=[1, 0], transition=[[0.5, 0.5], [0, 1]])
    with pytest.raises(lk.DataError) as e:
        getattr(model, ask)([[1, 0, 0], [1, 0, 1]])
    assert str(e.value) == (
        "row 6 (row 3 of sequence 2) has probability 0 in every state that can be reached there, so its sequence "
        "is impossible under this model. Mend the row or leave it missing (NaN), or allow the move or the value in the "
        "model."
    )
    assert e.value.row == 6


def test_draws_are_those_of_the_chain():
    x, z = THREE.sample(20_000, seed=3, states=True)
    moves = np.zeros((3, 3))
    np.add.at(moves, (z[:-1], z[1:]), 1)
    np.testing.assert_allclose(moves / moves.sum(1, keepdims=True), THREE.transition, atol=0.02)
    for i in range(3):
        assert x[z == i].mean() == pytest.approx(THREE.emission.rate[i], rel=0.02)
    np.testing.assert_allclose(np.bincount(z) / len(z), THREE.stationary_distribution(), atol=0.05)


def test_several_sequences_are_drawn_as_a_list():
    x, z = UMBRELLA.sample(7, sequences=4, states=True, seed=1)
    assert [len(v) for v in x] == [len(v) for v in z] == [7] * 4
    assert len({tuple(v) for v in z}) > 1
    np.testing.assert_array_equal(UMBRELLA.sample(7, sequences=4, seed=1)[2], x[2])
    first = np.array([v[0] for v in UMBRELLA.sample(1, sequences=4000, states=True, seed=2)[1]])
    assert first.mean() == pytest.approx(0.5, abs=0.03)


def test_stays_are_as_long_as_simulated_ones():
    model = lk.HMM(lk.Normal([0, 1], 1.0), 2, initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.25, 0.75]])
    np.testing.assert_allclose(model.expected_durations(), [10, 4])
    z = model.sample(40_000, states=True)[1]
    ends = np.flatnonzero(np.diff(z))
    stays = np.diff(ends)
    assert stays[z[ends[1:]] == 0].mean() == pytest.approx(10, rel=0.06)
    for_ever = lk.HMM(lk.Normal([0, 1], 1.0), 2, initial=[1, 0], transition=[[0.5, 0.5], [0, 1]])
    assert for_ever.expected_durations().tolist() == [2, np.inf]
    assert for_ever.stationary_distribution().tolist() == [0, 1]


def test_a_chain_with_two_ends_has_no_long_run():
    model = lk.HMM(lk.Normal([0, 1, 2], 1.0), 3, initial=[1, 0, 0], transition=[[0.5, 0.2, 0.3], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(lk.ModelError) as e:
        model.stationary_distribution()
    assert str(e.value) == (
        "stationary_distribution(): the chain never leaves {1} and {2} once it is in one of them, so the long run "
        "depends on where it begins. Look at forecast(h), which knows where it is."
    )


def test_residuals_are_standard_normal_under_the_model():
    model = lk.HMM(lk.Normal([0, 4], [1.0, 2.0]), 2, initial=[1, 0], transition=[[0.9, 0.1], [0.2, 0.8]])
    x = model.sample(3000, sequences=2, seed=5)
    assert stats.kstest(model.residuals(x), "norm").pvalue > 0.01
    other = lk.HMM(model.emission, 2, initial=[1, 0], transition=[[0.5, 0.5], [0.5, 0.5]])
    assert stats.kstest(other.residuals(x), "norm").pvalue < 1e-6


def test_intervals_of_counts_hold_a_normal_number_each():
    x = THREE.sample(4000, seed=5)
    ends = THREE.residuals(x, interval=True)
    assert (ends[:, 0] < ends[:, 1]).all()
    middle = THREE.residuals(x)
    assert ((ends[:, 0] < middle) & (middle < ends[:, 1])).all()
    u = np.random.default_rng(0).uniform(*stats.norm.cdf(ends).T)
    assert stats.kstest(u, "uniform").pvalue > 0.01
    t = 17
    expected = THREE.predicted(x)[t] @ stats.poisson.cdf([[x[t] - 1], [x[t]]], THREE.emission.rate).T
    np.testing.assert_allclose(stats.norm.cdf(ends[t]), expected, rtol=1e-10)
    np.testing.assert_allclose(stats.norm.cdf(middle[t]), expected.mean(), rtol=1e-10)


def test_a_missing_row_has_no_residual():
    found = THREE.residuals([13, np.nan, 14], split=True)
    assert np.isnan(found[0]).tolist() == [False, True, False]


def test_residuals_need_one_column_with_a_distribution_function():
    square = [[0.5, 0.5], [0.5, 0.5]]
    two = lk.HMM(
        lk.MultivariateNormal(mean=[[0, 0], [1, 1]], covariance=np.eye(2)), 2, initial=[1, 0], transition=square
    )
    with pytest.raises(lk.ModelError) as e:
        two.residuals(np.zeros((3, 2)))
    assert str(e.value) == "residuals are of one column; the data has 2."
    words = lk.HMM(lk.Categorical([[0.5, 0.5], [0.1, 0.9]]), 2, initial=[1, 0], transition=square)
    with pytest.raises(lk.ModelError) as e:
        words.residuals([0, 1])
    assert str(e.value) == "residuals need a distribution function; Categorical has no cdf."


def test_covariates_reach_the_emissions():
    u = np.arange(6.0)[:, None]
    model = lk.HMM(
        lk.LinearGaussian(intercept=[[0.0], [9.0]], coefficients=[[[1.0]], [[-1.0]]], covariance=[[[0.01]], [[0.01]]]),
        2, initial=[0.5, 0.5], transition=[[0.5, 0.5], [0.5, 0.5]],
    )  # fmt: skip
    x, z = model.sample(given=u, states=True, seed=4)
    assert model.decode(x, u).states.tolist() == z.tolist()
    assert len(model.sample(given=u, sequences=3)) == 3
    with pytest.raises(lk.DataError) as e:
        model.sample(3)
    assert str(e.value) == "the model conditions on covariates; sample(given=...) needs them, one row a draw."


def test_sequences_that_were_read_already_are_taken_as_they_are():
    data = sequences_of([SEEN, [0, 0]])
    np.testing.assert_array_equal(UMBRELLA.smoothed(data), UMBRELLA.smoothed([SEEN, [0, 0]]))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: m.decode(SEEN, method="best"), "decode(method='best'): the methods are 'viterbi' and 'posterior'."),
        (lambda m: m.decode(SEEN, paths=0), "decode(paths=0): at least one is needed."),
        (
            lambda m: m.decode(SEEN, method="posterior", paths=2),
            "decode(paths=2): several paths are those of method='viterbi'.",
        ),
        (lambda m: m.forecast(0, SEEN), "forecast(0): at least one step ahead is needed."),
        (lambda m: m.sample(0), "sample(0, sequences=None): at least one row and one sequence are needed."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(ask, words):
    with pytest.raises(lk.ModelError) as e:
        ask(UMBRELLA)
    assert str(e.value) == words


def test_a_step_that_was_not_forecast_is_refused():
    with pytest.raises(lk.DataError) as e:
        UMBRELLA.forecast(2, SEEN).at(3)
    assert str(e.value) == (
        "at(step=3, sequence=0): steps are 1 to 2, sequences 0 to 0. Ask forecast(h) for more steps."
    )


def test_nothing_is_asked_of_open_slots():
    with pytest.raises(lk.NotFitted):
        lk.HMM(lk.Poisson(), 2).decode([1, 2])
