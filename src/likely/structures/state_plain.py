"""An equation of which all coefficients and the whole noise are free: both come out of one Cholesky factorisation."""

from __future__ import annotations

import numpy as np

from likely.families.moments import Moments
from likely.numerics.soft import Array

SAFE = 1e-6  # of a variance, what others leave of it; below this the general way decides with more care


def plain_maximum(stats: Moments, z: int, level: Array | None, least: float) -> tuple[Array, Array] | None:
    """Coefficients (1, r, z + 1) and noise (1, r, r) of one member; None where that may be near to singular.

    With the correlations of (regressors, response) factored into [[L, 0], [M, N]] [[L, 0], [M, N]]' the coefficients
    are M L^-1 and what they leave is N N', in units of the variables' sizes. The intercept takes out the means, or it
    is a known `level` (1, r) and moments about it count. No eigenvalue of N N' may lie below `least`: they are 1 / e
    times its determinant or larger, because its diagonal is at most 1.
    """
    mean, scatter, weight = stats.mean[0], stats.scatter[0], stats.weight[0]
    if level is not None:
        centre = mean.copy()
        centre[z:] -= level[0]
        scatter = scatter + (weight * centre)[:, None] * centre
    square = scatter.diagonal()
    if not (weight > 0 and (square > SAFE * weight * (SAFE * mean) ** 2).all()):
        return None
    size = np.sqrt(square)
    try:
        factor = np.linalg.cholesky(scatter / (size[:, None] * size))
    except np.linalg.LinAlgError:
        return None
    pivots = factor.diagonal() ** 2
    if not ((pivots > SAFE).all() and pivots[z:].prod() > 3 * least):
        return None
    left = factor[z:, z:] * size[z:, None]
    theta = np.empty((1, len(left), z + 1))
    slopes = np.linalg.solve(factor[:z, :z].T, factor[z:, :z].T).T * (size[z:, None] / size[:z])
    theta[0, :, :z] = slopes
    theta[0, :, z] = mean[z:] - slopes @ mean[:z] if level is None else level[0]
    return theta, (left @ left.T / stats.dof[0])[None]
