"""The product: columns of different kinds, independent of one another."""

from __future__ import annotations

import keyword
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.named import counted, listed, nearest
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Parts
from likely.errors import ModelError
from likely.families.linear import Features, Linear
from likely.numerics.soft import Array
from likely.structures.side_by_side import SideBySide

Places = dict[str, tuple[int, ...]]  # the columns of each part


class Product(SideBySide, Linear):
    """Independent columns, each with a family of its own; the density is the product of theirs.

    Parameters
    ----------
    **items : Family      by the name of its column, as in `Product(age=Normal(), visits=Poisson())`. One of them may
        describe several columns, as MultivariateNormal does: it takes all that the others do not name

    Raises
    ------
    ModelError      no parts, something that is no family, or two parts for several columns

    Notes
    -----
    Where the data has no column names, columns are taken in the order of the parts. In a mixture, columns are
    independent within each component. `model["age"]` is the part of that name; `sample` gives a dict of arrays by name.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Product(age=lk.Normal(), visits=lk.Poisson()), {"visits": [1, 0, 2], "age": [30, 40, 50]}).model
    Product(age=Normal(mean=40.0, variance=66.66667), visits=Poisson(rate=1.0))
    """

    several_columns = True
    places: Places  # after bind

    def __init__(self, **items: Family):
        _check_items(items)
        super().__init__(items)

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        setting = setting if isinstance(setting, Setting) else Setting(setting or {"d": len(self.items), "p": 0})
        return super().bind(axes, setting)._changed(places=self._find_places(setting))

    def publish(self, params: Params) -> Self:
        out = super().publish(params)
        out.__dict__.pop("places")
        return out

    def part_setting(self, name: str, setting: Setting) -> Setting:
        own = setting.select(self._find_places(setting)[name])
        return own if own.rows is not None else own.with_(**{**self.items[name].own_dims(), "d": own.dims["d"]})

    def own_dims(self) -> dict[str, int]:
        dims = {n: f.own_dims() for n, f in self.items.items()}
        width = sum(own.get("d", 1) if self.items[n].several_columns else 1 for n, own in dims.items())
        return {**{letter: size for own in dims.values() for letter, size in own.items()}, "d": width}

    def wanted_columns(self) -> list[str] | None:
        return None if self._wide() else list(self.items)

    def distinct_rows_needed(self) -> int:
        return max(f.distinct_rows_needed() for f in self.items.values())

    def _wide(self) -> str | None:
        """The part for several columns, if there is one."""
        return next((n for n, f in self.items.items() if f.several_columns), None)

    def _find_places(self, setting: Setting) -> Places:
        names = () if setting.rows is None else setting.rows.names
        return self._by_name(names) if names else self._by_position(setting.dims.get("d", 1))

    def _by_name(self, names: tuple[str, ...]) -> Places:
        wide = self._wide()
        places: Places = {}
        for name in self.items:
            if name != wide and name not in names:
                near = nearest(name, names)
                hint = "." if near is None else f"; did you mean {near!r}?"
                raise ModelError(
                    f"Product has a part {name!r}, but the data has no such column{hint} "
                    f"The columns are {listed(names)}."
                )
            places[name] = () if name == wide else (names.index(name),)
        used = {j for columns in places.values() for j in columns}
        rest = tuple(j for j in range(len(names)) if j not in used)
        if wide is not None and rest:
            places[wide] = rest
        elif wide is not None:
            raise self._nothing_left(wide)
        elif rest:
            raise ModelError(
                f"Product has no part for {listed([repr(names[j]) for j in rest])}. Leave what is not to be modelled "
                "out with columns=..., or give each column a part."
            )
        return places

    def _by_position(self, d: int) -> Places:
        wide = self._wide()
        spare = d - len(self.items)
        if wide is None and spare != 0:
            raise ModelError(
                f"Product has {counted(len(self.items), 'part')} ({listed(list(self.items))}), one for each column; "
                f"the data has {counted(d, 'column')}."
            )
        if wide is not None and spare < 0:
            raise self._nothing_left(wide)
        places, at = {}, 0
        for name in self.items:
            width = 1 + spare if name == wide else 1
            places[name] = tuple(range(at, at + width))
            at += width
        return places

    def _nothing_left(self, wide: str) -> ModelError:
        return ModelError(
            f"Product: no column is left for {wide!r} ({type(self.items[wide]).__name__}), which takes those that the "
            f"other parts ({listed([n for n in self.items if n != wide])}) do not."
        )

    def view(self, name: str, data: Any) -> Table:
        return data.select(self.places[name])

    def join(self, each: list[Array]) -> Array:
        return sum(each[1:], each[0])

    @property
    def linear(self) -> bool:
        return all(isinstance(f, Linear) and f.linear for f in self.items.values())

    def features(self, data: Table) -> Features:
        each = {n: f.features(self.view(n, data)) for n, f in self._linear().items()}
        return {(n, name): feature for n, own in each.items() for name, feature in own.items()}

    def natural(self, params: Params) -> dict[tuple[str, str], Array]:
        each = {n: f.natural(params[n]) for n, f in self._linear().items()}
        return {(n, name): value for n, own in each.items() for name, value in own.items()}

    def constant(self, params: Params) -> Array:
        return self.join([f.constant(params[n]) for n, f in self._linear().items()])

    def recorded(self, weight: Array, totals: dict[tuple[str, str], Array]) -> Parts:
        def own(part: str) -> dict[str, Array]:
            return {name: total for (n, name), total in totals.items() if n == part}

        return Parts({n: f.recorded(weight, own(n)) for n, f in self._linear().items()})

    def all_possible(self, data: Table) -> bool:
        return all(f.all_possible(self.view(n, data)) for n, f in self._linear().items())

    def _linear(self) -> dict[str, Linear]:
        return {n: f for n, f in self.items.items() if isinstance(f, Linear)}

    def fits(self, x: Array) -> Array:
        out = np.empty(x.shape, bool)
        for name, family in self.items.items():
            columns = list(self.places[name])
            out[..., columns] = family.fits(x[..., columns])
        return out

    def needs(self, column: int) -> str:
        name = next(n for n, columns in self.places.items() if column in columns)
        return self.items[name].needs(self.places[name].index(column))

    def example(self, d: int) -> Array:
        out = np.empty(d)
        for name, family in self.items.items():
            out[list(self.places[name])] = family.example(len(self.places[name]))
        return out

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        out = np.empty((len(members), sum(map(len, self.places.values()))))
        for name, family in self.items.items():
            out[:, list(self.places[name])] = family.draw(params[name], members, data, rng)
        return out

    def present(self, x: Array) -> dict[str, Any]:
        return {n: f.present(x[:, list(self.places[n])]) for n, f in self.items.items()}


def _check_items(items: dict[str, Any]) -> None:
    if not items:
        raise ModelError(
            "Product() has no parts; write one for each column, as in Product(age=Normal(), visits=Poisson())."
        )
    for name, item in items.items():
        if not isinstance(item, Family):
            raise ModelError(f"Product({name}={item!r}): a part must be a family, as in Product({name}=Normal()).")
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ModelError(f"Product: {name!r} cannot name a part; rename the column to a word such as 'age'.")
    wide = [n for n, f in items.items() if f.several_columns]
    if len(wide) > 1:
        kinds = [f"{n}={type(items[n]).__name__}" for n in wide]
        raise ModelError(
            f"Product({', '.join(kinds)}): only one part may describe several columns; of two, nobody could tell which "
            "columns belong to which."
        )
