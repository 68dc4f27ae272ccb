"""State spaces of which some states begin diffuse and others stationary: the dense joint normal tells the truth."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Sequences, Table
from likely.em.bank import bank_of
from likely.errors import ModelError

NAN = float("nan")
KNOWN = {"C": [[1, 0], [0, 1]], "d": [0, 0], "R": [[0.2, 0], [0, 0.1]], "P0": ["diffuse", "stationary"]}
OPEN = {"A": [[1, NAN], [0, NAN]], "b": [0, NAN]}  # a walk that an AR(1) moves, with noises that hang together
TRUTH = {"A": [[1, 0.3], [0, 0.6]], "b": [0, 0.2], "Q": [[0.6, 0.2], [0.2, 0.5]]}


def series(count, n, seed=0):
    """Draws of the truth from a walk that begins at 3, with gaps."""
    rng = np.random.default_rng(seed)
    begin = lk.StateSpace(2, **TRUTH, **KNOWN | {"P0": [[0, 0], [0, 0.8]]}, m0=[3, 0.5])
    return [np.where(rng.random(y.shape) < 0.1, NAN, y) for y in begin.sample(n, sequences=count, seed=seed)]


def dense(A, b, Q, y):
    """Log density of rows (n, 2): the walk is flat at first and integrated out, the AR(1) has its own variance."""
    n, mean = len(y), np.zeros((len(y), 2))
    mean[0, 1] = b[1] / (1 - A[1, 1])
    cov = np.zeros((n, n, 2, 2))
    cov[0, 0, 1, 1] = Q[1, 1] / (1 - A[1, 1] ** 2)
    for t in range(1, n):
        mean[t] = A @ mean[t - 1] + b
        for s in range(t):
            cov[t, s] = A @ cov[t - 1, s]
            cov[s, t] = cov[t, s].T
        cov[t, t] = A @ cov[t - 1, t - 1] @ A.T + Q
    seen = ~np.isnan(y.ravel())
    looks = np.tile([1.0, 0.0], n)[seen]
    whole = np.transpose(cov, (0, 2, 1, 3)).reshape(2 * n, 2 * n) + np.kron(np.eye(n), KNOWN["R"])
    V, e = whole[np.ix_(seen, seen)], (y - mean).ravel()[seen]
    inverse = np.linalg.inv(V)
    told = looks @ inverse @ looks
    e = e - looks * (looks @ inverse @ e) / told
    return -0.5 * (len(e) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + np.log(told) + e @ inverse @ e)


def test_the_density_is_the_dense_one():
    model, y = lk.StateSpace(2, **TRUTH, **KNOWN), series(3, 12)
    theta = [np.array(v) for v in TRUTH.values()]
    np.testing.assert_allclose(model.log_prob(y), [dense(*theta, one) for one in y], rtol=1e-10)


def test_em_rises_to_where_the_dense_density_is_level():
    y = series(4, 12)
    fit = lk.fit(lk.StateSpace(2, **OPEN, **KNOWN), y, start=lk.StateSpace(2, **TRUTH, **KNOWN), tol=1e-6)
    heights = np.array([mark.objective for mark in fit.trace])
    assert (np.diff(heights) >= -1e-10).all()
    assert fit.n_free == 6
    best = [np.asarray(getattr(fit.model, n), float) for n in "AbQ"]
    assert fit.log_likelihood == pytest.approx(sum(dense(*best, one) for one in y), abs=1e-9)
    for block, at in [(0, (0, 1)), (0, (1, 1)), (1, (1,)), (2, (0, 0)), (2, (1, 1))]:
        ends = []
        for h in (1e-4, -1e-4):
            moved = [v.copy() for v in best]
            moved[block][at] += h
            ends.append(sum(dense(*moved, one) for one in y))
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(0, abs=1e-3), (block, at)


def test_states_without_a_stationary_distribution_are_impossible():
    """Not diffuse, which a climb could prefer; the other models of a bank have what they have."""
    one = lk.StateSpace(2, A=[[1, 0], [0, NAN]], C=[[1, 1]], d=0, Q=1, R=1, P0=["diffuse", "stationary"])
    y = np.random.default_rng(1).normal(size=(9, 1))
    data = Sequences(Table(y), np.array([0, 9]))
    bound = one.bind((), {"d": 1, "p": 0, "items": 2})
    bank = bank_of(bound, 2)
    like = bank.start(data, np.ones((1, 2)), np.random.default_rng(0))
    params = bank.unflatten(np.array([1.0, 0.5]), like)
    posterior = bank.infer(params, data)
    truth = lk.StateSpace(2, A=np.diag([1, 0.5]), C=[[1, 1]], d=0, Q=1, R=1, P0=["diffuse", "stationary"])
    assert posterior.log_prob[0, 0] == -np.inf
    assert posterior.log_prob[0, 1] == pytest.approx(truth.log_prob(y)[0], rel=1e-12)


def test_the_start_leaves_a_stationary_state_beside_a_level_as_it_is():
    model = lk.structural(lk.local_level(level=1, noise=0), lk.autoregressive(1)).bind((), {"d": 1, "p": 0, "items": 2})
    data = Sequences(Table(np.random.default_rng(1).normal(size=(9, 1))), np.array([0, 9]))
    begun = model.start(data, np.ones((1, 1)), np.random.default_rng(0))
    assert 0.1 < begun.A[0, 1, 1] < 0.98


Y = np.random.default_rng(0).normal(size=9)
PAIR = {"C": [[1, 1]], "d": 0, "Q": 1, "R": 1, "P0": ["diffuse", "stationary"]}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: lk.fit(lk.StateSpace(2, A=[[1, 0], [NAN, NAN]], **PAIR), Y),
            "StateSpace(P0=['diffuse', 'stationary']): A moves state 1, which is diffuse, into state 2, which so has "
            "no stationary distribution. Write A[1, 0] = 0, or 'diffuse' for both.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2, A=[[1, 0], [0, NAN]], B=[[0], [NAN]], D=0, **PAIR), Y, given=Y),
            "StateSpace(P0=['diffuse', 'stationary']): inputs move state 2, so it has no stationary distribution. "
            "Write zeros in B[1], or 'diffuse' for that state.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2, A=[[NAN, 0], [0, 1.5]], **PAIR), Y),
            "StateSpace(P0=['diffuse', 'stationary']): the block of A of the stationary states has an eigenvalue of "
            "modulus 1.5, so they have no stationary distribution; all must be below 1. Write 'diffuse' for them.",
        ),
        (
            lambda: lk.StateSpace(2, P0=["diffuse", "stationary", "diffuse"]),
            "StateSpace.P0 = ['diffuse', 'stationary', 'diffuse'] speaks of 3 states, and there are 2; write one word "
            "for each.",
        ),
        (
            lambda: lk.StateSpace(2, P0=["diffuse", 2]),
            "StateSpace.P0 = ['diffuse', 2.0]: of each state it says 'diffuse' or 'stationary', and nothing else "
            "beside these. Where a covariance of other states is known, write the matrix, with infinite variances of "
            "diffuse states.",
        ),
        (
            lambda: lk.StateSpace(2, m0=[0, 0], P0=["diffuse", "stationary"]),
            "StateSpace.m0 = [0.0, 0.0] beside P0=['diffuse', 'stationary'], which says what the first state is; leave "
            "m0 out.",
        ),
        (
            lambda: lk.fit(lk.StateSpace(2, A=[[NAN, 0], [0, NAN]], **PAIR | {"C": [[NAN, 1]], "Q": "diagonal"}), Y),
            "StateSpace: the start is diffuse, and nothing fixes the size of the states: the larger they are, the more "
            "likely is any data. Write values in C (or in A and Q) that fix it, or another P0: leave it out, or "
            '"stationary".',
        ),
    ],
)
def test_what_cannot_begin_so_is_said(ask, message):
    with pytest.raises(ModelError) as e:
        ask()
    assert str(e.value) == message


def test_the_size_of_stationary_states_may_be_free_beside_diffuse_ones():
    """It is then not identified: one of the five free values is redundant."""
    some = PAIR | {"C": [[1, NAN]], "Q": "diagonal"}
    bound = lk.StateSpace(2, A=[[NAN, 0], [0, NAN]], **some).bind((), {"d": 1, "p": 0, "items": 2})
    assert (bound.count_free(), bound.count_redundant()) == (5, 1)
