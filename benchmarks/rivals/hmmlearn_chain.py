"""hmmlearn's GaussianHMM and CategoricalHMM: Baum-Welch from given parameters, without priors, in both arithmetics."""

from __future__ import annotations

import importlib.util
import time
import warnings
from typing import Any

import numpy as np

from benchmarks.measure import Run, between, seconds

NAME = "hmmlearn"
ARITHMETICS = ("scaling", "log")


def left_out() -> str | None:
    """Why it takes no part; None if it does."""
    return None if importlib.util.find_spec("hmmlearn") else "it is not installed"


def _stamped(base: type) -> type:
    """Notes when each E-step begins."""

    class Stamped(base):
        def _do_estep(self, X: np.ndarray, lengths: Any) -> Any:
            self.stamps_.append(time.perf_counter())
            return super()._do_estep(X, lengths)

    return Stamped


def _model(start: dict[str, np.ndarray], arithmetic: str, iterations: int) -> Any:
    from hmmlearn.hmm import CategoricalHMM, GaussianHMM

    k = len(start["initial"])
    options = {"implementation": arithmetic, "init_params": "", "n_iter": iterations, "tol": -np.inf}
    if "mean" in start:  # its priors on means and variances are switched off
        model = _stamped(GaussianHMM)(k, covariance_type="diag", covars_prior=0.0, means_weight=0.0, **options)
        model.means_, model.covars_ = start["mean"][:, None], start["variance"][:, None]
    else:
        model = _stamped(CategoricalHMM)(k, **options)
        model.emissionprob_, model.n_features = start["p"], start["p"].shape[1]
    model.startprob_, model.transmat_, model.stamps_ = start["initial"], start["transition"], []
    return model


def run(x: np.ndarray, lengths: np.ndarray, start: dict[str, np.ndarray], arithmetic: str, iterations: int) -> Run:
    """So many Baum-Welch iterations; the log-likelihood is that at the last E-step."""
    model = _model(start, arithmetic, iterations)
    rows = x.reshape(-1, 1) if "mean" in start else x.astype(int).reshape(-1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = seconds(lambda: model.fit(rows, lengths))
    return Run(float(model.monitor_.history[-1]), between(model.stamps_), whole)


def decode(x: np.ndarray, lengths: np.ndarray, start: dict[str, np.ndarray]) -> tuple[float, float]:
    """The log probability of the best path, and the seconds of finding it."""
    model = _model(start, "log", 1)
    rows = x.reshape(-1, 1) if "mean" in start else x.astype(int).reshape(-1, 1)
    found: list[float] = []
    took = seconds(lambda: found.append(model.decode(rows, lengths)[0]))
    return found[0], took
