"""statsmodels' KalmanSmoother: one pass of filter and smoother, with all that an E-step needs and nothing else."""

from __future__ import annotations

import importlib.util
from functools import partial
from typing import Any

import numpy as np

NAME = "statsmodels"
# The filter and the smoother alone, which are compiled; and with their results copied into Python objects.
WAYS = {
    "arrays only": {"update_representation": False, "update_filter": False, "update_smoother": False},
    "results": {},
}


def left_out() -> str | None:
    """Why it takes no part; None if it does."""
    return None if importlib.util.find_spec("statsmodels") else "it is not installed"


class Smoother:
    """Of rows and a filled model."""

    def __init__(self, y: np.ndarray, theta: dict[str, np.ndarray]):
        from statsmodels.tsa.statespace import kalman_smoother as ks

        d, m = theta["C"].shape
        wanted = ks.SMOOTHER_STATE | ks.SMOOTHER_STATE_COV | ks.SMOOTHER_STATE_AUTOCOV
        own = ks.KalmanSmoother(d, m, k_posdef=m, smoother_output=wanted)
        own.bind(np.ascontiguousarray(y))
        own["design"], own["transition"], own["selection"] = theta["C"], theta["A"], np.eye(m)
        own["state_cov"], own["obs_cov"] = theta["Q"], theta["R"]
        own.initialize_known(theta["m0"], theta["P0"])
        self.own: Any = own

    def log_likelihood(self) -> float:
        return float(self.own.smooth().llf)

    def passes(self) -> dict[str, Any]:
        """What is timed, by name."""
        return {way: partial(self.own.smooth, **options) for way, options in WAYS.items()}
