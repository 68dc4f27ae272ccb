"""Extended, iterated and unscented filters against the dense joint Gaussian and the most probable path."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import optimize
from scipy.stats import multivariate_normal

from likely.numerics.extended import Filter, Noises, Rectangle, extended, root, sigma_points, smooth, unscented
from likely.numerics.extended_path import iterated

A = np.array([[0.8, 0.3], [-0.2, 0.7]])
B = np.array([[0.5], [-1.0]])
C = np.array([[1.0, 0.5], [0.0, 1.0], [0.3, -0.4]])
D = np.array([[0.2], [0.0], [1.0]])
Q = np.array([[0.5, 0.1], [0.1, 0.3]])
R = np.array([[0.4, 0.1, 0.0], [0.1, 0.5, 0.05], [0.0, 0.05, 0.3]])
M0 = np.array([1.0, -1.0])
P0 = np.array([[0.7, 0.2], [0.2, 0.9]])


@dataclass
class Affine:
    """matrix x + of_input u."""

    matrix: np.ndarray
    of_input: np.ndarray

    def value(self, x, u):
        return x @ self.matrix.T + u @ self.of_input.T

    def tangent(self, x, u):
        return self.value(x, u), np.broadcast_to(self.matrix, (*x.shape[:-1], *self.matrix.shape))


@dataclass
class Bent:
    """Of one state: a x + b sin(x)."""

    a: float
    b: float

    def value(self, x, u):
        return self.a * x + self.b * np.sin(x)

    def tangent(self, x, u):
        return self.value(x, u), (self.a + self.b * np.cos(x))[..., None]


@dataclass
class Rooted:
    """The square root of a state: NaN below 0."""

    def value(self, x, u):
        return np.sqrt(x)

    def tangent(self, x, u):
        return np.sqrt(x), (0.5 / np.sqrt(x))[..., None]


def dense(y, u, start=M0):
    """Log density, smoothed means (t, m) and covariances (t, t, m, m) from the joint Gaussian of states and rows."""
    t, m = len(y), 2
    mean, cov = np.zeros((t, m)), np.zeros((t, t, m, m))
    mean[0], cov[0, 0] = start, P0
    for i in range(1, t):
        mean[i] = A @ mean[i - 1] + B @ u[i]
        cov[i, i] = A @ cov[i - 1, i - 1] @ A.T + Q
        for j in range(i):
            cov[i, j] = A @ cov[i - 1, j]
            cov[j, i] = cov[i, j].T
    whole = cov.transpose(0, 2, 1, 3).reshape(t * m, t * m)
    shown = np.kron(np.eye(t), C)
    rows, spread = (mean @ C.T + u @ D.T).ravel(), shown @ whole @ shown.T + np.kron(np.eye(t), R)
    seen = ~np.isnan(y.ravel())
    inside, cross = spread[np.ix_(seen, seen)], (whole @ shown.T)[:, seen]
    error = y.ravel()[seen] - rows[seen]
    value = multivariate_normal(np.zeros(seen.sum()), inside).logpdf(error)
    after = mean.ravel() + cross @ np.linalg.solve(inside, error)
    left = whole - cross @ np.linalg.solve(inside, cross.T)
    return value, after.reshape(t, m), left.reshape(t, m, t, m).transpose(0, 2, 1, 3)


def three_series():
    rng = np.random.default_rng(3)
    y, u = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    y[1, 0] = y[4, 1] = y[4, 2] = y[11, 0] = np.nan
    y[3] = y[7] = np.nan
    return y, u, np.array([0, 2, 8, 12])


@pytest.mark.parametrize("method", ["extended", "unscented", "iterated"])
def test_linear_functions_give_the_moments_of_the_joint_gaussian(method):
    y, u, offsets = three_series()
    other = np.array([0.0, 2.0])
    noises = Noises(np.stack([Q, Q]), np.stack([R, R]), np.stack([M0, other]), np.stack([P0, P0]))
    rows = Rectangle.of(y, u, offsets)
    move, look = Affine(A, B), Affine(C, D)
    if method == "iterated":
        found, belief = iterated(move, look, noises, rows)
    else:
        through = extended if method == "extended" else unscented
        found = Filter(through, lambda _: (move, look), noises, rows).run()
        belief = smooth(found, rows)
    for k, start in enumerate((M0, other)):
        for place, s in enumerate(rows.order):
            a, b = offsets[s], offsets[s + 1]
            value, mean, cov = dense(y[a:b], u[a:b], start)
            assert abs(found.log_prob[k, place] - value) < 1e-11
            np.testing.assert_allclose(belief.mean[: b - a, k, place], mean, atol=1e-12)
            for t in range(b - a):
                np.testing.assert_allclose(belief.cov[t, k, place], cov[t, t], atol=1e-12)
                lagged = cov[t, t - 1] if t else np.zeros((2, 2))
                np.testing.assert_allclose(belief.lagged[t, k, place], lagged, atol=1e-12)


def test_log_likelihoods_alone_are_those_of_the_whole_pass():
    y, u, offsets = three_series()
    noises = Noises(Q[None], R[None], M0[None], P0[None])
    rows = Rectangle.of(y, u, offsets)
    run = Filter(unscented, lambda _: (Affine(A, B), Affine(C, D)), noises, rows)
    whole = Filter(unscented, lambda _: (Affine(A, B), Affine(C, D)), noises, rows).run()
    np.testing.assert_array_equal(run.log_likelihoods(), whole.log_prob)


def test_the_iterated_smoother_ends_at_the_most_probable_path():
    rng = np.random.default_rng(5)
    y = rng.normal(size=(8, 1)) * 2
    y[3] = np.nan
    move, look = Bent(0.5, 1.5), Bent(1.0, 0.8)
    noises = Noises(np.full((1, 1, 1), 0.4), np.full((1, 1, 1), 0.2), np.array([[0.3]]), np.full((1, 1, 1), 2.0))
    found, belief = iterated(move, look, noises, Rectangle.of(y, None, np.array([0, 8])))

    def log_joint(x):
        out = -0.5 * (x[0] - 0.3) ** 2 / 2.0 - 0.5 * ((x[1:] - move.value(x[:-1], None)) ** 2).sum() / 0.4
        error = (y[:, 0] - look.value(x, None))[~np.isnan(y[:, 0])]
        return out - 0.5 * (error**2).sum() / 0.2

    best = optimize.minimize(lambda x: -log_joint(x), belief.mean[:, 0, 0, 0], method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(belief.mean[:, 0, 0, 0], best.x, atol=1e-6)
    # Laplace's approximation with the curvature of Gauss-Newton
    x, t = belief.mean[:, 0, 0, 0], 8
    jacobian = np.zeros((2 * t, t))
    jacobian[0, 0] = 1 / np.sqrt(2.0)
    for i in range(1, t):
        jacobian[i, i], jacobian[i, i - 1] = 1 / np.sqrt(0.4), -move.tangent(x[i - 1], None)[1][0] / np.sqrt(0.4)
    for i in range(t):
        jacobian[t + i, i] = 0 if np.isnan(y[i, 0]) else look.tangent(x[i], None)[1][0] / np.sqrt(0.2)
    normal = -0.5 * (np.log(2 * np.pi * 2.0) + 7 * np.log(2 * np.pi * 0.4) + 7 * np.log(2 * np.pi * 0.2))
    laplace = log_joint(x) + normal + 0.5 * t * np.log(2 * np.pi)
    laplace -= 0.5 * np.linalg.slogdet(jacobian.T @ jacobian)[1]
    assert abs(found.log_prob[0, 0] - laplace) < 1e-6


def test_sigma_points_have_the_moments_of_a_gaussian():
    rng = np.random.default_rng(1)
    for m in (1, 2, 3, 5):
        half = rng.normal(size=(m, m))
        mean, cov = rng.normal(size=m), half @ half.T
        points, weights = sigma_points(mean, root(cov))
        np.testing.assert_allclose(weights @ points, mean, atol=1e-12)
        np.testing.assert_allclose((points - mean).T @ (weights[:, None] * (points - mean)), cov, atol=1e-12)
    points, weights = sigma_points(np.zeros(1), np.ones((1, 1)))
    assert abs(weights @ points[:, 0] ** 4 - 3.0) < 1e-12


def test_a_series_whose_numbers_cease_says_when_and_leaves_the_others_alone():
    y, offsets = np.array([[1.0], [1.0], [1.0], [1.0]]), np.array([0, 2, 4])
    one = np.ones((2, 1, 1))
    noises = Noises(one, one, np.array([[-1.0], [4.0]]), one)
    found = Filter(extended, lambda _: (Bent(0.5, 0), Rooted()), noises, Rectangle.of(y, None, offsets)).run()
    assert found.stopped[0].tolist() == [0, 0]
    assert np.isneginf(found.log_prob[0]).all()
    assert np.isfinite(found.log_prob[1]).all()
    assert found.stopped[1].tolist() == [-1, -1]


def test_a_singular_covariance_has_a_root():
    cov = np.array([[1.0, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(root(cov) @ root(cov).T, cov, atol=1e-14)
