"""Newton's method for parameters that have no closed form: known, tied and free ones in any combination.

Statistics are worked out once; a step then costs a few special functions for each member, however many rows there were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from likely.core.slot import Slot
from likely.numerics.soft import Array

STEPS = 200  # limit; from a good start three to six are taken
HALVINGS = 40
LONGEST = 3.0  # a step changes no logarithm by more
DONE = 1e-7  # the length of a last step: convergence is quadratic, so the error after it is of the order of its square
SHORT = 1e-3  # steps below this are judged by the slope where the value does not tell
NOISY = 1e-4  # steps below this that no longer shrink are rounding

Score = Callable[[Array], tuple[Array, Array, Array]]  # values (k, q) to Q (k,), gradient (k, q) and Hessian (k, q, q)
Look = Callable[[Array], tuple[Array, Array, Array]]  # u (p, q) to value (p,), slope (p, q) and proposed step (p, q)


def maximise_positive(slots: Sequence[Slot], start: Array, weight: Array, score: Score) -> Array:
    """Values of several positive slots that maximise the sum of all members' Q.

    Parameters
    ----------
    slots : sequence of Slot      side by side they make q columns, one for each entry of their events
    start : array (k, q)          where to begin; entries that are NaN or not above 0 begin at 1
    weight : array (k,)           what each member saw; a free entry that no weight informs comes back as NaN
    score : callable              Q (k,), and its gradient (k, q) and Hessian (k, q, q) in the values themselves, where
                                  members without weight may add what a prior says about a tied value

    Returns
    -------
    array (k, q)      known entries as they are, tied entries alike

    Notes
    -----
    Damped Newton in the logarithms, with the Hessian's eigenvalues made negative where they are not. Members whose
    slots are their own are so many small independent problems, solved side by side; as soon as a slot is tied they
    make one problem in the coordinates that remain.
    """
    known = np.concatenate([_known(s) for s in slots], 1)
    usable = np.isfinite(start) & (start > 0)
    with np.errstate(divide="ignore"):  # a known 0
        logs, begin = np.log(known), np.log(np.where(usable, start, 1.0))
    found = maximise(slots, logs, begin, weight, lambda u: _in_logs(np.exp(u), score))
    return np.where(np.isnan(known), np.exp(found), known)


def maximise(slots: Sequence[Slot], known: Array, begin: Array, weight: Array, score: Score) -> Array:
    """As `maximise_positive`, in any smooth coordinates (k, q), one for each entry of the slots.

    Parameters
    ----------
    slots : sequence of Slot      which say what is tied; tied members must have the same coordinates
    known : array (k, q)          coordinates that are not estimated; NaN where they are
    begin : array (k, q)          where to begin
    weight : array (k,)           what each member saw
    score : callable              Q (k,), and its gradient (k, q) and Hessian (k, q, q) in the coordinates

    Returns
    -------
    array (k, q)      coordinates; NaN where they are to be estimated and no weight informs them
    """
    loose = np.isnan(known)
    told = np.concatenate([_behind(s, weight) for s in slots], 1) > 0
    live = loose & told
    if not live.any():
        return known
    at = np.where(loose, begin, known)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # of steps that will not be kept
        tied = any(s.ties for s in slots)
        out = _together(slots, at, live, weight, score) if tied else _apart(at, live, score)
    return np.where(loose, np.where(live, out, np.nan), known)


def _flat(slot: Slot, a: Array) -> Array:
    return a.reshape(slot.k, -1)


def _known(slot: Slot) -> Array:
    return _flat(slot, np.full((slot.k, *slot.event), np.nan) if slot.known is None else slot.known)


def _behind(slot: Slot, weight: Array) -> Array:
    """The weight behind each entry, summed over tied members."""
    return np.repeat(slot.pool(weight)[:, None], math.prod(slot.event), 1)


def _apart(u: Array, live: Array, score: Score) -> Array:
    """Every member is a problem of its own; what is not live stays."""
    all_live, both = bool(live.all()), np.logical_and(live[:, :, None], live[:, None, :])

    def look(u: Array) -> tuple[Array, Array, Array]:
        value, slope, bend = score(u)
        if not all_live:
            slope, bend = np.where(live, slope, 0.0), np.where(both, bend, -np.eye(u.shape[1]))
        return value, slope, _ascent(slope, bend)

    return climb(u, look)


def _together(slots: Sequence[Slot], u: Array, live: Array, weight: Array, score: Score) -> Array:
    """One problem in the coordinates (m,) that ties leave."""
    number = numbered(slots, live)
    m = int(number[live].max()) + 1
    pair = (number[:, :, None] * (m + 1) + number[:, None, :]).ravel()
    share = np.broadcast_to(weight[:, None], number.shape)[live]
    first = np.bincount(number[live], share * u[live]) / np.bincount(number[live], share)

    def spread(v: Array) -> Array:
        return np.where(live, np.append(v, 0.0)[number], u)

    def look(v: Array) -> tuple[Array, Array, Array]:
        value, slope, bend = score(spread(v[0]))
        small = np.bincount(number.ravel(), slope.ravel(), m + 1)[None, :m]
        matrix = np.bincount(pair, bend.ravel(), (m + 1) ** 2).reshape(1, m + 1, m + 1)
        return value.sum(keepdims=True), small, _ascent(small, matrix[:, :m, :m])

    return spread(climb(first[None], look)[0])


def numbered(slots: Sequence[Slot], live: Array) -> Array:
    """(k, q): the coordinate 0, ..., m - 1 that each entry reads; m where it is not live."""
    columns, at = [], 0
    for s in slots:
        size = s.one(np.zeros(s.k)).shape[0] * math.prod(s.event)
        columns.append(_flat(s, s.spread(np.arange(at, at + size).reshape((-1, *s.event)))))
        at += size
    every = np.concatenate(columns, 1)
    own, place = np.unique(every[live], return_inverse=True)
    number = np.full(every.shape, len(own))
    number[live] = place
    return number


def _in_logs(values: Array, score: Score) -> tuple[Array, Array, Array]:
    """The score with derivatives in the logarithms of the values."""
    value, slope, bend = score(values)
    slope = values * slope
    bend = values[:, :, None] * bend * values[:, None, :]
    np.einsum("kqq->kq", bend)[...] += slope
    return value, slope, bend


def _ascent(slope: Array, bend: Array) -> Array:
    """Newton's step (p, q) from a gradient (p, q) and a Hessian (p, q, q)."""
    try:
        np.linalg.cholesky(-bend)
        return np.linalg.solve(-bend, slope[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        return _bent_down(slope, bend)


def _bent_down(slope: Array, bend: Array) -> Array:
    """The step with every eigenvalue of the Hessian made negative: uphill where the function is not concave."""
    finite = np.logical_and(np.isfinite(bend).all((1, 2)), np.isfinite(slope).all(1))
    size, axes = np.linalg.eigh(np.where(finite[:, None, None], -bend, np.eye(bend.shape[1])))
    size = np.abs(size)
    size = np.maximum(size, 1e-15 * size.max(1, keepdims=True) + np.finfo(float).tiny)
    along = np.einsum("pij,pi->pj", axes, np.where(finite[:, None], slope, 0.0)) / size
    return np.einsum("pij,pj->pi", axes, along)


def climb(u: Array, look: Look) -> Array:
    """Independent problems u (p, q) climbed side by side, each with steps of its own length, until none moves.

    A step is kept if the value does not fall; a short one also if the slope along it shrinks, as close to a maximum the
    value is flat to rounding and only the slope still tells where it is.
    """
    value, slope, step = look(u)
    before = np.full(len(u), np.inf)
    for _ in range(STEPS):
        step = np.where(np.isfinite(step), step, 0.0)
        length = np.abs(step).max(1)
        if length.max() > LONGEST:
            step = step * (LONGEST / np.maximum(length, LONGEST))[:, None]
        stop = (before <= DONE) | ((length < NOISY) & (length > before / 2))
        before = np.where(stop, 0.0, length)
        if stop.any():
            step = np.where(stop[:, None], 0.0, step)
        if before.max() <= DONE:
            return u + step
        along = np.abs(_dot(slope, step))
        for _ in range(HALVINGS):
            new = look(u + step)
            short = np.abs(step).max(1) < SHORT
            worse = ~((new[0] >= value) | (short & (np.abs(_dot(new[1], step)) <= along)))
            if not worse.any():
                break
            step = np.where(worse[:, None], step / 2, step)
            along = np.where(worse, along / 2, along)
        u = u + step
        value, slope, step = new
    return u


def _dot(a: Array, b: Array) -> Array:
    return np.einsum("pq,pq->p", a, b)
