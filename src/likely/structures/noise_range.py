"""Where a noise acts: the directions in which it is never 0, and its density in them."""

from __future__ import annotations

import numpy as np

from likely.core.slot import Slot
from likely.numerics.soft import Array
from likely.structures.noise import Noise

NOTHING = 1e-12  # of the largest eigenvalue of the correlations: no noise


class Range:
    """Precisions and log determinants of the noise of a bank on the directions in which it acts.

    Which these are does not depend on what is estimated: on the known part alone.

    Parameters
    ----------
    noise : Slot      event (r, r)
    """

    def __init__(self, noise: Slot):
        domain, self.known, r = noise.domain, None, noise.event[0]
        if noise.fixed:
            self.silent = [silent_directions(q) for q in np.asarray(noise.known)]
            self.regular = not any(s.shape[1] for s in self.silent)
            self.known = _on_ranges(np.asarray(noise.known), self.silent)
            return
        own = np.zeros((r, 0))
        if isinstance(domain, Noise) and domain.structured:
            own = silent_directions(domain.example(r))
        self.silent = [own] * noise.k
        self.regular = not own.shape[1]
        self._axes = _complement(own)

    def precision(self, noise: Array) -> Array:
        """(k, r, r): inverses on the range; 0 in the directions without noise."""
        if self.known is not None:
            return self.known[0]
        if self.regular:
            return np.linalg.inv(noise)
        return self._axes @ np.linalg.inv(self._axes.T @ noise @ self._axes) @ self._axes.T

    def measure(self, noise: Array) -> tuple[Array, Array | int]:
        """(k,): log determinants on the range, and its dimension."""
        if self.known is not None:
            return self.known[1], self.known[2]
        return np.linalg.slogdet(self._axes.T @ noise @ self._axes)[1], self._axes.shape[1]


def silent_directions(covariance: Array) -> Array:
    """(r, s): orthonormal directions in which a covariance (r, r) is 0; single rows where rows are 0."""
    r = len(covariance)
    sd = np.sqrt(np.diagonal(covariance))
    on = np.flatnonzero(sd > 0)
    rows = np.eye(r)[:, np.flatnonzero(sd == 0)]
    size, axes = np.linalg.eigh(covariance[np.ix_(on, on)] / (sd[on][:, None] * sd[on]))
    null = axes[:, size <= NOTHING * size.max(initial=0.0)] / sd[on][:, None]
    inside = np.zeros((r, null.shape[1]))
    inside[on] = np.linalg.qr(null)[0]
    return np.hstack([rows, inside])


def _complement(silent: Array) -> Array:
    """(r, r - s): orthonormal directions at right angles to these."""
    r, s = silent.shape
    return np.linalg.qr(silent, mode="complete")[0][:, s:] if s else np.eye(r)


def _on_ranges(noise: Array, silent: list[Array]) -> tuple[Array, Array, Array]:
    """Precisions (k, r, r), log determinants (k,) and ranks (k,) of known covariances."""
    precision, log_det = np.zeros(noise.shape), np.zeros(len(noise))
    for i, (own, without) in enumerate(zip(noise, silent, strict=True)):
        axes = _complement(without)
        inside = axes.T @ own @ axes
        precision[i], log_det[i] = axes @ np.linalg.inv(inside) @ axes.T, np.linalg.slogdet(inside)[1]
    return precision, log_det, np.array([len(s) - s.shape[1] for s in silent])
