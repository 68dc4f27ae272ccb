"""Fit probability models by maximum likelihood, MAP and EM, whether the data is complete or part of it is hidden.

>>> import likely as lk
>>> lk.fit(lk.Normal(), [1.0, 2.0, 3.0, 6.0]).model
Normal(mean=3.0, variance=3.5)
"""

from likely import families, structures
from likely.core.family import Family
from likely.core.notation import parse
from likely.core.written import choose, free, shared
from likely.em.outcome import Outcome
from likely.errors import (
    DataError,
    Degenerate,
    FileError,
    FitError,
    InputError,
    LikelyError,
    ModelError,
    NotationError,
    NotFitted,
)
from likely.families import *  # noqa: F403  # the families' own list of names is the public one
from likely.structures import *  # noqa: F403
from likely.workflows.fit import fit
from likely.workflows.kmeans import KMeans, kmeans
from likely.workflows.result import Fit
from likely.workflows.storage import load

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "Degenerate",
    "Family",
    "FileError",
    "Fit",
    "FitError",
    "InputError",
    "KMeans",
    "LikelyError",
    "ModelError",
    "NotFitted",
    "NotationError",
    "Outcome",
    "choose",
    "fit",
    "free",
    "kmeans",
    "load",
    "parse",
    "shared",
]
__all__ += families.__all__
__all__ += structures.__all__
