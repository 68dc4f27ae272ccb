"""An equation of a state space whose rows were observed apart from one another: each has moments of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from likely.core.slot import Slot
from likely.errors import ModelError
from likely.families.gaussian import LOG_2PI, check_collapse
from likely.families.moments import Moments
from likely.families.regression import residual_scatter
from likely.numerics.soft import Array
from likely.structures.noise import Noise
from likely.structures.state_equations import Equation
from likely.structures.state_floor import SMALLEST, cure_of


class RowEquation(Equation):
    """The same where the noise is diagonal and every row has weights of its own: values are missing here and there.

    `maximise` and `expected` take the moments of (regressors, one row of the response) of k * r members, row fastest.
    """

    @cached_property
    def _plain(self) -> bool:
        """Rows have moments of their own."""
        return False

    def __init__(
        self, slopes: Sequence[Slot], intercept: Slot, noise: Slot, *, least: float = 0.0, hidden: bool = False
    ):  # fmt: skip
        super().__init__(slopes, intercept, noise, least=least, hidden=hidden)
        if not self._diagonal():
            raise ModelError(
                f"{noise.name} is not diagonal, so rows cannot be told apart. Write 'diagonal', 'spherical' or "
                "variances.",
                slot=noise.name,
            )

    def _apart(self, a: Array) -> Array:
        """(k * r, ...) to (k, r, ...)."""
        return a.reshape((self.k, self.r, *a.shape[1:]))

    def _sums(self, stats: Moments) -> tuple[Array, ...]:
        """As in an Equation, with weights (k, r), means (k, r, z) and scatter (k, r, z, z) of the regressors by row."""
        z, mean, scatter = self.z, self._apart(stats.mean), self._apart(stats.scatter)
        return self._apart(stats.weight), mean[..., :z], mean[..., z], scatter[..., :z, :z], scatter[..., z, :z]

    def _noise(self, stats: Moments, theta: Array, now: Array) -> Array:
        slot = self.noise
        if slot.fixed:
            return np.asarray(slot.known)
        scatter, dof = self._squares(stats, theta), self._apart(stats.dof)
        for at, rows, mean in self._pretend:
            off = theta[:, :, at] - mean
            scatter, dof = scatter + rows[:, None] * (off**2).sum(2), dof + off.shape[2]
        scatter, dof = slot.pool(scatter), slot.pool(dof)
        assert isinstance(slot.domain, Noise)
        variance = slot.domain.variances(scatter, dof)
        variance = np.where(np.isnan(variance), np.einsum("krr->kr", now), variance)
        variance = self._allowed_rows(stats, variance, np.einsum("krr->kr", now))
        return variance[:, :, None] * np.eye(self.r)

    def _allowed_rows(self, stats: Moments, variance: Array, now: Array) -> Array:
        """Variances (k, r) of rows, held above nothing as those of an Equation are."""
        domain = self.noise.domain
        assert isinstance(domain, Noise)
        weight = self._apart(stats.weight)
        size = self._apart(stats.scatter[:, self.z, self.z]) / np.where(weight > 0, weight, 1.0)
        free = domain.free_rows(self.r)
        if self.least == 0 or not (size[:, free] > 0).all():
            self._check_rows(stats, variance)
            return variance
        out = variance.copy()
        before, dof = now[:, free] / size[:, free], self._apart(stats.dof)
        for i in free:  # alone, or with those whose variance is the same
            own = next((g for g in domain.groups if i in g), np.array([i]))
            total = dof[:, own].sum(1)
            self._refuse_vanishing(variance[:, i] / size[:, i], now[:, i] / size[:, i], total)
        least = np.clip(before, SMALLEST * self.least, self.least)
        out[:, free] = np.maximum(variance[:, free], least * size[:, free])
        for group in domain.groups:
            out[:, group] = out[:, group].max(1, keepdims=True)
        return out

    def floored(self, stats: Moments, noise: Array) -> Array:
        weight, domain = self._apart(stats.weight), self.noise.domain
        if self.least == 0 or self.noise.fixed:
            return noise
        assert isinstance(domain, Noise)
        out, i = noise.copy(), domain.free_rows(self.r)
        size = self._apart(stats.scatter[:, self.z, self.z]) / np.where(weight > 0, weight, 1.0)
        out[:, i, i] = np.maximum(noise[:, i, i], self.least * size[:, i])
        for group in domain.groups:
            out[:, group, group] = out[:, group, group].max(1, keepdims=True)
        return out

    def _check_rows(self, stats: Moments, variance: Array) -> None:
        assert isinstance(self.noise.domain, Noise)
        weight, dof, mean = (self._apart(a) for a in (stats.weight, stats.dof, stats.mean[:, self.z]))
        squares = self._apart(stats.scatter[:, self.z, self.z])
        for i in self.noise.domain.free_rows(self.r):
            own = Moments(weight[:, i], dof[:, i], mean[:, i, None], squares[:, i, None, None])
            check_collapse(own, self.noise, variance[:, i, None, None], cure=cure_of(self.noise))

    def _squares(self, stats: Moments, theta: Array) -> Array:
        """(k, r): sums of squares about the regression of each row."""
        flat = theta.reshape(self.k * self.r, 1, self.z + 1)
        return residual_scatter(stats, flat[:, :, : self.z], flat[:, :, self.z]).reshape(self.k, self.r)

    def expected(self, theta: Array, noise: Array, stats: Moments, centre: Array | None = None) -> Array:
        if centre is not None:
            theta, stats = theta - centre, self._about(stats, centre)
        weight, dof, variance = self._apart(stats.weight), self._apart(stats.dof), np.einsum("krr->kr", noise)
        on = variance > 0
        safe = np.where(on, variance, 1.0)
        each = weight * LOG_2PI + dof * np.log(safe) + self._squares(stats, theta) / safe
        out = -0.5 * np.where(on, each, 0.0).sum(1)
        return out if stats.base is None else out + self._apart(stats.base).sum(1)
