"""A fit as the refits of a bootstrap see it: the bound family, its parameters, and the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from likely.core.data import Data, present
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.engines.local import processors
from likely.errors import ModelError
from likely.faces.counting import counting_line
from likely.workflows.refits import TOL, Refit, Refitting, alone, batches, in_parallel
from likely.workflows.replicates import Draw, Side

if TYPE_CHECKING:
    from likely.workflows.result import Fit

Made = TypeVar("Made")


@dataclass(frozen=True)
class Origin:
    """What a fit is to its refits: where they begin, and what they are compared with."""

    family: Family  # bound
    params: Params
    rows: Data  # or sequences: those that weigh anything
    size: int  # rows of a data set, at most
    refitting: Refitting
    threads: int  # for data sets side by side

    @staticmethod
    def of(fit: Fit, what: str, threads: int | None = None, tol: float = TOL) -> Origin:
        """Raises a ModelError for a fit that is no maximum, or carries no data."""
        if not fit.converged:
            raise ModelError(
                f"{what} begins at a maximum, and this fit is none: {fit.outcome} Fit again, with start= this fit."
            )
        if fit.data is None:
            raise ModelError(f"{what} needs the data of the fit, which a loaded fit does not carry; fit again.")
        rows = present(fit.data).double()
        setting = Setting.of(rows)
        family = fit.family.bind((), setting)
        params = fit.model.bind((), setting).known_params()
        threads = threads or processors()
        size = max(len(rows.rows), round(rows.n_obs))  # a simulation draws a row for each that counts
        by_itself = alone(family, size)  # then threads share the rows of one data set
        refitting = Refitting(family, params, 0.0 if fit.hard else 1.0, threads if by_itself else 1, tol)
        return Origin(family, params, rows, size, refitting, 1 if by_itself else threads)

    def each(
        self, draw: Draw, n: int, seed: int, work: Callable[[Side, np.random.Generator], Made],
        count: Callable[[Made], tuple[int, int]], what: str, progress: bool | None,
    ) -> Iterator[Made]:  # fmt: skip
        """What some work makes of n data sets, batch by batch; `count` says how many there were and how many failed."""
        jobs = batches(draw, self.family, n, self.size, seed)
        with counting_line(what, n, progress) as tick:
            for made in in_parallel(lambda job: work(*job()), jobs, self.threads):
                tick(*count(made))
                yield made


def refits_of(origin: Origin) -> Callable[[Side, np.random.Generator], list[Refit]]:
    """The plainest work: every data set is fitted."""
    return lambda data, _: origin.refitting.refit(data)


def tally(refits: list[Refit]) -> tuple[int, int]:
    """How many refits there are, and how many of them failed."""
    return len(refits), sum(r.params is None for r in refits)
