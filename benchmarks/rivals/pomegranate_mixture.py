"""pomegranate's GeneralMixtureModel on PyTorch, in double precision, without its floor on variances.

Optional: on Linux, PyTorch from the package index brings several gigabytes of CUDA along. Where it is installed with
PyTorch for the processor it takes part.
"""

from __future__ import annotations

import importlib.util
import time
from importlib import import_module

import numpy as np

from benchmarks.cases import MixtureCase
from benchmarks.measure import Run, between, seconds

NAME = "pomegranate"
TYPES = {"full": "full", "diagonal": "diag"}


def left_out(case: MixtureCase) -> str | None:
    """Why it takes no part; None if it does."""
    if importlib.util.find_spec("pomegranate") is None:
        return "it is not installed (on Linux the package index gives it PyTorch with CUDA)"
    if case.covariance == "shared":
        return "it has no covariance shared by all components"
    if case.covariance == "spherical":
        return "it cannot begin from given spherical covariances"
    return None


def run(x: np.ndarray, means: np.ndarray, covariance: str, iterations: int) -> Run:
    """Its own loop of `summarize` and `from_summaries`, timed at every `summarize`."""
    torch, distributions, gmm = map(import_module, ("torch", "pomegranate.distributions", "pomegranate.gmm"))
    k, d = means.shape
    unit = {"full": torch.eye(d, dtype=torch.float64), "diagonal": torch.ones(d, dtype=torch.float64)}
    parts = [
        distributions.Normal(torch.from_numpy(m), unit[covariance].clone(), covariance_type=TYPES[covariance]).double()
        for m in means
    ]
    model = gmm.GeneralMixtureModel(parts, priors=torch.full((k,), 1 / k, dtype=torch.float64)).double()
    data = torch.from_numpy(x)
    stamps: list[float] = []
    reached = [0.0]

    def iterate() -> None:
        for _ in range(iterations):
            stamps.append(time.perf_counter())
            reached[0] = float(model.summarize(data))
            model.from_summaries()

    whole = seconds(iterate)
    return Run(reached[0], between(stamps), whole)
