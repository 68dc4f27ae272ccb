"""The M-step of a stationary start: what first states ask, put in the moments, beside a climb of the same height."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Sequences, Table
from likely.core.setting import Setting
from likely.structures.state_agreeing import agreeing
from likely.structures.state_beginning import equations_maximised
from likely.structures.state_stationary import _Climb, _heights

NAN = float("nan")
MOVES = {"A": [[0.7, 0.2], [-0.1, 0.5]], "b": [0.3, -0.2], "Q": [[0.6, 0.2], [0.2, 0.5]]}
TRUTH = lk.StateSpace(2, **MOVES, C=[[1, 0], [0.5, 1]], d=[0, 0], R=0.3, P0="stationary")
SHAPE, WEAK = lk.scaled([[1, 0.2], [0.2, 2]]), {"A": lk.Normal(0.0, variance=0.1), "b": lk.Normal(0.0, variance=1.0)}
MODELS = {
    "free": lk.StateSpace(2, b=NAN, P0="stationary"),
    "diagonal noise": lk.StateSpace(2, A=[["phi", NAN], [0, "phi"]], Q="diagonal", P0="stationary"),
    "a shape and priors": lk.StateSpace(2, **WEAK, Q=SHAPE, P0="stationary"),
    "a variance prior": lk.StateSpace(2, Q=lk.InverseWishart(dof=6, scale=np.eye(2)), P0="stationary"),
    "states in other units": lk.StateSpace(2, C=[[1e-4, 0], [0, 1e4]], b=NAN, P0="stationary"),
    "a diffuse state": lk.StateSpace(
        2, A=[[1, NAN], [0, NAN]], b=[0, NAN], C=[[1, 0], [0, 1]], P0=["diffuse", "stationary"]
    ),
}


def problem(model, lengths=(60, 20, 9, 5), seed=0):
    """A bound model, some parameters of it, and statistics at these."""
    y = np.concatenate(TRUTH.sample(max(lengths), sequences=len(lengths), seed=seed))
    parts = [y[i * max(lengths) : i * max(lengths) + n] for i, n in enumerate(lengths)]
    data = Sequences(Table(np.concatenate(parts)), np.concatenate([[0], np.cumsum(lengths)]))
    family = model.bind((), Setting.of(data))
    params = family.start(data, np.ones((len(lengths), 1)), np.random.default_rng(seed))
    for _ in range(3):
        stats = family.collect(params, family.infer(params, data), data, np.ones((len(lengths), 1)))
        params = family.maximize(stats, params)
    return family, params, stats


@pytest.mark.parametrize("name", MODELS)
def test_it_is_where_a_climb_ends(name):
    family, params, stats = problem(MODELS[name])
    start = family.beginning
    simple = start.begun(equations_maximised(family, stats, params))
    found, agreed = agreeing(start, family, stats, simple, params)
    found = start.begun(found)
    assert agreed.all()
    climb = _Climb(start, family, stats, simple, [n for n in "AbQ" if not family.slots[n].fixed])
    best, height = climb.run(), lambda p: _heights(family, family, stats, p, 1)[0]
    assert height(found) == pytest.approx(height(best), abs=1e-7)
    assert height(found) > height(simple) + 1e-6
    u = np.concatenate([s.to_free(found[n]) for n, s in zip(climb.names, climb.slots, strict=True)])
    assert np.abs(climb.slope(u, found)).max() < 1e-8


def test_models_side_by_side_find_what_each_finds_alone():
    family, params, stats = problem(MODELS["free"])
    one = family.maximize(stats, params)
    other = family.maximize(stats, one)
    from likely.em.bank import bank_of

    bank = bank_of(family, 2)
    both = bank.maximize(type(stats).concatenate([stats, stats]), params.concatenate([params, one]))
    np.testing.assert_allclose(both.blocks([0], 2).A, one.A, rtol=1e-9)
    np.testing.assert_allclose(both.blocks([1], 2).A, other.A, rtol=1e-9)


def test_moves_that_run_away_climb_instead():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=60))[:, None]
    fit = lk.fit(lk.StateSpace(1, C=1, d=0, R=0.01, b=NAN, P0="stationary"), walk, starts=1, max_passes=40)
    heights = np.array([mark.objective for mark in fit.trace])
    assert (np.diff(heights) >= -1e-9).all()
    assert np.abs(np.asarray(fit.model.A)).max() < 1
