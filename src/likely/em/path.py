"""The way that EM took, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likely.core.params import Params
from likely.em.loop import Step
from likely.errors import ModelError

if TYPE_CHECKING:
    from likely.workflows.result import Fit


@dataclass(frozen=True)
class Stop:
    """Where EM was after a pass."""

    passes: int
    objective: float
    params: Params
    begins: bool  # a start


@dataclass(eq=False)
class Path:
    """Remembers the parameters of every pass, as the callback of a fit.

    Examples
    --------
    >>> import likely as lk
    >>> path = lk.Path()
    >>> model = lk.Mixture(lk.Normal(variance=1), 2, weights=[0.5, 0.5])
    >>> fit = lk.fit(model, [-6, -5, -4, 0, 4, 5, 6], callback=path)
    >>> len(path.of(fit)) == len(fit.trace)
    True
    """

    stops: list[Stop] = field(default_factory=list, repr=False)

    def __call__(self, step: Step) -> None:
        """See a step of the fit."""
        self.stops.append(Stop(step.passes, step.objective, step.params, step.kind == "start"))

    def of(self, fit: Fit) -> list[Params]:
        """The parameters that led to a fit, from its start on: of the best start where there were many.

        Raises
        ------
        ModelError      it saw another fit, or none
        """
        marks = {(m.passes, m.objective) for m in fit.trace}
        found = {(s.passes, s.objective): s.params for s in self.stops if (s.passes, s.objective) in marks}
        if len(found) == len(marks):
            return [found[key] for key in sorted(found)]
        if not self.stops:
            raise ModelError("this path has seen no fit; give it to one: fit(model, data, callback=path).")
        if sum(s.begins for s in self.stops) > 1:
            raise ModelError(
                "this path has seen several starts, and none of them led to this fit. Draw it over its own fit, or let "
                "it see one start: fit(model, data, start=..., callback=path)."
            )
        return [s.params for s in self.stops]
