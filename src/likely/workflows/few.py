"""Data that cannot tell all that is asked of them: fewer observed values than free parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Data, Sequences, present
from likely.core.named import counted
from likely.core.setting import Setting
from likely.workflows.regular import has_priors

if TYPE_CHECKING:
    from likely.workflows.result import Fit


def few_observed(fit: Fit) -> str:
    """What to say where there are fewer observed values than free parameters; nothing where a prior speaks too."""
    assert fit.data is not None
    data = present(fit.data)
    found = _observed(data, fit.n_free)
    if found >= fit.n_free or has_priors(fit.family.bind((), Setting.of(data))):
        return ""
    return (
        f"{counted(found, 'observed value')}, {counted(fit.n_free, 'free parameter')}: the data cannot tell all of "
        "them. Write values or priors in some slots, or take a smaller model."
    )


def _observed(data: Data, enough: int) -> int:
    """How many numbers were observed, states that are known among them; counted only up to what is enough."""
    rows = data.rows
    found = _numbers(rows.x[:enough])
    found = found if found >= enough else _numbers(rows.x)
    states = rows.labels if isinstance(data, Sequences) else None
    return found if states is None or states.ndim < 2 else found + _numbers(states)


def _numbers(x: np.ndarray) -> int:
    return int((~np.isnan(x)).sum())
