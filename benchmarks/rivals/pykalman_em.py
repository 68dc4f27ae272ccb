"""pykalman's KalmanFilter: EM of A, C, Q and R from given parameters; offsets and the first state are known."""

from __future__ import annotations

import importlib.util
import time
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.measure import Run, between, seconds

NAME = "pykalman"
NAMES = {
    "A": "transition_matrices", "Q": "transition_covariance", "C": "observation_matrices",
    "R": "observation_covariance", "m0": "initial_state_mean", "P0": "initial_state_covariance",
}  # fmt: skip
FREE = ("A", "C", "Q", "R")


def left_out() -> str | None:
    """Why it takes no part; None if it does."""
    return None if importlib.util.find_spec("pykalman") else "it is not installed"


def _model(start: dict[str, np.ndarray]) -> Any:
    from pykalman import KalmanFilter

    return KalmanFilter(
        **{theirs: start[name] for name, theirs in NAMES.items()}, em_vars=[NAMES[name] for name in FREE]
    )


def seen(y: np.ndarray) -> np.ndarray:
    """Missing values masked. It leaves out the whole row of one; NaN under the mask would spread to later states."""
    return np.ma.array(np.nan_to_num(y), mask=np.isnan(y))


def log_likelihood(y: np.ndarray, start: dict[str, np.ndarray]) -> float:
    return float(_model(start).loglikelihood(seen(y)))


def run(y: np.ndarray, start: dict[str, np.ndarray], iterations: int) -> Run:
    """So many EM iterations, each of which begins with the filter; NaN, for they work out no log-likelihood."""
    from pykalman import standard

    stamps: list[float] = []
    filtering = standard._filter

    def stamped(*arguments: Any) -> Any:
        stamps.append(time.perf_counter())
        return filtering(*arguments)

    model, rows = _model(start), seen(y)
    with mock.patch.object(standard, "_filter", stamped):
        whole = seconds(lambda: model.em(rows, n_iter=iterations))
    return Run(np.nan, between(stamps), whole)


def reached(y: np.ndarray, start: dict[str, np.ndarray], iterations: int) -> float:
    """The log-likelihood at the last E-step of so many iterations."""
    rows = seen(y)
    return float(_model(start).em(rows, n_iter=iterations - 1).loglikelihood(rows))
