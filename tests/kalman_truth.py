"""The joint Gaussian of all states and observations of a sequence, written out and conditioned: what must come out."""

import numpy as np

from likely.numerics.kalman import Model


def random_model(rng, m, d, *, p0="full", q="full", r="full"):
    def covariance(size, kind):
        half = rng.normal(size=(size, size))
        full = half @ half.T / size + 0.2 * np.eye(size)
        if kind == "singular":
            return np.outer(half[0], half[0])
        if kind == "zero rows":
            keep = np.ones(size)
            keep[0] = 0.0
            return full * np.outer(keep, keep)
        return {"full": full, "diagonal": np.diag(np.diag(full)), "zero": np.zeros((size, size))}[kind]

    A = rng.normal(size=(m, m))
    A *= 0.9 / np.abs(np.linalg.eigvals(A)).max()
    C, m0 = rng.normal(size=(d, m)), rng.normal(size=m)
    return Model(A, covariance(m, q), C, covariance(d, r), m0, covariance(m, p0), np.zeros(m, bool))


def joint(model, drift, T):
    """Mean and covariance of (x_1 .. x_T, y_1 .. y_T), and how they move with x_1."""
    m, d = len(model.A), len(model.C)
    mean, root = np.zeros((T, m)), np.zeros((T, m, T, m))
    mean[0], root[0, :, 0] = model.m0, np.eye(m)
    for t in range(1, T):
        mean[t] = model.A @ mean[t - 1] + drift[t]
        root[t] = np.einsum("ij,jsk->isk", model.A, root[t - 1])
        root[t, :, t] = np.eye(m)
    root = root.reshape(T * m, T * m)
    start = model.P0 + 2.5 * np.diag(model.diffuse)  # beside a flat prior any variance is none
    shocks = np.zeros((T * m, T * m))
    for t in range(T):
        shocks[t * m : t * m + m, t * m : t * m + m] = model.Q if t else start
    big = np.kron(np.eye(T), model.C)
    xx = root @ shocks @ root.T
    cov = np.block([[xx, xx @ big.T], [big @ xx, big @ xx @ big.T + np.kron(np.eye(T), model.R)]])
    effect = root[:, :m][:, model.diffuse]
    return np.concatenate([mean.ravel(), big @ mean.ravel()]), cov, np.concatenate([effect, big @ effect]), T * m, d


def conditioned(model, y, drift, until=None):
    """Log-likelihood of y (T, d), and mean (T, m) and covariance (T m, T m) of the states given rows before `until`."""
    T, m = len(y), len(model.A)
    mean, cov, effect, states, _ = joint(model, np.zeros((T, m)) if drift is None else drift, T)
    there = ~np.isnan(y)
    if until is not None:
        there[until:] = False
    see = states + np.flatnonzero(there.ravel())
    gap = y.ravel()[there.ravel()] - mean[see]
    S = cov[np.ix_(see, see)]
    gain = np.linalg.solve(S, cov[see, :states]).T
    found = mean[:states] + gain @ gap
    after = cov[:states, :states] - gain @ cov[see, :states]
    log_prob = -0.5 * (len(see) * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + gap @ np.linalg.solve(S, gap))
    log_det = np.linalg.slogdet(S)[1]
    if model.diffuse.any():
        E = effect[see]
        information = E.T @ np.linalg.solve(S, E)
        delta = np.linalg.solve(information, E.T @ np.linalg.solve(S, gap))
        X = effect[:states] - gain @ E
        found, after = found + X @ delta, after + X @ np.linalg.solve(information, X.T)
        extra = np.linalg.slogdet(information)[1]
        log_prob += 0.5 * delta @ information @ delta - 0.5 * extra
        log_det += extra
    return log_prob, found.reshape(T, m), after, log_det


def sums(model, sequences, drifts, weights, layout, offsets):
    """Weighted sums of smoothed covariances: before, now, lagged, first, by pattern."""
    m = len(model.A)
    before, now, lagged, first = np.zeros((4, m, m))
    by_pattern = np.zeros((len(layout.patterns), m, m))
    for y, drift, weight, a in zip(sequences, drifts, weights, offsets, strict=False):
        cov = conditioned(model, y, drift)[2].reshape(len(y), m, len(y), m)
        for t in range(len(y)):
            by_pattern[layout.pattern[a + t]] += weight * cov[t, :, t]
            if t:
                before += weight * cov[t - 1, :, t - 1]
                now += weight * cov[t, :, t]
                lagged += weight * cov[t, :, t - 1]
        first += weight * cov[0, :, 0]
    return before, now, lagged, first, by_pattern
