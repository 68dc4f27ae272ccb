"""Moving averages have several descriptions that no data can tell apart; one of them is invertible."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.structures.entries import Entries
from likely.structures.noise import Noise
from likely.structures.state_stationary import Stationary


def invertible(model: Any, params: Params) -> Params:
    """The same distribution with a moving average whose roots lie within the unit circle, where it is one by itself.

    With roots r of z^q + theta_1 z^{q-1} + ... + theta_q, every r may be 1 / r where the variance is |r|^2 times as
    large: the autocovariances are the same (Hamilton 1994, section 3.7). It is done only where the slots allow it: the
    states are a number and those before it, all thetas and the variance are free, and so is the intercept if there is
    one.
    """
    count = _order(model)
    if count == 0:
        return params
    C, b, Q = params.C.copy(), params.b.copy(), params.Q.copy()
    for i, (row,) in enumerate(C[:, :, : count + 1]):
        roots = np.roots(row)
        outside = np.abs(roots) > 1
        if not outside.any():
            continue
        size = np.abs(roots[outside])
        roots[outside] /= size**2
        new = row[0] * np.real(np.poly(roots))
        b[i] *= row.sum() / new.sum()
        Q[i] *= (size**2).prod()
        C[i, 0, : count + 1] = new
    return model.beginning.begun(params.replace(C=C, b=b, Q=Q))


def _order(model: Any) -> int:
    """How many coefficients of a moving average are free; 0 where there is none by itself."""
    slots: dict[str, Slot] = model.slots
    A, b, C, Q, R = (slots[n] for n in ("A", "b", "C", "Q", "R"))
    m, domain = model.size, cast(Noise, Q.domain)
    plain = all(s.prior is None and not s.ties for s in slots.values()) and not isinstance(C.domain, Entries)
    if not (
        plain
        and isinstance(model.beginning, Stationary)
        and not model.beginning.flat(m).any()
        and "D" not in slots
        and C.event[0] == 1
    ):
        return 0
    looks, drift = C.known, b.known
    if looks is None or drift is None or not R.fixed or np.any(R.known):
        return 0
    count = int(np.isnan(looks[0, 0, 1:]).sum())
    shown = np.append(np.full(count, np.nan), np.zeros(m - 1 - count))
    shifts = np.eye(m, k=-1)[1:]
    as_ever = (
        np.nan_to_num(looks[:, 0, 0]).all()
        and np.array_equal(looks[:, 0, 1:], np.broadcast_to(shown, (len(looks), m - 1)), equal_nan=True)
        and A.known is not None
        and (A.known[:, 1:] == shifts).all()
        and not drift[:, 1:].any()
        and (np.isnan(drift[:, 0]) | (drift[:, 0] == 0)).all()
        and not Q.fixed
        and np.array_equal(domain.free_rows(m), [0])
        and not domain.example(m)[1:].any()
    )
    return count if as_ever else 0
