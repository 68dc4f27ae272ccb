"""What a person asks of a nonlinear state space: its states, where they lead, draws, and how well it foretells rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.door import table_of
from likely.errors import DataError, ModelError
from likely.numerics.extended import root, unscented
from likely.numerics.soft import Array
from likely.structures.asked import asked, handed_out
from likely.structures.chains import in_sequences
from likely.structures.nonlinear_hidden import Hidden
from likely.structures.nonlinear_walk import walk
from likely.structures.state_errors import flat
from likely.structures.state_forecast import StateForecast, inputs_to_come
from likely.structures.state_known import States
from likely.structures.state_questions import StateQuestions


@dataclass(frozen=True)
class RowBeliefs:
    """Beliefs row by row, (n, ...), as the questions of state spaces take them."""

    predicted_mean: Array
    predicted_cov: Array
    filtered_mean: Array
    filtered_cov: Array
    mean: Array
    cov: Array
    lagged: Array
    innovation: Array
    innovation_cov: Array


class NonlinearQuestions(StateQuestions):
    """The public questions; mixed into the nonlinear state space, with every slot filled.

    `x` is one sequence, or a list of them, and `given` its inputs. Answers about rows lie end to end in the order of
    the data; with `split=True` they come as a list with one for each sequence. Entries that are NaN are missing. All
    answers but draws are those of the approximate filter that `method` names.
    """

    size: int
    method: Any

    @property
    def derives(self) -> bool:
        """Does the filter take derivatives?"""
        return self.method != "unscented"

    def _believed(self: Any, x: Any, given: Any = None) -> tuple[RowBeliefs, Sequences]:
        hidden = self._hidden(in_sequences(self._door(x, given)))
        f, s = hidden.filtered, hidden.smoothed
        by_row = hidden.by_row
        return RowBeliefs(
            predicted_mean=by_row(f.predicted_mean), predicted_cov=by_row(f.predicted_cov),
            filtered_mean=by_row(f.mean), filtered_cov=by_row(f.cov),
            mean=by_row(s.mean), cov=by_row(s.cov), lagged=by_row(s.lagged),
            innovation=hidden.data.rows.x - by_row(f.expected), innovation_cov=by_row(f.innovation_cov),
        ), hidden.data  # fmt: skip

    def _hidden(self: Any, data: Sequences) -> Hidden:
        bound = self._alone(data.rows)
        return Hidden.of(bound, bound.known_params(), data)

    def _blocks(self: Any, p: int = 0) -> Any:
        raise ModelError(
            f"{type(self).__name__} has functions where linear state spaces have matrices, and this question is about "
            "matrices. It answers filtered, predicted, smoothed, innovations, residuals, forecast and sample."
        )

    def derivatives(self: Any, p: int = 0) -> dict[str, str]:
        """Where the derivatives of f and h come from: "given", "complex step" or "central differences"."""
        return {s.written.name: s.written.how for s in self._sides({**self._dims(p), "d": self._columns(p)})}

    def filled(self: Any) -> dict[str, Array]:
        """The numbers of the model by the names of its slots; `**` of them fills the same model again.

        A fit of Python functions cannot be saved; these can, as in `np.savez(path, **fit.model.filled())`.

        Examples
        --------
        >>> import likely as lk
        >>> def walk(x, u, theta):
        ...     return x
        >>> model = lk.NonlinearStateSpace(walk, walk, 1, Q=1.0, R=2.0, m0=[0.0], P0=4.0)
        >>> lk.NonlinearStateSpace(walk, walk, 1, **model.filled())
        NonlinearStateSpace(walk, walk, 1, m0=[0.0], Q=1.0, R=2.0, P0=4.0)
        """
        self._require_filled()
        return {name: np.asarray(getattr(self, name)) for name in self.domains}

    def shown(self: Any, states: States, given: Any = None) -> tuple[Array, Array]:
        """(n, d) each: expected h of uncertain states, as `smoothed` gives them, and its standard deviation.

        By sigma points; the noise of the rows is no part of it.
        """
        u = None if given is None else np.asarray(table_of(given).x, float)
        blank = Table(np.zeros((len(states.mean), self._columns(0 if u is None else u.shape[1]))), u)
        bound = self._alone(blank)
        look = bound.sides[1].function(bound.known_params())
        mean, _, off = unscented(look, states.mean[None], root(states.covariance)[None], u)
        return mean[0], np.sqrt((off[0] ** 2).sum(-2))

    def forecast(self: Any, h: int, x: Any = None, given: Any = None, *, future: Any = None) -> StateForecast:
        """Rows and states 1, 2, ... h rows after the end of every sequence: the filter goes on without rows.

        Parameters
        ----------
        h : int                       how many rows ahead
        x : array, list or frame      what was seen; without it, the forecast is from the beginning of a sequence
        given : array, optional       (n, p) inputs of x
        future : array (h, p)         inputs of the rows to come, for all sequences alike, or a list with one for each

        Returns
        -------
        StateForecast      `.mean` (S, h) or (S, h, d), `.covariance`, `.sd`, `.interval(level)`, `.quantile(q)`, and
                           `.states`; all of them normal approximations

        Raises
        ------
        DataError       inputs of the rows to come are missing, or do not fit
        ModelError      fewer than one row ahead
        """
        if h < 1:
            raise ModelError(f"forecast({h}): at least one step ahead is needed.")
        if x is None:
            p = 0 if future is None else np.shape(future)[-1]
            data = Sequences(Table(np.zeros((0, self._columns(p))), np.zeros((0, p)) if p else None), np.zeros(2, int))
        else:
            data = in_sequences(self._door(x, given))
        p, (s, d) = data.rows.p, (len(data), data.rows.d)
        u = inputs_to_come(future, h, s, p)
        hidden = self._hidden(_longer(data, h, u))
        f, m = hidden.filtered, self.size
        last = (hidden.data.offsets[1:, None] - np.arange(h, 0, -1)).ravel()
        mean, cov = hidden.by_row(f.predicted_mean)[last], hidden.by_row(f.predicted_cov)[last]
        rows, spread = hidden.by_row(f.expected)[last], hidden.by_row(f.innovation_cov)[last]
        states = States(mean.reshape(s, h, m), cov.reshape(s, h, m, m))
        rows, spread = rows.reshape(s, h, d), spread.reshape(s, h, d, d)
        return StateForecast(rows[..., 0], spread[..., 0, 0], states) if d == 1 else StateForecast(rows, spread, states)

    def sample(
        self: Any, n: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None, sequences: int | None = None,
        states: bool = False,
    ) -> Any:  # fmt: skip
        """Draw a sequence of n rows, or several, from the model itself: nothing is approximate here.

        Parameters
        ----------
        n : int                      rows of a sequence
        seed : int or Generator      the same seed gives the same draws
        given : array, optional      (n, p) inputs, those of every sequence; they say how many rows there are
        sequences : int              a list of so many sequences, instead of one alone
        states : bool                also the hidden states

        Returns
        -------
        array (n,) or (n, d), or a list of them; with states=True the pair (draws, states), states (n, m) or a list
        """
        u, n, count = asked(n, given, sequences)
        p = 0 if u is None else u.shape[1]
        blank = Table(np.zeros((n * count, self._columns(p))), None if u is None else np.tile(u, (count, 1)))
        offsets, bound = np.arange(count + 1) * n, self._alone(blank)
        rng = np.random.default_rng(seed)
        y, z = walk(bound, bound.known_params(), np.zeros(count, int), Sequences(blank, offsets), rng)
        y, z = np.split(flat(y), offsets[1:-1]), np.split(z, offsets[1:-1])
        return handed_out(y, z, sequences, states)

    def _columns(self: Any, p: int) -> int:
        """How many columns a row has."""
        for value, axis in ((self.R, -1), (self.C if "C" in self.domains else 0, -2)):
            if isinstance(value, np.ndarray) and value.ndim >= 2:
                return value.shape[axis]
        if "C" in self.domains:
            return 1
        theta = np.full((1, self.count), 0.5)
        named = {n: theta[..., i] for i, n in enumerate(self.names)} if self.names else theta
        try:
            value = self.h(np.full((1, self.size), 0.5), np.full((1, p), 0.5) if p else None, named)
        except TypeError:
            if p:
                raise
            raise DataError("h needs inputs; give them with given=..., one row for each row.") from None
        return np.shape(value)[-1]


def _longer(data: Sequences, h: int, u: Array | None) -> Sequences:
    """The same sequences with h missing rows after each."""
    ends, d = data.offsets[1:], data.rows.d
    at = np.repeat(ends, h)
    x = np.insert(data.rows.x, at, np.full((1, d), np.nan), axis=0)
    given = None
    if u is not None and data.rows.given is not None:
        given = np.insert(data.rows.given, at, u.reshape(-1, u.shape[-1]), axis=0)
    return Sequences(Table(x, given), data.offsets + h * np.arange(len(data.offsets)))
