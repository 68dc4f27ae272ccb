"""Censoring: of some rows only an interval is known in which the value lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Value
from likely.core.door import table_of
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.stats import Stats
from likely.core.support import Support
from likely.errors import DataError, ModelError
from likely.families.held import Held
from likely.families.limits import refuse
from likely.numerics.soft import Array
from likely.numerics.tails import Tails, log_between
from likely.structures.around import Around, require_continuous
from likely.structures.truncated import Truncated

ENDS = Support("intervals [low, high]", lambda x: ~np.isnan(x), 1.0)
QUARTERS = (0.25, 0.75)  # where an interval is taken to lie, to begin with


@dataclass(frozen=True)
class Observed(Stats):
    """Weight of all rows, statistics of the exact ones, and the ends of the others."""

    weight: Array  # (k,)
    part: Any
    ends: Held  # values (1, n, 2) or (k, n, 2)

    def valid(self) -> bool:
        return bool(np.all(self.weight >= 0) and np.all(self.ends.weights >= 0)) and self.part.valid()


class Censored(Around):
    """A continuous family some of whose values are known only up to an interval; each row is its ends [low, high].

    A row with low = high is an exact value, with density f(x). Any other has the probability F(high) - F(low):
    high = inf is censored on the right (it lasted longer than low), low = -inf on the left.

    Parameters
    ----------
    part : Family      of one column, as Weibull(); or Truncated(...), and all probabilities are within the window

    Raises
    ------
    ModelError      a part that is not continuous, has no distribution function, or has an end that is itself estimated
    DataError       a row whose low is above its high, or which the part cannot have produced

    Notes
    -----
    Data are two columns, low and high; one column stands for exact values. `lk.censored(time, event)` makes them from
    times and whether the event was seen. Maximum likelihood is Newton's method on log f(x) summed over exact rows plus
    log[F(high) - F(low)] over the others, taken in the nearer tail, with derivatives from differences. Exact rows go
    through the statistics of the part. Priors stand on the slots of the part; the estimate is the mode in its own
    parameters. The times of censoring must tell nothing about the values beyond that they were reached.

    Examples
    --------
    >>> import likely as lk
    >>> hours = lk.censored([54, 187, 216, 500, 500], event=[True, True, True, False, False])
    >>> lk.fit(lk.Censored(lk.Exponential()), hours).model
    Censored(Exponential(rate=0.002059))
    """

    several_columns = True
    support = ENDS

    def __init__(self, part: Family):
        require_continuous("Censored", part, (Truncated,))
        self.__dict__["part"] = part

    @property
    def reads_infinite(self) -> bool:
        return True

    def own_dims(self) -> dict[str, int]:
        return {"d": 2}

    def part_setting(self, name: str, setting: Setting) -> Setting:
        return setting.with_(d=1)

    def bind(self, axes: Any = (), setting: Any = None) -> Any:
        found = setting if isinstance(setting, Setting) else Setting(setting or {"d": 2, "p": 0})
        if found.dims.get("d", 2) > 2:
            raise ModelError(
                f"Censored takes two columns, the ends low and high of each row; the data has {found.names()}. "
                "Name two with columns=[...]."
            )
        return super().bind(axes, found)

    def check_rows(self, setting: Setting) -> None:
        rows = setting.rows
        if rows is None or rows.d != 2:
            return
        wrong = rows.x[:, 0] > rows.x[:, 1]
        if wrong.any():
            row = int(wrong.argmax())
            low, high = rows.x[row].tolist()
            raise DataError(
                f"{rows.called(0)} row {row + 1} is {low:.6g} and {rows.called(1)} is {high:.6g}; a row of Censored is "
                "[low, high] with low at most high. Mend the row, or name the columns in their order: columns=[...].",
                column=rows.name(0), row=row + 1, value=low,
            )  # fmt: skip

    def fits(self, x: Array) -> Array:
        low, high = x[..., :1], x[..., -1:]
        inside = self.part.fits(np.clip(self.part.example(1), low, np.maximum(low, high)))
        exact = (low == high) & np.isfinite(low)
        possible = np.where(exact, self.part.fits(low), inside & (low < high))
        return np.broadcast_to(possible, x.shape)

    def needs(self, column: int) -> str:
        return f"exact values or intervals of {self.part.needs(0)}"

    def example(self, d: int) -> Array:
        return np.repeat(self.part.example(1), d)

    def log_density(self, params: Params, data: Table) -> Array:
        exact, rows = self._split(data)
        out = self.part.log_density(params.part, exact)
        if len(rows):
            low, high = data.x[rows, ..., 0], data.x[rows, ..., -1]
            wide = (low < high).reshape(len(rows), -1)
            out[rows] = np.where(wide, self._between(params.part, low, high), out[rows])
        return out

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Observed:
        exact, rows = self._split(data)
        wide = (data.x[..., 0] < data.x[..., -1]).reshape(len(data), -1)
        own = None if params is None else params.part
        part = self.part.statistics(own, exact, np.where(wide, 0.0, weights))
        weighed = np.ascontiguousarray(np.where(wide, weights, 0.0)[rows].T)
        intervals = data.x[rows][..., [0, -1]]
        if data.x.ndim == 3:
            return Observed(weights.sum(0), part, Held(np.swapaxes(intervals, 0, 1), weighed))
        ends, place = data.once("distinct intervals", lambda: np.unique(intervals, axis=0, return_inverse=True))
        summed = np.stack([np.bincount(place.ravel(), w, len(ends)) for w in weighed])
        return Observed(weights.sum(0), part, Held(ends[None], summed))

    def _split(self, data: Table) -> tuple[Table, Array]:
        """The rows with a possible value where they are not exact, and which rows these are."""

        def split() -> tuple[Table, Array]:
            low, high = data.x[..., :1], data.x[..., -1:]
            x = np.where(low == high, low, self.part.example(1))
            rows = np.flatnonzero((low < high).reshape(len(data), -1).any(1))
            return data.with_(x=x, names=(), text=()), rows

        return data.once(("exact rows", *self.arguments()), split)

    def _between(self, params: Params, low: Array, high: Array) -> Array:
        """Log probability (n, k) of intervals, whose ends are (n,), or (n, k) where each member has its own."""
        k = _members(params)
        if low.ndim == 2:
            each = [self._between(params.blocks([j], k), low[:, j], high[:, j]) for j in range(k)]
            return np.concatenate(each, 1)
        right, left = np.isposinf(high), np.isneginf(low)
        out = np.zeros((len(low), k))
        for rows, points, side in ((right & ~left, low, 1), (left & ~right, high, 0)):
            if rows.any():
                out[rows] = self._tails(params, points[rows])[side]
        rows = ~(right | left)
        if rows.any():
            out[rows] = log_between(self._tails(params, low[rows]), self._tails(params, high[rows]))
        return out

    def _tails(self, params: Params, points: Array) -> Tails:
        return self.part.log_tails(params, Table(points[:, None]))

    def begin(self, stats: Observed) -> Params:
        """Where the part would be, were every row exact somewhere in its interval."""
        ends, weights = stats.ends.values, stats.ends.weights
        low, high = ends[..., 0], ends[..., 1]
        finite = np.isfinite(low) & np.isfinite(high)
        one_end = np.where(np.isfinite(low), low, high)
        part = stats.part
        for share in QUARTERS:
            with np.errstate(invalid="ignore"):
                points = np.where(finite, low + share * (high - low), one_end)
            known = np.isfinite(points)
            w = np.where(known, weights / len(QUARTERS), 0.0)
            x = np.where(known, points, self.part.example(1))
            table = Table(x.T if len(x) == 1 else x.T[:, :, None])
            part = part + self.part.collect(None, None, table, w.T)
        found = self.part.maximize(part, None)
        return self.part.of_leaf(found) if isinstance(self.part, Around) else found

    def m_step(self, stats: Observed, params: Params | None) -> Params:
        slots = self.leaf.slots.values()
        if all(s.known is None and s.prior is None and not s.ties for s in slots):
            exact = stats.weight - stats.ends.weight
            for side, name in ((1, "right"), (0, "left")):
                bounded = stats.ends.total(lambda ends, side=side: np.isfinite(ends[..., side]).astype(float))
                lost = (bounded + exact <= 1e-12 * stats.weight) & (stats.weight > 0)
                cure = "Some must be exact, or intervals."
                refuse(lost, stats.weight, f"all its rows are censored on the {name}", cure)
        return super().m_step(stats, params)

    def expected_log_density(self, params: Params, stats: Observed) -> Array:
        def between(ends: Array) -> Array:
            low, high = ends[..., 0], ends[..., 1]
            if len(low) == 1:
                return self._between(params.part, low[0], high[0]).T
            return self._between(params.part, low.T, high.T).T

        return self.part.expected_log_density(params.part, stats.part) + stats.ends.total(between)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return np.repeat(self.part.draw(params.part, members, data, rng), 2, 1)

    @property
    def mean(self) -> Value:
        """Mean of the values themselves, in the data's units."""
        return self.part.mean  # pyright: ignore[reportAttributeAccessIssue]  # every continuous family has one

    @property
    def variance(self) -> Value:
        """Mean squared deviation of the values themselves, in the data's units squared."""
        return self.part.variance  # pyright: ignore[reportAttributeAccessIssue]

    def cumulative(self, params: Params, data: Table) -> Array:
        return self.part.cumulative(params.part, data)

    def log_tails(self, params: Params, data: Table) -> Tails:
        return self.part.log_tails(params.part, data)

    def inverse(self, params: Params, q: Array) -> Array:
        return self.part.inverse(params.part, q)


def _members(params: Params) -> int:
    first = params[next(iter(params))]
    return _members(first) if isinstance(first, Params) else len(first)


def censored(time: Any, event: Any) -> Array:
    """Times with their events as the ends of intervals, for `Censored`.

    Parameters
    ----------
    time : array (n,)       when the event came, or when watching ended without it
    event : array (n,)      True (or 1) where the event was seen, False (or 0) where it had not come by then

    Returns
    -------
    array (n, 2)      [time, time] with the event, [time, inf] without

    Raises
    ------
    DataError      not one event for each time, or one that is neither True nor False

    Examples
    --------
    >>> import likely as lk
    >>> lk.censored([54, 500], event=[True, False])
    array([[ 54.,  54.],
           [500.,  inf]])
    """
    times, seen = table_of(time), table_of(event)
    for name, table in (("time", times), ("event", seen)):
        if table.d != 1:
            raise DataError(f"{name} has {table.d} columns; one is needed.")
    if len(times) != len(seen):
        raise DataError(f"event has {len(seen)} values, time has {len(times)}; one for each is needed.")
    wrong = ~((seen.x == 0) | (seen.x == 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"event row {row + 1} is {seen.x[row, 0]:.6g}; it needs True (seen) or False (censored).",
            column="event", row=row + 1, value=float(seen.x[row, 0]),
        )  # fmt: skip
    return np.concatenate([times.x, np.where(seen.x == 1, times.x, np.inf)], 1)
