"""Linear-Gaussian state space models, exactly: likelihoods, smoothed means, and sums of smoothed covariances.

x_t = A x_{t-1} + drift_t + w_t, w ~ N(0, Q); y_t = C x_t + v_t, v ~ N(0, R); x_1 ~ N(m0, P0) at the first row of every
sequence. Sequences lie end to end, s begins at `offsets[s]`; NaN in y is missing. Covariances depend on parameters and
on what is missing alone: they are worked out once for all sequences of a track (see `kalman_layout`), and of smoothed
covariances only sums are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.numerics.kalman_beliefs import Beliefs, beliefs
from likely.numerics.kalman_diffuse import Undetermined
from likely.numerics.kalman_layout import Layout
from likely.numerics.kalman_work import Model, Run, Work
from likely.numerics.soft import Array

__all__ = ["Beliefs", "Blur", "Layout", "Model", "Smoothed", "Undetermined", "beliefs", "smooth"]

LOG_2PI = 1.8378770664093453


@dataclass(frozen=True)
class Blur:
    """Sums of smoothed covariances, each sequence counted by its weight."""

    before: Array  # (m, m) of V_{t-1} over moves, t >= 2
    now: Array  # (m, m) of V_t over moves
    lagged: Array  # (m, m) of Cov(x_t, x_{t-1} | Y) over moves
    first: Array  # (m, m) of V_1 over sequences
    by_pattern: Array  # (P, m, m) of V_t over rows with each pattern of the layout


@dataclass(frozen=True)
class Smoothed:
    """What is known of the states of sequences laid end to end."""

    log_prob: Array  # (S,) of what is observed; -inf where an innovation has no variance
    mean: Array  # (n, m) given all of the sequence; 0 where that is impossible
    log_dets: Array  # (S,) log|Var(y)|: of innovation covariances, summed over rows (and of S for a diffuse start)
    impossible: dict[int, int]  # sequences with an innovation without variance: its row, counted from their own
    layout: Layout
    runs: list[Run]

    def blur(self, weights: Array | None = None) -> Blur:
        """Sums of covariances over all rows, sequences counted by weights (S,)."""
        m, P = self.mean.shape[1], len(self.layout.patterns)
        weights = np.ones(len(self.log_prob)) if weights is None else weights
        by_pattern, lagged, ends = np.zeros((P, m, m)), np.zeros((m, m)), np.zeros((2, m, m))
        for run in self.runs:
            run.add(weights, by_pattern, lagged, ends)
        total = by_pattern.sum(0)
        return Blur(total - ends[1], total - ends[0], lagged, ends[0], by_pattern)


def smooth(model: Model, y: Array, drift: Array | None, offsets: Array, layout: Layout) -> Smoothed:
    """Kalman filter and smoother over sequences laid end to end.

    Parameters
    ----------
    model : Model
    y : array (n, d)             D u + d already taken away; NaN where missing
    drift : array (n, m), optional    B u_t + b, on the move into row t; ignored at first rows
    offsets : array (S + 1,)     where sequences begin, and the end
    layout : Layout              of these rows

    Raises
    ------
    Undetermined                 what is observed of a sequence does not determine its diffuse states

    Notes
    -----
    Diffuse states follow de Jong (1991): flat priors, integrated out; the log-likelihood keeps log(2 pi) / 2 for every
    observed value, as Durbin and Koopman's does.
    """
    work = Work(model, y, drift, offsets, layout)
    runs = work.run()
    log_dets, square = work.log_dets, work.square
    if work.observed.left is not None and work.observed.log_det is not None:
        square += np.add.reduceat(work.observed.left, offsets[:-1])
        log_dets += np.add.reduceat(work.observed.log_det[layout.pattern], offsets[:-1])
    log_prob = -0.5 * (layout.observed * LOG_2PI + log_dets + square)
    if work.impossible:
        log_prob[list(work.impossible)] = -np.inf
    return Smoothed(log_prob, work.mean, log_dets, work.impossible, layout, runs)
