"""scikit-learn's GaussianMixture: plain EM from given parameters, without its floor on variances."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from benchmarks.measure import seconds


def run(x: np.ndarray, means: np.ndarray, iterations: int) -> GaussianMixture:
    """Equal weights, unit covariances and the given means, then so many EM iterations."""
    k, d = means.shape
    model = GaussianMixture(
        k,
        covariance_type="full",
        reg_covar=0.0,
        tol=0.0,
        max_iter=iterations,
        weights_init=np.full(k, 1 / k),
        means_init=means,
        precisions_init=np.stack([np.eye(d)] * k),
        init_params="random_from_data",
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x)


def log_likelihood(x: np.ndarray, means: np.ndarray, iterations: int) -> float:
    """At the parameters that the last E-step saw."""
    return float(run(x, means, iterations).lower_bound_) * len(x)


def seconds_per_iteration(x: np.ndarray, means: np.ndarray, iterations: int) -> float:
    """What an iteration adds: a long run minus a short one."""
    short, long = seconds(lambda: run(x, means, 1)), seconds(lambda: run(x, means, 1 + iterations))
    return (long - short) / iterations
