"""One family of a single column repeated over all columns, independent of one another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused, Posterior, Share
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Parts
from likely.core.written import written
from likely.errors import ModelError
from likely.families.linear import Features, Linear
from likely.numerics.soft import Array


class Independent(Linear):
    """The same family for each of d independent columns, with parameters of their own; the density is a product.

    Parameters
    ----------
    part : Family      of one column, as Bernoulli() or Normal()

    Raises
    ------
    ModelError      the part is no family, or describes several columns itself

    Notes
    -----
    The slots of the part have one value for each column; `shared(over="column")` ties them over the columns, and plain
    `shared` in a mixture over the components, column by column. A mixture of Independent(Bernoulli()) is a latent class
    model (Lazarsfeld & Henry 1968); one of Independent(Normal()) has diagonal covariances at a cost of d, not d^2.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Independent(lk.Bernoulli()), [[0, 1, 1], [0, 1, 0], [1, 1, 0], [0, 1, 1]]).model
    Independent(Bernoulli(p=[0.25, 1.0, 0.5]))
    """

    part: Family

    axis = "column"
    several_columns = True

    def __init__(self, part: Family):
        if not isinstance(part, Family):
            raise ModelError(f"Independent({part!r}): the part must be a family, as in Independent(Bernoulli()).")
        if part.several_columns:
            raise ModelError(
                f"Independent({part!r}): it repeats a family of one column, and {type(part).__name__} describes "
                "several together. Use it as it is, or put a family such as Normal() inside."
            )
        if part.sequential:
            raise ModelError(
                f"Independent({part!r}): one chain for all columns is HMM(Independent(...), ...); for a chain to each "
                "column join them by name, as in Product(a=HMM(...), b=HMM(...))."
            )
        self.__dict__["part"] = part

    @property
    def hidden(self) -> bool:
        return self.part.hidden

    @property
    def uses_given(self) -> bool:
        return self.part.uses_given

    @property
    def reads_text(self) -> bool:
        return self.part.reads_text

    def arguments(self) -> list[str]:
        return [written(self.part)]

    def parts(self) -> dict[str, Family]:
        return {"part": self.part}

    def own_dims(self) -> dict[str, int]:
        return {**self.part.own_dims(), "d": max(_columns_written(self.part, 0), default=1)}

    def part_setting(self, name: str, setting: Setting) -> Setting:
        return setting.with_(d=1)

    def part_axes(self, setting: Setting) -> tuple[Axis, ...]:
        return (Axis("column", setting.dims.get("d", 1), hidden=False),)

    def distinct_rows_needed(self) -> int:
        return self.part.distinct_rows_needed()

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        each = [
            self.part.infer(one, self._view(data, i), temperature) for i, one in enumerate(_split(params.part, self.k))
        ]

        def total(values: list[Array]) -> Array:
            return np.stack([v.sum(1) for v in values]).T

        return Posterior(total([q.log_prob for q in each]), None, each, lambda: total([q.slack for q in each]))

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> Parts:
        split = [None] * self.k if params is None else _split(params.part, self.k)
        known = [None] * self.k if posterior is None else posterior.child
        records = []
        for i, (one, child) in enumerate(zip(split, known, strict=True)):
            view = self._view(data, i)
            w = np.broadcast_to(weights[:, i : i + 1], view.x.shape[:2])
            records.append(self.part.collect(one, child, view, w))
        return Parts({"part": type(records[0]).concatenate(records)})

    def _view(self, data: Any, member: int) -> Table:
        """The columns as members that each look at a column of their own: (n, d, 1). Nothing is copied."""
        x = data.x
        if x.ndim == 3:
            return data.once(("columns", member), lambda: _columns(data, x[:, member, :, None]))
        return data.once("columns", lambda: _columns(data, x[:, :, None]))

    @property
    def linear(self) -> bool:
        return isinstance(self.part, Linear) and self.part.linear

    @property
    def fuses(self) -> bool:
        return self.linear or self.part.fuses_columns

    def fused(self, params: Params) -> Fused:
        if self.linear:
            return super().fused(params)
        of_columns = self.part.fused_columns(params.part, self.k)

        def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
            found = of_columns(data, log_weights, hard)
            return None if found is None else replace(found, stats=Parts({"part": found.stats}))

        return one_go

    def features(self, data: Table) -> Features:
        """Those of the part, with an axis of their events that runs over the columns."""
        return {name: f[:, None] for name, f in self._part.features(self._view(data, 0)).items()}

    def natural(self, params: Params) -> dict[str, Array]:
        each = self._part.natural(params.part)
        return {name: v.reshape(self.k, -1, *v.shape[1:]) for name, v in each.items()}

    def constant(self, params: Params) -> Array:
        return self._part.constant(params.part).reshape(self.k, -1).sum(1)

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Parts:
        each = {name: t.reshape(-1, *t.shape[2:]) for name, t in totals.items()}
        return Parts({"part": self._part.recorded(np.repeat(weight, self.part.k // self.k), each)})

    def all_possible(self, data: Table) -> bool:
        return self._part.all_possible(self._view(data, 0))

    @property
    def _part(self) -> Linear:
        assert isinstance(self.part, Linear)
        return self.part

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        n, k, d = len(data), self.k, data.d
        points = np.broadcast_to(data.x if data.x.ndim == 3 else data.x[:, None, :], (n, k, d)).reshape(n, k * d, 1)
        return Params(part=self.part.start(_columns(data, points), np.repeat(weights, d, 1), rng, kind))

    def m_step(self, stats: Parts, params: Params | None) -> Params:
        return Params(part=self.part.maximize(stats.items["part"], None if params is None else params.part))

    def expected_log_density(self, params: Params, stats: Parts) -> Array:
        return self.part.expected_log_density(params.part, stats.items["part"]).reshape(self.k, -1).sum(1)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        n, d = len(members), self.part.axes[-1].size
        each = (members[:, None] * d + np.arange(d)).ravel()
        repeated = data.take(np.repeat(np.arange(n), d))
        return self.part.draw(params.part, each, repeated, rng).reshape(n, d)

    def present(self, x: Array) -> Any:
        return super().present(self.part.present(x.reshape(-1, 1)).reshape(x.shape))

    def fits(self, x: Array) -> Array:
        return self.part.fits(x)

    def needs(self, column: int) -> str:
        return self.part.needs(column)

    def example(self, d: int) -> Array:
        return np.repeat(self.part.example(1), d)

    def check_rows(self, setting: Setting) -> None:
        for j in range(setting.dims.get("d", 1)):
            self.part.check_rows(setting.select([j]))


def _columns(data: Table, points: Array) -> Table:
    return data.with_(x=points, names=(), text=(any(data.text),) if data.text else ())


def _split(params: Params, k: int) -> list[Params]:
    """The parameters of the columns of each of k outer members."""
    return [params] if k == 1 else [params.blocks([i], k) for i in range(k)]


def _columns_written(family: Family, inner: int) -> list[int]:
    """How many columns the arrays in the slots speak of; `inner` axes stand between the columns and the event."""
    sizes = []
    for name, domain in family.domains.items():
        value = getattr(family, name)
        value = getattr(value, "offsets", value)
        if isinstance(value, np.ndarray) and value.ndim > len(domain.event) + inner:
            sizes.append(value.shape[value.ndim - len(domain.event) - inner - 1])
    deeper = inner + (family.axis is not None)
    return sizes + [size for part in family.parts().values() for size in _columns_written(part, deeper)]
