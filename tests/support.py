"""What several test files need: binding a model to data, one E-step, numerical gradients."""

from __future__ import annotations

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.setting import Setting


def meeting(first, second, third):
    """Triples in which every two options of different slots meet; of at most as many third ones as of the others."""
    return [(a, b, third[(i + j) % len(third)]) for i, a in enumerate(first) for j, b in enumerate(second)]


def bound(model, x, **rest):
    """The model at its place in front of some rows, and the rows as a table."""
    x = np.asarray(x, float)
    table = Table(x[:, None] if x.ndim == 1 else x, **rest)
    return model.bind((), Setting.of(table)), table


def bound_to_sequences(model, x, lengths, **rest):
    """The model in front of rows that are sequences of these lengths, and the sequences."""
    family, table = bound(model, x, **rest)
    return family, Sequences(table, np.concatenate([[0], np.cumsum(lengths)]))


def e_step(family, params, table, weights=None, temperature=1.0):
    """Posterior and statistics under weights (n, 1)."""
    weights = np.ones((len(table), 1)) if weights is None else weights
    posterior = family.infer(params, table, temperature)
    return posterior, family.collect(params, posterior, table, weights)


def gradient(function, u, step=1e-4):
    """Central differences, fourth order."""
    out = np.empty(len(u))
    for i, e in enumerate(np.eye(len(u))):
        near = function(u + step * e) - function(u - step * e)
        far = function(u + 2 * step * e) - function(u - 2 * step * e)
        out[i] = (8 * near - far) / (12 * step)
    return out


def hessian(function, u, step=1e-3):
    """Second derivatives: fourth-order differences of a fourth-order gradient."""
    out = np.empty((len(u), len(u)))
    for i, e in enumerate(np.eye(len(u))):
        slopes = {a: gradient(function, u + a * step * e, step) for a in (-2, -1, 1, 2)}
        out[i] = (8 * (slopes[1] - slopes[-1]) - (slopes[2] - slopes[-2])) / (12 * step)
    return out


def q_gradient(family, params, stats):
    """Gradient of expected log density + log prior in free coordinates: zero after an M-step."""

    def q(u):
        at = family.unflatten(u, params)
        return float(family.expected_log_density(at, stats).sum()) + family.log_prior(at)

    return gradient(q, family.flatten(params))
