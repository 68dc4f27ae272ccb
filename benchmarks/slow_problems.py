"""Mixtures on which plain EM is slow: components that overlap, with 5 to 44 free parameters each.

Every problem begins at the maximum-likelihood fit to labels of which half are drawn at random: the right basin, and a
long way to go. The data of a problem is drawn with a seed, so that a problem is as many as there are seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import likely as lk

Rows = tuple[np.ndarray, np.ndarray]  # what was drawn, and from which component


@dataclass(frozen=True)
class SlowProblem:
    name: str
    model: str
    draw: Callable[[np.random.Generator], Rows]

    def ready(self, seed: int) -> tuple[lk.Family, np.ndarray, lk.Family]:
        """Model, data, and the same model filled to begin from."""
        rng = np.random.default_rng(seed)
        x, z = self.draw(rng)
        labels = np.where(rng.random(len(z)) < 0.5, z, rng.integers(z.max() + 1, size=len(z)))
        model = lk.parse(self.model)
        return model, x, lk.fit(model, x, labels=labels, progress=False).model


def _normals(n: int, d: int, k: int, apart: float) -> Callable[[np.random.Generator], Rows]:
    """Round clusters whose centres are, on average, so many standard deviations from the middle."""

    def draw(rng: np.random.Generator) -> Rows:
        centres = rng.normal(size=(k, d))
        centres *= apart / np.linalg.norm(centres, axis=1).mean()
        z = rng.integers(k, size=n)
        return centres[z] + rng.normal(size=(n, d)), z

    return draw


def _answers(n: int, d: int, k: int, spread: float) -> Callable[[np.random.Generator], Rows]:
    """Latent classes: d questions with yes or no; the larger `spread`, the more alike are the classes."""

    def draw(rng: np.random.Generator) -> Rows:
        p, z = rng.beta(spread, spread, size=(k, d)), rng.integers(k, size=n)
        return (rng.random((n, d)) < p[z]).astype(float), z

    return draw


def _waits(n: int, d: int, k: int) -> Callable[[np.random.Generator], Rows]:
    def draw(rng: np.random.Generator) -> Rows:
        shape, rate = rng.uniform(1.5, 4, size=(k, d)), rng.uniform(0.5, 1.5, size=(k, d))
        z = rng.integers(k, size=n)
        return rng.gamma(shape[z]) / rate[z], z

    return draw


SLOW = (
    SlowProblem("3 normals in 2 columns", "Mixture(MultivariateNormal(), 3)", _normals(3_000, 2, 3, 2.0)),
    SlowProblem("4 normals in 5 columns", "Mixture(MultivariateNormal(), 4)", _normals(4_000, 5, 4, 2.5)),
    SlowProblem("2 normals in 8 columns", "Mixture(MultivariateNormal(), 2)", _normals(4_000, 8, 2, 1.5)),
    SlowProblem("4 latent classes, 10 questions", "Mixture(Independent(Bernoulli()), 4)", _answers(3_000, 10, 4, 3.0)),
    SlowProblem("3 products of 4 gammas", "Mixture(Independent(Gamma()), 3)", _waits(2_000, 4, 3)),
)

# Hasselblad (1969): how many days had 0, 1, ... 9 deaths of women over 80 noticed in The Times; two Poissons.
DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
