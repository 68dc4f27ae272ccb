"""What comes after the end of sequences under a state space: states and rows, with what is uncertain of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.named import counted
from likely.core.sequences import sequences_of
from likely.errors import DataError
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.state_blocks import Blocks
from likely.structures.state_known import States, around, deviations


@dataclass(frozen=True)
class StateForecast:
    """Rows and states 1, 2, ... h rows after the end of sequences: they are normal with these moments.

    Parameters
    ----------
    mean : array (S, h), or (S, h, d) of several columns            in the units of the data
    covariance : array (S, h), or (S, h, d, d) of several columns   variances, or covariances of the columns of a row
    states : States                                                 means (S, h, m), covariances (S, h, m, m)
    """

    mean: Array
    covariance: Array
    states: States = field(repr=False)

    def __len__(self) -> int:
        return self.mean.shape[1]

    @property
    def sd(self) -> Array:
        """(S, h), or (S, h, d): standard deviations."""
        return np.sqrt(self.covariance) if self.covariance.ndim == 2 else deviations(self.covariance)

    def interval(self, level: float = 0.95) -> Array:
        """(S, h, 2), or (S, h, d, 2): both ends of the interval that holds each value with this probability."""
        return around(self.mean, self.sd, level)

    def quantile(self, q: Any) -> Array:
        """(S, h), or (S, h, d), of one probability; of several with a last axis for them.

        Raises
        ------
        DataError      a q outside [0, 1]
        """
        levels = np.asarray(q, float)
        if not ((levels >= 0) & (levels <= 1)).all():
            raise DataError(f"quantile(q) needs probabilities from 0 to 1; got {q!r}.")
        if levels.ndim == 0:
            return self.mean + float(special.ndtri(levels)) * self.sd
        return self.mean[..., None] + special.ndtri(levels) * self.sd[..., None]


def ahead(blocks: Blocks, last: States | None, u: Array | None, h: int) -> StateForecast:
    """The next h rows.

    Parameters
    ----------
    blocks : Blocks
    last : States                the states (S, m) at the last rows that were seen; None: the first row is yet to come
    u : array (S, h, p)          inputs of the rows to come, of models that have any
    h : int
    """
    known = States(blocks.m0[None], blocks.P0[None]) if last is None else last
    mean, covariance = known.mean, known.covariance
    steps = [(mean, covariance)] if last is None else []
    for t in range(len(steps), h):
        mean = mean @ blocks.A.T + blocks.drift(None if u is None else u[:, t], len(mean))
        covariance = blocks.A @ covariance @ blocks.A.T + blocks.Q
        steps.append((mean, covariance))
    return _shown(blocks, steps, u)


def _shown(blocks: Blocks, steps: list[tuple[Array, Array]], u: Array | None) -> StateForecast:
    """States of every step, and what rows they show."""
    mean, covariance = (np.stack(v, 1) for v in zip(*steps, strict=True))
    s, h, d = *mean.shape[:2], len(blocks.C)
    level = blocks.level(None if u is None else u.reshape(s * h, -1), s * h).reshape(s, h, d)
    rows, spread = mean @ blocks.C.T + level, blocks.C @ covariance @ blocks.C.T + blocks.R
    states = States(mean, covariance)
    return StateForecast(rows[..., 0], spread[..., 0, 0], states) if d == 1 else StateForecast(rows, spread, states)


def inputs_to_come(future: Any, h: int, count: int, p: int) -> Array | None:
    """(S, h, p) inputs of the rows that are forecast, of so many sequences.

    Parameters
    ----------
    future : array (h, p), frame, or a list of them      for all sequences alike, or one in each item
    h, count, p : int                                    steps, sequences and inputs of the model
    """
    if future is None:
        if p:
            raise DataError(
                f"forecast({h}): the model has {counted(p, 'input')}, and nothing says what comes in with the rows to "
                f"come. Give future=..., an array ({h}, {p})."
            )
        return None
    if not p:
        raise DataError(f"forecast({h}, future=...): the model has no inputs; leave future out.")
    given = future if isinstance(future, Sequences) else sequences_of(future)
    if given.rows.d != p:
        raise DataError(f"future has {counted(given.rows.d, 'column')}; the model has {counted(p, 'input')}.")
    if len(given) not in (1, count):
        raise DataError(
            f"future has {counted(len(given), 'sequence')}, the data has {count}; give one array for all of them, or a "
            "list with one for each."
        )
    if (wrong := given.lengths != h).any():
        s = int(wrong.argmax())
        which = f"sequence {s + 1} of future" if len(given) > 1 else "future"
        raise DataError(
            f"{which} has {counted(int(given.lengths[s]), 'row')}; forecast({h}) needs {h}, one for each step ahead."
        )
    return np.broadcast_to(given.rows.x.reshape(len(given), h, p), (count, h, p))
