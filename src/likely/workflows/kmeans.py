"""K-means as what it is: hard EM on spheres of one common variance and equal weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.written import shared
from likely.em.outcome import Outcome
from likely.engines.local import Local
from likely.errors import FitError, ModelError
from likely.families import MultivariateNormal
from likely.io.tables import read, reread
from likely.numerics.soft import Array
from likely.structures import Mixture
from likely.structures.responsibilities import spread_seeds
from likely.workflows.fit import fit
from likely.workflows.result import Fit

SAMPLE = 20_000  # rows on which starts are tried where there are more
TO_THE_END = 1e-12  # standard errors: passes go on until no row changes hands
WORTH = 2**14  # numbers (rows x centres x columns) from which compiled code is worth loading


@dataclass(frozen=True, eq=False)
class KMeans:
    """Centres and the rows nearest to them.

    Attributes
    ----------
    centres : array (k, d)      in the data's units
    labels : array (n,)         the nearest centre of each row, from 0; the first among equals
    inertia : float             sum of weighted squared distances from rows to their centres
    fit : Fit                   the mixture of which this is the hard EM, with its trace and outcome
    """

    centres: Array
    labels: Array
    inertia: float
    fit: Fit = field(repr=False)

    @property
    def model(self) -> Mixture:
        """The mixture of equal spheres with these centres."""
        assert isinstance(self.fit.model, Mixture)
        return self.fit.model

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.fit.outcome

    @property
    def converged(self) -> bool:
        """Did it go on until no row changed hands?"""
        return self.fit.converged

    def predict(self, x: Any) -> Array:
        """(n,): the nearest centre of each row of new data."""
        return _assign(reread(x, self.fit.columns), self.centres, None)[0]

    def __repr__(self) -> str:
        sizes = np.bincount(self.labels, minlength=len(self.centres)).tolist()
        return f"KMeans({len(sizes)} centres, inertia={self.inertia:.6g}, rows={sizes})"


def kmeans(
    x: Any,
    k: int,
    *,
    starts: int = 10,
    seed: int = 0,
    weights: Any = None,
    columns: Any = None,
    start: Any = None,
    max_passes: int = 10_000,
    threads: int | None = None,
    progress: bool | None = None,
) -> KMeans:
    """Centres that minimise the sum of squared distances from each row to the nearest of them.

    Distances are Euclidean in the data's own units: standardise columns that are measured in different ones.

    Parameters
    ----------
    x : array, list, dict, frame or path      NumPy, pandas, polars, Arrow, a CSV or Parquet file
    k : int                                   number of centres
    starts : int                              how many starts, by k-means++, are tried (on a sample of 20,000 rows where
                                              there are more); the best is finished
    seed : int                                the same seed gives the same centres
    weights : array, or column name           (n,) >= 0: how often each row counts
    columns : str or list                     which columns to use (all that are numbers unless given)
    start : array (k, d)                      begin at these centres instead
    max_passes : int                          limit of passes over the data
    threads : int                             all processors unless given; never changes the answer
    progress : bool                           a line while it runs; only on a terminal unless given

    Returns
    -------
    KMeans      `.centres`, `.labels`, `.inertia`, `.predict(new)`, and `.model`, the mixture that was fitted

    Raises
    ------
    InputError      the data or the start cannot be used; the message names the place
    FitError        there are no more distinct rows than centres, so that no distance is left

    Notes
    -----
    Hard EM on `Mixture(MultivariateNormal("spherical", covariance=shared), k, weights=[1 / k, ...])`: its E-step gives
    each row to the nearest centre, its M-step moves each centre to the mean of its rows (Celeux & Govaert 1992). A
    centre to which no row is nearest stays where it is while the others move, since the likelihood says nothing of
    it. Once they have settled it takes the row farthest from its own centre (of equal ones the last), and all move on:
    the sum of squares only falls.

    Examples
    --------
    >>> import likely as lk
    >>> found = lk.kmeans([[0, 0], [0.5, 0], [0.5, 1], [1, 1]], 2, start=[[0, 0], [1, 1]])
    >>> found.centres
    array([[0.25, 0.  ],
           [0.75, 1.  ]])
    >>> found.labels, found.inertia
    (array([0, 0, 1, 1]), 0.25)
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ModelError(f"kmeans(x, {k!r}): the number of centres must be a whole number from 1.")
    if starts < 1:
        raise ModelError(f"starts={starts}; at least one start is needed.")
    model = Mixture(MultivariateNormal("spherical", covariance=shared), int(k), weights=np.full(k, 1 / k))
    table = read(x, model, columns=columns, weights=weights).rows
    used = table if table.weights is None else table.take(table.weights > 0)
    run = _Run(model, max_passes, threads)
    sample = used
    if start is not None:
        centres = _centres(start, k, used.d)
    else:
        rng = np.random.default_rng(seed)
        if len(used) > SAMPLE:
            sample = used.take(np.sort(rng.choice(len(used), SAMPLE, replace=False)))
        tried = [run.to_the_end(sample, _seeds(sample, k, one), False) for one in rng.spawn(starts)]
        centres = min(tried, key=lambda one: one.inertia).centres
    found = run.to_the_end(used, centres, progress)
    if used is table:
        return found
    return KMeans(found.centres, _assign(table, found.centres, threads)[0], found.inertia, found.fit)


@dataclass(frozen=True)
class _Run:
    """The mixture and the options that all runs have in common."""

    model: Mixture
    max_passes: int
    threads: int | None

    def to_the_end(self, table: Table, centres: Array, progress: bool | None) -> KMeans:
        """From some centres until no row changes hands and every centre has rows."""
        passes, spread = self.max_passes, _spread(table)
        while True:
            found = self._fit(table, centres, spread, passes, progress)
            means = np.asarray(found.model.component.mean).reshape(centres.shape)  # type: ignore[attr-defined]
            labels, away = _assign(table, means, self.threads)
            here = KMeans(means, labels, float(table.weight_column()[:, 0] @ away), found)
            centres, passes = _filled(table, here, away), passes - len(found.trace)
            if centres is means or passes < 1:
                return here

    def _fit(self, table: Table, centres: Array, variance: float, passes: int, progress: bool | None) -> Fit:
        k, d = centres.shape
        begin = Mixture(MultivariateNormal(mean=centres, covariance=variance * np.eye(d)), k, weights=np.full(k, 1 / k))
        options: dict[str, Any] = {"threads": self.threads, "progress": progress, "max_passes": passes}
        try:
            return fit(self.model, table, start=begin, hard=True, tol=TO_THE_END, **options)
        except FitError as error:
            raise FitError(
                f"{k} centres leave no distance between the {len(table)} rows and the nearest of them, so the common "
                "variance is 0. Ask for fewer centres than there are distinct rows."
            ) from error


def _spread(table: Table) -> float:
    """A variance to begin with; the labels do not depend on it."""
    return float(np.var(table.x, axis=0, dtype=float).mean()) or 1.0


def _seeds(table: Table, k: int, rng: np.random.Generator) -> Array:
    """Rows to begin from, by k-means++ in the data's own units."""
    points = table.x.astype(float)
    points -= points.mean(0)
    rows, _ = spread_seeds(points, np.array(table.weight_column())[:, 0], k, rng)
    return table.x[rows].astype(float)


def _centres(start: Any, k: int, d: int) -> Array:
    """What the user begins from, checked."""
    centres = np.asarray(start, float)
    if centres.shape == (k,) and d == 1:
        centres = centres[:, None]
    if centres.shape != (k, d) or not np.isfinite(centres).all():
        what = f"shape {centres.shape}" if centres.shape != (k, d) else "values that are not finite"
        raise ModelError(f"start has {what}; {k} centres in {d} column{'s' * (d != 1)} need numbers in shape {(k, d)}.")
    return centres


def _filled(table: Table, found: KMeans, away: Array) -> Array:
    """The centres, those without rows moved to the rows farthest from theirs; the same array where all have some."""
    empty = np.flatnonzero(np.bincount(found.labels, minlength=len(found.centres)) == 0)
    farthest = np.argsort(away, kind="stable")[::-1][: len(empty)]
    farthest = farthest[away[farthest] > 0]
    if not len(farthest):
        return found.centres
    centres = found.centres.copy()
    centres[empty[: len(farthest)]] = table.x[farthest]
    return centres


def _assign(table: Table, centres: Array, threads: int | None) -> tuple[Array, Array]:
    """(n,) the nearest centre of each row, and its squared distance."""

    def work(chunk: Any) -> tuple[Array, Array]:
        labels = _nearest(chunk.x, centres)
        return labels, np.square(chunk.x - centres[labels]).sum(1)

    with Local(table, centres.size, threads, sweeps=True) as engine:
        labels, away = zip(*engine.map(work), strict=True)
    return np.concatenate(labels), np.concatenate(away)


def _nearest(x: Array, centres: Array) -> Array:
    if x.shape[0] * centres.size < WORTH:
        return np.stack([np.square(x - centre).sum(1) for centre in centres], 1).argmin(1)
    from likely.numerics.nearest import nearest

    return nearest(x, centres)
