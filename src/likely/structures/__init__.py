"""Structures: something is hidden, or several banks stand side by side. One to a file."""

from likely.structures.censored import Censored, censored
from likely.structures.hmm import HMM
from likely.structures.independent import Independent
from likely.structures.mixture import Mixture
from likely.structures.named_models import *  # noqa: F403  # the list of names stands there
from likely.structures.named_models import __all__ as _named
from likely.structures.nonlinear import NonlinearStateSpace
from likely.structures.nonlinear_features import Features, RadialBasis
from likely.structures.product import Product
from likely.structures.state_space import StateSpace
from likely.structures.truncated import Truncated
from likely.structures.zero_inflated import ZeroInflated

__all__ = [
    "HMM",
    "Censored",
    "Features",
    "Independent",
    "Mixture",
    "NonlinearStateSpace",
    "Product",
    "RadialBasis",
    "StateSpace",
    "Truncated",
    "ZeroInflated",
    "censored",
]
__all__ += _named  # pyright: ignore[reportUnsupportedDunderAll]  # one list of names, in one place
