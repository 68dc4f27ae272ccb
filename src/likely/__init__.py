"""Fit probability models by maximum likelihood, MAP and EM, whether the data is complete or part of it is hidden.

>>> import likely as lk
>>> lk.fit(lk.Normal(), [1.0, 2.0, 3.0, 6.0]).model
Normal(mean=3.0, variance=3.5)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from likely import families, structures
from likely.core.family import Family
from likely.core.lagged import lagged
from likely.core.notation import parse
from likely.core.patterns import affine, scaled
from likely.core.sequences import sequences
from likely.core.written import choose, free, shared
from likely.em.outcome import Outcome
from likely.em.path import Path
from likely.errors import (
    DataError,
    Degenerate,
    FewObservations,
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
from likely.workflows.result import Fit
from likely.workflows.storage import load

if TYPE_CHECKING:
    from likely.faces.overlays import plot_comparison
    from likely.workflows.bootstrap_ratio import bootstrap_test
    from likely.workflows.certificate import Verdict
    from likely.workflows.compare import compare
    from likely.workflows.hypothesis import likelihood_ratio_test
    from likely.workflows.kmeans import KMeans, kmeans

__version__ = "0.1.0"

# What not every program asks for is imported when it is asked for first: `import likely` stays fast.
_LATER = {
    "KMeans": "workflows.kmeans",
    "Verdict": "workflows.certificate",
    "bootstrap_test": "workflows.bootstrap_ratio",
    "compare": "workflows.compare",
    "kmeans": "workflows.kmeans",
    "likelihood_ratio_test": "workflows.hypothesis",
    "plot_comparison": "faces.overlays",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'likely' has no attribute {name!r}")
    value = getattr(import_module(f"likely.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DataError",
    "Degenerate",
    "Family",
    "FewObservations",
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
    "Verdict",
    "Path",
    "affine",
    "bootstrap_test",
    "choose",
    "compare",
    "fit",
    "free",
    "kmeans",
    "lagged",
    "likelihood_ratio_test",
    "load",
    "parse",
    "plot_comparison",
    "scaled",
    "sequences",
    "shared",
]
__all__ += families.__all__
__all__ += structures.__all__
