"""SciPy's fits of one distribution: the distribution's own method, and the general scipy.stats.fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats


def _own(distribution: stats.rv_continuous) -> Callable[[np.ndarray], float]:
    """The default `fit` with the location held at 0 (and a Beta's scale at 1), as in our family."""
    held = {"floc": 0, "fscale": 1} if distribution.name == "beta" else {"floc": 0}
    return lambda x: float(distribution.logpdf(x, *distribution.fit(x, **held)).sum())


def _general(distribution: stats.rv_continuous, bounds: dict) -> Callable[[np.ndarray], float]:
    return lambda x: -float(stats.fit(distribution, x, bounds).nllf())


# For each family: what SciPy offers, by name; each returns the log-likelihood it reached.
WAYS: dict[str, dict[str, Callable[[np.ndarray], float]]] = {
    "Gamma": {
        "gamma.fit(floc=0)": _own(stats.gamma),
        "stats.fit": _general(stats.gamma, {"a": (0.01, 100), "scale": (0.01, 100)}),
    },
    "Beta": {
        "beta.fit(floc=0, fscale=1)": _own(stats.beta),
        "stats.fit": _general(stats.beta, {"a": (0.01, 100), "b": (0.01, 100)}),
    },
    # SciPy forces n to whole numbers here, so its log-likelihood may be lower than the maximum.
    "NegativeBinomial": {"stats.fit": _general(stats.nbinom, {"n": (1, 50), "p": (0.001, 0.999)})},
}
