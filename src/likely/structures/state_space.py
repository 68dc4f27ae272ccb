"""The linear-Gaussian state space: a hidden state moves linearly from row to row, and each row shows it with noise."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.domains import Domain, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.patterns import Names, named
from likely.core.posterior import Posterior, Sweep
from likely.core.setting import Setting
from likely.core.slot import Axis, Slot
from likely.core.written import free, plain, written
from likely.errors import DataError, ModelError
from likely.numerics.soft import Array
from likely.structures.chains import in_sequences
from likely.structures.entries import entries_of
from likely.structures.noise import Noise, noise_of
from likely.structures.state_beginning import Beginning, beginning_of
from likely.structures.state_blocks import Blocks
from likely.structures.state_draws import drawn
from likely.structures.state_equations import Equation
from likely.structures.state_guess import first_params
from likely.structures.state_identity import UNDETERMINED, check_volume, neutral, redundant
from likely.structures.state_invertible import invertible
from likely.structures.state_questions import StateQuestions
from likely.structures.state_row_equation import RowEquation
from likely.structures.state_sums import StateSums
from likely.structures.state_sweep import state_sweep
from likely.structures.state_theta import MOVING, SHOWING, theta
from likely.structures.state_tracked import Tracked, equations, layout_of
from likely.structures.transitions import sizes_of

LINEAR, NOISES = ("A", "B", "b", "C", "D", "d", "m0"), ("Q", "R", "P0")
OF_INPUTS = ("B", "D")
LEAST = 1e-10  # of the variance of what it is the noise of: states can take all of that over, and EM never gets there


class StateSpace(StateQuestions, Family):
    """A linear-Gaussian state space model of sequences (a dynamic linear model), fitted by Kalman EM.

    x_t = A x_{t-1} + B u_t + b + w_t with w_t ~ N(0, Q), and y_t = C x_t + D u_t + d + v_t with v_t ~ N(0, R). The
    state at the first row of a sequence is x_1 ~ N(m0, P0). There are m states, d columns y and p inputs u (given=...).

    Parameters
    ----------
    size : int or choose(...)      number of states m
    A : array (m, m)      how the state moves on
    B : array (m, p)      what inputs do to the state, on the move into their row; there only with given=...
    b : array (m,)        drift of the state; 0 unless written (b=nan estimates it)
    C : array (d, m)      what a row shows of the state
    D : array (d, p)      what inputs do to a row; there only with given=...
    d : array (d,)        level of each column, in its units
    Q : array (m, m)      covariance of the state's noise; it may be singular
    R : array (d, d)      covariance of the rows' noise
    m0 : array (m,)       mean of the first state
    P0 : array (m, m), "stationary" or "diffuse"      covariance of the first state. 0 with m0 left out is a fixed
                          unknown start; "stationary" begins as the series goes on; "diffuse" knows nothing of it,
                          exactly; an infinite variance on the diagonal says so of one state, and a list
                          ["diffuse", "stationary"] has a word for each

    Raises
    ------
    ModelError      blocks whose shapes do not fit, a covariance with a negative eigenvalue, a stationary start of an
                    unstable A or of states that diffuse ones move, a diffuse start where the basis of the states is not
                    fixed

    Notes
    -----
    In A, B, b, C, D, d and m0 numbers are known, NaN entries are free, entries with the same name are equal
    (`A=[["phi", 0], [0, "phi"]]`), `affine(base, name=direction)` is linear in free values, and a Normal (of each
    entry: ridge) or PretendRows (matrix normal, given the noise) is a prior. In Q and R a number is that many times the
    identity, "diagonal" and "spherical" are structures, NaN entries are free, names on the diagonal are equal
    variances, `scaled(shape)` is a known shape of free size, and InverseWishart is a prior.

    EM (Shumway & Stoffer 1982; Ghahramani & Hinton 1996): a Kalman smoother gives the moments of the states, and each
    equation is a linear regression on them, with A, B, b and Q (or C, D, d and R) estimated together. NaN is a value
    that was not observed: whole rows, or parts of them. The likelihood of one series alone is highest where P0 is 0:
    that is its estimate, and m0 is then the first state itself.

    Where entries are free in rows that have no noise (the moving averages of `arma`) an M-step cannot move them: the
    exact log-likelihood is climbed in all that is free by Newton's method, which has the last word.

    With everything free the states are determined only up to a basis: x and M x tell the same of y. `n_free` counts
    what is identified, and `canonical()` fixes a basis. States are integrated out at every temperature: hard EM of a
    mixture of state spaces gives whole sequences to components, and leaves the states as they are.

    Examples
    --------
    >>> import likely as lk
    >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1469.1, R=15099, m0=0, P0=1e7)
    >>> level.log_prob([1120, 1160, 963, 1210, 1160]).round(3)
    array([-34.081])
    """

    size: Any
    beginning: ClassVar[Any] = None  # from here on what `bind` finds out: how the series begin,
    moving: ClassVar[Any] = None  # the equation of the states,
    showing: ClassVar[Any] = None  # the equation of the rows,
    by_row: ClassVar[bool] = False  # whether columns of rows are observed apart from one another,
    observed: ClassVar[bool] = False  # whether nothing is hidden,
    one_go: ClassVar[bool] = False  # and whether a pass may be one compiled call

    A: Value = Real("m m", doc="how the state moves on")
    B: Value = Real("m p", doc="what inputs do to the state")
    b: Value = Real("m", doc="drift of the state")
    C: Value = Real("d m", doc="what a row shows of the state")
    D: Value = Real("d p", doc="what inputs do to a row")
    d: Value = Real("d", doc="level of each column")
    Q: Value = Noise("m m", doc="covariance of the state's noise")
    R: Value = Noise("d d", doc="covariance of the rows' noise")
    m0: Value = Real("m", doc="mean of the first state")  # pyright: ignore[reportGeneralTypeIssues]
    P0: Value = Noise("m m", doc="covariance of the first state")

    priors = {
        **dict.fromkeys(("A", "B", "b", "C", "D", "d"), ("Normal", "PretendRows")), "m0": ("Normal",),
        **dict.fromkeys(NOISES, ("InverseWishart",)),
    }  # fmt: skip
    labels_rows = True
    labels_points = True
    several_columns = True
    reads_missing = True

    def __init__(self, size: Any = None, **slots: Value):
        values = {n: _standard(slots.pop(n, free)) for n in StateSpace.domains}
        for name in slots:
            self._no_slot(f"{name}=")
        self.__dict__.update(values, size=sizes_of(size, f"StateSpace({size!r})"))
        self.__dict__["domains"] = self._with_slots(*StateSpace.domains)

    def _with_slots(self, *names: str) -> dict[str, Domain]:
        """Those of these slots that are no consequence of others."""
        settled = beginning_of(self).settles
        return {n: StateSpace.domains[n] for n in names if n not in settled}

    @property
    def hidden(self) -> bool:  # not where states are known, and rows are whole or apart
        return not self.observed

    @property
    def climbs(self) -> bool:  # where entries are free in rows without noise
        return any(part is not None and part.held for part in (self.moving, self.showing, self.beginning))

    @property
    def sequential(self) -> bool:
        return True

    @property
    def uses_given(self) -> bool:  # where inputs are known to matter
        return any(isinstance(v, np.ndarray) and v.size > 0 for v in (self.B, self.D))

    @property
    def may_use_given(self) -> bool:
        return self.uses_given or self.B is free or self.D is free

    def arguments(self) -> list[str]:
        settled = [n for n in ("m0", "P0") if n not in self.domains and getattr(self, n) is not free]
        return [written(self.size), *(f"{n}={written(getattr(self, n))}" for n in settled)]

    def open_slots(self) -> list[str]:
        partly = [n for n in self.domains if isinstance(v := getattr(self, n), np.ndarray) and np.isnan(v).any()]
        found = [n for n in (*super().open_slots(), *partly) if n != "b" or self.b is not free]
        return found if set(found) - set(OF_INPUTS) else []  # where all else is known there are no inputs

    def own_dims(self) -> dict[str, int]:
        found = super().own_dims()
        if isinstance(self.B, np.ndarray) or isinstance(self.D, np.ndarray) or "B" not in self.domains:
            return found
        return {**found, "p": 0}

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(m=self.size, p=setting.dims.get("p", 0))

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        if not isinstance(setting, Setting):
            setting = Setting(setting or {"d": 1, "p": 0})
        if setting.dims.get("items") == 1 and self.P0 is free and not isinstance(self.m0, float | np.ndarray):
            return self._changed(P0=0.0).bind(axes, setting)._changed(P0=free)  # where its likelihood is highest
        if self.b is free:
            return self._changed(b=0.0).bind(axes, setting)._changed(b=free)
        dims = {**setting.dims, "m": self.size, "p": setting.dims.get("p", 0)}
        gone = self._without_inputs() if dims["p"] == 0 else ()
        slots = self._with_slots(*(n for n in StateSpace.domains if n not in gone))
        narrow = {n: found for n, slot in slots.items() if (found := self._narrowed(n, slot, dims)) is not None}
        written_so = {n: getattr(self, n) for n in narrow}
        at_place = self._changed(domains={**slots, **narrow}, **dict.fromkeys(narrow, free))
        out = super(StateSpace, at_place).bind(axes, setting)._changed(**written_so)
        out = beginning_of(self).bound(out)._with_equations()
        check_volume(out)
        return out

    def _without_inputs(self) -> tuple[str, ...]:
        for name in OF_INPUTS:
            if getattr(self, name) is not free and np.size(getattr(self, name)):
                raise ModelError(
                    f"StateSpace.{name} is what inputs do, and there are none; name them with given=..., or leave "
                    f"{name} out.",
                    slot=name,
                )
        return OF_INPUTS

    def _narrowed(self, name: str, declared: Any, dims: dict[str, int]) -> Domain | None:
        """The domain of what is written in a slot, where that is more than values of its entries."""
        value, event = getattr(self, name), declared.shape(dims)
        if name in NOISES:
            return noise_of(declared, "StateSpace", name, value, event[0])
        return entries_of(declared, f"StateSpace.{name}", value, event)

    def domain(self, name: str) -> Domain:
        return self.domains[name]

    def _with_equations(self) -> Self:
        """The bound family with its two regressions."""
        slots, rows = self.slots, self.setting.rows
        gaps = rows is not None and _partly_missing(rows)
        by_row = gaps and _diagonal(slots["R"])
        seen = rows is not None and rows.labels is not None and rows.labels.ndim == 2
        observed = seen and (by_row or not gaps)
        kind = RowEquation if by_row else Equation
        how: dict[str, Any] = {"least": 0.0 if seen else LEAST, "hidden": not seen}
        moving = Equation([slots[n] for n in ("A", "B") if n in slots], slots["b"], slots["Q"], **how)
        showing = kind([slots[n] for n in ("C", "D") if n in slots], slots["d"], slots["R"], **how)
        beginning = Beginning(slots) if seen and beginning_of(self).fixed else beginning_of(self, slots)
        one_go = not (by_row or observed or beginning.flat(self.size).any())
        own = {"moving": moving, "showing": showing, "by_row": by_row, "beginning": beginning, "observed": observed}
        return self._changed(**own, one_go=one_go)

    def fits(self, x: Array) -> Array:
        return np.isfinite(x) | np.isnan(x)

    def check_rows(self, setting: Setting) -> None:
        return None  # rows may be missing in part

    def count_redundant(self) -> int:
        return redundant(self) if self.undetermined else 0

    @property
    def undetermined(self) -> str:
        rows = self.setting.rows
        return UNDETERMINED if rows is None or rows.labels is None else ""  # known states have their basis

    def neutral(self, params: Params) -> Array:
        return neutral(self, params) if self.undetermined else super().neutral(params)

    def beside(self, name: str, params: Params) -> Params:
        return Params(covariance=params.R if name in SHOWING else params.Q)

    def known_params(self) -> Params:
        if any(n in self.slots and self.slots[n].known is None for n in OF_INPUTS):
            raise DataError("the model has no inputs (B and D); leave given=... out.")
        return self.beginning.begun(super().known_params())

    def _unflatten(self, u: Array, like: Params) -> tuple[Params, int]:
        params, used = super()._unflatten(u, like)
        return self.beginning.begun(params), used

    def publish(self, params: Params) -> Self:
        out = super().publish(invertible(self, params))
        for name in ("moving", "showing", "by_row", "beginning", "observed", "one_go", "domains"):
            out.__dict__.pop(name, None)
        return out._changed(domains=out._with_slots(*(n for n in StateSpace.domains if n in params)))

    def _believed(self, x: Any, given: Any = None) -> tuple[Any, Sequences]:
        """What is known of the states behind some data, row by row, under the filled model."""
        from likely.numerics.kalman_beliefs import beliefs

        self._require_filled()
        data = x if isinstance(x, Sequences) else in_sequences(self._door(x, given))
        bound = self._alone(data.rows)
        return beliefs(*equations(bound.known_params(), 0, data), data.offsets, layout_of(data)), data

    # -- the protocol
    @property
    def sweeps(self) -> bool:
        return self.one_go and self.k == 1

    def sweep(self, params: Params, temperature: float = 1.0) -> Sweep | None:
        return state_sweep(self, params) if self.sweeps else None

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        data = in_sequences(data)
        params, there = self.beginning.possible(params)
        hidden = Tracked.of(params, data)
        log_prob = hidden.log_prob if there is None else np.where(there, hidden.log_prob, -np.inf)
        return Posterior(log_prob, hidden, None, lambda: hidden.slack(self, params), stopped=hidden.stopped)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> StateSums:
        data = in_sequences(data)
        params = self._blank() if params is None else params
        hidden = Tracked.of(params, data) if posterior is None else posterior.hidden
        return hidden.summed(self, params, weights)

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        return first_params(self, in_sequences(data), weights, rng)

    def maximize(self, stats: StateSums, params: Params | None = None) -> Params:
        return self.beginning.maximised(self, stats, self._blank() if params is None else params)

    def expected_log_density(self, params: Params, stats: StateSums) -> Array:
        return self._expected(params, stats, None, None)

    def expected_near(self, params: Params, stats: StateSums, centre: Params) -> Array:
        return self._expected(params, stats, theta(centre, MOVING), theta(centre, SHOWING))

    def _expected(self, params: Params, stats: StateSums, moving: Array | None, showing: Array | None) -> Array:
        whole = self.beginning.completed(stats, params)
        moved = self.moving.expected(theta(params, MOVING), params.Q, whole.state, moving)
        shown = self.showing.expected(theta(params, SHOWING), params.R, whole.rows, showing)
        return moved + shown + self.beginning.expected(self, params, stats)

    def held(self, params: Params, stats: StateSums) -> Params:
        whole = self.beginning.completed(stats, params)
        Q, R = self.moving.floored(whole.state, params.Q), self.showing.floored(whole.rows, params.R)
        return self.beginning.begun(params.replace(Q=Q, R=R))

    def _blank(self) -> Params:
        """Parameters that nothing is known of, to begin an M-step that has no need of any: states are known."""
        k, m, d, p = self.k, self.size, self.setting.dims["d"], self.setting.dims["p"]
        zero = {"A": (k, m, m), "B": (k, m, p), "b": (k, m), "C": (k, d, m), "D": (k, d, p), "d": (k, d), "m0": (k, m)}
        values = {n: np.zeros(shape) for n, shape in zero.items() if p or n not in OF_INPUTS}
        one = {"Q": m, "R": d, "P0": m}
        values |= {n: np.broadcast_to(np.eye(size), (k, size, size)) for n, size in one.items()}
        within = {n: self.slots[n].nearest(v) if n in self.slots else v for n, v in values.items()}
        return self.beginning.begun(Params(**{n: np.ascontiguousarray(v) for n, v in within.items()}))

    def draw(self, params: Params, members: Array, data: Any, rng: np.random.Generator) -> Array:
        data = in_sequences(data)
        out = np.empty((len(data.rows), params.C.shape[1]))
        for i in np.unique(members):
            own = data.take(np.flatnonzero(members == i))
            out[members[data.owner] == i] = drawn(Blocks.of(params, i), own.rows.given, own.offsets, rng)[1]
        return out


def _standard(value: Value) -> Value:
    """A written value in its one standard form."""
    found = named(value)
    return found if isinstance(found, Names) else plain(found)


def _partly_missing(rows: Table) -> bool:
    """Is something missing in rows of which something is there?"""
    gaps = np.isnan(rows.x)
    return bool((gaps.any(1) & ~gaps.all(1)).any())


def _diagonal(slot: Slot) -> bool:
    """Are columns by themselves, given the state?"""
    if slot.known is None:
        return bool(getattr(slot.domain, "is_diagonal", False))
    return not (slot.known * (1 - np.eye(slot.known.shape[-1]))).any()
