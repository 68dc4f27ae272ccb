"""Features: exact moments of Gaussian bumps, and what cannot be features."""

import numpy as np
import pytest

import likely as lk


def quadrature(function, mean, cov, order=60):
    """The expectation under a Gaussian, by Gauss-Hermite quadrature on a grid."""
    points, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    grid = np.stack(np.meshgrid(points, points, indexing="ij"), -1).reshape(-1, 2)
    both = np.outer(weights, weights).ravel()
    x = mean + grid @ np.linalg.cholesky(cov).T
    return np.tensordot(both, function(x), 1)


def test_moments_of_bumps_are_those_of_quadrature():
    rng = np.random.default_rng(2)
    wide = np.array([[[1.0, 0.3], [0.3, 0.8]], [[2.0, 0.0], [0.0, 0.7]], [[0.9, -0.2], [-0.2, 1.1]]])
    basis = lk.RadialBasis(rng.normal(size=(3, 2)), wide)
    mean, cov, u = np.array([0.4, -0.3]), np.array([[0.6, 0.2], [0.2, 0.5]]), np.array([1.7])
    written = basis.written(2, 1)
    first, shift, second = basis.moments(written, mean[None], cov[None], u[None])

    def phi(x):
        return written.call(x, u, None)

    np.testing.assert_allclose(first[0], quadrature(phi, mean, cov), atol=1e-9)
    both = quadrature(lambda x: phi(x)[:, :, None] * phi(x)[:, None, :], mean, cov)
    np.testing.assert_allclose(second[0], both, atol=1e-9)
    off = quadrature(lambda x: (x - mean)[:, :, None] * phi(x)[:, None, :], mean, cov)
    np.testing.assert_allclose(shift[0], off, atol=1e-9)


def test_moments_of_any_features_are_exact_for_polynomials_of_the_third_degree():
    cubic = lk.Features(lambda x, _: np.concatenate([x, x**2], -1), 2)
    mean, cov = np.array([[0.7]]), np.array([[[0.5]]])
    first, shift, second = cubic.moments(cubic.written(1, 0), mean, cov, None)
    np.testing.assert_allclose(first[0], [0.7, 0.7**2 + 0.5])
    np.testing.assert_allclose(shift[0], [[0.5, 2 * 0.7 * 0.5]])
    fourth = 0.7**4 + 6 * 0.7**2 * 0.5 + 3 * 0.5**2
    np.testing.assert_allclose(second[0], [[0.99, 0.7**3 + 3 * 0.7 * 0.5], [0.7**3 + 3 * 0.7 * 0.5, fourth]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: lk.Features(np.sin, 0), "Features(..., 0): at least one feature is needed."),
        (lambda: lk.RadialBasis([0.0, 1.0], [1.0, 0.0]), "RadialBasis(widths=[1.0, 0.0]); widths are numbers above 0."),
        (
            lambda: lk.RadialBasis([0.0, 1.0], [1.0, 2.0, 3.0]),
            "RadialBasis(widths=...) has shape (3,); it needs a number, (2,) or (2, 1, 1).",
        ),
        (
            lambda: lk.RadialBasis([[0.0, 1.0]], np.zeros((1, 2, 2))),
            "RadialBasis(widths=...) has shape (1, 2, 2); covariances of bumps are positive definite, of shape (1, 2, "
            "2).",
        ),
        (
            lambda: lk.RadialBasis([0.0], 1.0).size(2, 0),
            "RadialBasis has centres of 1 coordinates, the model has 2 states; each centre needs one coordinate "
            "for each state.",
        ),
    ],
)
def test_features_that_cannot_be_are_refused(make, said):
    with pytest.raises(lk.ModelError) as e:
        make()
    assert str(e.value) == said
