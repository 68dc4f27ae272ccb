"""The laws that every family and structure obeys (docs/architecture.md lists them). Each raises if it is broken."""

from __future__ import annotations

import numpy as np

from likely.core.notation import parse
from likely.em.accelerate import Accelerated
from likely.em.loop import PlainEM, em
from likely.engines.local import Local
from support import e_step, q_gradient

RELATIVE = 1e-9


def close(a, b, tolerance=RELATIVE):
    scale = max(1.0, abs(float(a)), abs(float(b)))
    assert abs(float(a) - float(b)) <= tolerance * scale, f"{a} against {b}"


def same_params(a, b, tolerance=RELATIVE):
    for name in a:
        if isinstance(a[name], np.ndarray):
            np.testing.assert_allclose(a[name], b[name], rtol=tolerance, atol=tolerance)
        else:
            same_params(a[name], b[name], tolerance)


def same_q(family, params, one, two, tolerance=RELATIVE):
    """Two statistics that say the same about the parameters."""
    close(family.expected_log_density(params, one).sum(), family.expected_log_density(params, two).sum(), tolerance)
    same_params(family.maximize(one, params), family.maximize(two, params), 1e-6)


def identity(family, table, params, rng):
    """Sum of w log_prob = sum of expected_log_density + sum of w slack, at every temperature."""
    weights = rng.integers(0, 3, (len(table), 1)) + rng.random((len(table), 1))
    weights[::7] = 0
    for temperature in (1.0, 0.5, 0.0):
        posterior, stats = e_step(family, params, table, weights, temperature)
        left = (weights * posterior.log_prob).sum()
        close(left, family.expected_log_density(params, stats).sum() + (weights * posterior.slack).sum())


def additive(family, table, params, rng):
    """Statistics of the parts merge into the statistics of the whole, in any order."""
    some = rng.random(len(table)) < 0.4
    whole = e_step(family, params, table)[1]
    first, second = (e_step(family, params, table.take(np.flatnonzero(s)))[1] for s in (some, ~some))
    same_q(family, params, whole, first + second)
    same_q(family, params, whole, second + first)


def weighted(family, table, params, rng):
    """Integer weights are repeated rows; zero weight is an absent row."""
    counts = rng.integers(0, 4, len(table))
    repeated = table.take(np.repeat(np.arange(len(table)), counts))
    heavy = e_step(family, params, table, counts[:, None].astype(float))[1]
    same_q(family, params, heavy, e_step(family, params, repeated)[1])


def stationary(family, table, params, rng):
    """The M-step ends where the gradient of Q + log prior vanishes, and random neighbours are worse."""
    stats = e_step(family, params, table)[1]
    new = family.maximize(stats, params)
    slope = q_gradient(family, new, stats)
    assert np.all(np.abs(slope) < 1e-5 * len(table)), slope
    best = family.expected_log_density(new, stats).sum() + family.log_prior(new)
    u = family.flatten(new)
    for _ in range(10):
        near = family.unflatten(u + 0.05 * rng.standard_normal(len(u)), new)
        assert family.expected_log_density(near, stats).sum() + family.log_prior(near) <= best + 1e-9 * abs(best)


def charted(family, table, params, rng):
    """Flatten and unflatten are inverse, and their length is the number of free parameters."""
    new = family.maximize(e_step(family, params, table)[1], params)
    u = family.flatten(new)
    assert len(u) == family.count_free()
    np.testing.assert_allclose(family.flatten(family.unflatten(u, new)), u, rtol=1e-9, atol=1e-9)
    same_params(family.unflatten(u, new), new)


def packed(family, table, params, rng):
    """Packed statistics unpack to the same ones, are additive, and are valid."""
    some = rng.random(len(table)) < 0.5
    whole = e_step(family, params, table)[1]
    first, second = (e_step(family, params, table.take(np.flatnonzero(s)))[1] for s in (some, ~some))
    u = whole.pack(whole)
    assert len(u) == len(whole.positive())
    back, used = whole.unpack(u, whole)
    assert used == len(u)
    same_q(family, params, whole, back)
    if len(first.pack(whole)) == len(u):
        np.testing.assert_allclose(first.pack(whole) + second.pack(whole), u, rtol=1e-7, atol=1e-7)
    assert np.all(u[whole.positive()] >= 0)


def monotone(family, table, params, rng):
    """The objective never falls, with and without acceleration."""
    for proposer, passes in ((PlainEM(), 20), (Accelerated(tol=0), 40)):
        with Local(table, 1, threads=1) as engine:
            steps = list(em(family, engine, params, max_passes=passes, tol=0, proposer=proposer))
        objective = np.array([s.objective for s in steps])
        assert len(objective) == passes
        assert np.all(np.diff(objective) >= -1e-10 * np.abs(objective[1:]))
        assert family.obeys(steps[-1].params)


def printed(family, table, params, rng):
    """A fitted model's text reads back as the same model, with the same densities."""
    new = family.maximize(e_step(family, params, table)[1], params)
    model = family.publish(new)
    again = parse(repr(model))
    assert again == model
    rebound = again.bind((), family.setting)
    np.testing.assert_array_equal(
        rebound.infer(rebound.known_params(), table).log_prob, family.infer(new, table).log_prob
    )


LAWS = {f.__name__: f for f in (identity, additive, weighted, stationary, charted, packed, monotone, printed)}
