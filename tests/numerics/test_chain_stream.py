"""Compiled passes over hidden Markov chains, against a plain forward-backward in log space."""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from likely.numerics import chain_stream
from likely.numerics.chain_stream import Stream, Sums

LEFT_RIGHT = np.array([[0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.0, 0.0, 1.0]])


def lse(x, axis):
    top = x.max(axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - top).sum(axis)) + top.squeeze(axis)


def plain(initial, transition, log_density, offsets, weights=None):
    """Log-likelihood, expected starts and transitions, posteriors; every vector is normalised, in log space."""
    with np.errstate(divide="ignore"):
        start, moves = np.log(initial), np.log(transition)
    gamma, pairs, starts, total = np.zeros_like(log_density), np.zeros_like(transition), np.zeros_like(initial), 0.0
    for s, (a, b) in enumerate(pairwise(offsets)):
        w = 1.0 if weights is None else weights[s]
        rows, n = log_density[a:b], b - a
        forward, backward, scale = np.empty(rows.shape), np.zeros(rows.shape), np.empty(n)
        for t in range(n):
            forward[t] = rows[t] + (start if t == 0 else lse(forward[t - 1][:, None] + moves, 0))
            scale[t] = lse(forward[t], 0)
            forward[t] -= scale[t]
        for t in range(n - 2, -1, -1):
            backward[t] = lse(moves + rows[t + 1] + backward[t + 1] - scale[t + 1], 1)
        total += w * math.fsum(scale)
        gamma[a:b] = w * np.exp(forward + backward)
        starts += gamma[a]
        for t in range(1, n):
            pairs += w * np.exp(forward[t - 1][:, None] + moves + rows[t] + backward[t] - scale[t])
    return total, starts, pairs, gamma


def problem(k, n, rng, sticky=0.0):
    transition = (1 - sticky) * rng.dirichlet(np.ones(k), size=k) + sticky * np.eye(k)
    mean, variance, x = 2 * rng.normal(size=k), rng.uniform(0.5, 2, k), 2 * rng.normal(size=n)
    log_density = -0.5 * (np.log(2 * np.pi * variance) + (x[:, None] - mean) ** 2 / variance)
    return rng.dirichlet(np.ones(k)), transition, mean, variance, x, log_density


def swept(stream, *given):
    """A pass that is not declined."""
    found = stream.sweep(*given)
    assert isinstance(found, Sums)
    return found


def check(found, expected, emission, rtol=1e-12):
    total, starts, pairs, _ = expected
    np.testing.assert_allclose(found.log_likelihood, total, rtol=rtol)
    np.testing.assert_allclose(found.start, starts, rtol=0, atol=rtol * max(1, starts.sum()))
    np.testing.assert_allclose(found.transitions, pairs, rtol=0, atol=rtol * max(1, pairs.sum()))
    np.testing.assert_allclose(found.emission, emission, rtol=0, atol=rtol * np.abs(emission).max())


SHAPES = {
    "one sequence": np.array([0, 1300]),
    "many lengths": np.r_[0, np.cumsum(np.random.default_rng(5).integers(1, 60, 50))],
    "one length": np.arange(0, 1201, 20),
    "one row each": np.arange(0, 41),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 10, 11, 20, 50])
def test_a_pass_is_forward_and_backward_in_log_space(k, shape):
    offsets = SHAPES[shape]
    n, rng = int(offsets[-1]), np.random.default_rng(k)
    initial, transition, _, _, _, log_density = problem(k, n, rng)
    weights = rng.uniform(0.5, 2, len(offsets) - 1)
    expected = plain(initial, transition, log_density, offsets, weights)
    stream = Stream(offsets, weights, k)
    check(swept(stream, stream.given(log_density), initial, transition), expected, expected[3])


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8, 11])
def test_the_first_state_may_be_far_below_others_in_some_rows(k):
    rng = np.random.default_rng(k)
    initial, transition, _, _, _, log_density = problem(k, 700, rng)
    log_density[::3, 0] -= 99.0
    log_density[1::7, 0] -= 150.0
    log_density[2::11, 0] -= 5000.0
    log_density[5] -= 200.0
    log_density[8::13, 0] = -np.inf if k > 1 else 0.0
    expected = plain(initial, transition, log_density, np.array([0, 700]))
    stream = Stream(np.array([0, 700]), None, k)
    check(swept(stream, stream.given(log_density), initial, transition), expected, expected[3])


@pytest.mark.parametrize("k", [2, 7])
def test_every_kind_of_emission_collects_its_own_sums(k):
    rng = np.random.default_rng(k)
    offsets = np.array([0, 300, 301, 900])
    initial, transition, mean, variance, x, log_density = problem(k, 900, rng)
    x[5] = np.nan
    log_density[5] = 0.0
    expected = plain(initial, transition, log_density, offsets)
    stream, gamma = Stream(offsets, None, k), expected[3]
    seen = np.where(np.isnan(x), 0.0, np.stack([np.ones(900), x, x * x]))
    normal = stream.normal(stream.packed(x[:, None]), mean, variance)
    check(swept(stream, normal, initial, transition), expected, seen @ gamma)
    seen = np.where(np.isnan(x), 0.0, np.stack([np.ones(900), x, x * x, x]))
    natural = np.stack(
        [-0.5 * np.log(2 * np.pi * variance) - 0.5 * mean**2 / variance, mean / variance, -0.5 / variance, 0 * mean], 1
    )
    features = stream.linear(stream.packed(seen.T), natural)
    check(swept(stream, features, initial, transition), expected, seen @ gamma)
    table = np.log(rng.dirichlet(np.ones(6), size=k)).T
    table[5] = 0.0  # the symbol of rows that are not there
    codes = rng.integers(0, 6, 900)
    expected = plain(initial, transition, table[codes], offsets)
    counts = np.stack([expected[3][codes == c].sum(0) for c in range(6)])
    symbols = stream.symbols(stream.packed(codes[:, None], 5), table)
    check(swept(stream, symbols, initial, transition), expected, counts)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_a_chain_that_hardly_forgets_is_still_exact(k):
    rng = np.random.default_rng(k)
    offsets = np.array([0, 1700, 1750])
    initial, transition, _, _, _, log_density = problem(k, 1750, rng, sticky=0.9999)
    log_density *= 0.02
    stream = Stream(offsets, None, k)
    expected = plain(initial, transition, log_density, offsets)
    check(swept(stream, stream.given(log_density), initial, transition), expected, expected[3], 3e-12)
    assert stream.warm == math.inf


def test_forbidden_transitions_stay_forbidden_and_what_they_leave_is_exact():
    rng = np.random.default_rng(1)
    offsets = np.array([0, 400, 900])
    *_, log_density = problem(3, 900, rng)
    log_density *= 0.1
    log_density[700, 0] = -np.inf
    initial = np.array([1.0, 0.0, 0.0])
    stream = Stream(offsets, None, 3)
    expected = plain(initial, LEFT_RIGHT, log_density, offsets)
    found = swept(stream, stream.given(log_density), initial, LEFT_RIGHT)
    check(found, expected, expected[3])
    assert (found.transitions[LEFT_RIGHT == 0] == 0).all()


@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_a_constant_added_to_log_densities_changes_the_likelihood_alone(shift):
    rng = np.random.default_rng(2)
    initial, transition, _, _, _, log_density = problem(5, 500, rng)
    stream = Stream(np.array([0, 500]), None, 5)
    found = swept(stream, stream.given(log_density), initial, transition)
    moved = swept(stream, stream.given(log_density + shift), initial, transition)
    assert moved.log_likelihood == pytest.approx(found.log_likelihood + 500 * shift, rel=1e-12)
    np.testing.assert_allclose(moved.emission, found.emission, rtol=0, atol=1e-9)


def test_densities_far_apart_in_a_hundred_states_stay_finite():
    rng = np.random.default_rng(3)
    initial, transition, _, _, _, log_density = problem(100, 10000, rng)
    stream = Stream(np.array([0, 10000]), None, 100)
    found = swept(stream, stream.given(100 * log_density), initial, transition)
    np.testing.assert_allclose(found.emission.sum(1), 1.0, rtol=1e-11)
    assert found.transitions.sum() == pytest.approx(9999, rel=1e-11)


LOST = {
    "mass that comes back": ([0.5, 0.5], [[0, -20]] * 40 + [[-20, 0]] * 80),
    "a better state out of reach": ([1.0, 0.0], [[-20, 0]] * 120),
    "best state out of reach": ([1.0, 0.0], [[0, -1], [-800, 0], [0, -800]]),
    "nothing possible": ([0.5, 0.5], [[0.0, 0.0], [-np.inf, -np.inf], [0.0, 0.0]]),
}


@pytest.mark.parametrize("case", LOST)
def test_what_cannot_be_told_in_probabilities_is_declined(case):
    initial, rows = LOST[case]
    log_density = np.array(rows, float)
    stream = Stream(np.array([0, len(rows)]), None, 2)
    assert stream.sweep(stream.given(log_density), np.array(initial), np.eye(2)) is None


@pytest.mark.parametrize(("rare", "log_likelihood"), [(1e-9, -57.4808071842), (1e-12, None)])
def test_a_rare_but_certain_jump_counts_as_one(rare, log_likelihood):
    x = np.repeat([0.0, 8.0], 20)
    log_density = -0.5 * (np.log(2 * np.pi) + (x[:, None] - [0.0, 8.0]) ** 2)
    stream = Stream(np.array([0, 40]), None, 2)
    transition = np.array([[1 - rare, rare], [0.0, 1.0]])
    found = swept(stream, stream.given(log_density), np.array([1.0, 0.0]), transition)
    np.testing.assert_allclose(found.transitions, [[19, 1], [0, 19]], rtol=1e-5)
    expected = plain(np.array([1.0, 0.0]), transition, log_density, np.array([0, 40]))
    np.testing.assert_allclose(found.transitions, expected[2], rtol=0, atol=1e-12)
    if log_likelihood is not None:
        assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-10)


def test_threads_change_no_bit():
    rng = np.random.default_rng(4)
    initial, transition, mean, variance, x, _ = problem(3, 60000, rng)
    stream = Stream(np.array([0, 100, 60000]), None, 3)
    emission = stream.normal(stream.packed(x[:, None]), mean, variance)
    swept(stream, emission, initial, transition)
    alone = swept(stream, emission, initial, transition)
    with ThreadPoolExecutor(2) as pool:
        shared = swept(stream, emission, initial, transition, pool.map)
    assert stream.groups > 1
    assert shared.log_likelihood == alone.log_likelihood
    for name in ("start", "transitions", "emission"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))


@pytest.mark.parametrize("rows", [16 * 256 * 8, 50_000, 200_000, 2_000_000])
def test_a_long_sequence_has_work_for_eight_threads_and_segments_far_longer_than_a_run_up(rows):
    stream = Stream(np.array([0, rows]), None, 10)
    assert stream.groups >= 8
    assert 256 <= stream.length <= 768


def test_a_run_up_that_is_too_short_is_noticed_and_made_longer():
    rng = np.random.default_rng(6)
    initial, transition, _, _, _, log_density = problem(3, 8000, rng, sticky=0.9)
    stream = Stream(np.array([0, 8000]), None, 3)
    stream.warm = 8
    expected = plain(initial, transition, 0.3 * log_density, np.array([0, 8000]))
    check(swept(stream, stream.given(0.3 * log_density), initial, transition), expected, expected[3])
    assert 8 < stream.warm <= stream.length


def test_a_run_up_that_hardly_does_is_longer_in_the_next_pass(monkeypatch):
    rng = np.random.default_rng(6)
    initial, transition, _, _, _, log_density = problem(3, 8000, rng)
    stream = Stream(np.array([0, 8000]), None, 3)
    worked, before = [], stream.warm
    monkeypatch.setattr(chain_stream, "misfit", lambda *met: worked.append(met) or 1e-13)
    swept(stream, stream.given(log_density), initial, transition)
    assert len(worked) == 1  # what was found is kept
    assert before < stream.warm < 1.5 * before
    monkeypatch.setattr(chain_stream, "misfit", lambda *_: 1e-15)
    enough = stream.warm
    swept(stream, stream.given(log_density), initial, transition)
    assert stream.warm == enough


def test_a_sequence_that_weighs_nothing_is_as_good_as_left_out():
    rng = np.random.default_rng(7)
    initial, transition, _, _, _, log_density = problem(3, 3000, rng)
    stream = Stream(np.array([0, 2000, 3000]), np.array([0.0, 1.0]), 3)
    found = swept(stream, stream.given(log_density), initial, transition)
    expected = plain(initial, transition, log_density[2000:], np.array([0, 1000]))
    check(found, expected, np.concatenate([np.zeros((2000, 3)), expected[3]]))
    assert stream.warm < stream.length
