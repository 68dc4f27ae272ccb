"""Models with a name of their own: what they are called in the notation, too."""

from __future__ import annotations

from likely.core.notation import FUNCTIONS
from likely.structures.structural import local_level, local_linear_trend, seasonal, trigonometric_seasonal
from likely.structures.structural_arma import arma, autoregressive
from likely.structures.structural_factors import constant_velocity, dynamic_factor
from likely.structures.structural_sum import structural

NAMED = (
    arma, autoregressive, constant_velocity, dynamic_factor, local_level, local_linear_trend, seasonal, structural,
    trigonometric_seasonal,
)  # fmt: skip

FUNCTIONS.update({f.__name__: f for f in NAMED})

__all__ = [
    "arma",
    "autoregressive",
    "constant_velocity",
    "dynamic_factor",
    "local_level",
    "local_linear_trend",
    "seasonal",
    "structural",
    "trigonometric_seasonal",
]
