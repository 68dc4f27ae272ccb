"""Which models are others with slots restricted, by the values they reach: names, directions, structures of noises."""

import math

import numpy as np
import pytest

import likely as lk
from likely.core.data import Sequences, Table
from likely.core.setting import Setting
from likely.workflows.nesting import check_nested

NAN = np.nan
TURN = [[0.0, -1.0], [1.0, 0.0]]
SHAPE = [[2.0, 1.0], [1.0, 2.0]]
ONE_RANK = np.outer([0.3, 0.7], [0.3, 0.7])
DATA = Sequences(Table(np.zeros((12, 2))), np.array([0, 6, 12]))


def model(**slots):
    return lk.StateSpace(2, **{"A": 0.5 * np.eye(2), "C": np.eye(2), "d": 0, "Q": 1, "R": 1, "m0": 0, "P0": 1} | slots)


def kinds(**slots):
    return lk.Mixture(model(**slots), 2)


NESTED = {
    "equal variances in a diagonal": (model(Q="spherical"), model(Q="diagonal"), 1),
    "a diagonal in a full noise": (model(Q="diagonal"), model(Q=lk.free), 1),
    "named variances in a full noise": (model(R=[["r", 0], [0, "r"]]), model(R=lk.free), 2),
    "a known shape in a full noise": (model(Q=lk.scaled(SHAPE)), model(Q=lk.free), 2),
    "a known noise in a known shape": (model(Q=lk.scaled(SHAPE).shape * 3), model(Q=lk.scaled(SHAPE)), 1),
    "a singular noise in its own shape": (model(Q=ONE_RANK * 3), model(Q=lk.scaled(ONE_RANK)), 1),
    "one known variance in a diagonal": (model(Q=[[NAN, 0], [0, 2]]), model(Q="diagonal"), 1),
    "a name in entries": (model(A=[["a", 0], [0, "a"]]), model(A=[[NAN, 0], [0, NAN]]), 1),
    "entries in a whole matrix": (model(A=[[NAN, 0], [0, NAN]]), model(A=lk.free), 2),
    "directions in a whole matrix": (model(A=lk.affine(np.eye(2), turn=TURN)), model(A=lk.free), 3),
    "a name in directions": (
        model(A=[["a", 0], [0, "a"]]),
        model(A=lk.affine(np.eye(2), turn=TURN, size=[[1, 0], [0, 1]])),
        1,
    ),
    "known values in a name": (model(A=np.eye(2) * 0.3), model(A=[["a", 0], [0, "a"]]), 1),
    "a known level in a free one": (model(), model(d=lk.free), 2),
    "a common noise of components": (kinds(A=lk.free, Q=lk.shared), kinds(A=lk.free, Q=lk.free), 3),
    "a name in each component": (kinds(A=[["a", 0], [0, "a"]]), kinds(A=lk.free), 6),
}


@pytest.mark.parametrize(("small", "large", "freedom"), NESTED.values(), ids=NESTED)
def test_restrictions_of_matrices_are_nested(small, large, freedom):
    check_nested(small, large, DATA)
    free = [m.bind((), Setting.of(DATA)) for m in (small, large)]
    assert free[1].count_free() - free[0].count_free() == freedom
    with pytest.raises(lk.ModelError):
        check_nested(large, small, DATA)


KNOWN, STRUCTURE = (
    "is known in the larger model, and not the same in the smaller one",
    "the structure that {} has in the larger model does not hold in the smaller one",
)
APART = {
    "other known values": (model(A=np.diag([0.3, 0.4])), model(A=[["a", 0], [0, "a"]]), STRUCTURE.format("A")),
    "another direction": (model(A=[[0, "a"], ["a", 0]]), model(A=lk.affine(0, turn=TURN)), STRUCTURE.format("A")),
    "another base": (model(A=lk.affine(0, turn=TURN)), model(A=lk.affine(1, turn=TURN)), STRUCTURE.format("A")),
    "another shape": (model(Q=lk.scaled(SHAPE)), model(Q="diagonal"), STRUCTURE.format("Q")),
    "other zeros": (model(A=[[NAN, 0], [0, NAN]]), model(A=[[NAN, 1], [0, NAN]]), f"A {KNOWN}"),
    "another start": (model(P0="stationary", m0=lk.free), model(), "StateSpace(2, P0='stationary') is not (2)"),
}


@pytest.mark.parametrize(("small", "large", "why"), APART.values(), ids=APART)
def test_matrices_that_the_larger_model_does_not_reach_are_told(small, large, why):
    with pytest.raises(lk.ModelError) as e:
        check_nested(small, large, DATA)
    assert str(e.value) == (
        f"{small!r} is not {large!r} with slots restricted: {why}. A chi-square holds for nested models only. Use "
        "lk.bootstrap_test(small, large), which simulates the distribution of the statistic."
    )


EDGES = {
    "no noise": (model(Q=0), model(Q=lk.free), "Q"),
    "one state without noise": (model(Q=[[NAN, 0], [0, 0]]), model(Q="diagonal"), "Q"),
    "states that move together": (model(Q=ONE_RANK), model(Q=lk.free), "Q"),
    "a singular shape": (model(R=lk.scaled(ONE_RANK)), model(R=lk.free), "R"),
}


@pytest.mark.parametrize(("small", "large", "slot"), EDGES.values(), ids=EDGES)
def test_singular_noises_lie_at_the_edge_of_free_ones(small, large, slot):
    with pytest.raises(lk.ModelError) as e:
        check_nested(small, large, DATA)
    assert str(e.value) == (
        f"{small!r} lies at the edge of {large!r}: {slot} is known to be at the edge of what is possible. No "
        "chi-square holds there. Use lk.bootstrap_test(small, large), which simulates the distribution of the "
        "statistic."
    )


def test_uncorrelated_noises_are_tested_by_their_correlation():
    truth = lk.StateSpace(2, A=0.5 * np.eye(2), C=np.eye(2), d=0, Q=SHAPE, R=1, m0=0, P0=1)
    y, x = truth.sample(100, seed=1, states=True)
    fits = [lk.fit(model(Q=Q), y, labels=x) for Q in ("diagonal", lk.free)]
    moves = x[1:] - 0.5 * x[:-1]
    r2 = (moves[:, 0] @ moves[:, 1]) ** 2 / ((moves[:, 0] @ moves[:, 0]) * (moves[:, 1] @ moves[:, 1]))
    test = lk.likelihood_ratio_test(*fits)
    assert test.degrees_of_freedom == 1
    assert test.statistic == pytest.approx(-99 * math.log1p(-r2), rel=1e-9)
