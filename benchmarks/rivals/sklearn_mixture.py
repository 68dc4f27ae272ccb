"""scikit-learn's GaussianMixture: plain EM from given parameters, without its floor on variances."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from benchmarks.cases import MixtureCase
from benchmarks.measure import Run, between, seconds

NAME = "scikit-learn"
TYPES = {"full": "full", "diagonal": "diag", "spherical": "spherical", "shared": "tied"}


class Stamped(GaussianMixture):
    """Notes when each E-step begins: in `fit`, once an iteration and once at the end."""

    def _e_step(self, X: np.ndarray, **rest: Any) -> Any:
        self.stamps_.append(time.perf_counter())
        return super()._e_step(X, **rest)

    def fit(self, X: np.ndarray, y: None = None) -> Stamped:
        self.stamps_: list[float] = []
        return super().fit(X, y)


def left_out(case: MixtureCase) -> str | None:  # noqa: ARG001  # one signature for all rivals
    """Why it takes no part; None if it does."""
    return None


def run(x: np.ndarray, means: np.ndarray, covariance: str, iterations: int) -> Run:
    """Equal weights, unit covariances and the given means, then so many EM iterations."""
    k, d = means.shape
    one = np.eye(d)
    unit = {"full": np.stack([one] * k), "diagonal": np.ones((k, d)), "spherical": np.ones(k), "shared": one}
    model = Stamped(
        k,
        covariance_type=TYPES[covariance],
        reg_covar=0.0,
        tol=0.0,
        max_iter=iterations,
        weights_init=np.full(k, 1 / k),
        means_init=means,
        precisions_init=unit[covariance],
        init_params="random_from_data",
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = seconds(lambda: model.fit(x))
    # Its bound is that of the last iteration's E-step, before the last M-step: the same point as ours.
    return Run(float(model.lower_bound_) * len(x), between(model.stamps_[:iterations]), whole)
