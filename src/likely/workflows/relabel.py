"""Components of refits numbered as those of the fit: likelihoods do not tell components alike apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Data
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.em.bank import bank_of
from likely.numerics.soft import Array
from likely.structures.mixture import Mixture
from likely.structures.side_by_side import Alternatives

ROWS = 2000  # on which responsibilities are compared, at most

Path = tuple[str, ...]


@dataclass(frozen=True)
class Relabelling:
    """The assignment of components that makes responsibilities for the rows of the fit agree best.

    Parameters
    ----------
    family : Family      bound
    params : Params      of the fit
    rows : Data          the data of the fit; at most 2000 rows (or sequences) are looked at
    """

    family: Family
    params: Params
    rows: Data

    def __call__(self, refits: list[Params]) -> list[Params]:
        """The same parameters with components in the order of the fit."""
        for path in self._paths:
            target = self._found(path, self.params, 1)
            refits = [new for block in _runs(refits, self._size) for new in self._matched(path, target, block)]
        return refits

    def _matched(self, path: Path, target: Array, refits: list[Params]) -> list[Params]:
        from scipy.optimize import linear_sum_assignment

        count = len(refits)
        found = self._found(path, Params.concatenate(refits), count)
        n, k, m = target.shape
        alike = np.einsum("nka,nbkc->bkac", target, found.reshape(n, count, k, m))
        orders = np.array([[linear_sum_assignment(-one)[1] for one in each] for each in alike])
        return [
            params if (order == np.arange(m)).all() else self._allowed(params, _reordered(params, path, order))
            for params, order in zip(refits, orders, strict=True)
        ]

    def _allowed(self, before: Params, after: Params) -> Params:
        """Not where known values or priors tell the components apart."""
        same = np.isclose(self.family.log_prior(before), self.family.log_prior(after), rtol=1e-9)
        return after if same and self.family.obeys(after) else before

    @property
    def _paths(self) -> list[Path]:
        """Where mixtures are whose components are alike, the outer before the inner."""
        known = self.rows.labels is not None  # then labels say which component of the outermost mixture is which
        return [path for path, _ in _mixtures(self.family) if path or not known]

    @property
    def _size(self) -> int:
        """Refits to look at together."""
        return max(1, 2**20 // max(1, len(self._sample)))

    @property
    def _sample(self) -> Data:
        step = -(-len(self.rows) // ROWS)
        return self.rows.once(("sample", ROWS), lambda: self.rows.take(slice(None, None, step)).with_(labels=None))

    def _found(self, path: Path, params: Params, models: int) -> Array:
        """(n, models * k, m): responsibilities of the mixture at a path."""
        posterior: Any = bank_of(self.family, models).infer(params, self._sample)
        for name in path:
            posterior = _inner(posterior, name)
        return posterior.hidden


def _mixtures(family: Family, path: Path = ()) -> Iterator[tuple[Path, Mixture]]:
    if isinstance(family, Mixture) and not isinstance(family.component, Alternatives):
        yield path, family
    for name, part in family.parts().items():
        yield from _mixtures(part, (*path, name))


def _inner(posterior: Posterior, name: str) -> Any:
    """What was inferred by a part: one posterior, one by name, or one for each member (whose columns are members)."""
    child = posterior.child
    if isinstance(child, dict):
        return child[name]
    if isinstance(child, list):
        n = len(child[0].hidden)
        hidden = np.stack([c.hidden for c in child], 1).reshape(n, -1, child[0].hidden.shape[-1])
        return Posterior(child[0].log_prob, hidden)
    return child


def _reordered(params: Params, path: Path, order: Array) -> Params:
    """The components (k, m) of the mixture at a path in another order."""
    if path:
        return params.replace(**{path[0]: _reordered(params[path[0]], path[1:], order)})
    k, m = order.shape
    flat = (np.arange(k)[:, None] * m + order).ravel()
    weights = np.take_along_axis(params.weights, order, 1)
    return params.replace(weights=weights, component=params.component.blocks(flat.tolist(), k * m))


def _runs(items: list[Params], size: int) -> Iterator[list[Params]]:
    for a in range(0, len(items), size):
        yield items[a : a + size]
