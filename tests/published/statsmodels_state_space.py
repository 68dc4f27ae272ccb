"""Writes statsmodels_state_space.json: what statsmodels 0.15.0 makes of small state spaces; run it to renew that.

Every number is compared with the joint Gaussian distribution of all states and observations before it is written.
statsmodels adds its state intercept to the move OUT of a row, so that of row t is our B u + b of row t + 1.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal

HERE = Path(__file__).with_suffix(".json")
NILE = Path(__file__).parents[2] / "src" / "likely" / "data" / "nile.csv"
AHEAD = 3  # rows that are forecast
KAPPA = 1e10  # nearly diffuse


def spread(rng, size, rank=None):
    root = rng.normal(size=(size, rank or size))
    return root @ root.T + (0.3 * np.eye(size) if rank is None else 0)


def model(rng, m, d, p=0, offsets=False, rank=None):
    A = rng.normal(size=(m, m))
    A *= 0.9 / np.abs(np.linalg.eigvals(A)).max()
    zero = np.zeros
    return {
        "A": A, "B": rng.normal(size=(m, p)), "b": rng.normal(size=m) if offsets else zero(m),
        "C": rng.normal(size=(d, m)), "D": rng.normal(size=(d, p)), "d": rng.normal(size=d) if offsets else zero(d),
        "Q": spread(rng, m, rank), "R": spread(rng, d), "m0": rng.normal(size=m), "P0": spread(rng, m),
    }  # fmt: skip


def problems():
    rng = np.random.default_rng(6)
    yield "one state", model(rng, 1, 1), 14, [3, 4, 13], []
    yield "two states, one column", model(rng, 2, 1), 14, [], []
    yield "offsets", model(rng, 3, 2, offsets=True), 12, [5], [(2, 0), (8, 1)]
    yield "inputs", model(rng, 2, 3, 2), 12, [0, 7, 8], [(3, 0), (3, 2), (11, 1)]
    yield "more columns than states", model(rng, 4, 5, offsets=True), 10, [6], [(0, 1), (2, 3), (2, 4), (9, 0)]
    yield "singular noise", model(rng, 3, 4, 1, offsets=True, rank=2), 10, [4], [(1, 0), (9, 1), (9, 2), (9, 3)]
    exact = model(rng, 2, 1)
    exact |= {
        "A": np.array([[0.5, 0.3], [1, 0]]),
        "C": np.array([[1.0, 0]]),
        "Q": np.diag([0.7, 0]),
        "R": np.eye(1) * 0,
    }
    yield "second-order autoregression without observation noise", exact, 12, [6], []


def drawn(theta, n, rows, entries, rng):
    """Observations with gaps, and inputs also of the rows to be forecast."""
    u = rng.normal(size=(n + AHEAD, theta["B"].shape[1]))
    mean, covariance = joint(theta, u[:n])
    y = rng.multivariate_normal(mean, covariance)[n * len(theta["A"]) :].reshape(n, -1).round(3)
    y[rows] = np.nan
    for entry in entries:
        y[entry] = np.nan
    return y, u


def joint(theta, u):
    """Mean and covariance of x_1, ..., x_n, y_1, ..., y_n."""
    n, m, d = len(u), len(theta["A"]), len(theta["C"])
    means, blocks = [theta["m0"]], [[theta["P0"]]]
    for t in range(1, n):
        means.append(theta["A"] @ means[-1] + theta["B"] @ u[t] + theta["b"])
        row = [theta["A"] @ block for block in blocks[-1]]
        blocks.append([*row, theta["A"] @ blocks[-1][-1] @ theta["A"].T + theta["Q"]])
    full = np.zeros((n * m, n * m))
    for t, row in enumerate(blocks):
        for s, block in enumerate(row):
            full[t * m : t * m + m, s * m : s * m + m] = block
            full[s * m : s * m + m, t * m : t * m + m] = block.T
    seen = block_diag(*[theta["C"]] * n)
    mean = np.concatenate(means)
    offsets = (u @ theta["D"].T + theta["d"]).ravel()
    covariance = np.block([[full, full @ seen.T], [seen @ full, seen @ full @ seen.T + np.kron(np.eye(n), theta["R"])]])
    assert len(covariance) == n * (m + d)
    return np.concatenate([mean, seen @ mean + offsets]), covariance


def conditioned(theta, y, u, upto):
    """Mean (n, m + d) and covariances of every row, given the observations of rows before `upto`, by the dense way."""
    n, m, d = len(y), len(theta["A"]), len(theta["C"])
    mean, covariance = joint(theta, u)
    known = ~np.isnan(y)
    known[upto:] = False
    o = n * m + np.flatnonzero(known)
    gain = np.linalg.solve(covariance[np.ix_(o, o)], covariance[o]).T if len(o) else np.zeros((len(mean), 0))
    mean = mean + gain @ (y[known] - mean[o])
    covariance = covariance - gain @ covariance[o]
    return mean, covariance, (n, m, d)


def states(theta, y, u, upto):
    mean, covariance, (n, m, _) = conditioned(theta, y, u, upto)
    blocks = covariance[: n * m, : n * m].reshape(n, m, n, m)
    now = np.einsum("titj->tij", blocks)
    before = np.concatenate([np.zeros((1, m, m)), [blocks[t, :, t - 1] for t in range(1, n)]])
    return mean[: n * m].reshape(n, m), now, before


def smoother(theta, y, u, diffuse=False):
    from statsmodels.tsa.statespace import kalman_smoother as ks

    d, m = theta["C"].shape
    wanted = ks.SMOOTHER_STATE | ks.SMOOTHER_STATE_COV | ks.SMOOTHER_STATE_AUTOCOV
    own = ks.KalmanSmoother(d, m, k_posdef=m, smoother_output=wanted)
    own.bind(np.ascontiguousarray(y))
    own["design"], own["transition"], own["selection"] = theta["C"], theta["A"], np.eye(m)
    own["state_cov"], own["obs_cov"] = theta["Q"], theta["R"]
    own["obs_intercept"] = (u @ theta["D"].T + theta["d"]).T.copy()
    drift = u @ theta["B"].T + theta["b"]
    own["state_intercept"] = np.concatenate([drift[1:], drift[:1]]).T.copy()  # the last is never used
    if diffuse:
        own.initialize_diffuse()
    else:
        own.initialize_known(theta["m0"], theta["P0"])
    return own.smooth()


def answers(theta, y, u):
    """Of one problem, each compared with the dense distribution."""
    n = len(y)
    ahead = np.concatenate([y, np.full((AHEAD, y.shape[1]), np.nan)])
    found, later = smoother(theta, y, u[:n]), smoother(theta, ahead, u)
    out = {"log_likelihood": float(found.llf)}
    for name, mean, covariance in (
        ("predicted", found.predicted_state[:, :n], found.predicted_state_cov[:, :, :n]),
        ("filtered", found.filtered_state, found.filtered_state_cov),
        ("smoothed", found.smoothed_state, found.smoothed_state_cov),
    ):
        out[name] = {"mean": mean.T, "covariance": covariance.transpose(2, 0, 1)}
    lagged = found.smoothed_state_autocov.transpose(2, 0, 1)[: n - 1]
    out["lagged"] = np.concatenate([np.zeros((1, *lagged.shape[1:])), lagged])
    out["forecast"] = {"mean": later.forecasts.T[n:], "covariance": later.forecasts_error_cov.transpose(2, 0, 1)[n:]}
    check(out, theta, y, u)
    return out


def check(out, theta, y, u):
    n, d = y.shape
    same = {"rtol": 1e-9, "atol": 1e-9}
    mean, covariance = joint(theta, u[:n])
    o = np.flatnonzero(~np.isnan(y.ravel()))
    at = n * len(theta["A"]) + o
    dense = multivariate_normal(mean[at], covariance[np.ix_(at, at)]).logpdf(y.ravel()[o])
    np.testing.assert_allclose(out["log_likelihood"], dense, **same)
    for name, shift in (("predicted", 0), ("filtered", 1), ("smoothed", n)):
        for t in range(n):
            means, covariances, before = states(theta, y, u[:n], n if name == "smoothed" else t + shift)
            np.testing.assert_allclose(out[name]["mean"][t], means[t], **same)
            np.testing.assert_allclose(out[name]["covariance"][t], covariances[t], **same)
    np.testing.assert_allclose(out["lagged"], before, **same)
    ahead = np.concatenate([y, np.full((AHEAD, d), np.nan)])
    mean, covariance, _ = conditioned(theta, ahead, u, n)
    np.testing.assert_allclose(out["forecast"]["mean"].ravel(), mean[-AHEAD * d :], **same)
    for t in range(AHEAD):
        last = slice(len(mean) - (AHEAD - t) * d, len(mean) - (AHEAD - t - 1) * d)
        np.testing.assert_allclose(out["forecast"]["covariance"][t], covariance[last, last], **same)


def diffuse_problems():
    """On the Nile also with the years 1891-1910 and 1931-1950 missing (Durbin & Koopman, section 2.7)."""
    flow = np.loadtxt(NILE, delimiter=",", skiprows=1)[:, 1:]
    level = {"A": np.eye(1), "C": np.eye(1), "Q": np.eye(1) * 1469.176, "R": np.eye(1) * 15098.52}
    trend = {"A": np.array([[1, 1], [0, 1.0]]), "C": np.array([[1.0, 0]]), "Q": np.diag([1469.176, 10])}
    gaps = flow.copy()
    gaps[20:40] = gaps[60:80] = np.nan
    yield "level of the Nile", level, flow
    yield "level of the Nile with gaps", level, gaps
    yield "trend of the Nile", trend | {"R": level["R"]}, flow
    rng = np.random.default_rng(3)
    y = rng.normal(size=(12, 2)).cumsum(0).round(3)
    y[0] = y[1, 0] = y[2, 1] = y[7] = np.nan
    walks = {"A": np.eye(2), "C": np.array([[1, 0.4], [0.3, 1]]), "Q": spread(rng, 2), "R": spread(rng, 2)}
    yield "two random walks that are seen one after the other", walks, y


def diffuse_answers(theta, y):
    """The limit, as kappa grows, of the log-likelihood + log(kappa) / 2 of every state; and the states.

    That is the density of Durbin and Koopman, in which also the first rows have their log(2 pi) / 2.
    """
    m, d = len(theta["A"]), len(theta["C"])
    nothing = {"B": np.zeros((m, 0)), "D": np.zeros((d, 0)), "b": np.zeros(m), "d": np.zeros(d), "m0": np.zeros(m)}
    u = np.zeros((len(y), 0))
    found = smoother(theta | nothing, y, u, diffuse=True)
    limit = smoother(theta | nothing | {"P0": KAPPA * np.eye(m)}, y, u).llf + m / 2 * np.log(KAPPA)
    np.testing.assert_allclose(found.llf, limit, atol=1e-4)
    mean, covariance = without_prior(theta, y)
    np.testing.assert_allclose(found.smoothed_state.T, mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.smoothed_state_cov.transpose(2, 0, 1), covariance, rtol=1e-9, atol=1e-9)
    few = sorted({*range(10), len(y) - 1} & {*range(len(y))})
    return {
        "parameters": theta, "y": y, "log_likelihood": float(found.llf), "rows": few,
        "mean": found.smoothed_state.T[few], "covariance": found.smoothed_state_cov.transpose(2, 0, 1)[few],
    }  # fmt: skip


def without_prior(theta, y):
    """Means and covariances of the states by their precision matrix, in which the first state has a prior of 0."""
    n, m = len(y), len(theta["A"])
    precision, weighted, Q = np.zeros((n * m, n * m)), np.zeros(n * m), np.linalg.inv(theta["Q"])
    for t in range(n):
        here = slice(t * m, t * m + m)
        o = ~np.isnan(y[t])
        seen = theta["C"][o].T @ np.linalg.inv(theta["R"][np.ix_(o, o)])
        precision[here, here] += seen @ theta["C"][o]
        weighted[here] = seen @ y[t, o]
        if t:
            both = np.hstack([-theta["A"], np.eye(m)])
            two = slice(t * m - m, t * m + m)
            precision[two, two] += both.T @ Q @ both
    covariance = np.linalg.inv(precision)
    return (covariance @ weighted).reshape(n, m), np.einsum("titj->tij", covariance.reshape(n, m, n, m))


def sums():
    """Levels and trends beside an autoregression, by names of the parameters; also with rows missing."""
    flow = np.loadtxt(NILE, delimiter=",", skiprows=1)[:, 1]
    gaps = flow.copy()
    gaps[1:4] = gaps[60:70] = np.nan
    level = {"sigma2.irregular": 5000.0, "sigma2.level": 1469.176, "sigma2.ar": 9000.0, "ar.L1": 0.4}
    trend = {**level, "sigma2.trend": 10.0, "ar.L2": -0.3}
    yield "level and AR(1)", {"level": "llevel", "autoregressive": 1}, level, flow
    yield "trend and AR(2), with gaps", {"level": "lltrend", "autoregressive": 2}, trend, gaps


def sum_answers(how, parameters, y):
    """The level and its slope begin diffuse, exactly, and the autoregression stationary."""
    from statsmodels.tsa.api import UnobservedComponents

    model = UnobservedComponents(y, use_exact_diffuse=True, **how)
    values = [parameters[name] for name in model.param_names]
    return {"parameters": parameters, "y": y, "log_likelihood": float(model.loglike(values))}


def plain(value):
    """For JSON: twelve digits, None where nothing was observed."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(each) for each in np.asarray(value).tolist()] if len(value) else np.asarray(value).tolist()
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.13g}")
    return value


if __name__ == "__main__":
    rng = np.random.default_rng(16)
    out = {}
    for name, theta, n, rows, entries in problems():
        y, u = drawn(theta, n, rows, entries, rng)
        out[name] = {"parameters": theta, "y": y, "u": u} | answers(theta, y, u)
    diffuse = {name: diffuse_answers(theta, y) for name, theta, y in diffuse_problems()}
    added = {name: sum_answers(*rest) for name, *rest in sums()}
    HERE.write_text(json.dumps(plain({"problems": out, "diffuse": diffuse, "sums": added})) + "\n")
