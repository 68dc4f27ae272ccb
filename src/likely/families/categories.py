"""Families whose rows are one of several categories, words or numbers: which there are, and where a value stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.support import Support
from likely.core.written import written
from likely.errors import DataError, ModelError
from likely.numerics.soft import Array

Categories = tuple[str, ...] | tuple[float, ...]
MOST_SHOWN = 8  # categories in a message


class OfCategories(Family, public=False):
    """Knows its categories, or finds them in the data; a subclass says how many its slots speak of."""

    categories: Categories | None

    support = Support("a value that is not missing", lambda x: ~np.isnan(x), 0.0, everywhere=True)
    reads_text = True

    def _keep(self, categories: Iterable[str] | Iterable[float] | None) -> None:
        """Put written categories, checked, where the family has them."""
        name = type(self).__name__
        self.__dict__["categories"] = None if categories is None else _categories(name, categories)

    def spoken_of(self) -> int | None:
        """How many categories the values in the slots speak of, if they do."""
        raise NotImplementedError

    def settled(self) -> bool:
        """Do the slots leave nothing about the categories to be estimated?"""
        raise NotImplementedError

    def refuse_size(self, size: int, known: Categories) -> ModelError:
        """The error where the slots speak of `size` categories, and there are others."""
        raise NotImplementedError

    def arguments(self) -> list[str]:
        return [] if self.categories is None else [f"categories={written(self.categories)}"]

    def present(self, x: Array) -> Any:
        known = self.known()
        return super().present(np.array(known)[x.astype(int)] if are_words(known) else x)

    def drawn(self, odds: Array, rng: np.random.Generator, members: Array | None = None) -> Array:
        """(n, 1) draws, numbers as they are, words as their place: row i by odds[members[i]] (k, c), or by odds[i]."""
        known = self.known()
        if members is None:
            steps = odds.cumsum(1)
            u = rng.random((len(odds), 1)) * steps[:, -1:]
            chosen = np.minimum((u >= steps).sum(1), odds.shape[1] - 1)
        else:
            u, chosen = rng.random(len(members)), np.empty(len(members), int)
            for member in np.unique(members):
                steps, rows = odds[member].cumsum(), members == member
                chosen[rows] = np.searchsorted(steps / steps[-1], u[rows], side="right")
        return (chosen.astype(float) if are_words(known) else np.array(known)[chosen])[:, None]

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        setting = setting if isinstance(setting, Setting) else Setting(setting or {"d": 1, "p": 0})
        return super(OfCategories, self._with_categories(setting)).bind(axes, setting)

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(c=len(self.known()))

    def own_dims(self) -> dict[str, int]:
        return super().own_dims() if self.categories is None else {"c": len(self.categories)}

    def known(self) -> Categories:
        """The categories, in the order of the slots' entries."""
        if self.categories is None:
            raise ModelError(
                f"{self!r} does not know its categories without data; fit it, or write "
                f"{type(self).__name__}(categories=[...])."
            )
        return self.categories

    def _with_categories(self, setting: Setting) -> Self:
        """The same family with its categories known, and the slots checked against them."""
        found = self.categories if self.categories is not None else self._find(setting)
        out = self._changed(categories=found)
        size = self.spoken_of()
        if size is not None and size != len(out.known()):
            raise self.refuse_size(size, out.known())
        return out

    def _find(self, setting: Setting) -> Categories | None:
        """What the data holds; without data, or where all is known and the data are numbers, 0, 1, ..., c - 1."""
        rows = setting.rows
        if rows is not None and (any(rows.text) or not self.settled()):
            return rows.levels()
        size = self.spoken_of() or setting.dims.get("c")
        return None if size is None else tuple(float(i) for i in range(size))

    def codes(self, data: Table) -> Array:
        """(n, 1) or (n, k): the place of each value among the c categories, c where it is none of them."""
        known = self.known()
        return data.once(("codes", known), lambda: _codes(known, data))

    def fits(self, x: Array) -> Array:
        return ~np.isnan(x)

    def check_rows(self, setting: Setting) -> None:
        rows = setting.rows
        if rows is None:
            return
        family = self._with_categories(setting)
        known = family.known()
        unknown = (family.codes(rows) == len(known)) & ~np.isnan(rows.column())
        if unknown.any():
            row, j = (int(i) for i in np.argwhere(unknown)[0])
            x = float(rows.column()[row, j])
            value = rows.vocabulary[int(x)] if any(rows.text) else x
            raise DataError(
                f"{rows.called(j)} row {row + 1} is {value!r}; {type(self).__name__} needs one of {listed(known)}. "
                "Add it to categories=[...], or drop the row.",
                column=rows.name(j), row=row + 1, value=value,
            )  # fmt: skip


def _categories(owner: str, values: Any) -> Categories:
    """Categories as written, checked: all words, or all numbers."""
    items = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    words = [str(v) for v in items if isinstance(v, str)]
    numbers = [float(v) for v in items if isinstance(v, int | float | np.number)]
    if not items or len(items) not in (len(words), len(numbers)) or not np.isfinite(numbers).all():
        raise ModelError(
            f"{owner}(categories={values!r}): write a list of words or of numbers, as in categories=['a', 'b']."
        )
    if len(set(items)) < len(items):
        raise ModelError(f"{owner}(categories={values!r}): each category is written once.")
    return tuple(words) if words else tuple(numbers)


def are_words(categories: Categories) -> bool:
    """Are the categories words, not numbers?"""
    return isinstance(categories[0], str)


def listed(categories: Categories) -> str:
    """Categories in a message."""
    shown = [repr(c) for c in categories[:MOST_SHOWN]]
    return ", ".join(shown) + (", ..." if len(categories) > MOST_SHOWN else "")


def _codes(categories: Categories, data: Table) -> Array:
    x, c = data.column(), len(categories)
    if any(data.text) != are_words(categories):
        return np.full(x.shape, c)
    if any(data.text):
        place = {word: i for i, word in enumerate(categories)}
        lookup = np.array([*(place.get(word, c) for word in data.vocabulary), c])
        return lookup[np.where(np.isnan(x), len(data.vocabulary), x).astype(int)]
    values = np.array(categories, float)
    order = values.argsort()
    at = order[np.minimum(np.searchsorted(values, x, sorter=order), c - 1)]
    return np.where(values[at] == x, at, c)
