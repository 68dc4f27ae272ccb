"""Data sets made from one: resampled, reweighted or simulated, many side by side. Sequences stay whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

import numpy as np

from likely.core.data import Data, Sequences, Table, present
from likely.core.family import Family
from likely.core.params import Params
from likely.errors import DataError, ModelError
from likely.numerics.soft import Array
from likely.structures.product import Product

KINDS = ("parametric", "nonparametric", "weighted")


class Side(Protocol):
    """Data sets side by side, as the members of a bank see them: of rows or of sequences."""

    @property
    def rows(self) -> Table: ...

    @property
    def item(self) -> str: ...

    @property
    def count(self) -> int:
        """How many data sets there are."""
        ...

    def __len__(self) -> int: ...

    def weight_column(self) -> Array:
        """(n, B) weights, or ones (n, 1)."""
        ...

    def some(self, chosen: Sequence[int] | Array) -> Self:
        """Some of the data sets; one may be there twice."""
        ...

    def one(self, i: int) -> Data:
        """One of the data sets by itself."""
        ...


@dataclass(frozen=True)
class Replicates(Table):
    """Data sets as the members of a bank see them, one each.

    They differ in their weights (n, B), where rows are drawn again or weighted, or in their points x (n, B, d), where
    they are simulated; then all rows count once.
    """

    @property
    def count(self) -> int:
        """How many data sets there are."""
        return self.x.shape[1] if self.weights is None else self.weights.shape[1]

    def weight_column(self) -> Array:
        """(n, B) weights, or ones (n, 1)."""
        return np.broadcast_to(1.0, (len(self), 1)) if self.weights is None else self.weights

    def some(self, chosen: Sequence[int] | Array) -> Replicates:
        """Some of the data sets; one may be there twice."""
        chosen = np.asarray(chosen)
        if self.weights is None:
            return self.with_(x=np.ascontiguousarray(self.x[:, chosen]))
        return self.with_(weights=np.ascontiguousarray(self.weights[:, chosen]))

    def one(self, i: int) -> Table:
        """One of the data sets as a table of its own."""
        shared = {n: getattr(self, n) for n in ("given", "labels", "names", "given_names", "text", "vocabulary")}
        if self.weights is None:
            return Table(np.ascontiguousarray(self.x[:, i]), **shared)
        return present(Table(self.x, weights=np.ascontiguousarray(self.weights[:, i]), **shared)).rows


@dataclass(frozen=True)
class ReplicateSequences(Sequences):
    """Data sets of whole sequences: these differ in their weights (sequences, B), or in their points (rows, B, d)."""

    @property
    def count(self) -> int:
        """How many data sets there are."""
        return self.rows.x.shape[1] if self.weights is None else self.weights.shape[1]

    def weight_column(self) -> Array:
        """(sequences, B) weights, or ones (sequences, 1)."""
        return np.broadcast_to(1.0, (len(self), 1)) if self.weights is None else self.weights

    def some(self, chosen: Sequence[int] | Array) -> ReplicateSequences:
        """Some of the data sets; one may be there twice."""
        chosen = np.asarray(chosen)
        if self.weights is None:
            return self.with_(rows=self.rows.with_(x=np.ascontiguousarray(self.rows.x[:, chosen])))
        return self.with_(weights=np.ascontiguousarray(self.weights[:, chosen]))

    def one(self, i: int) -> Sequences:
        """One of the data sets by itself."""
        if self.weights is None:
            rows = self.rows.with_(x=np.ascontiguousarray(self.rows.x[:, i]))
            return Sequences(rows, self.offsets, labels=self.labels)
        each = Sequences(self.rows, self.offsets, np.ascontiguousarray(self.weights[:, i]), self.labels)
        return cast("Sequences", present(each))


Draw = Callable[[int, np.random.Generator], Any]  # so many data sets side by side


def drawing(kind: str, family: Family, params: Params, rows: Data) -> Draw:
    """How data sets like some data are drawn: of rows, or of whole sequences.

    Raises
    ------
    ModelError      no such kind; a single sequence that is to be drawn again; or labels or censoring, which a
                    simulation does not draw
    DataError       weights that sum to less than one row
    """
    if kind not in KINDS:
        raise ModelError(f"kind={kind!r}; a bootstrap is 'parametric', 'nonparametric' or 'weighted'.")
    size = _size(rows)
    if kind != "parametric" and isinstance(rows, Sequences) and len(rows) == 1:
        raise ModelError(
            f"kind={kind!r} draws whole sequences, and the data has only one, so that every data set would be the "
            "same. Use kind='parametric'."
        )
    if kind == "nonparametric":
        return lambda count, rng: weighted(rows, _multiplicities(rows, size, count, rng))
    if kind == "weighted":
        return lambda count, rng: weighted(rows, _dirichlet(rows, count, rng))
    if rows.labels is not None or rows.rows.labels is not None:
        raise ModelError(
            "labels are known for some rows, and a simulation from the fit draws none: the refits would know less than "
            "the fit. Use kind='nonparametric' or kind='weighted'."
        )
    x = rows.rows.x
    if family.reads_infinite and rows.rows.d == 2 and (x[:, 0] < x[:, 1]).any():
        raise ModelError(
            "some rows are censored, and a simulation from the fit draws exact values: the refits would know more than "
            "the fit. Use kind='nonparametric' or kind='weighted'."
        )
    if isinstance(rows, Sequences):
        whole = repeated(rows, "a simulation")
        return lambda count, rng: simulated_sequences(family, params, whole, count, rng)
    blank = _blank(rows, size)
    return lambda count, rng: simulated(family, params, blank, count, rng)


def simulating(family: Family, params: Params, rows: Data) -> Draw:
    """How data sets of the size of some data are drawn from a distribution."""
    return drawing("parametric", family, params, rows)


def simulated(family: Family, params: Params, blank: Table, count: int, rng: np.random.Generator) -> Replicates:
    """Draws from a bound family with the covariates, names and vocabulary of `blank`."""
    n = len(blank)
    given = None if blank.given is None else np.repeat(blank.given, count, axis=0)
    everything = Table(np.zeros((n * count, 1)), given=given)
    x = family.draw(params, np.zeros(n * count, int), everything, rng)
    out = blank
    if any(blank.text):
        x, out = _spelled(family, x, blank)
    shared = {name: getattr(out, name) for name in ("given", "names", "given_names", "text", "vocabulary")}
    return Replicates(x.reshape(n, count, -1), **shared)


def simulated_sequences(
    family: Family, params: Params, like: Sequences, count: int, rng: np.random.Generator
) -> ReplicateSequences:  # fmt: skip
    """Draws from a bound family: sequences as long as these, with their covariates, missing where these are missing."""
    everything: Any = like.take(np.tile(np.arange(len(like)), count))
    drawn = family.draw(params, np.zeros(len(everything), int), everything, rng)
    rows = like.rows
    if any(rows.text):
        drawn, rows = _spelled(family, drawn, rows)
    x = np.swapaxes(drawn.reshape(count, len(like.rows), -1), 0, 1)
    x = np.where(np.isnan(like.rows.x)[:, None], np.nan, x)
    return ReplicateSequences(rows.with_(x=np.ascontiguousarray(x)), like.offsets)


def repeated(data: Data, what: str) -> Any:
    """The rows (or sequences) as often as their weights, whole numbers, say.

    Raises
    ------
    DataError      a weight that is not a whole number
    """
    if data.weights is None:
        return data
    fractional = data.weights != np.floor(data.weights)
    if fractional.any():
        i = int(fractional.argmax())
        row, where = (i + 1, data.place(i)) if isinstance(data, Table) else (None, data.called(i))
        raise DataError(
            f"the weight of {where} is {data.weights[i]:.6g}; {what} needs weights that are whole "
            f"numbers, which say how often each {data.item} occurred. Leave the weights out, or round them.",
            row=row, value=float(data.weights[i]),
        )  # fmt: skip
    return data.take(np.repeat(np.arange(len(data)), data.weights.astype(int))).with_(weights=None)


def _size(data: Data) -> int:
    """Items of a data set like this one: weights say how often each counts."""
    total, item = float(data.weight_column().sum()), data.item
    if round(total) < 1:
        raise DataError(
            f"the weights sum to {total:.3g} {item}s; a bootstrap draws as many {item}s as that, so at least one is "
            f"needed. Scale the weights so that each says how often its {item} counts."
        )
    return round(total)


def _blank(rows: Table, size: int) -> Table:
    """As many rows as are to be drawn, with the covariates that belong to them."""
    if rows.given is not None and rows.weights is not None:
        return repeated(rows, "a simulation with covariates")
    return rows if size == len(rows) else rows.with_(x=np.zeros((size, rows.d)), weights=None)


def weighted(rows: Data, weights: Array) -> Replicates | ReplicateSequences:
    """The items under weights (n, B), a column for each data set."""
    if isinstance(rows, Sequences):
        return ReplicateSequences(rows.rows, rows.offsets, weights, rows.labels)
    names = ("x", "given", "labels", "names", "given_names", "text", "vocabulary")
    return Replicates(**{n: getattr(rows, n) for n in names}, weights=weights)


def _multiplicities(rows: Data, size: int, count: int, rng: np.random.Generator) -> Array:
    """(n, B): how often each item is drawn."""
    n = len(rows)
    if rows.weights is not None:
        drawn = rng.multinomial(size, rows.weights / rows.weights.sum(), size=count)
    else:
        cells = rng.integers(n, size=(count, n)) + n * np.arange(count)[:, None]
        drawn = np.bincount(cells.ravel(), minlength=n * count).reshape(count, n)
    return np.ascontiguousarray(drawn.T, float)


def _dirichlet(rows: Data, count: int, rng: np.random.Generator) -> Array:
    """(n, B): weights uniform over all that sum to the size of the data; a row of weight w has w shares."""
    column = np.asarray(rows.weight_column())
    w = rng.standard_gamma(column, size=(len(rows), count))
    return w * (column.sum() / w.sum(0))


def _spelled(family: Family, x: Array, blank: Table) -> tuple[Array, Table]:
    """Draws whose words are places among a family's categories, as codes into the vocabulary of the table."""
    shown = _shown(family, x)
    words = {str(v) for j, text in enumerate(blank.text) if text for v in np.unique(shown[j])}
    vocabulary = (*blank.vocabulary, *sorted(words.difference(blank.vocabulary)))
    place = {word: i for i, word in enumerate(vocabulary)}
    coded = [
        np.array([place[str(v)] for v in shown[j]], float) if text else x[:, j] for j, text in enumerate(blank.text)
    ]
    return np.stack(coded, 1), blank.with_(vocabulary=vocabulary)


def _shown(family: Family, x: Array) -> dict[int, Array]:
    """Each column of some draws as a person sees it."""
    whole: Any = family.present(x)
    if not isinstance(whole, dict):
        return dict(enumerate(np.reshape(whole, (len(x), -1)).T))
    product: Any = family
    while not isinstance(product, Product):
        product = next(iter(product.parts().values()))
    return {
        j: column
        for name, at in product.places.items()
        for j, column in zip(at, np.reshape(whole[name], (len(x), -1)).T, strict=True)
    }
