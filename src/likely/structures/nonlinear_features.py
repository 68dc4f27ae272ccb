"""Functions that are linear in their parameters: a matrix times features of state and inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.errors import ModelError
from likely.numerics.extended import root, sigma_points
from likely.numerics.soft import Array
from likely.structures.nonlinear_functions import Written


class Features:
    """Features phi(x, u) of states x (..., m) and inputs u (..., p) or None, for f = A phi or h = C phi.

    Parameters
    ----------
    function : callable      phi(x, u) -> (..., size)
    size : int               how many features there are

    Raises
    ------
    ModelError      a size below 1

    Notes
    -----
    The M-step of A is then the regression E[x' phi'] E[phi phi']^-1 (Roweis & Ghahramani 2001), in closed form, with
    expectations at sigma points.

    Examples
    --------
    >>> import likely as lk
    >>> import numpy as np
    >>> cubic = lk.Features(lambda x, u: np.concatenate([x, x**3], axis=-1), 2)
    >>> cubic
    Features(<lambda>, 2)
    """

    def __init__(self, function: Callable[..., Any], size: int):
        if size < 1:
            raise ModelError(f"Features(..., {size}): at least one feature is needed.")
        self.function, self.count = function, int(size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self.function, '__name__', 'function')}, {self.count})"

    def size(self, m: int, p: int) -> int:
        """How many there are, of m states and p inputs."""
        return self.count

    def written(self, m: int, p: int) -> Written:
        """The features as a function without theta."""
        phi = self.function
        return Written("the function of features", lambda x, u, _: phi(x, u), self.size(m, p), "feature").probed(
            m, p, 0
        )

    def moments(self, written: Written, mean: Array, cov: Array, u: Array | None) -> tuple[Array, Array, Array]:
        """E phi (..., q), E (x - mean) phi' (..., m, q) and E phi phi' (..., q, q) of Gaussian states."""
        points, weights = sigma_points(mean, root(cov))
        phi = written.call(points, None if u is None else u[..., None, :], None)
        weighted = weights[:, None] * phi
        shift = points - mean[..., None, :]
        return weighted.sum(-2), np.swapaxes(shift, -1, -2) @ weighted, np.swapaxes(phi, -1, -2) @ weighted


class RadialBasis(Features):
    """Gaussian bumps beside a linear part: phi = [rho_1, ..., rho_c, x, u, 1], a radial basis function network.

    Here rho_i(x) = exp(-1/2 (x - c_i)' S_i^-1 (x - c_i)).

    Parameters
    ----------
    centres : array (c, m)                     in units of the states; (c,) for one state
    widths : number, array (c,) or (c, m, m)   standard deviations of round bumps, or their covariances S

    Raises
    ------
    ModelError      widths that are not above 0, or that do not fit the centres

    Notes
    -----
    All moments under a Gaussian state are exact, and with them the M-step (Roweis & Ghahramani 2001).

    Examples
    --------
    >>> import likely as lk
    >>> lk.RadialBasis([-1.0, 0.0, 1.0], 0.5).size(1, 0)
    5
    """

    def __init__(self, centres: Any, widths: Any):
        at = np.asarray(centres, float)
        self.centres = at[:, None] if at.ndim == 1 else at
        c, m = self.centres.shape
        wide = np.asarray(widths, float)
        self.widths = wide
        if wide.ndim <= 1:
            if wide.shape not in ((), (c,)):
                raise ModelError(
                    f"RadialBasis(widths=...) has shape {wide.shape}; it needs a number, ({c},) or {(c, m, m)}."
                )
            if not (wide > 0).all():
                raise ModelError(f"RadialBasis(widths={wide.tolist()}); widths are numbers above 0.")
            self.spread = np.broadcast_to(wide, (c,))[:, None, None] ** 2 * np.eye(m)
        elif wide.shape == (c, m, m) and (np.linalg.eigvalsh(wide) > 0).all():
            self.spread = wide
        else:
            raise ModelError(
                f"RadialBasis(widths=...) has shape {wide.shape}; covariances of bumps are positive definite, of shape "
                f"{(c, m, m)}."
            )
        self._precision = np.linalg.inv(self.spread)
        super().__init__(self._phi, c)

    def __repr__(self) -> str:
        return f"RadialBasis({self.centres.tolist()}, {self.widths.tolist()})"

    def size(self, m: int, p: int) -> int:
        if self.centres.shape[1] != m:
            raise ModelError(
                f"RadialBasis has centres of {self.centres.shape[1]} coordinates, the model has {m} states; each "
                "centre needs one coordinate for each state."
            )
        return self.count + m + p + 1

    def _phi(self, x: Array, u: Array | None) -> Array:
        off = x[..., None, :] - self.centres
        bumps = np.exp(-0.5 * np.einsum("...ca,cab,...cb->...c", off, self._precision, off))
        return np.concatenate([bumps, *_linear(x, u)], -1)

    def moments(self, written: Written, mean: Array, cov: Array, u: Array | None) -> tuple[Array, Array, Array]:
        one = self._bumps(mean, cov, self.centres, self.spread)
        upper = np.triu_indices(self.count)
        two = self._products(mean, cov, *upper)
        linear = np.concatenate([np.broadcast_to(v, (*mean.shape[:-1], v.shape[-1])) for v in _linear(mean, u)], -1)
        c, m = self.count, mean.shape[-1]
        first = np.concatenate([one.mean, linear], -1)
        shift = np.zeros((*mean.shape, first.shape[-1]))  # E (x - mean) phi'
        shift[..., :c] = np.swapaxes(one.shift * one.mean[..., None], -1, -2)
        shift[..., c : c + m] = cov
        second = first[..., :, None] * first[..., None, :]
        second[..., upper[0], upper[1]] = second[..., upper[1], upper[0]] = two.mean
        second[..., c : c + m, c : c + m] += cov
        second[..., :c, c : c + m] += np.swapaxes(shift[..., :c], -1, -2)
        second[..., c : c + m, :c] += shift[..., :c]
        return first, shift, second

    def _products(self, mean: Array, cov: Array, i: Array, j: Array) -> Bumps:
        """Products of two bumps are bumps."""
        spread = np.linalg.inv(self._precision[i] + self._precision[j])
        pull = np.einsum("cab,cb->ca", self._precision, self.centres)
        centres = np.einsum("cab,cb->ca", spread, pull[i] + pull[j])
        apart = self.centres[i] - self.centres[j]
        height = np.exp(-0.5 * np.einsum("ca,cab,cb->c", apart, np.linalg.inv(self.spread[i] + self.spread[j]), apart))
        out = self._bumps(mean, cov, centres, spread)
        return Bumps(height * out.mean, out.shift)

    @staticmethod
    def _bumps(mean: Array, cov: Array, centres: Array, spread: Array) -> Bumps:
        total = spread + cov[..., None, :, :]
        off = centres - mean[..., None, :]
        pull = np.linalg.solve(total, off[..., None])[..., 0]
        log_ratio = np.linalg.slogdet(spread)[1] - np.linalg.slogdet(total)[1]
        return Bumps(np.exp(0.5 * (log_ratio - (off * pull).sum(-1))), pull @ cov)


@dataclass(frozen=True)
class Bumps:
    """Expected bumps (..., c) of a Gaussian state, and how far each moves its mean (..., c, m)."""

    mean: Array
    shift: Array


def _linear(x: Array, u: Array | None) -> list[Array]:
    one = np.ones((*x.shape[:-1], 1))
    return [x, one] if u is None else [x, u, one]


@dataclass(frozen=True)
class Weighted:
    """Coefficients (k, e, q) times features: points are (k, ..., m)."""

    written: Written
    coefficients: Array

    def _coefficients(self, x: Array) -> Array:
        return self.coefficients.reshape((len(x), *(1,) * (x.ndim - 2), *self.coefficients.shape[1:]))

    def value(self, x: Array, u: Array | None) -> Array:
        """(k, ..., e)."""
        return (self._coefficients(x) @ self.written.call(x, u, None)[..., None])[..., 0]

    def tangent(self, x: Array, u: Array | None) -> tuple[Array, Array]:
        """Values (k, ..., e) and derivatives (k, ..., e, m) in the state."""
        value, slope = self.written.tangent(x, u, lambda _: None)
        a = self._coefficients(x)
        return (a @ value[..., None])[..., 0], a @ slope
