"""The categorical distribution: one of several kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import Simplex, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Counts
from likely.core.support import Support
from likely.core.written import free, written
from likely.errors import DataError, ModelError
from likely.families.counts import pretend_shares, shares_of
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log

Categories = tuple[str, ...] | tuple[float, ...]
MOST_SHOWN = 8  # categories in a message


class Categorical(Linear):
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
    pretend rows of each category (alpha = 2 is Laplace's "add one"). A value that is no category has probability 0.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Categorical(), ["tea", "milk", "tea", "tea"]).model
    Categorical(categories=['milk', 'tea'], p=[0.25, 0.75])
    >>> lk.fit(lk.Categorical(p=lk.Dirichlet(2), categories=[1, 2, 3]), [1, 1, 2]).model
    Categorical(categories=[1.0, 2.0, 3.0], p=[0.5, 0.333, 0.167])
    """

    p: Value = Simplex("c", doc="probability of each category")
    categories: Categories | None

    support = Support("a value that is not missing", lambda x: ~np.isnan(x), 0.0, everywhere=True)
    priors = {"p": ("Dirichlet",)}
    reads_text = True

    def __init__(self, p: Value = free, *, categories: Iterable[str] | Iterable[float] | None = None, **unknown: Any):
        self.__dict__["categories"] = None if categories is None else _categories(categories)
        self._fill(p=p, **unknown)

    def arguments(self) -> list[str]:
        return [] if self.categories is None else [f"categories={written(self.categories)}"]

    def log_density(self, params: Params, data: Table) -> Array:
        never = np.full((len(params.p), 1), -np.inf)
        table = np.concatenate([safe_log(params.p), never], 1)
        codes = self.codes(data)
        if codes.shape[1] == 1:
            return np.ascontiguousarray(table.T).take(codes[:, 0], axis=0)
        return table[np.arange(len(table)), codes]

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Counts:
        k, c = weights.shape[1], len(self._known())
        cell = self.codes(data) * k + np.arange(k)
        sums = np.bincount(cell.ravel(), weights.ravel(), (c + 1) * k).reshape(c + 1, k)
        total = np.ascontiguousarray(sums[:c].T)
        return Counts(total.sum(1), total)

    def features(self, data: Table) -> Features:
        """Which category a row is in, as columns of zeros and a one."""
        codes = self.codes(data)
        return {"total": (codes[:, :, None] == np.arange(len(self._known()))).astype(np.float32)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": safe_log(params.p)}

    def constant(self, params: Params) -> Array:
        return np.zeros(len(params.p))

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Counts:
        return Counts(totals["total"].sum(1), totals["total"])

    def all_possible(self, data: Table) -> bool:
        known = self._known()
        return data.once(("all possible", known), lambda: bool((self.codes(data) < len(known)).all()))

    def m_step(self, stats: Counts, params: Params | None) -> Params:
        return Params(p=shares_of(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Counts) -> Array:
        return special.xlogy(stats.total, params.p).sum(1)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        """Numbers as they are, words as their place among the categories."""
        u, chosen = rng.random(len(members)), np.empty(len(members), int)
        for member in np.unique(members):
            steps, rows = params.p[member].cumsum(), members == member
            chosen[rows] = np.searchsorted(steps / steps[-1], u[rows], side="right")
        known = self._known()
        return (chosen.astype(float) if _are_words(known) else np.array(known)[chosen])[:, None]

    def present(self, x: Array) -> Any:
        known = self._known()
        return super().present(np.array(known)[x.astype(int)] if _are_words(known) else x)

    def pretend(self, name: str, prior: Family) -> Counts:
        return pretend_shares(prior)

    # -- which categories there are ---------------------------------------------------------------------------------
    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        setting = setting if isinstance(setting, Setting) else Setting(setting or {"d": 1, "p": 0})
        return super(Categorical, self._with_categories(setting)).bind(axes, setting)

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(c=len(self._known()))

    def own_dims(self) -> dict[str, int]:
        return super().own_dims() if self.categories is None else {"c": len(self.categories)}

    def _known(self) -> Categories:
        if self.categories is None:
            raise ModelError(
                f"{self!r} does not know its categories without data; fit it, or write Categorical(categories=[...])."
            )
        return self.categories

    def _with_categories(self, setting: Setting) -> Self:
        """The same family with its categories known, and p checked against them."""
        found = self.categories if self.categories is not None else self._find(setting)
        out = self._changed(categories=found)
        size = self.p.shape[-1] if isinstance(self.p, np.ndarray) else None
        if size is not None and size != len(out._known()):
            raise ModelError(
                f"Categorical.p has {size} probabilities, but there are {len(out._known())} categories "
                f"({_listed(out._known())}). Write one probability for each of categories=[...].",
                slot="p",
            )
        return out

    def _find(self, setting: Setting) -> Categories | None:
        """What the data holds; without data, or where p is known and the data are numbers, 0, 1, ..., c - 1."""
        rows = setting.rows
        known = isinstance(self.p, np.ndarray) and not np.isnan(self.p).any()
        if rows is not None and (any(rows.text) or not known):
            return rows.levels()
        size = self.p.shape[-1] if isinstance(self.p, np.ndarray) else setting.dims.get("c")
        return None if size is None else tuple(float(i) for i in range(size))

    def codes(self, data: Table) -> Array:
        """(n, 1) or (n, k): the place of each value among the c categories, c where it is none of them."""
        known = self._known()
        return data.once(("codes", known), lambda: _codes(known, data))

    def fits(self, x: Array) -> Array:
        return ~np.isnan(x)

    def check_rows(self, setting: Setting) -> None:
        rows = setting.rows
        if rows is None:
            return
        family = self._with_categories(setting)
        known = family._known()
        unknown = (family.codes(rows) == len(known)) & ~np.isnan(rows.column())
        if unknown.any():
            row, j = (int(i) for i in np.argwhere(unknown)[0])
            x = float(rows.column()[row, j])
            value = rows.vocabulary[int(x)] if any(rows.text) else x
            raise DataError(
                f"{rows.called(j)} row {row + 1} is {value!r}; Categorical needs one of {_listed(known)}. "
                "Add it to categories=[...], or drop the row.",
                column=rows.name(j), row=row + 1, value=value,
            )  # fmt: skip


def _categories(values: Any) -> Categories:
    """Categories as written, checked: all words, or all numbers."""
    items = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    words = [str(v) for v in items if isinstance(v, str)]
    numbers = [float(v) for v in items if isinstance(v, int | float | np.number)]
    if not items or len(items) not in (len(words), len(numbers)) or not np.isfinite(numbers).all():
        raise ModelError(
            f"Categorical(categories={values!r}): write a list of words or of numbers, as in categories=['a', 'b']."
        )
    if len(set(items)) < len(items):
        raise ModelError(f"Categorical(categories={values!r}): each category is written once.")
    return tuple(words) if words else tuple(numbers)


def _are_words(categories: Categories) -> bool:
    return isinstance(categories[0], str)


def _listed(categories: Categories) -> str:
    shown = [repr(c) for c in categories[:MOST_SHOWN]]
    return ", ".join(shown) + (", ..." if len(categories) > MOST_SHOWN else "")


def _codes(categories: Categories, data: Table) -> Array:
    x, c = data.column(), len(categories)
    if any(data.text) != _are_words(categories):
        return np.full(x.shape, c)
    if any(data.text):
        place = {word: i for i, word in enumerate(categories)}
        lookup = np.array([*(place.get(word, c) for word in data.vocabulary), c])
        return lookup[np.where(np.isnan(x), len(data.vocabulary), x).astype(int)]
    values = np.array(categories, float)
    order = values.argsort()
    at = order[np.minimum(np.searchsorted(values, x, sorter=order), c - 1)]
    return np.where(values[at] == x, at, c)
