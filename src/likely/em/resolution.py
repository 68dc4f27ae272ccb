"""Whether a fall of the objective is more than rounding: the same step again, from parameters one last bit away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.errors import Degenerate
from likely.numerics.soft import Array

TIMES = 4  # so often it is done again
SPREADS = 8.0  # so many times as far as heights were then apart a fall may be rounding
LAST_BIT = float(np.finfo(float).eps)


class Engine(Protocol):
    """Where passes run."""

    def evaluate(self, family: Family, params: Params, temperature: float = 1.0) -> Any:
        """One E-step."""
        ...


def is_rounding(
    family: Family, engine: Engine, before: Params, height: float, fallen: float, temperature: float = 1.0
) -> bool:
    """Can rounding explain that an M-step led from a height to a lower one?

    Sums over rows round by their terms, and terms by what cancels in them: data far from 0 beside little noise, noise
    that all but vanishes. No formula for each family says how much that is, but it changes with every last bit.

    Parameters
    ----------
    family : Family         bound
    engine : Engine         holds the data
    before : Params         from which the M-step was taken
    height, fallen : float  the objective there, and where the step led
    temperature : float     as for `em`

    Notes
    -----
    Costs two passes for each of four repetitions (stochastic arithmetic: Vignes 1993), once a fall is seen. A wrong
    M-step is as wrong every time, so its falls stay.
    """
    rng = np.random.default_rng(0)
    heights = [h for _ in range(TIMES) for h in _again(family, engine, _shaken(before, rng), temperature)]
    return len(heights) > 1 and height - fallen <= SPREADS * float(np.ptp(heights, axis=0).max())


def _again(family: Family, engine: Engine, params: Params, temperature: float) -> Iterator[tuple[float, float]]:
    """The objective there and after an M-step; nothing where either is not possible."""
    try:
        here = engine.evaluate(family, params, temperature)
        if here.impossible is not None:
            return
        after = family.maximize(here.stats, params)
        there = engine.evaluate(family, after, temperature)
        heights = [p.log_likelihood + family.log_prior(q) for p, q in ((here, params), (there, after))]
    except (Degenerate, np.linalg.LinAlgError):
        return
    if all(map(math.isfinite, heights)):
        yield heights[0], heights[1]


def _shaken(params: Params, rng: np.random.Generator) -> Params:
    """Every number as it is or one or two last bits larger."""

    def one(value: Any) -> Any:
        if isinstance(value, Params):
            return _shaken(value, rng)
        return _larger(value, rng) if isinstance(value, np.ndarray) else value

    return Params(**{name: one(params[name]) for name in params})


def _larger(value: Array, rng: np.random.Generator) -> Array:
    return value * (1 + LAST_BIT * rng.integers(0, 3, value.shape))
