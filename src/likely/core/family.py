"""The family: a frozen description of a distribution whose slots may be free, known, tied, or have priors.

A leaf declares its slots and writes five methods, all on banks of k members:
`log_density`, `statistics`, `m_step`, `expected_log_density`, `draw`. A structure (something is hidden, or several
banks stand side by side) replaces the first two by `infer` and `collect`, and adds `start`.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Iterator
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from likely.core.data import Table
from likely.core.domains import Domain, NonNegative, Positive, PositiveDefinite, Real, Simplex, Unit
from likely.core.door import refuse_text
from likely.core.face import Face
from likely.core.params import Params
from likely.core.penalised import maximise_numerically
from likely.core.points import Points
from likely.core.posterior import Fused, Posterior, Streaming, Sweep
from likely.core.priors import Priors
from likely.core.setting import Setting
from likely.core.slot import Axis, Slot, bind_slot
from likely.core.written import free, plain
from likely.errors import Degenerate, ModelError
from likely.numerics.soft import Array

NUMERICAL = "numerically"
REGISTRY: dict[str, type[Family]] = {}  # every public family by name: what the notation can read


@dataclass_transform(
    kw_only_default=False,
    frozen_default=True,
    field_specifiers=(Real, Positive, NonNegative, Unit, Simplex, PositiveDefinite),
)
class Family(Points, Priors, Face):
    """Base of leaves and structures."""

    domains: ClassVar[dict[str, Domain]] = {}
    nonregular: ClassVar[tuple[str, ...]] = ()  # slots that end where the data ends: no curvature, no standard error
    priors: ClassVar[dict[str, tuple[str, ...]]] = {}  # which families each slot takes as its prior
    in_rows: ClassVar[bool] = False  # as a prior: it is no more than pretend rows; closed forms stay as they are
    covers: ClassVar[int | None] = 0  # as a prior: how many event axes of a slot one draw fills; None for all
    axis: ClassVar[str | None] = None  # the name of the axis a structure adds to its parts
    several_columns: ClassVar[bool] = False  # describes d columns jointly
    uses_given: ClassVar[bool] = False
    reads_text: ClassVar[bool] = False
    reads_single: ClassVar[bool] = False  # takes points in single precision as they are, where it passes in one go
    hidden: bool = False  # something is hidden here or below: one pass is not enough
    labels_rows: ClassVar[bool] = False  # known labels are those of rows, also where the items are sequences
    labels_points: ClassVar[bool] = False  # these are the hidden states themselves, points and not members
    reads_missing: ClassVar[bool] = False  # NaN is a value that was not observed

    slots: dict[str, Slot]  # after bind
    axes: tuple[Axis, ...]
    setting: Setting

    def __init_subclass__(cls, public: bool = True) -> None:
        own = {n: v for n, v in vars(cls).items() if isinstance(v, Domain)}
        cls.domains = {**cls.domains, **own}
        if "__init__" not in vars(cls):
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            parameters = [inspect.Parameter(n, kind, default=free) for n in cls.domains]
            cls.__signature__ = inspect.Signature(parameters)  # help() shows the slots
        else:
            cls.__signature__ = None  # that of its own __init__, not what a base may have
        if public:
            REGISTRY[cls.__name__] = cls

    def __init__(self, *values: Any, **named: Any):
        if len(values) > len(self.domains):
            self._no_slot(repr(values[len(self.domains)]))
        self._fill(**{**dict(zip(self.domains, values, strict=False)), **named})

    def _fill(self, **named: Any) -> None:
        """Put written values into the slots; those not named are free."""
        for name in named:
            if name not in self.domains:
                self._no_slot(f"{name}=")
        self.__dict__.update({n: plain(named.get(n, free)) for n in self.domains})

    def _no_slot(self, what: str) -> None:
        slots = f"its slots are {', '.join(self.domains)}" if self.domains else "it has none"
        raise ModelError(f"{type(self).__name__} has no slot for {what}; {slots}.")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; write a new one.")

    def _changed(self, **attributes: Any) -> Self:
        """A copy with some attributes changed: the one way in which a family gets new content."""
        out = copy.copy(self)
        out.__dict__.update(attributes)
        return out

    # -- shape: what a structure overrides
    def parts(self) -> dict[str, Family]:
        """The families inside this one, by name."""
        return {}

    def with_parts(self, parts: dict[str, Any]) -> Self:
        """The same family around other parts."""
        return self._changed(**parts)

    def domain(self, name: str) -> Domain:
        """The declaration of a slot (a family may narrow it)."""
        return self.domains[name]

    def takes_priors(self) -> dict[str, tuple[str, ...]]:
        """Which families each slot takes as its prior."""
        return self.priors

    def own_setting(self, setting: Setting) -> Setting:
        """The setting with the dimensions that this family itself brings."""
        return setting

    def part_setting(self, name: str, setting: Setting) -> Setting:
        """What a part looks at."""
        return setting

    def part_axes(self, setting: Setting) -> tuple[Axis, ...]:
        """The axes this family adds to its parts."""
        return ()

    def slot_axes(self, name: str, setting: Setting) -> tuple[Axis, ...]:
        """The axes this family adds to one of its own slots, whose values then are a bank of their own."""
        return ()

    # -- written -> bound -> filled
    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        """The same family at its place in a model: axes and dimensions known, slots checked against them."""
        if not isinstance(setting, Setting):
            setting = Setting(setting or {"d": 1, "p": 0})
        if not self.several_columns and self.domains and setting.dims.get("d", 1) != 1 and not self.parts():
            self._refuse_columns(setting)
        if setting.rows is not None and self.domains and not self.reads_text and not self.parts():
            refuse_text(setting.rows, f"{type(self).__name__}()")
        setting = self.own_setting(setting)
        inner = axes + self.part_axes(setting)
        out = self.with_parts({n: p.bind(inner, self.part_setting(n, setting)) for n, p in self.parts().items()})
        slots = {n: bind_slot(self, n, axes + self.slot_axes(n, setting), setting.dims) for n in self.domains}
        return out._changed(slots=slots, axes=axes, setting=setting)

    def _refuse_columns(self, setting: Setting) -> None:
        name = type(self).__name__
        raise ModelError(
            f"{name} describes one column; the data has {setting.names()}. Name one with columns=..., "
            f"or repeat it over all of them with Independent({name}()), or join numeric ones with MultivariateNormal()."
        )

    @property
    def sequential(self) -> bool:
        """Are its items sequences of rows, not rows?"""
        return any(p.sequential for p in self.parts().values())

    @property
    def may_use_given(self) -> bool:
        """May there be covariates?"""
        return bool(self.uses_given) or any(p.may_use_given for p in self.parts().values())

    @property
    def reads_infinite(self) -> bool:
        """May values be infinite, as ends of intervals are?"""
        return any(p.reads_infinite for p in self.parts().values())

    @property
    def approximation(self) -> str:
        """What the likelihood is worked out by where it is approximate, and an M-step may lower it; else nothing."""
        return next(filter(None, (p.approximation for p in self.parts().values())), "")

    @property
    def climbs(self) -> bool:
        """Must a fit climb the likelihood itself, as an M-step may lower it or leaves some of what is free as it is?"""
        return bool(self.approximation) or any(p.climbs for p in self.parts().values())

    @property
    def unwritten(self) -> str:
        """What of this model the notation cannot write, so that no file can keep it; else nothing."""
        return next(filter(None, (p.unwritten for p in self.parts().values())), "")

    @property
    def hides_points(self) -> bool:
        """Are hidden states points, not members that rows may come from?"""
        return self.labels_points or any(p.hides_points for p in self.parts().values())

    @property
    def k(self) -> int:
        """Number of members of the bound family."""
        return math.prod(a.size for a in self.axes)

    def known_params(self) -> Params:
        """The parameters of a bound family with every slot filled."""
        self._require_filled()
        own = {n: np.asarray(s.known) for n, s in self.slots.items()}
        return Params(**own, **{n: p.known_params() for n, p in self.parts().items()})

    def publish(self, params: Params) -> Self:
        """The same family with every slot filled: arrays in the layout axes + event, plain numbers when alone."""
        out = self.with_parts({n: p.publish(params[n]) for n, p in self.parts().items()})
        out = out._changed(**{n: plain(params[n].reshape(s.sizes + s.event)) for n, s in self.slots.items()})
        for name in ("slots", "axes", "setting"):
            out.__dict__.pop(name, None)
        return out

    # -- free coordinates
    def count_free(self) -> int:
        """Number of free parameters of the bound family."""
        return sum(s.count() for s in self.slots.values()) + sum(p.count_free() for p in self.parts().values())

    def count_redundant(self) -> int:
        """How many of them no data can tell, because other values of them describe the same distribution."""
        return sum(p.count_redundant() for p in self.parts().values())

    @property
    def undetermined(self) -> str:
        """Why no data can tell some of them, in words; else nothing."""
        return next(filter(None, (p.undetermined for p in self.parts().values())), "")

    def neutral(self, params: Params) -> Array:
        """(r, p): directions in the coordinates of `flatten` that leave the distribution as it is, to first order."""
        own = sum(s.size(params[n]) for n, s in self.slots.items() if not s.fixed)
        each = [np.zeros((0, own)), *(p.neutral(params[n]) for n, p in self.parts().items())]
        out, at, row = np.zeros((sum(len(e) for e in each), sum(e.shape[1] for e in each))), 0, 0
        for e in each:
            out[row : row + len(e), at : at + e.shape[1]] = e
            row, at = row + len(e), at + e.shape[1]
        return out

    def flatten(self, params: Params) -> Array:
        """Unconstrained coordinates of everything that is estimated."""
        own = [s.to_free(params[n]) for n, s in self.slots.items() if not s.fixed]
        return np.concatenate([*own, *(p.flatten(params[n]) for n, p in self.parts().items()), np.zeros(0)])

    def unflatten(self, u: Array, like: Params) -> Params:
        """Parameters at some coordinates; `like` supplies what is not estimated."""
        params, used = self._unflatten(np.asarray(u, float), like)
        if used != len(u):
            raise ValueError(f"{used} coordinates were needed, {len(u)} given")
        return params

    def _unflatten(self, u: Array, like: Params) -> tuple[Params, int]:
        out, at = {}, 0
        for name, slot in self.slots.items():
            out[name], used = (slot.known, 0) if slot.fixed else slot.from_free(u[at:], like[name])
            at += used
        for name, part in self.parts().items():
            out[name], used = part._unflatten(u[at:], like[name])
            at += used
        return Params(**out), at

    def obeys(self, params: Params) -> bool:
        """Do these parameters respect every known and tied slot?"""
        own = all(_obeyed(slot, params[n]) for n, slot in self.slots.items())
        return own and all(p.obeys(params[n]) for n, p in self.parts().items())

    def wanted_columns(self) -> list[str] | None:
        """Names of the columns this family models; None where it takes whatever suits it."""
        each = (part.wanted_columns() for part in self.parts().values())
        return next((names for names in each if names is not None), None)

    def distinct_members(self) -> int:
        """How many labels an item can have."""
        return 1

    def distinct_rows_needed(self) -> int:
        """Fewer distinct rows than this cannot be fitted."""
        return 1

    # -- the M-step with priors
    def pretend(self, name: str, prior: Family) -> Any:
        """The (bound) prior of a slot as pretend statistics; None where `m_step` deals with it itself.

        NUMERICAL where neither does: then expected log density + log prior is climbed numerically.
        """
        return NUMERICAL

    def maximize(self, stats: Any, params: Params | None = None) -> Params:
        """Parameters that maximise expected log density + log prior; a member without weight keeps what it had."""
        numerical, seen = False, stats
        for name, slot in self.slots.items():
            if slot.prior is not None:
                extra = self.pretend(name, slot.prior)
                if extra is NUMERICAL:
                    numerical = True
                elif extra is not None:
                    stats = stats + slot.share * extra
        if numerical and params is not None:
            return maximise_numerically(self, seen, params)
        with np.errstate(invalid="ignore", divide="ignore"):
            new = self.m_step(stats, params)
        if numerical:
            return maximise_numerically(self, seen, new)
        for name in self.domains:
            lost = np.isnan(new[name]).reshape(self.k, -1).any(1)
            if lost.any():
                if params is None:
                    raise Degenerate("it got no rows to start from", members=np.flatnonzero(lost).tolist())
                keep = lost.reshape((-1,) + (1,) * (new[name].ndim - 1))
                new = new.replace(**{name: np.where(keep, params[name], new[name])})
        return new

    fuses: bool = False  # `fused` is there
    fuses_columns: bool = False  # `fused_columns` is there

    def fused(self, params: Params) -> Fused:
        """The bank as the components of one mixture, prepared for a pass in one go (where it `fuses`)."""
        raise NotImplementedError

    def fused_columns(self, params: Params, k: int) -> Fused:
        """As `fused`, for k components each of which is a run of members, a column each; statistics are of members."""
        raise NotImplementedError

    def in_stream(self, params: Params) -> Streaming | None:
        """The bank as the emissions of a chain, for passes in one go; None: log densities of all rows will do."""
        return None

    # -- the five methods of a leaf
    def log_density(self, params: Params, data: Table) -> Array:
        """(n, k) log densities; every row lies in the support."""
        raise NotImplementedError

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Any:
        """Statistics of the rows under weights (n, k)."""
        raise NotImplementedError

    def m_step(self, stats: Any, params: Params | None) -> Params:
        """Weighted maximum likelihood from statistics; NaN for members without weight."""
        raise NotImplementedError

    def expected_log_density(self, params: Params, stats: Any) -> Array:
        """(k,): the sum of w log density as a function of statistics."""
        raise NotImplementedError

    def expected_near(self, params: Params, stats: Any, centre: Params) -> Array:
        """The same, so that differences between parameters near a centre lose as little as can be to rounding."""
        return self.expected_log_density(params, stats)

    def held(self, params: Params, stats: Any) -> Params:
        """With variances that are all but 0 as small as an M-step lets them become, and no smaller."""
        return params

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        """(n, d) draws, row i from member members[i]; `data` carries covariates only."""
        raise NotImplementedError

    # -- what a structure replaces
    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        """Log probability of each item under each member, and what is hidden, given the parameters."""
        settled = self._settled(data)
        if settled is None:
            return Posterior(self.log_density(params, data))
        inside, settled = self.log_density(params, self._inside(data, settled)), settled.reshape(len(data), -1)
        return Posterior(np.where(np.isnan(settled), inside, settled))

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> Any:
        """Expected statistics of the items under weights (n, k)."""
        settled = self._settled(data)
        if settled is None:
            return self.statistics(params, data, weights)
        weights = np.where(np.isnan(settled.reshape(len(data), -1)), weights, 0.0)
        return self.statistics(params, self._inside(data, settled), weights)

    @property
    def sweeps(self) -> bool:
        """Is there a `sweep` for this bound family?"""
        return False

    def sweep(self, params: Params, temperature: float = 1.0) -> Sweep | None:
        """A pass at these parameters in one go, without room for every row; None where there is no such thing.

        It is prepared once and used for every chunk. It never defines anything: what it brings back is, to rounding,
        what `infer` and `collect` bring back.
        """
        return None

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        """Parameters to begin from; `kind` says how structures first guess what is hidden."""
        return self.maximize(self.collect(None, None, data, weights), None)

    def neighbours(
        self, params: Params, data: Any, weights: Array, rng: np.random.Generator, *, temperature: float = 1.0,
        kind: str = "k-means++",
    ) -> Iterator[list[Params]]:  # fmt: skip
        """Parameters from which a higher optimum than this one may be reached: lists of them, most promising first.

        EM never changes its mind about what is hidden in the large; a structure that can do so says how.
        """
        return iter(())


def _obeyed(slot: Slot, value: Array) -> bool:
    if not np.allclose(slot.settle(value), value, rtol=1e-12, atol=0) or not slot.domain.keeps(value):
        return False
    return not slot.ties or bool(np.allclose(slot.spread(slot.one(value - slot.offsets)) + slot.offsets, value))
