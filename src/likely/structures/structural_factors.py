"""Few hidden series behind many that are seen: dynamic factors, and targets that are tracked."""

from __future__ import annotations

import numpy as np

from likely.core.domains import Value
from likely.core.patterns import Scaled, named
from likely.errors import ModelError
from likely.structures.state_space import StateSpace
from likely.structures.structural_entries import NAN, at_least, diagonal, equal, is_free


def dynamic_factor(
    loadings: Value, *, transition: Value = NAN, variance: Value = 1.0, level: Value = NAN, noise: Value = "diagonal"
) -> StateSpace:
    """Many series that move with few factors: y_t = C f_t + d + v_t, f_t = A f_{t-1} + w_t, noise v of each series.

    Parameters
    ----------
    loadings : array (d, m)              the pattern: NaN where factor j moves series i, 0 where not; numbers are known
    transition : array (m, m)            A; one NaN estimates all of it, `np.diag([nan, nan])` factors that move alone
    variance : number or array (m,)      variances of w; 1 sets the scale of free loadings, NaN estimates them where one
                                         loading of each factor is known
    level : number or array (d,)         d, in units of y; NaN estimates it
    noise : value of a slot R            covariance of v: "diagonal", a number, numbers with NaN, ...

    Returns
    -------
    StateSpace      m factors; the start is stationary

    Raises
    ------
    ModelError      loadings that are not (d, m)

    Notes
    -----
    Geweke (1977); Durbin & Koopman (2012), section 3.7. Free loadings of two factors or more are determined only up to
    a rotation: zeros above the diagonal (`np.tril(np.full((d, m), nan))`) or series that load on one factor alone
    settle it. The sign of each factor stays open.

    Examples
    --------
    >>> import likely as lk
    >>> nan = float("nan")
    >>> two = lk.dynamic_factor([[nan, 0], [nan, 0], [0, nan], [0, nan]])  # two series to each factor
    >>> two.size
    2
    """
    pattern = named(loadings)
    shape = pattern.shape if hasattr(pattern, "shape") else np.shape(pattern)
    if len(shape) != 2 or not shape[1]:
        raise ModelError(
            f"dynamic_factor: loadings have shape {shape}; they need (d, m), a row for each series and a column for "
            "each factor."
        )
    d, m = shape
    variances = list(np.broadcast_to(np.asarray(variance, float), m))
    a = np.full((m, m), NAN) if isinstance(transition, float) and is_free(transition) else transition
    levels = [level] * d if isinstance(level, float | int) else level
    return StateSpace(m, A=a, C=pattern, d=levels, Q=diagonal(variances), R=noise, P0="stationary")


def constant_velocity(dimensions: int = 2, dt: float = 1.0, *, variance: Value = NAN, noise: Value = NAN) -> StateSpace:
    """A target that keeps its velocity but for random accelerations; its position is seen through noise.

    Parameters
    ----------
    dimensions : int             coordinates of the position, which are the columns of y
    dt : number                  time between two rows
    variance : number            power of the acceleration, in units of y squared per time cubed; NaN estimates it
    noise : number or name       variance of each coordinate as it is seen, in units of y squared; NaN estimates it

    Returns
    -------
    StateSpace      the coordinates of the position, then those of the velocity; they start diffuse

    Raises
    ------
    ModelError      a dimension below 1, or a step of time that is not above 0

    Notes
    -----
    White noise is the acceleration, in continuous time: Bar-Shalom, Li & Kirubarajan (2001), section 6.2.2. In each
    coordinate, position and velocity have noise of covariance variance [[dt^3 / 3, dt^2 / 2], [dt^2 / 2, dt]].

    Examples
    --------
    >>> import likely as lk
    >>> target = lk.constant_velocity(dt=0.5, variance=0.1, noise=1)
    >>> target.forecast(2, x=np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])).mean[0].round(6)
    array([[3., 6.],
           [4., 8.]])
    """
    n = at_least("constant_velocity", "dimensions", dimensions, 1)
    if not dt > 0:
        raise ModelError(f"constant_velocity(dt={dt}): the time between two rows must be above 0.")
    each = np.eye(n)
    shape = np.kron([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]], each)
    return StateSpace(
        2 * n,
        A=np.kron([[1.0, dt], [0.0, 1.0]], each),
        C=np.kron([[1.0, 0.0]], each),
        d=np.zeros(n),
        Q=Scaled(shape) if is_free(variance) else variance * shape,
        R=diagonal([equal(noise, "noise")] * n),
        P0="diffuse",
    )
