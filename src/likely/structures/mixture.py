"""The mixture: a hidden label says which component each item came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Simplex, Value
from likely.core.door import table_of
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Pass, Posterior, Sweep
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Stats
from likely.core.written import Choose, plain, written
from likely.errors import Degenerate, ModelError
from likely.numerics import special
from likely.numerics.soft import Array, safe_log, soft
from likely.structures.moves import FEWEST, Moves
from likely.structures.responsibilities import first_responsibilities, labelled
from likely.structures.side_by_side import Alternatives


@dataclass(frozen=True)
class MixtureStats(Stats):
    """Expected number of items of each component, and the statistics of the components."""

    counts: Array  # (k, m)
    component: Any = None  # of the bank of k m members


class Mixture(Family):
    """A mixture of `size` components alike, or of a list of different ones; density sum_j weights[j] f_j(x).

    Parameters
    ----------
    component : Family or list of families      any family of the library, also a mixture
    size : int or choose(...)                   number of components (left out with a list)
    weights : array, Dirichlet or shared        the components' probabilities

    Raises
    ------
    ModelError      no family, no size, or a size below one

    Notes
    -----
    E-step: responsibilities are proportional to weights[j] f_j(x). M-step: weights are their means, and component j is
    fitted to all rows, weighted by its responsibilities (McLachlan & Peel 2000, section 2.8).

    Examples
    --------
    >>> import likely as lk
    >>> two_slips = lk.Mixture(lk.Normal(mean=[3, 7], variance=1), 2, weights=[0.5, 0.5])
    >>> two_slips.responsibilities([4.9]).round(2)
    array([[0.6, 0.4]])
    """

    component: Family
    size: Any
    weights: Value = Simplex("m", doc="probability of each component")

    priors = {"weights": ("Dirichlet",)}
    axis = "component"
    hidden = True

    def __init__(self, component: Any, size: Any = None, *, weights: Value = ..., **unknown: Any):
        component, size = _components(component, size)
        named = unknown if weights is ... else {**unknown, "weights": weights}
        self.__dict__.update(component=component, size=size)
        self._fill(**named)

    @property
    def several_columns(self) -> bool:
        return self.component.several_columns

    @property
    def uses_given(self) -> bool:
        return self.component.uses_given

    @property
    def reads_text(self) -> bool:
        return self.component.reads_text

    @property
    def reads_single(self) -> bool:
        return self.component.reads_single

    @property
    def reads_missing(self) -> bool:
        return self.component.sequential and self.component.reads_missing

    @property
    def components(self) -> Family:
        """The parts, for a mixture of different families: components[0] is the first."""
        return self.component

    def arguments(self) -> list[str]:
        alike = not isinstance(self.component, Alternatives)
        return [written(self.component)] + ([written(self.size)] if alike else [])

    def parts(self) -> dict[str, Family]:
        return {"component": self.component}

    def own_dims(self) -> dict[str, int]:
        return self.component.own_dims()

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(m=self.size)

    def part_axes(self, setting: Setting) -> tuple[Axis, ...]:
        return (Axis("component", self.size),)

    def fits(self, x: Array) -> Array:
        return self.component.fits(x)

    def needs(self, column: int) -> str:
        return self.component.needs(column)

    def example(self, d: int) -> Array:
        return self.component.example(d)

    def distinct_members(self) -> int:
        return self.size

    def distinct_rows_needed(self) -> int:
        return self.size if self.component.open_slots() else 1

    def responsibilities(self, x: Any, given: Any = None) -> Array:
        """(n, m): probability of each component for each row; every slot must be filled."""
        table = table_of(x, given=given, infinite=self.reads_infinite)
        bound = self._alone(table)
        return bound.infer(bound.known_params(), table).hidden[:, 0]

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        k, m = params.weights.shape
        child = self.component.infer(params.component, _below(data, self.size), temperature)
        joint = child.log_prob.reshape(-1, k, m) + safe_log(params.weights)
        if data.labels is not None:
            joint = np.where(_allowed(data.labels, m)[:, None, :], joint, -np.inf)
        log_prob, r = soft(joint, temperature)

        def slack() -> Array:
            inner = child.slack.reshape(r.shape)
            return np.where(r > 0, r * inner, 0.0).sum(-1) - temperature * special.xlogy(r, r).sum(-1)

        return Posterior(log_prob, r, child, slack)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> MixtureStats:
        assert posterior is not None
        w = weights[:, :, None] * posterior.hidden
        inner = None if params is None else params.component
        own = self.component.collect(inner, posterior.child, _below(data, self.size), w.reshape(len(w), -1))
        return MixtureStats(w.sum(0), own)

    @property
    def sweeps(self) -> bool:
        return self.k == 1 and self.component.fuses

    def sweep(self, params: Params, temperature: float = 1.0) -> Sweep | None:
        if not self.sweeps or temperature not in (0, 1):
            return None
        fused = self.component.fused(params.component)
        log_weights = safe_log(params.weights[0])

        def one_go(data: Any, *_: Any) -> Pass | None:
            if data.labels is not None:
                return None
            found = fused(data, log_weights, temperature == 0)
            if found is None:
                return None
            return Pass(MixtureStats(found.counts[None], found.stats), found.log_likelihood)

        return one_go

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        return self._begin(first_responsibilities(data, weights, self.size, rng, kind), data, weights, rng, kind)

    def _begin(self, r: Array, data: Any, weights: Array, rng: np.random.Generator, kind: str) -> Params:
        """Parameters at which responsibilities (n, k, m) lead."""
        w = weights[:, :, None] * r
        slot = self.slots["weights"]
        component = self.component.start(_below(data, self.size), w.reshape(len(w), -1), rng, kind)
        return Params(weights=slot.settle(_normalise(slot.pool(w.sum(0)))), component=component)

    def neighbours(
        self, params: Params, data: Any, weights: Array, rng: np.random.Generator, *, temperature: float = 1.0,
        kind: str = "k-means++",
    ) -> Iterator[list[Params]]:  # fmt: skip
        """One component is taken away, the most dispensable first; each of the others is divided in two instead."""
        if self.k > 1 or self.size < FEWEST:
            return
        child = self.component.infer(params.component, _below(data, self.size), temperature)
        joint = child.log_prob + safe_log(params.weights[0])
        moves = Moves(data, weights[:, 0], joint, temperature)
        for gone in cycle(moves.away()):
            out = []
            for r in moves.divided(gone, rng):
                with suppress(Degenerate):
                    out.append(self._begin(labelled(r[:, None], data), data, weights, rng, kind))
            yield out

    def m_step(self, stats: MixtureStats, params: Params | None) -> Params:
        slot = self.slots["weights"]
        old = None if params is None else params.component
        component = self.component.maximize(stats.component, old)
        return Params(weights=slot.settle(_normalise(slot.pool(stats.counts))), component=component)

    def expected_log_density(self, params: Params, stats: MixtureStats) -> Array:
        own = self.component.expected_log_density(params.component, stats.component)
        return (special.xlogy(stats.counts, params.weights) + own.reshape(stats.counts.shape)).sum(-1)

    def pretend(self, name: str, prior: Family) -> MixtureStats:
        return MixtureStats(prior.known_params().alpha - 1)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        steps = params.weights.cumsum(1)[members]
        chosen = np.minimum((rng.random((len(members), 1)) > steps).sum(1), self.size - 1)
        return self.component.draw(params.component, members * self.size + chosen, data, rng)

    def present(self, x: Array) -> Any:
        return self.component.present(x)

    def cumulative(self, params: Params, data: Table) -> Array:
        k, m = params.weights.shape
        each = self.component.cumulative(params.component, _below(data, m)).reshape(-1, k, m)
        return (params.weights * each).sum(-1)

    def inverse(self, params: Params, q: Array) -> Array:
        """By bisection between the components' own quantiles, which enclose that of the mixture."""
        k, m = params.weights.shape
        each = self.component.inverse(params.component, q).reshape(-1, k, m)
        low = np.where(params.weights > 0, each, np.inf).min(-1)
        high = np.where(params.weights > 0, each, -np.inf).max(-1)
        endless = ~(np.isfinite(low) & np.isfinite(high))  # q = 0 or 1 of an unbounded component
        end = np.where(q <= 0, low, high)
        low, high = np.where(endless, 0.0, low), np.where(endless, 0.0, high)
        while np.any(high - low > 4e-16 * np.maximum(np.abs(low), np.abs(high))):
            middle = low + (high - low) / 2
            if np.all((middle == low) | (middle == high)):
                break
            enough = self.cumulative(params, Table(middle[:, :, None])) >= q
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        whole = np.round(high)  # families of counts reach q at a whole number
        jump = (np.abs(high - whole) < 1e-9) & (self.cumulative(params, Table(whole[:, :, None])) >= q)
        return np.where(endless, end, np.where(jump, whole, high))


def _components(component: Any, size: Any) -> tuple[Family, Any]:
    """The component (or alternatives) and their number, checked."""
    if isinstance(component, Sequence) and not isinstance(component, str):
        if size is not None:
            count = len(component)
            raise ModelError(
                f"Mixture([...], {size!r}): a list of {count} components is its own size; leave the number out."
            )
        component, size = Alternatives([_component(f) for f in component]), len(component)
    sizes = size.options if isinstance(size, Choose) else (plain(size),)
    for one in sizes:
        if not isinstance(one, int) or one < 1:
            raise ModelError(
                f"Mixture({component!r}, {one!r}): the number of components must be a whole number from 1."
            )
    return _component(component), size if isinstance(size, Choose) else sizes[0]


def _component(value: Any) -> Any:
    if isinstance(value, Family | Choose):
        return value
    raise ModelError(f"Mixture({value!r}, ...): a component must be a family, as in Mixture(Normal(), 2).")


def _below(data: Any, m: int) -> Any:
    """What the components see: no labels (those belong to the outermost mixture), and own points for each of them."""
    own = isinstance(data.rows.x, np.ndarray) and data.rows.x.ndim == 3
    if data.labels is None and not own:
        return data

    def seen() -> Any:
        changes = {"x": np.repeat(data.x, m, axis=1)} if own else {}
        return data.with_(labels=None, **changes)

    return data.once(("below", m), seen)


def _allowed(labels: Array, m: int) -> Array:
    """(n, m): which components an item's label leaves open."""
    return (labels[:, None] < 0) | (labels[:, None] == np.arange(m))


def _normalise(counts: Array) -> Array:
    """Rows as probabilities; NaN rows where nothing was counted."""
    counts = np.maximum(counts, 0.0)
    total = counts.sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return counts / total
