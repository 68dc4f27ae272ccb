"""How a fit ended, in the sentence the user reads."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """The members are sentences; `good` says whether the parameters may be used as the answer."""

    closed_form = "Closed form: the maximum, in one pass over the data."
    converged = "Converged: the estimated distance to the maximum is below the tolerance."
    rounding_floor = "Converged as far as rounding allows: what is left to gain is smaller than the error of the sum."
    pass_limit = "Stopped at the limit of passes, before convergence; raise max_passes."
    interrupted = "Interrupted; these are the best parameters so far."
    stopped = "Stopped by the callback; these are the best parameters so far."
    stalled = (
        "Stalled: steps of EM and a climb of the gradient gain next to nothing; the gradient is not zero, so this "
        "need not be a maximum."
    )
    decreased = "Stopped: the objective fell, which exact EM never does; these are the parameters before the fall."

    @property
    def good(self) -> bool:
        """Is this a maximum, to the tolerance?"""
        return self in (Outcome.closed_form, Outcome.converged, Outcome.rounding_floor)

    def __str__(self) -> str:
        return self.value
