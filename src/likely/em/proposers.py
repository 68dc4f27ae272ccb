"""Which way of choosing the next parameters suits a family: the one place where that is decided."""

from __future__ import annotations

from typing import Any

from likely.core.family import Family
from likely.em.accelerate import WARM, Accelerated
from likely.em.line_search import LineSearch
from likely.em.loop import PlainEM, Proposer


def proposer_of(
    family: Family, engine: Any, tol: float, *, temperature: float = 1.0, accelerate: bool = True, warm: bool = False
) -> Proposer:
    """A search where M-steps are not enough, plain EM where nothing may be extrapolated, else acceleration.

    Parameters
    ----------
    family : Family          bound
    engine : Engine          holds the data
    tol : float              as for `em`
    temperature : float      hard EM (0) ends after finitely many steps by itself; there is nothing to extrapolate
    accelerate : bool        False is EM's own steps
    warm : bool              have some plain steps been made already?
    """
    if family.climbs:
        return LineSearch(engine, tol, accelerate, temperature)
    if not accelerate or temperature == 0:
        return PlainEM()
    return Accelerated(tol, plain_left=0 if warm else WARM)
