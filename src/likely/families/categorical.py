"""The categorical distribution: one of several kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Simplex, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Streaming
from likely.core.stats import Counts
from likely.core.written import free
from likely.errors import ModelError
from likely.families.categories import Categories, OfCategories, listed
from likely.families.counts import pretend_shares, shares_of
from likely.families.linear import Features, Linear
from likely.families.streams import stream_symbols
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Categorical(OfCategories, Linear):
    """One of c categories, words or numbers; log probability log p[category].

    Parameters
    ----------
    p : array (c,), Dirichlet or shared          probability of each category
    categories : list of words or numbers        what p stands for, in its order. Left out, they are the distinct values
                                                 of the data, sorted; for numbers with a known p they are 0, ..., c - 1

    Raises
    ------
    ModelError      categories repeat or mix words and numbers, or p has another length

    Notes
    -----
    Maximum likelihood is each category's (weighted) share of the rows. A Dirichlet(alpha) prior counts as alpha - 1
    pretend rows of each category (alpha = 2 is Laplace's "add one"): the estimate is the mode of p. A value that is no
    category has probability 0.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Categorical(), ["tea", "milk", "tea", "tea"]).model
    Categorical(categories=['milk', 'tea'], p=[0.25, 0.75])
    >>> lk.fit(lk.Categorical(p=lk.Dirichlet(2), categories=[1, 2, 3]), [1, 1, 2]).model
    Categorical(categories=[1.0, 2.0, 3.0], p=[0.5, 0.333, 0.167])
    """

    p: Value = Simplex("c", doc="probability of each category")

    priors = {"p": ("Dirichlet",)}

    def __init__(self, p: Value = free, *, categories: Iterable[str] | Iterable[float] | None = None, **unknown: Any):
        self._keep(categories)
        self._fill(p=p, **unknown)

    def log_density(self, params: Params, data: Table) -> Array:
        never = np.full((len(params.p), 1), -np.inf)
        table = np.concatenate([safe_log(params.p), never], 1)
        codes = self.codes(data)
        if codes.shape[1] == 1:
            return np.ascontiguousarray(table.T).take(codes[:, 0], axis=0)
        return table[np.arange(len(table)), codes]

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Counts:
        k, c = weights.shape[1], len(self.known())
        cell = self.codes(data) * k + np.arange(k)
        sums = np.bincount(cell.ravel(), weights.ravel(), (c + 1) * k).reshape(c + 1, k)
        total = np.ascontiguousarray(sums[:c].T)
        return Counts(total.sum(1), total)

    def features(self, data: Table) -> Features:
        """Which category a row is in, as columns of zeros and a one."""
        codes = self.codes(data)
        return {"total": (codes[:, :, None] == np.arange(len(self.known()))).astype(np.float32)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": safe_log(params.p)}

    def constant(self, params: Params) -> Array:
        return np.zeros(len(params.p))

    def in_stream(self, params: Params) -> Streaming:
        return stream_symbols(self.codes, safe_log(params.p), lambda total: Counts(total.sum(1), total))

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Counts:
        return Counts(totals["total"].sum(1), totals["total"])

    def all_possible(self, data: Table) -> bool:
        known = self.known()
        return data.once(("all possible", known), lambda: bool((self.codes(data) < len(known)).all()))

    def m_step(self, stats: Counts, params: Params | None) -> Params:
        return Params(p=shares_of(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Counts) -> Array:
        return special.xlogy(stats.total, params.p).sum(1)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        """Numbers as they are, words as their place among the categories."""
        return self.drawn(params.p, rng, members)

    def pretend(self, name: str, prior: Family) -> Counts:
        return pretend_shares(prior)

    # -- which categories there are ---------------------------------------------------------------------------------
    def spoken_of(self) -> int | None:
        return self.p.shape[-1] if isinstance(self.p, np.ndarray) else None

    def settled(self) -> bool:
        return isinstance(self.p, np.ndarray) and not np.isnan(self.p).any()

    def refuse_size(self, size: int, known: Categories) -> ModelError:
        return ModelError(
            f"Categorical.p has {size} probabilities, but there are {len(known)} categories "
            f"({listed(known)}). Write one probability for each of categories=[...].",
            slot="p",
        )
