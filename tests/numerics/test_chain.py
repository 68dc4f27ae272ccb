"""Forward-backward and best paths against enumeration, and where probabilities leave the range of numbers."""

import itertools

import numpy as np
import pytest

from likely.numerics.chain import Smoothed, best_path, smooth
from likely.numerics.soft import safe_log


def every_path(initial, transition, density):
    """Log joint of one sequence with each path of states."""
    n, m = density.shape
    with np.errstate(divide="ignore"):
        log_initial, log_transition = np.log(initial), np.log(transition)
    return {
        path: log_initial[path[0]]
        + sum(density[t, j] for t, j in enumerate(path))
        + sum(log_transition[i, j] for i, j in itertools.pairwise(path))
        for path in itertools.product(range(m), repeat=n)
    }


def enumerated(initial, transition, density):
    """log-likelihood, P(state) by row, P(state | rows so far), expected moves: sums over all paths."""
    n, m = density.shape
    joint = every_path(initial, transition, density)
    total = np.logaddexp.reduce(list(joint.values()))
    gamma, moves = np.zeros((n, m)), np.zeros((m, m))
    for path, value in joint.items():
        p = np.exp(value - total)
        for t, j in enumerate(path):
            gamma[t, j] += p
        for i, j in itertools.pairwise(path):
            moves[i, j] += p
    return total, gamma, moves


def random_chain(rng, m, *, zeros):
    initial, transition = rng.dirichlet(np.ones(m)), rng.dirichlet(np.ones(m), m)
    if zeros and m > 1:
        transition = np.triu(transition) / np.triu(transition).sum(1, keepdims=True)
    return initial, transition


CASES = [(seed, m, zeros) for seed in range(4) for m in (1, 2, 3) for zeros in (False, True)]


@pytest.mark.parametrize(("seed", "m", "zeros"), CASES)
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_every_probability_is_the_sum_over_all_paths(seed, m, zeros, spread):
    rng = np.random.default_rng([seed, m])
    initial, transition = random_chain(rng, m, zeros=zeros)
    lengths = [6, 1, 4]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    density = spread * rng.normal(size=(offsets[-1], m))
    density[rng.random(density.shape) < 0.1] = -np.inf
    density[:, -1] = np.where(np.isfinite(density[:, -1]), density[:, -1], -3.0)  # the last state is always possible
    found = smooth(initial, transition, density, offsets)
    weights, moves = np.array([1.0, 2.0, 0.5]), np.zeros((m, m))
    for s, (a, b) in enumerate(itertools.pairwise(offsets)):
        total, gamma, own = enumerated(initial, transition, density[a:b])
        assert found.log_prob[s] == pytest.approx(total, rel=1e-12)
        np.testing.assert_allclose(found.gamma[a:b], gamma, atol=1e-12)
        moves += weights[s] * own
        for t in range(a, b):
            np.testing.assert_allclose(
                found.filtered[t], enumerated(initial, transition, density[a : t + 1])[1][-1], atol=1e-12
            )
    np.testing.assert_allclose(found.pairs(weights), moves, atol=1e-12)


@pytest.mark.parametrize(("seed", "m", "zeros"), CASES)
def test_the_best_path_is_the_best_of_all(seed, m, zeros):
    rng = np.random.default_rng([seed, m])
    initial, transition = random_chain(rng, m, zeros=zeros)
    density, offsets = rng.normal(size=(11, m)), np.array([0, 6, 7, 11])
    path, log_prob, stopped = best_path(initial, transition, density, offsets)
    assert stopped == {}
    for s, (a, b) in enumerate(itertools.pairwise(offsets)):
        joint = every_path(initial, transition, density[a:b])
        best = max(joint, key=joint.get)
        assert tuple(path[a:b]) == best
        assert log_prob[s] == pytest.approx(joint[best], rel=1e-12)


def plainly_best(log_initial, log_transition, density):
    """Viterbi as it is written down: the path and its log probability."""
    best, came = log_initial + density[0], []
    for row in density[1:]:
        ways = best[:, None] + log_transition
        came.append(ways.argmax(0))  # the lowest of equal ones
        best = ways.max(0) + row
    path = [int(best.argmax())]
    for back in came[::-1]:
        path.append(int(back[path[-1]]))
    return path[::-1], best.max()


@pytest.mark.parametrize("m", [1, 4, 7, 8, 9, 13, 16, 21, 300])
def test_best_paths_of_many_states_are_those_of_the_plain_recursion(m):
    rng = np.random.default_rng(m)
    initial, transition = rng.dirichlet(np.ones(m)), rng.dirichlet(np.full(m, 0.3), m)
    offsets = np.array([0, 1, 41, 43, 80, 83])
    density = np.round(rng.normal(size=(83, m)))  # whole numbers: some ways are equally good
    density[rng.random(density.shape) < 0.2] = -np.inf
    density[:, 0] = 0.0
    density[60] = -np.inf  # the sequence around it is impossible
    found, log_prob, stopped = best_path(initial, transition, density, offsets)
    assert stopped == {3: 17}
    for s, (a, b) in enumerate(itertools.pairwise(offsets)):
        path, value = plainly_best(safe_log(initial), safe_log(transition), density[a:b])
        assert found[a:b].tolist() == ([-1] * (b - a) if s == 3 else path)
        assert log_prob[s] == value


def test_a_state_that_all_but_vanished_comes_back():
    """Scaled alone, the likelihood would be wrong by 800 nats: the other state's probability underflows for good."""
    density = np.array([[0.0, -20.0]] * 40 + [[-20.0, 0.0]] * 80)
    found = smooth(np.array([0.5, 0.5]), np.eye(2), density, np.array([0, 120]))
    assert found.log_prob[0] == pytest.approx(-800.6931471806, abs=1e-9)
    np.testing.assert_allclose(found.gamma[:, 1], 1.0)
    np.testing.assert_allclose(found.pairs(), [[0, 0], [0, 119]], atol=1e-12)


def test_a_state_that_cannot_be_reached_explains_nothing():
    density = np.array([[-20.0, 0.0]] * 120)
    found = smooth(np.array([1.0, 0.0]), np.eye(2), density, np.array([0, 120]))
    assert found.log_prob[0] == -2400.0
    np.testing.assert_array_equal(found.gamma, [[1.0, 0.0]] * 120)
    uneven = np.array([[0.0, -1.0], [-800.0, 0.0], [0.0, -800.0]])
    assert smooth(np.array([1.0, 0.0]), np.eye(2), uneven, np.array([0, 3])).log_prob[0] == -800.0


@pytest.mark.parametrize("rare", [1e-9, 1e-12])
def test_a_rare_but_certain_move_is_counted_as_one(rare):
    x = np.repeat([0.0, 8.0], 20)
    density = -0.5 * (x[:, None] - np.array([0.0, 8.0])) ** 2 - 0.5 * np.log(2 * np.pi)
    found = smooth(np.array([1.0, 0.0]), np.array([[1 - rare, rare], [0.0, 1.0]]), density, np.array([0, 40]))
    np.testing.assert_allclose(found.pairs(), [[19, 1], [0, 19]], atol=1e-4)
    assert found.pairs()[0, 1] == pytest.approx(1.0, abs=1e-13)
    if rare == 1e-9:
        assert found.log_prob[0] == pytest.approx(-57.4808071842, abs=1e-9)


def test_long_chains_neither_overflow_nor_underflow():
    rng = np.random.default_rng(0)
    initial, transition = rng.dirichlet(np.ones(100)), rng.dirichlet(np.ones(100), 100)
    found = smooth(initial, transition, 100 * rng.normal(size=(10_000, 100)), np.array([0, 10_000]))
    assert np.isfinite(found.log_prob[0])
    np.testing.assert_allclose(found.gamma.sum(1), 1.0, rtol=1e-12)
    quarter = smooth(np.array([0.5, 0.5]), np.full((2, 2), 0.5), np.full((2000, 2), np.log(0.25)), np.array([0, 2000]))
    assert quarter.log_prob[0] == pytest.approx(2000 * np.log(0.25), rel=1e-13)


def test_adding_to_the_densities_of_a_row_changes_nothing_but_the_sum():
    rng = np.random.default_rng(1)
    initial, transition = random_chain(rng, 3, zeros=False)
    density, offsets = rng.normal(size=(12, 3)), np.array([0, 5, 12])
    shift = 1e4 * rng.choice([-1.0, 1.0], size=12)
    one, other = (smooth(initial, transition, d, offsets) for d in (density, density + shift[:, None]))
    np.testing.assert_allclose(other.log_prob - one.log_prob, np.add.reduceat(shift, [0, 5]), rtol=1e-12)
    np.testing.assert_allclose(other.gamma, one.gamma, atol=1e-11)


def test_what_is_impossible_says_where():
    density = np.zeros((7, 2))
    density[4] = -np.inf
    found = smooth(np.array([0.5, 0.5]), np.full((2, 2), 0.5), density, np.array([0, 2, 7]))
    assert found.log_prob[1] == -np.inf
    assert found.stopped == {1: 2}
    assert np.isfinite(found.log_prob[0])
    path, log_prob, stopped = best_path(np.array([0.5, 0.5]), np.full((2, 2), 0.5), density, np.array([0, 2, 7]))
    assert (log_prob[1], stopped, path[2:].tolist()) == (-np.inf, {1: 2}, [-1] * 5)
    # Each row is possible, but no path leads through them.
    forbidden = np.where(np.array([[1, 0], [0, 1]]) == 1, 0.0, -np.inf)
    assert smooth(np.array([0.5, 0.5]), np.eye(2), forbidden, np.array([0, 2])).stopped == {0: 1}


def test_of_equal_paths_the_lowest_states_win():
    assert best_path(np.full(2, 0.5), np.full((2, 2), 0.5), np.zeros((3, 2)), np.array([0, 3]))[0].tolist() == [0, 0, 0]


def test_moves_worked_out_with_logarithms_count_as_often_as_their_sequences():
    none, moves = np.zeros((2, 2)), np.array([[0.0, 0.75], [0.25, 0.0]])
    found = Smoothed(np.zeros(1), none, none, none, np.full((2, 2), 0.5), np.array([0, 2]), {0: moves}, {})
    np.testing.assert_array_equal(found.pairs(np.array([3.0])), 3 * moves)
