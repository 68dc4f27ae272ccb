"""Filters of nonlinear models against numerical integration over a grid of states, and where noise is singular."""

import numpy as np
import pytest

import likely as lk

ROWS = np.array([0.9, 0.4, 1.1, 0.2])


def bent(x, _u, _theta):
    return 0.5 * x + np.sin(1.5 * x)


def shown(x, _u, _theta):
    return x + 0.3 * x**2


def model(scale, method):
    """All standard deviations are this many times those of a model whose bends matter."""
    v = scale**2
    return lk.NonlinearStateSpace(bent, shown, 1, Q=0.3 * v, R=0.2 * v, m0=[0.5], P0=0.4 * v, method=method)


def near_the_path(scale):
    """Rows that lie as far from the noiseless path as the noise is large."""
    x, out = 0.5, []
    for error in ROWS - 0.6:
        out.append(shown(x, None, None) + scale * error)
        x = bent(x, None, None)
    return np.array(out)


def integrated(y, scale, points=1201):
    """Log-likelihood and smoothed means and variances, by the trapezoidal rule on a grid of states."""
    v = scale**2
    path = [0.5]
    for _ in y[1:]:
        path.append(bent(path[-1], None, None))
    wide = scale * np.linspace(-8, 8, points)
    grids = [at + 1.5 * wide for at in path]

    def density(e, var):
        return np.exp(-0.5 * e**2 / var) / np.sqrt(2 * np.pi * var)

    forward, moves = [], []
    for t, (row, grid) in enumerate(zip(y, grids, strict=True)):
        step = grid[1] - grid[0]
        if t == 0:
            prior = density(grid - 0.5, 0.4 * v)
        else:
            moves.append(density(grid[:, None] - bent(grids[t - 1], None, None), 0.3 * v) * step)
            prior = moves[-1] @ forward[-1]
        forward.append(prior * density(row - shown(grid, None, None), 0.2 * v))
    value = np.log(forward[-1].sum() * step)
    back, means, variances = np.ones(points), [], []
    for t in range(len(y) - 1, -1, -1):
        each = forward[t] * back
        each /= each.sum()
        means.append(each @ grids[t])
        variances.append(each @ (grids[t] - means[-1]) ** 2)
        if t:
            back = moves[t - 1].T @ (density(y[t] - shown(grids[t], None, None), 0.2 * v) * back)
    return value, np.array(means[::-1]), np.array(variances[::-1])


def errors(method, scale):
    """Of the log-likelihood, and of smoothed means and variances in units of the noise."""
    y = near_the_path(scale)
    value, mean, variance = integrated(y, scale)
    found = model(scale, method)
    states = found.smoothed(y)
    return np.array(
        [
            abs(found.log_prob(y)[0] - value),
            np.abs(states.mean[:, 0] - mean).max() / scale,
            np.abs(states.covariance[:, 0, 0] - variance).max() / scale**2,
        ]
    )


@pytest.mark.parametrize("method", ["extended", "unscented", "iterated"])
def test_filters_come_to_the_integral_over_states_as_noise_falls(method):
    fine, finest = errors(method, 0.1), errors(method, 0.025)
    assert (fine < 0.02).all()
    assert (finest < 0.3 * fine).all()


def test_unscented_rows_are_expected_exactly_where_h_is_quadratic():
    ahead = model(1.0, "unscented").forecast(1)
    np.testing.assert_allclose(ahead.mean[0, 0], 0.5 + 0.3 * (0.25 + 0.4), rtol=1e-12)
    # Var(x + 0.3 x^2) = (1 + 0.6 m)^2 P + 2 (0.3 P)^2
    np.testing.assert_allclose(ahead.covariance[0, 0], 1.3**2 * 0.4 + 2 * 0.12**2 + 0.2, rtol=1e-12)
    tangent = model(1.0, "extended").forecast(1)
    np.testing.assert_allclose([tangent.mean[0, 0], tangent.covariance[0, 0]], [0.575, 1.3**2 * 0.4 + 0.2], rtol=1e-12)


@pytest.mark.parametrize("method", ["extended", "unscented", "iterated"])
def test_a_state_that_only_remembers_another_changes_nothing(method):
    def remembering(x, _u, _theta):
        return np.stack([bent(x[..., 0], None, None), x[..., 0]], axis=-1)

    def first(x, _u, _theta):
        return shown(x[..., :1], None, None)

    longer = lk.NonlinearStateSpace(
        remembering, first, 2, Q=[[0.3, 0.0], [0.0, 0.0]], R=0.2, m0=[0.5, 0.0], P0=[[0.4, 0.0], [0.0, 0.0]],
        method=method,
    )  # fmt: skip
    short, y = model(1.0, method), np.array([0.9, 0.1, np.nan, 1.4])
    if method == "unscented":  # its points lie elsewhere in two dimensions: the same only where nothing bends
        short, longer = (m._changed(method="extended") for m in (short, longer))
    np.testing.assert_allclose(longer.log_prob(y), short.log_prob(y), rtol=1e-9)
    found, alone = longer.smoothed(y), short.smoothed(y)
    np.testing.assert_allclose(found.mean[:, 0], alone.mean[:, 0], atol=1e-8)
    np.testing.assert_allclose(found.mean[1:, 1], alone.mean[:-1, 0], atol=1e-8)
    np.testing.assert_allclose(found.covariance[1:, 0, 1], alone.lagged[1:, 0, 0], atol=1e-8)


@pytest.mark.parametrize("method", ["extended", "unscented", "iterated"])
def test_a_column_without_noise_shows_the_state_itself(method):
    def twice(x, _u, _theta):
        return np.concatenate([x, 2 * x], axis=-1)

    exact = lk.NonlinearStateSpace(bent, twice, 1, Q=0.3, R=[[0.0, 0.0], [0.0, 0.2]], m0=[0.5], P0=0.4, method=method)
    y = np.array([[0.9, 1.7], [1.5, 3.1], [1.2, 2.6]])
    x = y[:, 0]
    log = sum(
        -0.5 * (e**2 / v + np.log(2 * np.pi * v)).sum()
        for e, v in ((x[:1] - 0.5, 0.4), (x[1:] - bent(x[:-1], None, None), 0.3), (y[:, 1] - 2 * x, 0.2))
    )
    states = exact.smoothed(y)
    np.testing.assert_allclose(states.mean[:, 0], x, atol=1e-12)
    np.testing.assert_allclose(states.covariance, 0.0, atol=1e-12)
    np.testing.assert_allclose(exact.log_prob(y), log, rtol=1e-10)
