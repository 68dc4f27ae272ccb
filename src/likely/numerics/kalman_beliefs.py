"""What is known of the states row by row: predicted, filtered and smoothed, with all covariances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_gains import row_back
from likely.numerics.kalman_layout import Layout
from likely.numerics.kalman_means import filter_rows
from likely.numerics.kalman_products import put
from likely.numerics.kalman_work import NOTHING, Model, Run, Work
from likely.numerics.soft import Array

UNSEEN = 1e-12  # a direction with less than this share of information is not determined yet
TOUCHED = 1e-9  # a state moves with such a direction if by more than this share of how it moves at all


@dataclass(frozen=True)
class Beliefs:
    """Beliefs at every row; NaN throughout in impossible sequences.

    Where a diffuse start leaves a state undetermined, its predicted or filtered variance is infinite, and so is the
    variance of an innovation that depends on it; their means then stand for nothing.
    """

    predicted_mean: Array  # (n, m) of x_t given rows before t
    predicted_cov: Array  # (n, m, m)
    filtered_mean: Array  # (n, m) given rows up to t
    filtered_cov: Array  # (n, m, m)
    mean: Array  # (n, m) given all rows of the sequence
    cov: Array  # (n, m, m)
    lagged: Array  # (n, m, m) Cov(x_t, x_{t-1}) given all rows; 0 at first rows
    innovation: Array  # (n, d) y_t - C predicted mean; NaN where missing
    innovation_cov: Array  # (n, d, d) of all columns, also of those that are missing


def beliefs(model: Model, y: Array, drift: Array | None, offsets: Array, layout: Layout) -> Beliefs:
    """The Kalman filter and smoother in full; arguments as those of `kalman.smooth`."""
    work = Work(model, y, drift, offsets, layout)
    runs = work.run()
    n, (d, m) = len(y), model.C.shape
    means, covs = np.full((2, n, m), np.nan), np.full((4, n, m, m), np.nan)
    flat = np.zeros((n, d), bool)
    for run in runs:
        for group in run.track.groups:
            if group[0] >= run.alive:
                _tell(run, group, means, covs, flat)
    innovation_cov = model.C @ np.where(np.isinf(covs[0]), 0.0, covs[0]) @ model.C.T + model.R
    innovation_cov[:, range(d), range(d)] += np.where(flat, np.inf, 0.0)
    mean = np.where(np.isnan(means[0]), np.nan, work.mean)
    return Beliefs(
        means[0], covs[0], means[1], covs[1], mean, covs[2], covs[3], y - means[0] @ model.C.T, innovation_cov
    )


def _tell(run: Run, group: Array, means: Array, covs: Array, flat: Array) -> None:
    """Fill in the rows of equally long sequences, which have covariances in common."""
    T, states = int(run.lengths[group[0]]), run.work.flat_states
    sets = _sets(run, T)
    own = _smoothed(run, group, T)
    predicted, white = _filtered(run, T, run.starts[group], np.repeat(run.work.m0[None], len(group), 0), False)
    if len(states):
        effect, seen = _filtered(run, T, np.arange(len(states)) * T, np.eye(run.work.m)[states], True)
        effect, seen = effect.transpose(1, 2, 0), -seen.transpose(1, 2, 0)
    for g, start in enumerate(run.starts[group]):
        rows = slice(start, start + T)
        after = predicted[g] + np.einsum("tri,tr->ti", sets[2], white[g])
        means[0, rows], means[1, rows] = predicted[g], after
        covs[0, rows], covs[1, rows], covs[2, rows], covs[3, rows] = sets[0], sets[1], *own
        if len(states):
            information = np.cumsum(np.einsum("tra,trb->tab", seen, seen), 0)
            score = np.cumsum(np.einsum("tra,tr->ta", seen, white[g]), 0)
            moved = effect - np.einsum("tri,tra->tia", sets[2], seen)
            none = np.zeros_like(information[:1]), np.zeros_like(score[:1])
            before = np.concatenate([none[0], information[:-1]]), np.concatenate([none[1], score[:-1]])
            hidden = _flat(effect, *before, means[0, rows], covs[0, rows])
            _flat(moved, information, score, means[1, rows], covs[1, rows])
            C = run.work.model.C
            flat[rows] = np.abs(C @ hidden).max(-1) > TOUCHED * np.abs(C @ effect).max(-1)


def _sets(run: Run, T: int) -> tuple[Array, Array, Array]:
    """P-, P after the observation and gains (T, r, m) row by row."""
    m, r = run.work.m, run.work.observed.y.shape[1]
    predicted, after, gain = np.empty((T, m, m)), np.empty((T, m, m)), np.empty((T, r, m))
    for block in run.gains.forward():
        first, last = block.first, min(block.last, T)
        if first >= T or block.sets is None:
            break
        own = block.sets.reshape(block.room, -1)[run.gains.index[first:last]]
        predicted[first:last] = own[:, : m * m].reshape(-1, m, m)
        after[first:last] = own[:, m * m : 2 * m * m].reshape(-1, m, m)
        gain[first:last] = own[:, 3 * m * m + r * m : 3 * m * m + 2 * r * m].reshape(-1, r, m)
    there = np.arange(r) < run.work.observed.count[run.gains.pattern[:T], None]
    return predicted, after, np.where(there[:, :, None], gain, 0.0)


def _filtered(run: Run, T: int, starts: Array, x: Array, nothing: bool) -> tuple[Array, Array]:
    """Predicted means (L, T, m) and white innovations (L, T, r) from starts x; of zero observations if `nothing`."""
    work, gains, L = run.work, run.gains, len(starts)
    m, r = work.m, work.observed.y.shape[1]
    y = np.zeros(L * T * r) if nothing else work.observed.y.reshape(-1)
    drift = NOTHING if nothing else work.drift
    mean, white, square = np.empty((len(y) // r, m)), np.zeros(len(y)), np.zeros(L)
    mean[starts] = x
    mean = mean.reshape(-1)
    lengths = np.full(L, T)
    for b in gains.forward():
        filter_rows(
            y, r, drift, starts, lengths, b.first, b.last, gains.turned, work.observed.flat_across, b.sets,
            gains.index, work.observed.count, gains.steps, gains.pattern, m, mean, white, square,
        )  # fmt: skip
    rows = starts[:, None] + np.arange(T)
    return mean.reshape(-1, m)[rows], white.reshape(-1, r)[rows]


def _smoothed(run: Run, group: Array, T: int) -> tuple[Array, Array]:
    """Smoothed covariances, and those with the row before."""
    work, gains, m = run.work, run.gains, run.work.m
    cov, lagged, N, ahead = np.empty((T, m, m)), np.zeros((T, m, m)), np.zeros(m * m), np.zeros(m * m)
    for b in gains.backward():
        backward_rows(
            gains.A, b.sets, work.observed.y.shape[1], gains.index, work.observed.count, gains.steps,
            gains.pattern, b.first, min(b.last, T), T, m, N, ahead, cov.reshape(-1), lagged.reshape(-1),
        )  # fmt: skip
    if int(group[0]) in run.flat:
        z = run.flat[int(group[0])].spread
        cov += z @ z.swapaxes(1, 2)
        lagged[1:] += z[1:] @ z[:-1].swapaxes(1, 2)
    return cov, lagged


def _flat(effect: Array, information: Array, score: Array, mean: Array, cov: Array) -> Array:
    """Add to means and covariances what a flat start does to them, given information (T, q, q) on it so far.

    Gives effects in directions of which nothing is known yet (T, m, q), where covariances become infinite.
    """
    scale = np.sqrt(np.diagonal(information, axis1=1, axis2=2))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(information / (scale[:, :, None] * scale[:, None, :]))
    known = values > UNSEEN
    turned = (effect / scale[:, None, :]) @ vectors
    along = np.einsum("tba,tb->ta", vectors, score / scale) / np.where(known, values, 1.0)
    seen = np.where(known[:, None, :], turned, 0.0)
    mean += np.einsum("tia,ta->ti", seen, along)
    cov += (seen / np.where(known, values, 1.0)[:, None, :]) @ seen.swapaxes(1, 2)
    hidden = np.where(known[:, None, :], 0.0, turned)
    lost = np.abs(hidden).max(-1) > TOUCHED * np.abs(turned).max(-1)
    cov[:, range(cov.shape[1]), range(cov.shape[1])] += np.where(lost, np.inf, 0.0)
    return hidden * scale[:, None, :]


@compiled
def backward_rows(A, sets, r, index, count, steps, pattern, first, last, length, m, N, ahead, cov, lagged):
    """Smoothed covariances of rows before `last`, back to `first`; N and `ahead` as in `backward_sums`."""
    zero, mm = np.int64(0), m * m
    own, room = np.empty(3 * mm), np.empty(2 * mm + r * m)
    for t in range(last - 1, first - 1, -1):
        at = index[t] * (3 * mm + 2 * r * m + r * r)
        row_back(A, sets, at, r, count[pattern[t]], steps, m, N, ahead, own, room)
        put(own, zero, cov, t * mm, mm)
        if t < length - 1:
            put(own, mm, lagged, (t + 1) * mm, mm)
        put(own, 2 * mm, N, zero, mm)
        put(sets, at, ahead, zero, mm)
