"""R's mclust, asked through Rscript with a small script of our own. Optional: it needs R and mclust."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.cases import MixtureCase
from benchmarks.measure import Run

NAME = "mclust"
MODELS = {"full": "VVV", "diagonal": "VVI", "spherical": "VII", "shared": "EEE"}
SCRIPT = Path(__file__).with_name("mclust.R")


def left_out(case: MixtureCase) -> str | None:
    """Why it takes no part; None if it does."""
    if case.n * case.k > 250_000 or case.flops > 2e10:
        return missing() or "an iteration takes seconds to minutes"
    if case.covariance in ("diagonal", "spherical"):
        return missing() or "a call takes a second, in which a few milliseconds of iterations cannot be told"
    return missing()


@cache
def missing() -> str | None:
    """What it lacks here."""
    if shutil.which("Rscript") is None:
        return "there is no Rscript here"
    if subprocess.run(["Rscript", "-e", "library(mclust)"], capture_output=True, check=False).returncode:
        return "R is here, its package mclust is not"
    return None


def run(x: np.ndarray, means: np.ndarray, covariance: str, iterations: int) -> Run:
    """Its log-likelihood is that after an M- and an E-step, so it makes one iteration less to arrive at the same point.

    Seconds are R's own, of `em` alone; those of an iteration are a long run less a short one, by the iterations that it
    says it made.
    """
    (n, d), k = x.shape, len(means)
    with tempfile.TemporaryDirectory() as folder:
        x.astype("<f8").tofile(Path(folder, "x"))
        means.astype("<f8").tofile(Path(folder, "means"))
        command = ["Rscript", str(SCRIPT), folder, *map(str, (n, d, k)), MODELS[covariance], str(iterations - 1)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    log_likelihood, long, made, short, fewer = map(float, said.split())
    return Run(log_likelihood, (long - short) / (made - fewer), long)
