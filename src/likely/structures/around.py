"""A continuous family of one column seen through something: a window, or intervals. It is maximised numerically."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from likely.core.domains import Positive, Real
from likely.core.face import Face
from likely.core.family import Family
from likely.core.newton import maximise
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis, Slot
from likely.core.support import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL
from likely.core.written import written
from likely.errors import ModelError
from likely.families.limits import refuse
from likely.numerics.soft import Array

STEP = 3e-5  # of differences, in units in which the log-likelihood of a row bends by 1: slopes exact to 1e-9
WIDEST = 1e-3  # of differences of a logarithm
FLAT = 1e-9  # a log-likelihood that bends less by row has its maximum at infinity
FAR = 40.0, 300.0  # logarithms, and others in units, that move further are on their way to infinity
LIMIT = 5.0  # where the logarithm of an infinite value begins
STILL = 1e-4  # a proposed step above this after the last one: no maximum was found

Value = Callable[[Params], Array]  # parameters of the leaf to Q (k,)


class Around(Family, public=False):
    """Holds one part, a continuous family of one column with a distribution function, and has no slots of its own.

    A subclass says what `statistics` and `expected_log_density` are; the M-step is Newton's method on that function,
    with derivatives from differences, so that it serves every part alike.
    """

    part: Family

    def parts(self) -> dict[str, Family]:
        return {"part": self.part}

    def arguments(self) -> list[str]:
        return [written(self.part)]

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Any:
        out = super().bind(axes, setting)
        leaf = out.leaf
        for name in leaf.nonregular:
            if not leaf.slots[name].fixed:
                kind = type(leaf).__name__
                raise ModelError(
                    f"{type(self).__name__}({kind}()): the best {name} of {kind} is one of the values, and these are "
                    f"not all known here. Give it a value, as in {kind}({name}=...).",
                    slot=name,
                )
        return out

    @property
    def leaf(self) -> Family:
        """The family whose slots are estimated."""
        return self.part.leaf if isinstance(self.part, Around) else self.part

    def within(self, leaf: Params) -> Params:
        """The parameters of the whole, from those of the leaf."""
        return Params(part=self.part.within(leaf) if isinstance(self.part, Around) else leaf)

    def of_leaf(self, params: Params) -> Params:
        """The opposite of `within`."""
        return self.part.of_leaf(params.part) if isinstance(self.part, Around) else params.part

    def begin(self, stats: Any) -> Params:
        """Parameters of the leaf to begin from."""
        raise NotImplementedError

    def m_step(self, stats: Any, params: Params | None) -> Params:
        old = self.begin(stats) if params is None else self.of_leaf(params)
        found = maximise_leaf(self.leaf, stats.weight, lambda p: self.expected_log_density(self.within(p), stats), old)
        lost = np.isnan(np.stack([found[n] for n in found])).any(0) & (stats.weight <= 0)
        return self.within(Params(**{n: np.where(lost, old[n], found[n]) for n in found}))


def require_continuous(outer: str, part: Any, wrappers: tuple[type, ...] = ()) -> None:
    """Raise a ModelError unless a part is a continuous family of one column with a distribution function."""
    if not isinstance(part, Family):
        raise ModelError(f"{outer}({part!r}): the part must be a family, as in {outer}(Weibull()).")
    if isinstance(part, wrappers):
        return
    if isinstance(part, Around):
        raise ModelError(
            f"{outer}({type(part).__name__}(...)): a value lies in its window before it is censored; write "
            "Censored(Truncated(Weibull(), low=...))."
        )
    kind = type(part).__name__
    if part.parts():
        raise ModelError(
            f"{outer}({kind}(...)): the part must be one family of one column. "
            f"Put {outer} inside, as in Mixture({outer}(Weibull()), 2)."
        )
    known = part.support in (REAL, POSITIVE, NONNEGATIVE, OPEN_UNIT) and not part.several_columns
    known &= all(isinstance(d, Real | Positive) and not d.event for d in part.domains.values())
    if not known or type(part).cumulative is Face.cumulative:
        raise ModelError(
            f"{outer}({kind}()): the part must be a continuous family of one column, on the line and with a "
            "distribution function, such as Weibull() or Normal()."
        )


def maximise_leaf(leaf: Family, weight: Array, value: Value, old: Params) -> Params:
    """Parameters of a bank that maximise sum of Q + log prior, slots known, tied or free; NaN without weight.

    Parameters
    ----------
    leaf : Family               bound; its slots are numbers, real or above zero
    weight : array (k,)         what each member saw
    value : callable            parameters to Q (k,)
    old : Params                where to begin

    Raises
    ------
    Degenerate      the maximum lies at infinity

    Notes
    -----
    Newton's method in the location slots, in units of what one row tells of them, and in the logarithms of the others.
    Slopes are central differences at steps that follow the curvature: the maximum is found to some 1e-9 of a unit.
    """
    slots = list(leaf.slots.values())
    logs = np.array([isinstance(s.domain, Positive) for s in slots])
    names, offsets = list(leaf.slots), np.stack([np.broadcast_to(s.offsets, (s.k,)) for s in slots], 1)

    def objective(values: Array) -> Array:
        with np.errstate(all="ignore"):  # at steps that will not be kept
            found = value(Params(**dict(zip(names, values.T, strict=True))))
            total = found + _log_priors(slots, values)
        return np.where(np.isfinite(total), total, -np.inf)

    begin = np.stack([old[n] for n in names], 1)
    units = _units(objective, begin, logs, weight)

    def values_at(u: Array) -> Array:
        return np.where(logs, np.exp(np.where(logs, u, 0.0)), offsets + units * u)

    def coordinates(values: Array) -> Array:
        return np.where(logs, np.log(np.where(logs, values, 1.0)), (values - offsets) / units)

    score = Differences(
        lambda u: objective(values_at(u)), weight, logs, np.nan_to_num(coordinates(begin), posinf=LIMIT)
    )
    known = coordinates(np.stack([np.full(s.k, np.nan) if s.known is None else s.known for s in slots], 1))
    found = maximise(slots, known, score.begin, weight, score)
    _require_maximum(slots, names, found, np.isnan(known), score)
    found = values_at(found)
    return Params(**{n: s.settle(v) for n, s, v in zip(names, slots, found.T, strict=True)})


class Differences:
    """Gradient (k, q) and Hessian (k, q, q) of a function of coordinates (k, q), from differences."""

    def __init__(self, function: Callable[[Array], Array], weight: Array, logs: Array, begin: Array):
        self.function, self.weight, self.logs = function, np.where(weight > 0, weight, 1.0), logs
        self.seen = np.maximum(weight, 0.0)
        self.begin = begin
        self.steps: Array | None = None  # (k, q)
        self.last = np.zeros_like(begin), np.zeros((*begin.shape, begin.shape[1]))

    def __call__(self, u: Array) -> tuple[Array, Array, Array]:
        h = np.full(u.shape, STEP) if self.steps is None else self.steps
        middle, (up, down) = self.function(u), self._along(u, h)
        slope = (up - down) / (2 * h)
        bend = np.empty((*u.shape, u.shape[1]))
        for i in range(u.shape[1]):
            bend[:, i, i] = (up[:, i] + down[:, i] - 2 * middle) / h[:, i] ** 2
            for j in range(i):  # one-sided, as Newton's method needs no more
                shift = np.zeros_like(u)
                shift[:, [i, j]] = h[:, [i, j]]
                mixed = (self.function(u + shift) - up[:, i] - up[:, j] + middle) / (h[:, i] * h[:, j])
                bend[:, i, j] = bend[:, j, i] = mixed
        self._follow(h, bend)
        gone = self.far(u)
        if gone.any():  # no use to go on
            slope, bend = np.where(gone, 0.0, slope), np.where(gone[:, :, None], -np.eye(u.shape[1]), bend)
        self.last = slope, bend
        return middle, slope, bend

    def far(self, u: Array) -> Array:
        """(k, q): which coordinates are so far from where they began that they are on their way to infinity."""
        return np.abs(u - self.begin) > np.where(self.logs, *FAR)

    def _along(self, u: Array, h: Array) -> Array:
        """(2, k, q): the function a step up and a step down each coordinate."""
        out = np.empty((2, *u.shape))
        for i in range(u.shape[1]):
            shift = np.zeros_like(u)
            shift[:, i] = h[:, i]
            out[0, :, i], out[1, :, i] = self.function(u + shift), self.function(u - shift)
        return out

    def _follow(self, h: Array, bend: Array) -> None:
        """The next steps: so long that they see the curvature, which is per row in units of its own."""
        curvature = np.abs(np.einsum("kqq->kq", bend)) / self.weight[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = np.clip(STEP / np.sqrt(curvature), h / 10, h * 10)
        wanted = np.where(np.isfinite(wanted), wanted, h / 10)
        self.steps = np.where(self.logs, np.minimum(wanted, WIDEST), wanted)


def _units(objective: Callable[[Array], Array], begin: Array, logs: Array, weight: Array) -> Array:
    """(q,): a distance over which the log-likelihood of a row bends by 1; 1 for logarithms."""
    out, seen = np.ones(begin.shape[1]), weight > 0
    share = np.where(seen, weight, 1.0)
    middle = objective(begin)
    for j in np.flatnonzero(~logs):
        step = np.maximum(np.abs(begin[:, j]), 1.0) * STEP
        for _ in range(12):
            shift = np.zeros_like(begin)
            shift[:, j] = step
            with np.errstate(invalid="ignore"):
                bend = np.abs(objective(begin + shift) + objective(begin - shift) - 2 * middle) / share
            bend = np.where(np.isfinite(bend), bend, 1.0)
            step = step * np.clip(STEP / np.sqrt(np.maximum(bend, 1e-17)), 1e-4, 1e4)
            if (np.abs(np.log(np.maximum(bend, 1e-300) / STEP**2)) < 3)[seen].all():
                break
        if seen.any():
            out[j] = np.exp(np.average(np.log(step[seen]), weights=weight[seen])) / STEP
    return out


def _log_priors(slots: list[Slot], values: Array) -> Array:
    """(k,): log priors of the members, of which tied ones carry a share each."""
    total = np.zeros(len(values))
    for slot, own in zip(slots, values.T, strict=True):
        if slot.prior is not None:
            each = slot.prior.log_density_each((own - slot.offsets)[:, None])
            total = total + slot.share * each.reshape(slot.k)
    return total


def _require_maximum(slots: list[Slot], names: list[str], found: Array, free: Array, score: Differences) -> None:
    """Raise Degenerate where the objective still rises, or is flat, where the search ended."""
    weight = score.seen
    slope, bend = (np.where(np.isfinite(a), a, 0.0) for a in score.last)
    far = score.far(np.nan_to_num(found))
    for j, (slot, name) in enumerate(zip(slots, names, strict=True)):
        pooled = slot.pool(weight)
        share = np.where(pooled > 0, pooled, 1.0)
        curvature = -slot.pool(bend[:, j, j])
        rising = np.abs(slot.pool(slope[:, j])) > STILL * np.maximum(curvature, FLAT * share)
        gone = (far[:, j] | (curvature < FLAT * share) | rising) & free[:, j] & (pooled > 0)
        if gone.any():
            way = "grew" if found[gone, j][0] > score.begin[gone, j][0] else "fell"
            refuse(gone, weight, f"its {name} {way} without bound", f"Give {name} a value or a prior.")
