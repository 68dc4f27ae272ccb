"""The functions of a nonlinear state space as users write them: called on stacked points, and differentiated."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from likely.errors import ModelError
from likely.numerics.soft import Array

TINY = 1e-20  # of complex steps: nothing is subtracted, so nothing is lost
NEAR = float(np.finfo(float).eps) ** (1 / 3)  # of central differences, relative
MANY = 50  # points at each of three thetas, to tell steps from a function that is level here and there
AGREE = 1e-4  # how far a Jacobian may be from central differences, relative

GIVEN, COMPLEX, DIFFERENCES = "given", "complex step", "central differences"
UNSAFE = (TypeError, np.exceptions.ComplexWarning)  # what functions do that cannot take complex numbers


@dataclass(frozen=True)
class Written:
    """A function e = f(x, u, theta) of points x (..., m), inputs u (..., p) or None and theta, at (..., e).

    `how` says where derivatives come from: a Jacobian that was given, complex steps (exact to rounding), or central
    differences, for functions that cannot take complex numbers.
    """

    name: str  # "f" or "h"
    function: Callable[..., Any]
    out: int
    each: str  # what a column of the value is
    names: tuple[str, ...] = ()  # of theta; it is handed over as an array where it has none
    jacobian: Callable[..., Any] | None = None
    how: str = COMPLEX

    def handed(self, theta: Array, lead: tuple[int, ...]) -> Any:
        """theta (..., q) as the function takes it, for points of this leading shape."""
        theta = np.broadcast_to(theta, (*lead, theta.shape[-1]))
        return {n: theta[..., i] for i, n in enumerate(self.names)} if self.names else theta

    def call(self, x: Array, u: Array | None, theta: Any) -> Array:
        """Values (..., e) at points (..., m), with theta as it was `handed`."""
        lead = x.shape[:-1]
        if u is not None and u.shape[:-1] != lead:
            u = np.broadcast_to(u, (*lead, u.shape[-1]))
        value = np.asarray(self.function(x, u, theta))
        if value.shape != (*lead, self.out):
            raise ModelError(
                f"{self.name} returns an array of shape {value.shape} for x of shape {x.shape}; it needs shape "
                f"{(*lead, self.out)}, a last axis with one entry for each {self.each}. Take states as x[..., i] and "
                "put values together with np.stack([...], axis=-1)."
            )
        return value

    def tangent(self, x: Array, u: Array | None, hand: Callable[[tuple[int, ...]], Any]) -> tuple[Array, Array]:
        """Values (..., e) and their derivatives (..., e, m) in the state; `hand` hands over theta."""
        value = self.call(x, u, hand(x.shape[:-1]))  # complex numbers have roots and logarithms where x has none
        if self.how != GIVEN or self.jacobian is None:
            theta = hand((*x.shape[:-1], x.shape[-1]))
            return value, _slope(lambda z: self.call(z, _wider(u), theta), x, self.how)
        if u is not None:
            u = np.broadcast_to(u, (*x.shape[:-1], u.shape[-1]))
        slope = np.asarray(self.jacobian(x, u, hand(x.shape[:-1])))
        needed = (*x.shape[:-1], self.out, x.shape[-1])
        if slope.shape != needed:
            raise ModelError(
                f"the Jacobian of {self.name} returns an array of shape {slope.shape} for x of shape {x.shape}; it "
                f"needs shape {needed}: entry [..., i, j] is the derivative of value i in state j."
            )
        return value, slope

    def theta_slope(self, x: Array, u: Array | None, theta: Array) -> Array:
        """(..., e, q): derivatives in theta (..., q)."""
        theta = np.broadcast_to(theta, (*x.shape[:-1], theta.shape[-1]))
        how = self.how if self.how != GIVEN else DIFFERENCES
        points = np.broadcast_to(x[..., None, :], (*x.shape[:-1], theta.shape[-1], x.shape[-1]))
        return _slope(lambda th: self.call(points, _wider(u), self.handed(th, points.shape[:-1])), theta, how)

    def at(self, theta: Array) -> Bound:
        """The function at a bank of thetas (k, q)."""
        return Bound(self, theta)

    def probed(self, m: int, p: int, q: int) -> Written:
        """The same with derivatives as exact as can be, after a look at a few points.

        Raises
        ------
        ModelError      the value has another shape, or the Jacobian that was given is none
        """
        rng = np.random.default_rng(0)
        x, theta = rng.normal(size=(3, 2, m)), rng.uniform(0.1, 0.9, size=(3, 1, q))
        u = rng.normal(size=(3, 2, p)) if p else None
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            self.call(x, u, self.handed(theta, x.shape[:-1]))
            near = replace(self, how=DIFFERENCES)
            if self.jacobian is not None:
                given = replace(self, how=GIVEN)
                self._compare(x, near._slope_at(x, u, theta), given._slope_at(x, u, theta))
                return given
            steps = replace(self, how=COMPLEX)
            try:
                safe = _close(steps._slope_at(x, u, theta), near._slope_at(x, u, theta)).all()
                if q:
                    safe &= _close(steps.theta_slope(x, u, theta), near.theta_slope(x, u, theta)).all()
            except UNSAFE:
                safe = False
        return steps if safe else near

    def refuse_steps(self, m: int, p: int, q: int) -> None:
        """Raise a ModelError where values change with a state and derivatives do not tell: rounding does that."""
        rng = np.random.default_rng(1)
        x, theta = 3 * rng.normal(size=(3, MANY, m)), rng.uniform(0.1, 0.9, size=(3, 1, q))
        u = rng.normal(size=(3, MANY, p)) if p else None
        handed = self.handed(theta, x.shape[:-1])
        with np.errstate(all="ignore"):
            silent = ~np.nan_to_num(self._slope_at(x, u, theta), nan=1.0).any((0, 1, 2))
            for j in np.flatnonzero(silent):
                other = x.copy()
                other[..., j] = np.roll(x[..., j], 1, 1)
                before, after = (np.nan_to_num(self.call(z, u, handed)) for z in (x, other))
                if (before != after).any():
                    raise ModelError(
                        f"{self.name} changes with state {j + 1}, and its derivative is 0 at all {3 * MANY} points "
                        "that were tried: it goes in steps, as rounding does. Write it without them, or use "
                        "method='unscented', which takes no derivatives."
                    )

    def _slope_at(self, x: Array, u: Array | None, theta: Array) -> Array:
        return self.tangent(x, u, lambda lead: self.handed(theta.reshape(3, *(1,) * (len(lead) - 1), -1), lead))[1]

    def _compare(self, x: Array, near: Array, given: Array) -> None:
        wrong = ~_close(given, near)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            point = np.array2string(x[at[:2]], precision=4, separator=", ")
            raise ModelError(
                f"the Jacobian of {self.name} has {given[at]:.6g} at [{at[2]}, {at[3]}] for x = {point}, where "
                f"differences of {self.name} give {near[at]:.6g}. Mend it, or leave jacobians=... out: derivatives are "
                "then worked out by complex steps."
            )


@dataclass(frozen=True)
class Bound:
    """A function at a bank of parameters (k, q): points are (k, ..., m)."""

    written: Written
    theta: Array
    memo: dict[tuple[int, ...], Any] = field(default_factory=dict, repr=False)  # theta as handed over, by shape

    def _hand(self, lead: tuple[int, ...]) -> Any:
        if lead not in self.memo:
            self.memo[lead] = self.written.handed(self._theta(len(lead)), lead)
        return self.memo[lead]

    def _theta(self, axes: int) -> Array:
        return self.theta.reshape((len(self.theta), *(1,) * (axes - 1), -1))

    def value(self, x: Array, u: Array | None) -> Array:
        """(k, ..., e)."""
        return self.written.call(x, u, self._hand(x.shape[:-1]))

    def tangent(self, x: Array, u: Array | None) -> tuple[Array, Array]:
        """Values (k, ..., e) and derivatives (k, ..., e, m) in the state."""
        return self.written.tangent(x, u, self._hand)

    def theta_slope(self, x: Array, u: Array | None) -> Array:
        """(k, ..., e, q)."""
        return self.written.theta_slope(x, u, self._theta(x.ndim - 1))


def _wider(u: Array | None) -> Array | None:
    return None if u is None else u[..., None, :]


def _slope(function: Callable[[Array], Array], x: Array, how: str) -> Array:
    """(..., e, m) from points (..., m): steps along each axis, all in one call."""
    eye = np.eye(x.shape[-1])
    if how == COMPLEX:
        return np.imag(function(x[..., None, :] + 1j * TINY * eye)).swapaxes(-1, -2) / TINY
    step = NEAR * np.maximum(1.0, np.abs(x))[..., None, :] * eye
    ahead, behind = x[..., None, :] + step, x[..., None, :] - step
    width = np.einsum("...jj->...j", ahead - behind)  # as the numbers really differ
    return np.swapaxes((function(ahead) - function(behind)) / width[..., None], -1, -2)


def _close(a: Array, b: Array) -> Array:
    """Do derivatives agree, where both can be told?"""
    size = np.maximum(1.0, np.abs(b))
    return ~(np.abs(a - b) > AGREE * size)
