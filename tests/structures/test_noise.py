"""Structures of a covariance: what maximises, what is free, what is refused."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from likely.core.slot import Axis, Slot
from likely.structures.noise import Noise, noise_of
from likely.structures.noise_range import Range, silent_directions

NAN = np.nan
RNG = np.random.default_rng(8)
ROOT = RNG.normal(size=(2, 3, 3))
MOMENT = ROOT @ np.swapaxes(ROOT, 1, 2) + 0.5 * np.eye(3)
SHAPE = np.array([[2, 1, 0], [1, 1, 0.2], [0, 0.2, 3]])

STRUCTURES = {
    "diagonal": ("diagonal", 3),
    "spherical": ("spherical", 1),
    "one free block": ([[NAN, NAN, 0], [NAN, NAN, 0], [0, 0, 2]], 3),
    "free variances beside a known one": ([[NAN, 0, 0], [0, 1.5, 0], [0, 0, NAN]], 2),
    "a block apart": ([[NAN, 0, NAN], [0, NAN, 0], [NAN, 0, NAN]], 4),
    "a known block": ([[1, 0.3, 0], [0.3, 2, 0], [0, 0, NAN]], 1),
    "equal variances": ([["q", 0, 0], [0, "r", 0], [0, 0, "q"]], 2),
    "equal and known and free": ([["q", 0, 0], [0, "q", 0], [0, 0, NAN]], 2),
    "scaled": (lk.scaled(SHAPE), 1),
    "all free": (np.full((3, 3), NAN), 6),
}


def declared():
    out = Noise("m m", doc="noise")
    out.name = "Q"
    return out


def noise(value, size=3):
    return noise_of(declared(), "StateSpace", "Q", value, size)


def loose(k=2, r=3):
    return np.ones((k, r, r), bool)


@pytest.mark.parametrize(("value", "count"), STRUCTURES.values(), ids=STRUCTURES)
def test_the_restricted_moment_is_the_most_likely_covariance(value, count):
    domain = noise(value)
    assert domain.count(loose()) == 2 * count
    like = domain.restrict(MOMENT)
    assert domain.keeps(like)
    assert not domain.outside(like).any()

    def misfit(u):
        q = domain.from_free(u, like, loose())
        return float((np.linalg.slogdet(q)[1] + np.trace(np.linalg.solve(q, MOMENT), axis1=1, axis2=2)).sum())

    u = domain.to_free(like, loose())
    assert len(u) == domain.size(like, loose()) == 2 * count
    assert domain.from_free(u, like, loose()) == pytest.approx(like, rel=1e-12, abs=1e-14)
    best = optimize.minimize(misfit, u + 0.3, method="BFGS")
    assert misfit(u) <= best.fun + 1e-9
    assert u == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize("value", ["diagonal", "spherical", [["q", 0, 0], [0, "r", 0], [0, 0, "q"]]])
def test_rows_with_weights_of_their_own_pool_squares_and_weights(value):
    domain = noise(value)
    squares, dof = RNG.random((2, 3)), RNG.random((2, 3)) + 1
    found = domain.variances(squares, dof)
    for group in domain.groups:
        expected = squares[:, group].sum(1) / dof[:, group].sum(1)
        assert found[:, group] == pytest.approx(np.tile(expected[:, None], len(group)), rel=1e-14)
    diagonal = noise(lk.scaled(np.diag([1, 2, 0])))
    expected = (squares[:, 0] + squares[:, 1] / 2) / dof[:, :2].sum(1)
    assert diagonal.variances(squares, dof) == pytest.approx(expected[:, None] * [1, 2, 0], rel=1e-14)


def test_a_full_noise_is_the_moment_itself():
    domain = declared()
    assert domain.restrict(MOMENT) is MOMENT
    assert domain.keeps(MOMENT)
    assert domain.count(loose()) == 12
    assert not domain.is_diagonal


def test_one_nan_frees_the_only_entry():
    assert noise(NAN, 1).count(loose(1, 1)) == 1


def test_diagonal_is_said_of_what_has_no_covariances():
    told = {name: noise(value).is_diagonal for name, (value, _) in STRUCTURES.items()}
    assert [name for name, diagonal in told.items() if diagonal] == [
        "diagonal", "spherical", "free variances beside a known one", "equal variances", "equal and known and free",
    ]  # fmt: skip
    assert noise(lk.scaled(np.diag([1, 0, 2]))).is_diagonal


@pytest.mark.parametrize("value", [2.0, 0, lk.free, lk.shared, lk.InverseWishart(5, 1), SHAPE, np.zeros((3, 3))])
def test_other_values_say_nothing_more(value):
    assert noise(value) is None


def test_singular_covariances_belong():
    values = np.stack([np.zeros((2, 2)), np.ones((2, 2)), np.diag([1e-9, 0]), np.array([[4, 2e-6], [2e-6, 1e-12]])])
    assert not declared().outside(values).any()
    assert declared().outside(np.array([[1, 1.001], [1.001, 1]]))
    assert declared().outside(np.array([[0, 0.1], [0.1, 1]]))
    assert declared().outside(np.array([[1, NAN], [NAN, 1]]))
    declared().check("StateSpace", values)


WHOLE = (
    "; free entries make whole blocks (every variance and covariance of some rows) or single variances, with known "
    "zeros to all other rows."
)
REFUSED = [
    ("diag", 3, " = 'diag'; the words for a covariance are 'diagonal' and 'spherical'. Leave the slot empty for a full "
     "one."),
    (NAN, 2,
     ' = nan is one free number for a covariance (2, 2). Write "spherical" for one free variance, "diagonal" for one '
     "of each, or leave the slot empty to estimate all of it."),
    ([[NAN]], 2, " = [[nan]] has shape (1, 1); it needs (2, 2)."),
    ([["q"]], 2, " = [['q']] has shape (1, 1); it needs (2, 2)."),
    (lk.scaled([[1]]), 2, " = scaled([[1.0]]) has shape (1, 1); it needs (2, 2)."),
    (lk.scaled(np.zeros((2, 2))), 2,
     " = scaled([[0.0, 0.0], [0.0, 0.0]]); a shape of 0 has no size. Write 0 for no noise."),
    (lk.scaled([[1, 2], [2, 1]]), 2, " = scaled(...) has the eigenvalue -1; a covariance has none below 0."),
    ([["q", "r"], ["r", "q"]], 2,
     " has the name 'r' off its diagonal; equal names are for variances. Write nan for entries that are free."),
    ([[1, NAN], [0, NAN]], 2, " is free at [0, 1] and known at [1, 0]; a covariance is symmetric."),
    ([[NAN, 1], [1, 2]], 2, " is free in some entries of rows 0" + WHOLE),
    ([[1, NAN], [NAN, 1]], 2, " is free in some entries of rows 0, 1" + WHOLE),
    ([["q", NAN], [NAN, "q"]], 2, " is free in some entries of rows 0, 1" + WHOLE),
    ([[NAN, 0, 0], [0, 1, 2], [0, 2, 1]], 3, " has the eigenvalue -1; a covariance has none below 0."),
    ([[NAN, 0, 0], [0, 1, 2], [0, 1, 1]], 3, " has 2 at [1, 2] and 1 at [2, 1]; a covariance is symmetric."),
]  # fmt: skip


@pytest.mark.parametrize(("value", "size", "text"), REFUSED)
def test_what_has_no_exact_maximum_or_does_not_fit_is_refused(value, size, text):
    with pytest.raises(lk.ModelError) as e:
        noise(value, size)
    assert str(e.value) == "StateSpace.Q" + text
    assert e.value.slot == "Q"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([[1, 2], [2, 1]], "StateSpace.Q has the eigenvalue -1; a covariance has none below 0."),
        ([[1, 0.1], [0.2, 1]], "StateSpace.Q has 0.1 at [0, 1] and 0.2 at [1, 0]; a covariance is symmetric."),
        ([[np.inf, 0], [0, 1]],
         "StateSpace.Q has an entry that is not finite; it needs a symmetric matrix without negative eigenvalues."),
    ],
)  # fmt: skip
def test_known_covariances_are_checked(value, text):
    with pytest.raises(lk.ModelError) as e:
        declared().check("StateSpace", np.array(value)[None])
    assert str(e.value) == text


def test_directions_without_noise_are_single_rows_or_combinations():
    assert np.array_equal(np.abs(silent_directions(np.diag([0, 2.0, 0]))), [[1, 0], [0, 0], [0, 1]])
    assert silent_directions(SHAPE).shape == (3, 0)
    g = np.array([[1.0, 1e-6]])  # in very different units
    (null,) = silent_directions(g.T @ g).T
    assert abs(null @ g[0]) < 1e-15
    assert np.linalg.norm(null) == pytest.approx(1)


def test_density_on_the_range_is_that_of_a_singular_normal():
    g = RNG.normal(size=(3, 2))
    q = g @ g.T
    for slot in (
        Slot("Q", declared(), (Axis("component", 1),), (3, 3), known=q[None]),
        Slot("Q", noise(lk.scaled(q / 2)), (Axis("component", 1),), (3, 3)),
    ):
        reach = Range(slot)
        x = g @ RNG.normal(size=2)
        log_det, rank = reach.measure(q[None])
        value = -0.5 * (rank * np.log(2 * np.pi) + log_det + x @ reach.precision(q[None])[0] @ x)
        assert value == pytest.approx([stats.multivariate_normal(np.zeros(3), q, allow_singular=True).logpdf(x)])
        assert not reach.regular
