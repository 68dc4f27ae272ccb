"""Families that are moved and stretched copies of one law, maximised over held rows by Newton's method.

The log density is h(z) - log scale with z = (x - location) / scale. A family says what h and its derivatives are; here
they become derivatives in the location and in the logarithms of the scale and of a shape, under any slots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from likely.core.newton import Score, maximise
from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.families.held import Held
from likely.families.limits import loose
from likely.numerics.soft import Array, safe_log

COLLAPSED = 1e-7  # of the spread of all components together, as for the standard deviation of a Normal
DEEPEST = 17.0  # the logarithm of a scale falls no further in one climb: it is on its way to zero
SOME = 10_000  # rows that are enough to begin with
EPSILON = float(np.finfo(float).eps)
QUARTERS = (0.25, 0.5, 0.75)

# Sums of w f(z) over rows for functions of z (k, m), weights (k,) and shapes (k, 0 or 1), to sums (k,) of w times
# h, h', z h', h'', z h'', z^2 h''; with a shape, and c its logarithm, also of h_c, h_cc, h'_c and z h'_c.
Totals = Callable[[Callable[[Array], Sequence[Array]]], list[Array]]
Law = Callable[[Totals, Array, Array], Sequence[Array]]


def maximise_location_scale(
    stats: Held, slots: Sequence[Slot], begin: Array, law: Law, bounds: tuple[float, float] = (1.0, 1.0)
) -> Array:
    """Location, scale and perhaps a shape of highest weighted likelihood times prior.

    Parameters
    ----------
    stats : Held                 the rows
    slots : sequence of Slot     of the location, the scale, and the shape if there is one
    begin : array (k, q)         where to begin
    law : callable               h and its derivatives
    bounds : two numbers         the least and the largest estimate of the shape

    Returns
    -------
    array (k, q)      NaN where a member has no weight

    Raises
    ------
    Degenerate      a scale fell to zero: too many values are alike
    """
    location, scale = slots[0], slots[1]
    centre, unit = _frame(slots, begin, stats.weight)
    zero = centre + location.offsets
    known = np.stack([np.full(s.k, np.nan) if s.known is None else s.known for s in slots], 1)
    known = np.column_stack([(known[:, 0] - zero) / unit, safe_log(known[:, 1:])])
    shapes = np.clip(begin[:, 2:], *bounds)
    start = np.column_stack([(begin[:, 0] - zero) / unit, safe_log(begin[:, 1:2]), safe_log(shapes)])
    start = np.where(np.isfinite(start), start, 0.0)
    score = _with_priors(_score(stats, law, zero, unit), slots, zero, unit)
    for j, least, most in ((1, scale.pool(start[:, 1], np.min) - DEEPEST, np.inf), (2, *np.log(bounds))):
        if j < len(slots):
            score = _bounded(score, j, slots[j], least, most)
    u = maximise(slots, known, start, stats.weight, score)
    values = [location.settle(zero + unit * u[:, 0]), scale.settle(np.exp(u[:, 1]))]
    values += [s.settle(np.clip(np.exp(c), *bounds)) for s, c in zip(slots[2:], u.T[2:], strict=True)]
    check_scale(stats, scale, values[0], values[1])
    return np.stack(values, 1)


def log_priors(slots: Sequence[Slot], values: Array) -> Array:
    """(k,): each member's part of the log density of the priors at values (k, q)."""
    out = np.zeros(len(values))
    for slot, value in zip(slots, values.T, strict=True):
        if slot.prior is not None:
            out += slot.share * slot.prior.log_density_each((value - slot.offsets)[:, None])
    return out


def begun(stats: Held, start: Callable[[Held], Array]) -> Array:
    """(k, q): where to begin, from some rows only where there are many."""
    some = stats.thinned(SOME)
    if (some.weights > 0).sum(1).min() < SOME / 10:
        some = stats
    try:
        return start(some)
    except Degenerate:
        if some is stats:
            raise
    return start(stats)


def quantile_start(stats: Held, slots: Sequence[Slot], width: Array | float, tail: float = 0.25) -> Array:
    """(k, 2): medians, and ranges without the tails over `width` (k,), that of a scale of 1; known values win."""
    low, middle, high = stats.quantiles([tail, 0.5, 1 - tail]).T
    spread = (high - low) / width
    if not (spread > 0).all():  # half of the values are alike
        spread = np.where(spread > 0, spread, stats.total(lambda x: np.abs(x - middle[:, None])) / stats.weight)
    spread = np.where(spread > 0, spread, 1.0)
    return np.stack([slots[0].settle(middle), slots[1].settle(spread)], 1)


def check_scale(stats: Held, scale: Slot, location: Array, value: Array) -> None:
    """Raise Degenerate where a free scale (nearly) vanished, next to all hidden members together and to rounding."""
    if type(scale.prior).__name__ == "InverseGamma":  # it keeps any scale from 0
        return
    weight = stats.weight
    hidden = tuple(i for i, a in enumerate(scale.axes) if a.hidden)
    every = Slot("", scale.domain, scale.axes, (), ties=hidden)
    away = scale.pool(stats.total(lambda x: np.abs(x - location[:, None])))
    mean = every.pool(stats.total(lambda x: x)) / every.pool(weight)
    wide = np.sqrt(every.pool(stats.total(lambda x: (x - mean[:, None]) ** 2)) / every.pool(weight))
    free = loose(scale) & (weight > 0)
    small = free & ~(value > COLLAPSED * wide)
    if small.any():  # perhaps for a few values very far away
        weights = every.pool(stats.weights) if len(stats.values) == 1 else stats.weights
        low, _, high = Held(stats.values, weights).quantiles(QUARTERS).T
        small &= ~((value > COLLAPSED * (high - low)) & (high > low))
    small |= free & ((away == 0) | (value <= 4 * EPSILON * np.abs(location)))
    if small.any():
        members = np.flatnonzero(small)
        cure = f"Its values are alike; give the {scale.name} a value or a prior."
        if hidden:
            cure = f"Try fewer components, {scale.name}=shared, or a prior in {scale.name}=..."
        raise Degenerate(
            "its scale fell to zero", members=members.tolist(), weights=weight[members].tolist(), cure=cure
        )


def _frame(slots: Sequence[Slot], begin: Array, weight: Array) -> tuple[Array, Array]:
    """(k,) each: where locations are measured from and in what units; alike for tied members."""
    location = slots[0]
    seen = (weight > 0) & np.isfinite(begin[:, 0]) & (begin[:, 1] > 0)
    w = np.where(seen, weight, 0.0)
    total = location.pool(w)
    centre = location.pool(w * np.where(seen, begin[:, 0] - location.offsets, 0.0)) / total
    unit = location.pool(w * np.where(seen, begin[:, 1], 0.0)) / total
    return np.where(total > 0, centre, 0.0), np.where(total > 0, unit, 1.0)


def _score(stats: Held, law: Law, zero: Array, unit: Array) -> Score:
    """Q and its derivatives in (location - zero) / unit, log scale and log shape."""
    weight = stats.weight

    def score(u: Array) -> tuple[Array, Array, Array]:
        location, scale = (zero + unit * u[:, 0])[:, None], np.exp(u[:, 1])

        def totals(functions: Callable[[Array], Sequence[Array]]) -> list[Array]:
            return stats.totals(lambda x: functions((x - location) / scale[:, None]))

        h, h1, zh1, h2, zh2, zzh2, *own = law(totals, weight, np.exp(u[:, 2:]))
        r = unit / scale
        q = u.shape[1]
        slope, bend = np.empty((len(u), q)), np.zeros((len(u), q, q))
        slope[:, 0], slope[:, 1] = -r * h1, -zh1 - weight
        bend[:, 0, 0], bend[:, 1, 1] = r**2 * h2, zh1 + zzh2
        bend[:, 0, 1] = bend[:, 1, 0] = r * (h1 + zh2)
        if own:
            slope[:, 2], bend[:, 2, 2] = own[0], own[1]
            bend[:, 0, 2] = bend[:, 2, 0] = -r * own[2]
            bend[:, 1, 2] = bend[:, 2, 1] = -own[3]
        return h - weight * u[:, 1], slope, bend

    return score


def _with_priors(inner: Score, slots: Sequence[Slot], zero: Array, unit: Array) -> Score:
    """The same with the logarithms of the priors of the slots."""
    priors = [(j, s) for j, s in enumerate(slots) if s.prior is not None]

    def score(u: Array) -> tuple[Array, Array, Array]:
        value, slope, bend = inner(u)
        for j, slot in priors:
            x, size = (zero + unit * u[:, 0] - slot.offsets, unit) if j == 0 else (np.exp(u[:, j]), 1.0)
            here, first, second = _LOG_PRIORS[type(slot.prior).__name__](x, slot.prior.known_params())
            value = value + slot.share * here
            slope[:, j] += slot.share * size * first
            bend[:, j, j] += slot.share * size**2 * second
        return value, slope, bend

    return score if priors else inner


# Log density but for constants, with derivatives in the location, or in the logarithm of a positive value.
_LOG_PRIORS: dict[str, Callable[[Array, Params], tuple[Array, Array, Array]]] = {
    "Normal": lambda x, q: (
        -((x - q.mean) ** 2) / (2 * q.variance),
        (q.mean - x) / q.variance,
        -1 / q.variance,
    ),
    "Gamma": lambda x, q: ((q.shape - 1) * np.log(x) - q.rate * x, q.shape - 1 - q.rate * x, -q.rate * x),
    "InverseGamma": lambda x, q: (
        -(q.shape + 1) * np.log(x) - q.scale / x,
        q.scale / x - q.shape - 1,
        -q.scale / x,
    ),
}


def _bounded(inner: Score, j: int, slot: Slot, least: Array | float, most: Array | float) -> Score:
    """The same with an estimated coordinate j kept between bounds: where it would leave them, it stays."""
    free = loose(slot)

    def score(u: Array) -> tuple[Array, Array, Array]:
        at = u.copy()
        at[:, j] = np.where(free, np.clip(u[:, j], least, most), u[:, j])
        value, slope, bend = inner(at)
        push = slot.pool(slope[:, j])
        stuck = free & (((u[:, j] >= most) & (push >= 0)) | ((u[:, j] <= least) & (push <= 0)))
        if stuck.any():
            slope[stuck, j] = 0.0
            bend[stuck, j, :] = bend[stuck, :, j] = 0.0
            bend[stuck, j, j] = -1.0
        return value, slope, bend

    return score
