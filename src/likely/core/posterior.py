"""What a family inferred about one chunk of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.numerics.soft import Array


@dataclass(frozen=True)
class Posterior:
    """Log probability of each item under each member, and what was inferred about hidden things.

    `slack` is log_prob minus the expected complete log density: zero for a leaf, the (temperature times the) entropy of
    the hidden things for a structure. It is worked out only when somebody asks.
    """

    log_prob: Array  # (n, k)
    hidden: Any = None  # responsibilities, paths, beliefs: the owner's business
    child: Any = None  # the posterior, or posteriors by name, of the part(s)
    find_slack: Callable[[], Array] | None = None
    stopped: Callable[[int, int], int] = lambda *_: 0  # at which of its rows an item becomes impossible

    @property
    def slack(self) -> Array:
        """(n, k)."""
        return np.zeros_like(self.log_prob) if self.find_slack is None else self.find_slack()


@dataclass(frozen=True)
class Pass:
    """What one pass over some data brought back."""

    stats: Any
    log_likelihood: float
    impossible: int | None = None  # the first row at which an item comes to have probability zero
    items: float = 0.0  # how many (by weight) it was over


@dataclass(frozen=True)
class Share:
    """What a pass in one go found for the members of a bank that are the components of one mixture."""

    log_likelihood: float
    counts: Array  # (k,) expected numbers of items
    stats: Any


# A chunk, log weights (k,) of the members, and whether every row goes wholly to its best member.
Fused = Callable[[Any, Array, bool], Share | None]
# A pass over a chunk in one go (of sequences with a `map` that runs in threads); None where it must go step by step.
Sweep = Callable[..., Pass | None]
# Of rows and a stream of chains: how the kernels see rows, and what makes statistics of their sums; None: not so.
Streaming = Callable[[Any, Any], tuple[Any, Callable[[Array], Any]] | None]
