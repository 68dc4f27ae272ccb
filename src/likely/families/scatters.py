"""What a normal distribution of several columns does with deviations: all their products, or their squares alone."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from likely.core.data import Belief
from likely.core.posterior import Fused
from likely.core.slot import Slot
from likely.families.diagonal import (
    DiagonalMoments,
    conditional_diagonal_mean,
    diagonal_moments,
    expected_diagonal,
    log_diagonal,
)
from likely.families.fused import fused_common, fused_diagonal, fused_normals
from likely.families.gaussian import (
    conditional_mean,
    expected_gaussian,
    log_gaussian,
    normal_draws,
    pretend_scatter,
    whitening,
)
from likely.families.moments import Moments, moments
from likely.families.nearest import or_nearest
from likely.families.pretend_rows import PretendRows, pretend_rows
from likely.numerics.soft import Array


class Scatter(Protocol):
    """One way to treat deviations. Covariances (k, d, d) have a layout of their own in it, that of the scatter."""

    def moments(self, points: Array | Belief, weights: Array) -> Moments:
        """Statistics of points under weights (n, k)."""
        ...

    def pretend(self, prior: Any, d: int) -> Moments:
        """A prior on a covariance as statistics."""
        ...

    def pretend_rows(self, prior: PretendRows) -> Moments:
        """Pretend rows as statistics."""
        ...

    def layout(self, covariance: Array) -> Array:
        """Covariances (k, d, d) in the layout of the scatter."""
        ...

    def covariance(self, layout: Array) -> Array:
        """Back to (k, d, d)."""
        ...

    def log_density(self, points: Array, mean: Array, covariance: Array) -> Array:
        """(n, k); covariances (k, d, d)."""
        ...

    def expected(self, stats: Any, mean: Array, covariance: Array) -> Array:
        """(k,): expected log density; covariances (k, d, d)."""
        ...

    def best_mean(self, stats: Moments, slot: Slot, covariance: Array) -> Array:
        """The best mean for covariances in the layout of the scatter."""
        ...

    def draws(self, covariance: Array, members: Array, rng: np.random.Generator) -> Array:
        """(n, d) deviations from the mean."""
        ...

    def fused(self, mean: Array, covariance: Array) -> Fused:
        """A pass over rows in one go; covariances (k, d, d), or (1, d, d) where one is common to all members."""
        ...


class Dense:
    """All products of columns: (k, d, d)."""

    moments = staticmethod(moments)
    pretend = staticmethod(pretend_scatter)
    pretend_rows = staticmethod(pretend_rows)
    best_mean = staticmethod(conditional_mean)
    draws = staticmethod(normal_draws)

    def layout(self, covariance: Array) -> Array:
        return covariance

    def covariance(self, layout: Array) -> Array:
        return layout

    def log_density(self, points: Array, mean: Array, covariance: Array) -> Array:
        white, log_det = whitening(covariance)
        return log_gaussian(points, white, mean, log_det)

    def fused(self, mean: Array, covariance: Array) -> Fused:
        return fused_common(mean, covariance[0]) if len(covariance) < len(mean) else fused_normals(mean, covariance)

    def expected(self, stats: Moments, mean: Array, covariance: Array) -> Array:
        return expected_gaussian(stats, covariance, stats.about(mean))


class Columnwise:
    """Every column by itself: (k, d)."""

    moments = staticmethod(diagonal_moments)

    def best_mean(self, stats: Moments, slot: Slot, covariance: Array) -> Array:
        if slot.prior is not None and slot.prior.covers and not slot.prior.in_rows:  # it joins columns
            return conditional_mean(stats, slot, self.covariance(covariance))
        return conditional_diagonal_mean(stats, slot, covariance)

    def pretend(self, prior: Any, d: int) -> Moments:
        full = pretend_scatter(prior, d)
        return DiagonalMoments(full.weight, full.dof, full.mean, self.layout(full.scatter))

    def pretend_rows(self, prior: PretendRows) -> Moments:
        full = pretend_rows(prior)
        return DiagonalMoments(full.weight, full.dof, full.mean, self.layout(full.scatter))

    def layout(self, covariance: Array) -> Array:
        return np.einsum("kdd->kd", covariance)

    def covariance(self, layout: Array) -> Array:
        out = np.zeros((*layout.shape, layout.shape[1]))
        np.einsum("kdd->kd", out)[:] = layout
        return out

    def log_density(self, points: Array, mean: Array, covariance: Array) -> Array:
        return log_diagonal(points, mean, self.layout(covariance))

    def expected(self, stats: DiagonalMoments, mean: Array, covariance: Array) -> Array:
        return expected_diagonal(stats, self.layout(covariance), stats.about(mean))

    def draws(self, covariance: Array, members: Array, rng: np.random.Generator) -> Array:
        z = rng.standard_normal((len(members), covariance.shape[-1]))
        return z * np.sqrt(self.layout(covariance))[members]

    def fused(self, mean: Array, covariance: Array) -> Fused:
        variance = np.broadcast_to(self.layout(covariance), mean.shape)
        return or_nearest(fused_diagonal(mean, variance), mean, variance, DiagonalMoments)


SCATTERS: dict[str, Scatter] = {"full": Dense(), "diagonal": Columnwise(), "spherical": Columnwise()}
