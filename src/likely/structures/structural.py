"""Structural time series: levels, trends and seasonal patterns, each a state space whose slots are filled in.

In every argument NaN is estimated, a number is known, and a name stands for one value wherever it stands.
"""

from __future__ import annotations

import numpy as np

from likely.core.domains import Value
from likely.errors import ModelError
from likely.structures.state_space import StateSpace
from likely.structures.structural_entries import (
    NAN,
    Entries,
    along_diagonal,
    at_least,
    diagonal,
    equal,
    first,
    in_front,
    shifted,
)


def local_level(*, level: Value = NAN, noise: Value = NAN) -> StateSpace:
    """A level that wanders, seen through noise: y_t = mu_t + v_t, mu_t = mu_{t-1} + w_t.

    Parameters
    ----------
    level : number or name      variance of the steps w of the level, in units of y squared; NaN estimates it
    noise : number or name      variance of v, in units of y squared; NaN estimates it

    Returns
    -------
    StateSpace      one state, which starts diffuse

    Notes
    -----
    Harvey (1989), section 2.3.1; Durbin & Koopman (2012), chapter 2. The ratio of the two variances says how much the
    past is smoothed: `level=0` is a constant mean, `noise=0` a random walk.

    Examples
    --------
    >>> import likely as lk
    >>> flow = [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140]  # of the Nile, 1871 to 1880
    >>> lk.local_level(level=1469.1, noise=15099).log_prob(flow).round(3)
    array([-60.576])
    """
    return StateSpace(1, A=[[1.0]], C=[[1.0]], d=[0.0], Q=[[level]], R=[[noise]], P0="diffuse")


def local_linear_trend(*, level: Value = NAN, slope: Value = NAN, noise: Value = NAN) -> StateSpace:
    """A level with a slope, which wander both: mu_t = mu_{t-1} + nu_{t-1} + w_t, nu_t = nu_{t-1} + z_t.

    Parameters
    ----------
    level, slope : number or name      variances of the steps w of the level and z of the slope; NaN estimates them
    noise : number or name             variance of the observation noise; NaN estimates it

    Returns
    -------
    StateSpace      states (level, slope), which start diffuse

    Notes
    -----
    Harvey (1989), section 2.3.2; Durbin & Koopman (2012), section 3.2.1. `level=0` is the smooth trend (an integrated
    random walk, close to a cubic smoothing spline); `level=0, slope=0` is a straight line.

    Examples
    --------
    >>> import likely as lk
    >>> line = lk.local_linear_trend(level=0, slope=0, noise=4)
    >>> line.smoothed([1.0, 3.0, 2.0, 6.0]).mean[:, 0].round(2)  # least squares
    array([0.9, 2.3, 3.7, 5.1])
    """
    a, q = [[1.0, 1.0], [0.0, 1.0]], diagonal([level, slope])
    return StateSpace(2, A=a, C=[[1.0, 0.0]], d=[0.0], Q=q, R=[[noise]], P0="diffuse")


def seasonal(period: int, *, variance: Value = NAN, noise: Value = NAN) -> StateSpace:
    """A seasonal pattern that changes slowly, as dummies: any `period` effects in a row sum to noise.

    Parameters
    ----------
    period : int                   rows after which the pattern comes again: 12 for months, 4 for quarters
    variance : number or name      variance of that sum, in units of y squared; NaN estimates it, with 0 nothing changes
    noise : number or name         variance of the observation noise; NaN estimates it

    Returns
    -------
    StateSpace      period - 1 states, the effects of a row and of those before it; they start diffuse

    Raises
    ------
    ModelError      a period below 2

    Notes
    -----
    gamma_t = -(gamma_{t-1} + ... + gamma_{t-s+1}) + w_t, with s the period: Harvey (1989), section 2.3.4; Durbin &
    Koopman (2012), section 3.2.2. It has no level; `structural` adds one.

    Examples
    --------
    >>> import likely as lk
    >>> quarters = lk.seasonal(4, variance=0, noise=1)
    >>> quarters.smoothed([3.0, -1.0, -4.0, 2.0, 3.0]).mean[:, 0].round(2)
    array([ 3., -1., -4.,  2.,  3.])
    """
    m = at_least("seasonal", "period", period, 2) - 1
    a = [[-1.0] * m, *shifted(m)[1:]]
    return StateSpace(m, A=a, C=[first(m)], d=[0.0], Q=in_front(variance, m), R=[[noise]], P0="diffuse")


def trigonometric_seasonal(
    period: int, harmonics: int | None = None, *, variance: Value = NAN, noise: Value = NAN
) -> StateSpace:
    """A seasonal pattern that changes slowly, as a sum of waves; fewer harmonics make it smoother.

    Parameters
    ----------
    period : int                   rows after which the pattern comes again
    harmonics : int                how many of the waves of period s, s/2, s/3, ...; without it all period // 2
    variance : number or name      variance of the steps of every state, in units of y squared; NaN estimates it
    noise : number or name         variance of the observation noise; NaN estimates it

    Returns
    -------
    StateSpace      two states for each wave, one for that of period 2; they start diffuse

    Raises
    ------
    ModelError      a period below 2, or harmonics outside 1 to period // 2

    Notes
    -----
    Wave j turns by 2 pi j / s from row to row: Harvey (1989), section 2.3.4; Durbin & Koopman (2012), section 3.2.2.
    All waves have one variance. With all harmonics the pattern is as free as that of `seasonal`; it changes more
    smoothly.

    Examples
    --------
    >>> import likely as lk
    >>> lk.trigonometric_seasonal(12, 2).size, lk.trigonometric_seasonal(4).size
    (4, 3)
    """
    most = at_least("trigonometric_seasonal", "period", period, 2) // 2
    count = most if harmonics is None else at_least("trigonometric_seasonal", "harmonics", harmonics, 1)
    if count > most:
        raise ModelError(
            f"trigonometric_seasonal({period}, harmonics={harmonics}): a period of {period} rows has {most} harmonics; "
            f"take at most {most}."
        )
    waves = [_wave(2 * np.pi * j / period, alone=2 * j == period) for j in range(1, count + 1)]
    a, c = along_diagonal(waves), [entry for wave in waves for entry in first(len(wave))]
    q = diagonal([equal(variance, "season")] * len(a))
    return StateSpace(len(a), A=a, C=[c], d=[0.0], Q=q, R=[[noise]], P0="diffuse")


def _wave(turn: float, *, alone: bool) -> Entries:
    """One step of a wave; that of period 2 only changes its sign."""
    c, s = float(np.cos(turn)), float(np.sin(turn))
    return [[-1.0]] if alone else [[c, s], [-s, c]]
