"""Laws of one bank of members, for the tests of leaf families."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis
from support import q_gradient


def bank(family, k, x, **rest):
    """k members of a leaf in front of some rows, and the rows as a table."""
    x = np.asarray(x, float)
    table = Table(x[:, None] if x.ndim == 1 else x, **rest)
    return family.bind((Axis("component", k),), Setting.of(table)), table


def random_weights(n, k, seed=0):
    """(n, k) weights, a third of them zero."""
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(n, k)) * (rng.random((n, k)) > 1 / 3)


def check_expectation(family, x, values, possible=True, **rest):
    """Sum of w log density = expected log density of the statistics, at arbitrary parameters.

    Rows (n, 1) that are not `possible` have probability 0 and count for nothing in the statistics.
    """
    k = len(next(iter(values.values())))
    bound, table = bank(family, k, x, **rest)
    params = Params(**{n: np.asarray(v, float) for n, v in values.items()})
    weights = random_weights(len(table), k)
    posterior = bound.infer(params, table)
    stats = bound.collect(params, posterior, table, weights)
    assert np.isneginf(posterior.log_prob[~np.broadcast_to(possible, weights.shape)]).all()
    weights = np.where(possible, weights, 0.0)
    direct = (weights * np.where(weights > 0, posterior.log_prob, 0.0)).sum(0)
    assert bound.expected_log_density(params, stats) == pytest.approx(direct, rel=1e-12, abs=1e-12)


def check_stationary(component, x, size=3, **rest):
    """In a mixture the M-step ends where the gradient of Q + log prior vanishes; that is not where it began."""
    mixture, table = bank_of_mixture(component, x, size, **rest)
    rng = np.random.default_rng(2)
    params = mixture.start(table, rng.exponential(size=(len(table), 1)), rng)
    posterior = mixture.infer(params, table)
    stats = mixture.collect(params, posterior, table, rng.exponential(size=(len(table), 1)))
    assert np.abs(q_gradient(mixture, params, stats)).max() > 1e-3
    new = mixture.maximize(stats, params)
    assert np.abs(q_gradient(mixture, new, stats)).max() < 1e-7 * len(table)
    for name, slot in mixture.component.slots.items():
        assert slot.settle(new.component[name]) == pytest.approx(new.component[name], rel=1e-15)
    return mixture, new


def bank_of_mixture(component, x, size, **rest):
    """A mixture bound to some rows."""
    mixture, table = bank(lk.Mixture(component, size), 1, x, **rest)
    return mixture.bind((), Setting.of(table)), table
