"""The two regressions of a state space: of the state on the state before, of a row on the state of its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.families.gaussian import COLLINEAR, LOG_2PI, alternate, expected_gaussian
from likely.families.moments import Moments, outer, positive_definite
from likely.families.regression import residual_scatter
from likely.numerics.soft import Array
from likely.structures.equation_checks import check_equation
from likely.structures.noise import Noise
from likely.structures.noise_range import Range
from likely.structures.state_floor import Floored
from likely.structures.state_plain import plain_maximum
from likely.structures.state_unknowns import UNTOLD, Unknowns, elementwise, masks, pretend_rows

ROUNDING = 8 * float(np.finfo(float).eps)
Best = Callable[[Array], Array]  # from the covariance of the noise to the best coefficients


class Equation(Floored):
    """One linear equation of a state space, response = theta (regressors, 1) + noise, for a bank of k members.

    Parameters
    ----------
    slopes : (Slot, ...)      events (r, columns), whose regressors stand side by side: z of them
    intercept : Slot          event (r,)
    noise : Slot              event (r, r), its domain a Noise
    least : float             the smallest share of a response's variance that a free noise may have; 0 refuses less
                              than rounding can tell
    hidden : bool             are the states? Then free entries in rows without noise are not refused

    Attributes
    ----------
    held : bool      are there such entries? Given what is known of the states they are what they were, and stay so,
                     with all of the equation: its M-step does nothing, and the likelihood itself must be climbed

    Raises
    ------
    ModelError      entries that are free in rows without noise, where states are not hidden; a name that stands in two
                    slots, PretendRows beside a singular noise

    Notes
    -----
    Where every column of theta is free or known in all rows the noise does not matter: all rows are one least squares
    problem. Where rows have free entries of their own and the noise is diagonal, every row is one by itself. Otherwise
    rows depend on one another through the noise (seemingly unrelated regressions, Zellner 1962): coefficients and noise
    are worked out in turn until neither moves. What is known of theta is subtracted from the response first.

    InverseWishart(dof, scale) on the noise adds dof + r + 1 pretend rows that scatter as `scale`. PretendRows(rows,
    mean) on slopes is the matrix normal N(mean, noise, I / rows): the estimate is the joint mode, so each of its
    columns counts as one row in the denominator of the noise.
    """

    def __init__(
        self, slopes: Sequence[Slot], intercept: Slot, noise: Slot, *, least: float = 0.0, hidden: bool = False
    ):  # fmt: skip
        self.slopes, self.intercept, self.noise, self.least = tuple(slopes), intercept, noise, least
        self.k, self.r, self.z = noise.k, noise.event[0], sum(s.event[1] for s in slopes)
        self.range = Range(noise)
        self.held = check_equation(self.slopes, intercept, noise, self.range, hidden=hidden)
        # An intercept of its own is what is left at the means whatever the slopes are, so deviations from them will do.
        self._centred = intercept.simple and elementwise(intercept) and intercept.prior is None
        self._level = np.asarray(intercept.known) if intercept.fixed else None
        slots = self.slopes if self._centred or self._level is not None else (*self.slopes, intercept)
        self._pretend = pretend_rows(slots)
        normal = any(s.prior is not None and not s.prior.in_rows for s in slots)
        self._columns = self._unknowns = None
        own_rows = all(map(elementwise, slots))
        if own_rows:
            self._free, self._base, self._certainty, self._centre = masks(slots)
            if not normal and (self._free == self._free[0, 0]).all():
                self._columns = _cut(self._free[0, 0])
        own_rows = own_rows and self._diagonal()
        if self._columns is None and not own_rows:
            groups = [np.arange(self.k)] if any(s.ties for s in slots) else list(np.arange(self.k)[:, None])
            self._unknowns = [Unknowns(slots, g) for g in groups]
        self._in_turn = self._columns is None and (normal or not own_rows) and not noise.fixed
        self._away = np.tile(np.eye(self.r, self.z + self.r, self.z), (self.k, 1, 1))

    @cached_property
    def _plain(self) -> bool:
        """Is all of one member free, coefficients and noise, and nothing known of either?"""
        noise = self.noise
        free = self.k == 1 and not self._pretend and not noise.fixed and noise.prior is None
        whole = isinstance(noise.domain, Noise) and not noise.domain.structured and not noise.ties
        every = self._columns is not None and bool(self._free.all()) and self._free.shape[2] == self.z > 0
        return free and whole and every

    def _diagonal(self) -> bool:
        if self.noise.fixed:
            known = np.asarray(self.noise.known)
            return bool((known == known * np.eye(self.r)).all())
        return isinstance(self.noise.domain, Noise) and self.noise.domain.is_diagonal

    # -- the maximum
    def maximise(self, stats: Moments, theta_now: Array, noise_now: Array) -> tuple[Array, Array]:
        """Coefficients and noise that together maximise the expected log density plus the log priors.

        Parameters
        ----------
        stats : Moments                       of (regressors, response), k members
        theta_now : array (k, r, z + 1)       slopes side by side, then the intercept; kept where nothing tells of them
        noise_now : array (k, r, r)           to begin from; kept by members without weight

        Returns
        -------
        theta (k, r, z + 1), noise (k, r, r)

        Raises
        ------
        Degenerate      regressors depend linearly on one another, or a free variance fell to zero
        """
        if self.held:
            return theta_now, noise_now
        if self._plain and (found := plain_maximum(stats, self.z, self._level, self.least)) is not None:
            return found
        with np.errstate(divide="ignore", invalid="ignore"):
            best = self._best(stats, theta_now)
            if not self._in_turn:
                theta = best(noise_now)
                noise = self._noise(stats, theta, noise_now)
            else:

                def step(now: Array) -> tuple[Array, Array]:
                    theta = best(now)
                    return theta, self._noise(stats, theta, now)

                theta, noise = alternate(step, noise_now)
        return theta, noise

    def _best(self, stats: Moments, now: Array) -> Best:
        """The best coefficients as a function of the noise."""
        weight, x, y, within, across = self._sums(stats)
        c = self.z if self._centred or self._level is not None else self.z + 1
        if self._centred:
            gram, cross = within, across
        elif self._level is not None:
            gram = within + weight[..., None, None] * outer(x)
            cross = across + (weight * (y - self._level))[..., None] * x
        else:
            gram, cross = _augmented(weight, x, y, within, across)
        for at, rows, mean in self._pretend:
            gram, cross = _with_rows(gram, cross, at, rows, mean)
        solve = self._solver(weight, x, gram, cross, now[:, :, :c])

        def best(noise: Array) -> Array:
            return self._whole(solve(noise), weight, x, y, now)

        return best

    def _sums(self, stats: Moments) -> tuple[Array, ...]:
        """Weights (k, 1), means of regressors (k, 1, z) and response (k, r), their scatter (k, 1, z, z), (k, r, z)."""
        z, mean, scatter = self.z, stats.mean, stats.scatter
        return stats.weight[:, None], mean[:, None, :z], mean[:, z:], scatter[:, None, :z, :z], scatter[:, z:, :z]

    def _whole(self, found: Array, weight: Array, x: Array, y: Array, now: Array) -> Array:
        """(k, r, z + 1): with the intercepts."""
        if not self._centred and self._level is None:
            return found
        out = np.empty_like(now)
        out[:, :, : self.z] = found
        if self._level is not None:
            out[:, :, self.z] = self._level
            return out
        height = y - (found * x).sum(2)
        out[:, :, self.z] = height if (weight > 0).all() else np.where(weight > 0, height, now[:, :, self.z])
        return out

    def _solver(self, weight: Array, x: Array, gram: Array, cross: Array, now: Array) -> Best:
        if self._columns is not None and gram.shape[1] == 1:
            found = self._by_columns(weight, x, gram[:, 0], cross, now)
            return lambda _noise: found
        if self._unknowns is None:
            return self._by_rows(gram, cross, now)
        told = [u.told(gram, cross) for u in self._unknowns]

        def solve(noise: Array) -> Array:
            precision = self.range.precision(noise)
            each = [t.solve(precision, now) for t in told]
            return each[0] if len(each) == 1 else np.concatenate(each)

        return solve

    def _by_columns(self, weight: Array, x: Array, gram: Array, cross: Array, now: Array) -> Array:
        """(k, r, c): one least squares problem for all rows of a member."""
        assert self._columns is not None
        own, rest = self._columns
        if rest is not None:
            known = self._base[:, :, rest]
            if known.any():
                cross = cross - known @ gram[:, rest]
            gram, cross = gram[:, own][:, :, own], cross[:, :, own]
        size = np.einsum("kcc->kc", gram)
        if self._centred and not self._pretend:  # what varies by no more than the rounding of its mean is constant
            size = np.where(size > weight * (ROUNDING * x[:, 0, own]) ** 2, size, 0.0)
        seen = (weight[:, 0] > 0) | (size > 0).all(1)
        found = _solved(gram, cross, size, seen)
        if not seen.all():
            found = np.where(seen[:, None, None], found, now[:, :, own])
        if rest is None:
            return found
        out = self._base.copy()
        out[:, :, own] = found
        return out

    def _by_rows(self, gram: Array, cross: Array, now: Array) -> Best:
        """Least squares of every row by itself, over the entries that are free in it; normal priors add to it."""
        free = self._free
        c = free.shape[2]
        left = np.where(free, cross - (self._base[:, :, None] @ gram)[:, :, 0], 0.0)
        matrix = np.where(free[..., None] & free[:, :, None], gram, 0.0)
        i = np.arange(c)

        def solve(noise: Array) -> Array:
            spread = np.einsum("krr->kr", noise)[..., None] * self._certainty
            whole, push = matrix.copy(), left + spread * self._centre
            whole[..., i, i] += spread
            size = np.sqrt(whole[..., i, i])
            told = size > 0
            whole[..., i, i] += ~told
            scale = np.where(told, size, 1.0)
            whole /= outer(scale)
            wrong = ~positive_definite((whole - COLLINEAR * np.eye(c)).reshape(-1, c, c)).reshape(free.shape[:2])
            if wrong.any():
                raise Degenerate(UNTOLD, members=np.flatnonzero(wrong.any(1)).tolist())
            found = np.linalg.solve(whole, (push / scale)[..., None])[..., 0] / scale
            return np.where(free & ~told, now, self._base + found)

        return solve

    # -- the noise
    def _noise(self, stats: Moments, theta: Array, now: Array) -> Array:
        """The best covariance of the noise about these coefficients; `now` for members without weight."""
        slot = self.noise
        if slot.fixed:
            return np.asarray(slot.known)
        scatter, dof = self.scatter(stats, theta), stats.dof
        for at, rows, mean in self._pretend:
            off = theta[:, :, at] - mean
            scatter, dof = scatter + rows[:, None, None] * (off @ off.swapaxes(1, 2)), dof + off.shape[2]
        if slot.prior is not None:
            more, extra = slot.prior.as_moments(self.r)
            scatter, dof = scatter + slot.share * extra, dof + slot.share * more
        dof = slot.pool(dof)
        value = slot.pool(scatter) / dof[:, None, None]
        assert isinstance(slot.domain, Noise)
        value = self._allowed(stats, slot.domain.restrict(value), now)
        return value if (dof > 0).all() else np.where((dof > 0)[:, None, None], value, now)

    def scatter(self, stats: Moments, theta: Array) -> Array:
        """(k, r, r): of the response about its regression."""
        if not self._centred:
            return residual_scatter(stats, theta[:, :, : self.z], theta[:, :, self.z])
        away = self._away.copy()
        away[:, :, : self.z] = -theta[:, :, : self.z]
        return away @ stats.scatter @ away.swapaxes(1, 2)

    def expected(self, theta: Array, noise: Array, stats: Moments, centre: Array | None = None) -> Array:
        """(k,): the sum of w log density; on its range where the noise is singular.

        What is left of the response after a `centre` near theta may be far smaller than the response.
        """
        if centre is not None:
            theta, stats = theta - centre, self._about(stats, centre)
        scatter = residual_scatter(stats, theta[:, :, : self.z], theta[:, :, self.z])
        if self.range.regular:
            return expected_gaussian(stats, noise, scatter)
        log_det, rank = self.range.measure(noise)
        trace = (self.range.precision(noise) * scatter).sum((1, 2))
        out = -0.5 * (stats.weight * rank * LOG_2PI + stats.dof * log_det + trace)
        return out if stats.base is None else out + stats.base

    def _about(self, stats: Moments, theta: Array) -> Moments:
        """Moments of (regressors, what is left of the response after theta)."""
        n, width = stats.mean.shape
        own, z = theta.reshape(n, -1, self.z + 1), self.z
        away = np.tile(np.eye(width), (n, 1, 1))
        away[:, z:, :z] = -own[:, :, :z]
        mean = (away @ stats.mean[:, :, None])[:, :, 0]
        mean[:, z:] -= own[:, :, z]
        return replace(stats, mean=mean, scatter=away @ stats.scatter @ away.swapaxes(1, 2))


def _augmented(weight: Array, x: Array, y: Array, within: Array, across: Array) -> tuple[Array, Array]:
    """Second moments of (regressors, 1) about 0, and with the response."""
    h = np.concatenate([x, np.ones((*x.shape[:2], 1))], 2)
    gram, z = weight[..., None, None] * outer(h), x.shape[2]
    gram[..., :z, :z] += within
    cross = (weight * y)[..., None] * h
    cross[..., :z] += across
    return gram, cross


def _with_rows(gram: Array, cross: Array, at: slice, rows: Array, mean: Array) -> tuple[Array, Array]:
    """The same with pretend rows for some of the columns."""
    gram, cross = gram.copy(), cross.copy()
    i = np.arange(at.start, at.stop)
    gram[..., i, i] += rows[:, None, None]
    cross[:, :, at] += rows[:, None, None] * mean
    return gram, cross


def _cut(own: Array) -> tuple[Any, Any]:
    """Positions of the free columns and of the others (None where there are none), as a slice where they are a run."""
    places, rest = np.flatnonzero(own), np.flatnonzero(~own)
    run = len(places) and places[-1] - places[0] + 1 == len(places)
    return slice(places[0], places[-1] + 1) if run else places, rest if len(rest) else None


def _solved(gram: Array, cross: Array, size: Array, seen: Array) -> Array:
    """(k, r, c): coefficients from normal equations, in units in which the regressors have size 1."""
    if not size.all():
        lost = seen & (size == 0).any(1)
        if lost.any():
            raise Degenerate(UNTOLD, members=np.flatnonzero(lost).tolist())
        size = np.where(size > 0, size, 1.0)
        gram = np.where(seen[:, None, None], gram, np.eye(gram.shape[1]))
    scale = np.sqrt(size)
    gram = gram / outer(scale)
    determined = positive_definite(gram - COLLINEAR * np.eye(gram.shape[1]))
    if not determined.all():
        raise Degenerate(UNTOLD, members=np.flatnonzero(~determined).tolist())
    scale = scale[:, None]
    return np.linalg.solve(gram, (cross / scale).swapaxes(1, 2)).swapaxes(1, 2) / scale
