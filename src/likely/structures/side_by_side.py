"""Several banks with the same members: the common part of products and of lists of alternatives."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.core.setting import Setting
from likely.core.stats import Parts
from likely.core.written import written
from likely.numerics.soft import Array


class SideBySide(Family, public=False):
    """Holds named parts; a subclass says which columns and which members each part sees."""

    items: dict[str, Family]

    def __init__(self, items: dict[str, Family]):
        self.__dict__["items"] = dict(items)

    @property
    def hidden(self) -> bool:
        return any(f.hidden for f in self.items.values())

    @property
    def uses_given(self) -> bool:
        return any(f.uses_given for f in self.items.values())

    @property
    def reads_text(self) -> bool:
        return any(f.reads_text for f in self.items.values())

    def parts(self) -> dict[str, Family]:
        return self.items

    def with_parts(self, parts: dict[str, Any]) -> Self:
        return self._changed(items=dict(parts))

    def arguments(self) -> list[str]:
        return [f"{n}={written(f)}" for n, f in self.items.items()]

    def view(self, name: str, data: Any) -> Any:
        """The data as one part sees it."""
        return data

    def member(self, name: str, weights: Array) -> Array:
        """The weights (n, k) of one part's members."""
        return weights

    def join(self, each: list[Array]) -> Array:
        """What the parts say, (..., k_i) each, about the members of the whole."""
        raise NotImplementedError

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        each = {n: f.infer(params[n], self.view(n, data), temperature) for n, f in self.items.items()}
        log_prob = self.join([q.log_prob for q in each.values()])
        return Posterior(log_prob, None, each, lambda: self.join([q.slack for q in each.values()]))

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> Parts:
        def one(name: str, family: Family) -> Any:
            mine = None if params is None else params[name]
            known = None if posterior is None else posterior.child[name]
            return family.collect(mine, known, self.view(name, data), self.member(name, weights))

        return Parts({n: one(n, f) for n, f in self.items.items()})

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        def one(name: str, family: Family) -> Params:
            return family.start(self.view(name, data), self.member(name, weights), rng, kind)

        return Params(**{n: one(n, f) for n, f in self.items.items()})

    def m_step(self, stats: Parts, params: Params | None) -> Params:
        old = dict.fromkeys(self.items) if params is None else params
        return Params(**{n: f.maximize(stats.items[n], old[n]) for n, f in self.items.items()})

    def expected_log_density(self, params: Params, stats: Parts) -> Array:
        return self.join([f.expected_log_density(params[n], stats.items[n]) for n, f in self.items.items()])


class Alternatives(SideBySide, public=False):
    """Components of different kinds, seen by a mixture as one bank: m banks of k are a bank of k m."""

    def __init__(self, families: list[Family]):
        super().__init__({str(i): f for i, f in enumerate(families)})

    def __repr__(self) -> str:
        return written(list(self.items.values()))

    def __getitem__(self, i: int | str) -> Family:
        return self.items[str(i)]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def several_columns(self) -> bool:
        return any(f.several_columns for f in self.items.values())

    def own_dims(self) -> dict[str, int]:
        return {k: v for f in self.items.values() for k, v in f.own_dims().items()}

    def bind(self, axes: Any = (), setting: Any = None) -> Self:
        """Each alternative is a bank over the outer axes only: the last axis runs over the alternatives."""
        parts = {n: f.bind(axes[:-1], setting) for n, f in self.items.items()}
        return self.with_parts(parts)._changed(slots={}, axes=axes, setting=setting)

    def join(self, each: list[Array]) -> Array:
        stacked = np.stack(each, -1)
        return stacked.reshape((*stacked.shape[:-2], -1))

    def member(self, name: str, weights: Array) -> Array:
        return weights.reshape(len(weights), -1, len(self.items))[:, :, int(name)]

    def view(self, name: str, data: Any) -> Any:
        """Where members look at points of their own, each alternative sees those of its members."""
        if not isinstance(data.rows.x, np.ndarray) or data.rows.x.ndim == 2:
            return data
        m = len(self.items)
        return data.once(("view", name), lambda: data.with_(x=data.x[:, int(name) :: m]))

    def fits(self, x: Array) -> Array:
        return np.logical_or.reduce([f.fits(x) for f in self.items.values()])

    def check_rows(self, setting: Setting) -> None:
        """Nothing to say: a row need suit only one alternative."""

    def needs(self, column: int) -> str:
        return " or ".join(dict.fromkeys(f.needs(column) for f in self.items.values()))

    def example(self, d: int) -> Array:
        return self.items["0"].example(d)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        m = len(self.items)
        out: Array | None = None
        for i, (name, family) in enumerate(self.items.items()):
            rows = members % m == i
            drawn = family.draw(params[name], members[rows] // m, data.take(rows), rng)
            out = np.empty((len(members), drawn.shape[1])) if out is None else out
            out[rows] = drawn
        assert out is not None
        return out

    def present(self, x: Array) -> Any:
        return self.items["0"].present(x)

    def cumulative(self, params: Params, data: Table) -> Array:
        return self.join([f.cumulative(params[n], self.view(n, data)) for n, f in self.items.items()])

    def inverse(self, params: Params, q: Array) -> Array:
        return self.join([f.inverse(params[n], q) for n, f in self.items.items()])
