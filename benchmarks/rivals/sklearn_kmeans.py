"""scikit-learn's KMeans: Lloyd or Elkan from given centres."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from benchmarks.measure import seconds

NAME = "scikit-learn"
ALGORITHMS = ("lloyd", "elkan")


def run(x: np.ndarray, centres: np.ndarray, algorithm: str, iterations: int, tol: float = 0.0) -> tuple[KMeans, float]:
    """The fitted estimator and the seconds of the whole call."""
    model = KMeans(len(centres), init=centres, n_init=1, max_iter=iterations, tol=tol, algorithm=algorithm)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = seconds(lambda: model.fit(x))
    return model, whole
