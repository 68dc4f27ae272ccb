"""The smallest family of sequences, on which what needs sequences is tested: their rows are alike and independent."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.core.written import written
from likely.numerics.soft import Array


class Runs(Family, public=False):
    """Sequences whose rows are independent draws of one family."""

    labels_rows = True
    reads_missing = True

    def __init__(self, part: Family):
        self.__dict__.update(part=part)

    def arguments(self) -> list[str]:
        return [written(self.part)]

    @property
    def sequential(self) -> bool:
        return True

    @property
    def reads_text(self) -> bool:
        return self.part.reads_text

    @property
    def uses_given(self) -> bool:
        return self.part.uses_given

    @property
    def several_columns(self) -> bool:
        return self.part.several_columns

    def parts(self) -> dict[str, Family]:
        return {"part": self.part}

    def fits(self, x: Array) -> Array:
        return self.part.fits(x)

    def needs(self, column: int) -> str:
        return self.part.needs(column)

    def infer(self, params: Params, data: Sequences, temperature: float = 1.0) -> Posterior:
        child = self.part.infer(params.part, data.rows, temperature)
        return Posterior(np.add.reduceat(child.log_prob, data.offsets[:-1], axis=0), child=child)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> Any:
        return self.part.collect(None if params is None else params.part, None, data.rows, weights[data.owner])

    def m_step(self, stats: Any, params: Params | None) -> Params:
        return Params(part=self.part.maximize(stats, None if params is None else params.part))

    def expected_log_density(self, params: Params, stats: Any) -> Array:
        return self.part.expected_log_density(params.part, stats)

    def draw(self, params: Params, members: Array, data: Any, rng: np.random.Generator) -> Array:
        return self.part.draw(params.part, members[data.owner], data.rows, rng)
