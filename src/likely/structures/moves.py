"""From one optimum of a mixture towards others: a component is taken away, and another is divided in two.

EM moves components a little at a time, so it cannot take one from where there are too many to where there are too few
(Ueda, Nakano, Ghahramani & Hinton 2000, who merge two and split a third; here one is dropped, as in the random swaps of
Fraenti 2018 for k-means, yet in order of how little it would be missed).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.numerics.soft import Array, soft
from likely.structures.responsibilities import nearest_seeds

FEWEST = 3  # components from which on a move is more than a new start
DOUBT = 1e-3  # a responsibility this close to 1 says too little about who would take the row instead
DEAREST = 1e6  # nats: the loss of a row that no other component can have produced


@dataclass(frozen=True)
class Moves:
    """What rows say about the components of a mixture at an optimum."""

    data: Any  # the rows
    weights: Array  # (n,) how often each counts
    joint: Array  # (n, m) log of weight times density of each component
    temperature: float

    def away(self) -> list[int]:
        """The components in the order in which they would be missed, the most dispensable first."""
        r = soft(self.joint, self.temperature)[1]
        second, first = np.partition(self.joint, -2, axis=1)[:, -2:].T
        alone = np.minimum(first - second, DEAREST)[:, None]
        loss = np.where(r < 1 - DOUBT, -np.log1p(-np.minimum(r, 1 - DOUBT)), alone)
        return np.argsort(self.weights @ loss, kind="stable").tolist()

    def divided(self, gone: int, rng: np.random.Generator) -> Iterator[Array]:
        """(n, m) responsibilities without one component, where each of the others in turn gives it half of its rows."""
        joint = self.joint.copy()
        joint[:, gone] = -np.inf
        rest = soft(joint, self.temperature)[1]
        for j in range(rest.shape[1]):
            own = self.weights * rest[:, j]
            if j == gone or np.count_nonzero(own) < 2:
                continue
            half = nearest_seeds(self.data, own[:, None], 2, rng)[0] == 1
            r = rest.copy()
            r[half, gone], r[half, j] = r[half, j], 0.0
            yield r
