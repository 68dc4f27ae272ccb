"""Autoregressions and moving averages as state spaces."""

from __future__ import annotations

from typing import Any

from likely.core.domains import Value
from likely.errors import ModelError
from likely.structures.state_space import StateSpace
from likely.structures.structural_entries import NAN, at_least, first, in_a_row, in_front, is_free, shifted


def autoregressive(
    order: int, *, coefficients: Value = NAN, variance: Value = NAN, intercept: Value = 0.0, noise: Value = 0.0
) -> StateSpace:
    """An autoregression, AR(p): z_t = c + phi_1 z_{t-1} + ... + phi_p z_{t-p} + w_t, seen as it is or through noise.

    Parameters
    ----------
    order : int                         p
    coefficients : sequence (p,)        phi_1 to phi_p; NaN estimates them, all or one by one
    variance : number or name           variance of w, in units of y squared; NaN estimates it
    intercept : number or name          c, in units of y; NaN estimates it. The mean is c / (1 - phi_1 - ... - phi_p)
    noise : number or name              variance of what is added to z when it is seen; NaN estimates it

    Returns
    -------
    StateSpace      p states, z of a row and of those before it; the start is stationary

    Raises
    ------
    ModelError      an order below 1, or coefficients of another number

    Notes
    -----
    The companion form: Harvey (1989), section 3.1; Durbin & Koopman (2012), section 3.4. Missing rows are integrated
    out, and the first rows count with their stationary density (the exact likelihood).

    Examples
    --------
    >>> import likely as lk
    >>> lk.autoregressive(1, coefficients=[0.5], variance=1).forecast(3, x=[2.0, 4.0]).mean[0].round(6)
    array([2. , 1. , 0.5])
    """
    m = at_least("autoregressive", "order", order, 1)
    phi = in_a_row(f"autoregressive({m})", "coefficients", coefficients, m)
    a, b = [phi, *shifted(m)[1:]], first(m, intercept)
    return StateSpace(m, A=a, b=b, C=[first(m)], d=[0.0], Q=in_front(variance, m), R=[[noise]], P0="stationary")


def arma(
    p: int, q: int, *, ar: Value = NAN, ma: Value = NAN, variance: Value = NAN, intercept: Value = 0.0,
    noise: Value = 0.0,
) -> StateSpace:  # fmt: skip
    """An ARMA(p, q): y_t - phi_1 y_{t-1} - ... - phi_p y_{t-p} = e_t + theta_1 e_{t-1} + ... + theta_q e_{t-q}.

    Parameters
    ----------
    p, q : int                     orders of the autoregression and of the moving average
    ar : sequence (p,)             phi; NaN estimates them, all or one by one
    ma : sequence (q,)             theta; NaN estimates them, all or one by one
    variance : number or name      variance of e, in units of y squared; NaN estimates it
    intercept : number or name     c of the autoregression below, in units of y; NaN estimates it
    noise : number or name         variance of observation noise that is added to the ARMA process

    Returns
    -------
    StateSpace      max(p, q + 1) states; the start is stationary

    Raises
    ------
    ModelError      a negative order, coefficients of another number, or free noise beside moving averages that are free
                    and as many as the autoregression is long

    Notes
    -----
    The states are z_t = c + phi_1 z_{t-1} + ... + phi_p z_{t-p} + e_t and those before it, and
    y_t = z_t + theta_1 z_{t-1} + ... + theta_q z_{t-q}: Hamilton (1994), section 13.1. So phi stands in A and theta in
    C, and both are coefficients of regressions. In the form of Harvey (1989, section 3.3) theta stands in the noise,
    Q = variance r r' with r = (1, theta), where no slot can have it.

    Without noise the rows determine what is hidden exactly: given y, the states obey y = C z for the C of the last
    pass, and an M-step returns it. EM then fits the rest, and the exact likelihood is climbed in all coordinates by
    Newton's method. Where all thetas and the variance are free the moving average is reported as the invertible one
    (roots within the unit circle). `noise=nan` needs q < p: an ARMA(p, q) with white noise added is another ARMA, which
    is not identified from q = p on.

    Examples
    --------
    >>> import likely as lk
    >>> model = lk.arma(1, 1, ar=[0.5], ma=[0.4], variance=1)
    >>> model.log_prob([1.0, 0.5, -0.2]).round(4)
    array([-3.4974])
    """
    p, q = at_least("arma", "p", p, 0), at_least("arma", "q", q, 0)
    m = max(p, q + 1)
    phi = in_a_row(f"arma({p}, {q})", "ar", ar, p)
    theta = in_a_row(f"arma({p}, {q})", "ma", ma, q)
    _check_identified(p, q, theta, noise)
    a, c = [phi + [0.0] * (m - p), *shifted(m)[1:]], [1.0, *theta, *[0.0] * (m - q - 1)]
    b, q_front = first(m, intercept), in_front(variance, m)
    return StateSpace(m, A=a, b=b, C=[c], d=[0.0], Q=q_front, R=[[noise]], P0="stationary")


def _check_identified(p: int, q: int, theta: list[Any], noise: Any) -> None:
    """Can moving averages that are free be told from noise that is?"""
    moving = any(isinstance(t, str) or is_free(t) for t in theta)
    if moving and (isinstance(noise, str) or is_free(noise)) and q >= p:
        raise ModelError(
            f"arma({p}, {q}, noise=nan): an ARMA({p}, {q}) with white noise added is an ARMA again, so noise and ma "
            "are not both identified. Write a number for noise, or q below p."
        )
