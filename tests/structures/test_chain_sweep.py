"""Law 9 for chains: a pass in one go brings back what inferring and collecting step by step bring back."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import likely as lk
from cases import CASES
from likely.core.data import Sequences
from likely.engines.local import Local, _step_by_step
from likely.structures import chain_sweep
from support import bound_to_sequences


@pytest.fixture(autouse=True)
def no_data_are_short(monkeypatch):
    monkeypatch.setattr(chain_sweep, "SHORT", 0)


SWEEPING = [case for case in CASES if case.lengths and case.bound()[0].sweeps]


def somewhere(family, data, rng):
    """Parameters near those of a start."""
    params = family.start(data, np.ones((len(data), 1)), rng)
    u = family.flatten(params)
    return family.unflatten(u + 0.1 * rng.normal(size=len(u)), params)


def same(family, params, one, other):
    n = len(one.stats.pack(one.stats))
    assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-11)
    u, v = one.stats.pack(other.stats), other.stats.pack(other.stats)
    np.testing.assert_allclose(u, v, rtol=1e-8, atol=1e-9 * n)
    assert family.expected_log_density(params, one.stats) == pytest.approx(
        family.expected_log_density(params, other.stats), rel=1e-9
    )


@pytest.mark.parametrize("case", SWEEPING, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_in_one_go_is_the_pass_step_by_step(case, weighted):
    rng = np.random.default_rng(3)
    family, data = case.bound()
    params = somewhere(family, data, rng)
    chunk = data.take(rng.integers(0, len(data), 60))
    if weighted:
        chunk = chunk.with_(weights=np.where(rng.random(60) < 0.3, 0.0, 3 * rng.random(60)))
    one, other = family.sweep(params)(chunk), _step_by_step(family, params, chunk, 1.0)
    if one is None and isinstance(family, lk.StateSpace):
        assert weighted or np.isnan(chunk.rows.x).any()
        return
    if one is None:  # a state got a few rows, or one again and again: no digits are left for its scatter
        assert "Normal()" in repr(family)
        return
    same(family, params, one, other)


KINDS = {
    "normal": (lk.Normal(), lk.Normal([0, 2, 4], [1, 0.5, 2])),
    "linear": (lk.Poisson(), lk.Poisson([1, 4, 9])),
    "symbols": (lk.Categorical(), lk.Categorical([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])),
    "rows": (lk.StudentT(dof=4), lk.StudentT(location=[0, 2, 4], scale=1, dof=4)),
}
MOVES = 0.7 * np.eye(3) + 0.1


def drawn(kind, lengths):
    free, known = KINDS[kind]
    truth = lk.HMM(known, 3, initial=[0.3, 0.3, 0.4], transition=MOVES)
    x = np.concatenate([truth.sample(n, seed=n) for n in lengths])
    family, data = bound_to_sequences(lk.HMM(free, 3), x, lengths)
    return family, data, truth.bind((), family.setting).known_params()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [(9000,), (1, 2, 700, 3000, 1), (40,) * 100])
def test_long_and_short_sequences_alike(kind, lengths):
    family, data, params = drawn(kind, lengths)
    same(family, params, family.sweep(params)(data), _step_by_step(family, params, data, 1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_rows_and_known_states(kind):
    family, data, params = drawn(kind, (900, 1200, 10))
    rng = np.random.default_rng(0)
    x = np.where(rng.random((len(data.rows), 1)) < 0.2, np.nan, data.rows.x)
    labels = np.where(rng.random(len(x)) < 0.1, rng.integers(0, 3, len(x)), -1)
    for rows in (data.rows.with_(x=x), data.rows.with_(x=x, labels=labels), data.rows.with_(labels=labels)):
        gaps = Sequences(rows, data.offsets)
        same(family, params, family.sweep(params)(gaps), _step_by_step(family, params, gaps, 1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_on_any_number_of_threads(kind):
    family, data, params = drawn(kind, (20_000, 500))
    alone = family.sweep(params)(data)
    with ThreadPoolExecutor(3) as pool:
        together = family.sweep(params)(data, pool.map)
    assert alone.log_likelihood == together.log_likelihood
    np.testing.assert_array_equal(alone.stats.pack(alone.stats), together.stats.pack(alone.stats))


def test_a_chain_that_hardly_moves_is_exact_too():
    truth = lk.HMM(lk.Normal([0, 0.2], 1), 2, initial=[0.5, 0.5], transition=[[0.9995, 0.0005], [0.001, 0.999]])
    family, data = bound_to_sequences(lk.HMM(lk.Normal(), 2), truth.sample(20_000, seed=1), [20_000])
    params = truth.bind((), family.setting).known_params()
    same(family, params, family.sweep(params)(data), _step_by_step(family, params, data, 1.0))


def test_a_narrow_state_far_away_keeps_its_digits():
    """Sums about a common centre would not: then log densities of rows are worked out by the emission itself."""
    rng = np.random.default_rng(2)
    x = np.where(np.arange(4000) % 200 < 100, rng.normal(0, 1, 4000), 1e3 + 1e-2 * rng.normal(size=4000))
    model = lk.HMM(lk.Normal([0, 1e3], [1, 1e-4]), 2, initial=[0.5, 0.5], transition=[[0.99, 0.01], [0.01, 0.99]])
    family, data = bound_to_sequences(lk.HMM(lk.Normal(), 2), x, [4000])
    params = model.bind((), family.setting).known_params()
    one = family.maximize(family.sweep(params)(data).stats, params)
    other = family.maximize(_step_by_step(family, params, data, 1.0).stats, params)
    np.testing.assert_allclose(one.emission.variance, other.emission.variance, rtol=1e-9)


def test_what_a_pass_in_one_go_declines_is_done_step_by_step():
    """A state that all but vanished comes back: the engine's pass is exact all the same."""
    model = lk.HMM(lk.Normal([0, 6.3], 1), 2, initial=[0.5, 0.5], transition=np.eye(2))
    x = np.concatenate([np.zeros(4000), np.full(8000, 6.3)])
    family, data = bound_to_sequences(model, x, [len(x)])
    params = family.known_params()
    with Local(data, 2, sweeps=True) as engine:
        assert engine.whole
        found = engine.evaluate(family, params)
    worst = -0.5 * 6.3**2
    expected = len(x) * -0.5 * np.log(2 * np.pi) + np.log(0.5) + worst * 4000  # the second state explains the rest
    assert found.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_short_chains_go_step_by_step(monkeypatch):
    family, data = SWEEPING[0].bound()
    params = family.start(data, np.ones((len(data), 1)), np.random.default_rng(0))
    assert family.sweep(params)(data) is not None
    monkeypatch.setattr(chain_sweep, "SHORT", family.size * data.rows.x.size + 1)
    assert family.sweep(params)(data) is None
