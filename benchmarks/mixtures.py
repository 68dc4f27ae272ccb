"""Gaussian mixtures: the same start and the same number of plain EM iterations on both sides."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import likely as lk
from benchmarks.cases import MixtureCase
from benchmarks.measure import duel, peak_beyond, seconds
from benchmarks.rivals import sklearn_mixture

AGREE = 1e-9  # relative difference of log-likelihoods above which nothing is timed


def data(case: MixtureCase) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping round clusters, and k of the rows to begin from."""
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(case.k, case.d)) / max(1.0, case.d / 4) ** 0.5
    x = centres[rng.integers(case.k, size=case.n)] + rng.normal(size=(case.n, case.d))
    return x, x[rng.choice(case.n, case.k, replace=False)].copy()


def run(x: np.ndarray, means: np.ndarray, passes: int) -> lk.Fit:
    k, d = means.shape
    start = lk.Mixture(lk.MultivariateNormal(mean=means, covariance=np.eye(d)), k, weights=np.full(k, 1 / k))
    model = lk.Mixture(lk.MultivariateNormal(), k)
    return lk.fit(model, x, start=start, accelerate=False, tol=0, max_passes=passes, progress=False)


def seconds_per_pass(x: np.ndarray, means: np.ndarray, passes: int) -> float:
    short, long = seconds(lambda: run(x, means, 1)), seconds(lambda: run(x, means, 1 + passes))
    return (long - short) / passes


def compare(case: MixtureCase, rounds: int) -> dict[str, Any]:
    """Log-likelihoods first; then times in turns; then memory."""
    x, means = data(case)
    ours = run(x, means, case.passes).log_likelihood
    theirs = sklearn_mixture.log_likelihood(x, means, case.passes)
    if abs(ours - theirs) > AGREE * abs(theirs):
        raise SystemExit(f"{case.name}: log-likelihoods differ, {ours!r} against {theirs!r}; nothing was timed")
    timed = duel(
        lambda: seconds_per_pass(x, means, case.passes),
        lambda: sklearn_mixture.seconds_per_iteration(x, means, case.passes),
        rounds,
    )
    return {
        "case": case.name,
        "rival": "scikit-learn",
        "unit": "seconds per EM iteration",
        "log_likelihood": ours,
        "ours": timed.ours,
        "theirs": timed.rival,
        "ratio": timed.ratio,
        "megabytes_ours": peak_beyond(partial(data, case), _run_ours),
        "megabytes_theirs": peak_beyond(partial(data, case), _run_theirs),
    }


def _run_ours(made: tuple[np.ndarray, np.ndarray]) -> None:
    run(*made, 3)


def _run_theirs(made: tuple[np.ndarray, np.ndarray]) -> None:
    sklearn_mixture.run(*made, 3)
