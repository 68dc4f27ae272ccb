"""The truth about a small state space: states and rows of one series stacked into one Gaussian vector."""

from __future__ import annotations

import numpy as np
from scipy import stats


class Joint:
    """x_1, ..., x_T and y_1, ..., y_T of a state space written with arrays, as one normal distribution.

    It is built from what every noise does to every later row, without any recursion of moments.
    """

    def __init__(self, blocks, rows, u=None):
        A, C, m0 = (np.asarray(blocks[n], float) for n in ("A", "C", "m0"))
        self.rows, (self.d, self.m) = rows, C.shape
        m, T = self.m, rows
        drift = np.tile(blocks.get("b", np.zeros(m)), (T, 1)) + (0 if u is None else u @ np.asarray(blocks["B"]).T)
        level = np.tile(blocks["d"], (T, 1)) + (0 if u is None else u @ np.asarray(blocks["D"]).T)
        power = [np.linalg.matrix_power(A, j) for j in range(T)]
        reach = np.zeros((T, m, T, m))  # of x_t from the start (row 0) and from the noise of each move
        for t in range(T):
            for s in range(t + 1):
                reach[t, :, s] = power[t - s]
        reach = reach.reshape(T * m, T * m)
        noise = np.zeros((T, m, T, m))
        for t in range(T):
            noise[t, :, t] = blocks["P0"] if t == 0 else blocks["Q"]
        pushed = np.concatenate([m0[None], drift[1:]]).ravel()
        show = np.kron(np.eye(T), C)
        mean, cov = reach @ pushed, reach @ noise.reshape(T * m, T * m) @ reach.T
        self.mean = np.concatenate([mean, show @ mean + level.ravel()])
        self.cov = np.block([[cov, cov @ show.T], [show @ cov, show @ cov @ show.T + np.kron(np.eye(T), blocks["R"])]])

    def x(self, t):
        """Positions of the state at row t."""
        return np.arange(t * self.m, (t + 1) * self.m)

    def y(self, t, upto=None):
        """Positions of row t, or of all rows from t to before another."""
        return self.rows * self.m + np.arange(t * self.d, (t + 1 if upto is None else upto) * self.d)

    def given(self, y, wanted, rows=None):
        """Mean and covariance of the entries at some positions given what was observed of the first rows."""
        seen = np.flatnonzero(~np.isnan(np.ravel(y)[: self.d * (self.rows if rows is None else rows)]))
        o, S = self.rows * self.m + seen, self.cov
        gain = S[np.ix_(wanted, o)] @ np.linalg.pinv(S[np.ix_(o, o)], rcond=1e-12, hermitian=True)
        mean = self.mean[wanted] + gain @ (np.ravel(y)[seen] - self.mean[o])
        return mean, S[np.ix_(wanted, wanted)] - gain @ S[np.ix_(o, wanted)]

    def log_prob(self, y):
        """Log density of what was observed."""
        seen = np.flatnonzero(~np.isnan(np.ravel(y)))
        o = self.rows * self.m + seen
        return stats.multivariate_normal.logpdf(np.ravel(y)[seen], self.mean[o], self.cov[np.ix_(o, o)])


def random_blocks(rng, m, d, p=0):
    """A stable state space in which nothing is the identity."""

    def spread(size):
        F = rng.normal(size=(size, size))
        return F @ F.T + 0.3 * np.eye(size)

    A = rng.normal(size=(m, m))
    out = {
        "A": 0.9 * A / np.abs(np.linalg.eigvals(A)).max(), "b": rng.normal(size=m), "C": rng.normal(size=(d, m)),
        "d": rng.normal(size=d), "Q": spread(m), "R": spread(d), "m0": rng.normal(size=m), "P0": spread(m),
    }  # fmt: skip
    return out | ({"B": rng.normal(size=(m, p)), "D": rng.normal(size=(d, p))} if p else {})


def with_gaps(rng, y, share=0.25):
    """Some entries missing, and the whole second row."""
    y = np.where(rng.random(y.shape) < share, np.nan, y)
    y[1] = np.nan
    return y
