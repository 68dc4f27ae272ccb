"""The nonlinear state space: any functions move the hidden state on and show it, with Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from likely.core.domains import Domain, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.written import free, plain, written
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.chains import in_sequences
from likely.structures.entries import stated
from likely.structures.noise import Noise, noise_of
from likely.structures.nonlinear_features import Features, Weighted
from likely.structures.nonlinear_functions import Bound, Written
from likely.structures.nonlinear_hidden import METHODS, Hidden
from likely.structures.nonlinear_moments import NonlinearStats
from likely.structures.nonlinear_questions import NonlinearQuestions
from likely.structures.nonlinear_start import first_params
from likely.structures.nonlinear_steps import expected, maximised
from likely.structures.nonlinear_walk import walk

NOISES = ("Q", "R", "P0")
APPROXIMATIONS = {
    "extended": "the extended Kalman filter",
    "iterated": "Laplace's method at the most probable path of states",
    "unscented": "the unscented Kalman filter",
}


@dataclass(frozen=True)
class Side:
    """One of the two equations: its function, its noise, and where its statistics are."""

    stats: str  # "state" or "rows"
    noise: str  # "Q" or "R"
    written: Written
    coefficients: str | None = None  # "A" or "C", where the function is linear in them
    features: Features | None = None

    def function(self, params: Params) -> Bound | Weighted:
        """At a bank of parameters."""
        if self.coefficients is not None:
            return Weighted(self.written, params[self.coefficients])
        k = len(params.m0)
        return self.written.at(params.theta if "theta" in params else np.zeros((k, 0)))


class NonlinearStateSpace(NonlinearQuestions, Family, public=False):
    """A state space model of sequences with functions in place of matrices, fitted by extended Kalman EM.

    x_t = f(x_{t-1}, u_t, theta) + w_t with w_t ~ N(0, Q), and y_t = h(x_t, u_t, theta) + v_t with v_t ~ N(0, R). The
    state at the first row of a sequence is x_1 ~ N(m0, P0). There are m states, d columns y and p inputs u (given=...).

    Parameters
    ----------
    f, h : callable, Features or RadialBasis      f(x, u, theta) -> (..., m) and h(x, u, theta) -> (..., d) of stacked
        points: x is (..., m), u (..., p) or None where there are no inputs, theta (..., q). Features stand for A phi
        and C phi, with matrices A and C of coefficients to be estimated
    size : int                  number of states m
    parameters : int or list of str      number q of entries of theta; or their names: theta then is a dict of arrays
                                (...), one for each name
    theta : array (q,), Normal (of each) or shared      parameters of f and h; NaN entries are free
    A : array (m, features)     coefficients, where f is Features; Normal (of each) is ridge
    C : array (d, features)     the same of h
    Q : array (m, m)            covariance of the state's noise
    R : array (d, d)            covariance of the rows' noise
    m0 : array (m,)             mean of the first state
    P0 : array (m, m)           covariance of the first state
    jacobians : pair of callables, optional      F(x, u, theta) -> (..., m, m) and H(x, u, theta) -> (..., d, m); either
        may be None. They are compared with differences. Left out, derivatives are complex steps, exact to rounding, or
        central differences where a function cannot take complex numbers (`derivatives()` tells)
    method : str                "extended", "iterated" or "unscented"

    Raises
    ------
    ModelError      a value of another shape, a Jacobian that is none, a function that gives NaN (the row is named)

    Notes
    -----
    The likelihood of this model cannot be worked out; the objective is that of the filter (`fit.outcome` speaks of it).
    "extended" replaces both functions by tangents at the latest mean (Jazwinski 1970); "unscented" by values at sigma
    points (Julier & Uhlmann 1997); "iterated" by tangents along the most probable path of states, found by Gauss-Newton
    from the prior on (Bell 1994): its log-likelihood is Laplace's approximation. Smoothing is Rauch, Tung & Striebel's.

    EM takes expectations over the smoothed states at sigma points (of bumps exactly), and maximises: regressions in
    closed form for Features, Gauss-Newton for theta. With functions that are not linear such a step may lower the
    objective, so the fit searches between old and new parameters, then along single blocks, and ends with a
    quasi-Newton climb: the objective never falls, and "converged" is said of a gradient that vanishes. On linear
    functions this is Kalman EM. In Q, R and P0 may stand what may stand there in `StateSpace`.

    The likelihood of one series alone is highest where P0 is 0: that is its estimate where m0 and P0 are both left out,
    and m0 is then the first state itself. EM cannot move it (a state that is certain stays); the climb at the end does.

    A fit begins from `start=`, a model with every slot filled. Without it theta begins at its prior's mean, or by lot
    from a standard normal; f = A phi near a slow decay, Q = I, R at half the variances of the data, m0 = 0, P0 = I.

    A pass costs about half a millisecond of Python for each row of the longest series, whatever the number of
    series, and trials of a search, that go side by side.

    Examples
    --------
    >>> import likely as lk
    >>> import numpy as np
    >>> def swing(x, u, theta):
    ...     angle, speed = x[..., 0], x[..., 1]
    ...     return np.stack([angle + 0.1 * speed, speed - 0.1 * theta["pull"] * np.sin(angle)], axis=-1)
    >>> def seen(x, u, theta):
    ...     return np.sin(x[..., :1])
    >>> pendulum = lk.NonlinearStateSpace(swing, seen, 2, ["pull"], theta=[9.8], Q=1e-4, R=0.01, m0=[0.5, 0], P0=0.1)
    >>> pendulum.log_prob([0.45, 0.43, 0.35, 0.28]).round(3)
    array([3.522])
    """

    f: Any
    h: Any
    size: Any
    parameters: Any
    jacobians: Any
    method: Any
    names: Any  # of theta, where it has any
    count: Any  # entries of theta
    theta: Value = Real("q", doc="parameters of the functions")
    A: Value = Real("m g", doc="coefficients of the features of f")
    C: Value = Real("d l", doc="coefficients of the features of h")
    m0: Value = Real("m", doc="mean of the first state")
    Q: Value = Noise("m m", doc="covariance of the state's noise")
    R: Value = Noise("d d", doc="covariance of the rows' noise")
    P0: Value = Noise("m m", doc="covariance of the first state")

    priors = {
        **dict.fromkeys(("theta", "A", "C", "m0"), ("Normal",)), **dict.fromkeys(NOISES, ("InverseWishart",))
    }  # fmt: skip
    hidden = True
    several_columns = True
    reads_missing = True

    def __init__(
        self, f: Any, h: Any, size: int, parameters: int | Sequence[str] = 0, *, theta: Value = free, A: Value = free,
        C: Value = free, Q: Value = free, R: Value = free, m0: Value = free, P0: Value = free,
        jacobians: Sequence[Callable[..., Any] | None] | None = None, method: str = "extended",
    ):  # fmt: skip
        check_made(f, h, size, parameters, method, jacobians)
        names = () if isinstance(parameters, int | np.integer) else tuple(parameters)
        count = int(parameters) if isinstance(parameters, int | np.integer) else len(names)
        own = {"theta": plain(theta), "A": plain(A), "C": plain(C), "m0": plain(m0)}
        own |= {"Q": stated(Q), "R": stated(R), "P0": stated(P0)}
        gone = {"theta": count == 0, "A": not isinstance(f, Features), "C": not isinstance(h, Features)}
        check_absent({n: own[n] for n in gone if gone[n]})
        if count and isinstance(own["theta"], np.ndarray) and own["theta"].shape[-1:] != (count,):
            raise ModelError(
                f"NonlinearStateSpace.theta has shape {own['theta'].shape}; parameters={parameters!r} makes it "
                f"({count},).",
                slot="theta",
            )
        domains = {n: d for n, d in NonlinearStateSpace.domains.items() if not gone.get(n)}
        pair = (None, None) if jacobians is None else tuple(jacobians)
        self.__dict__.update(
            own, f=f, h=h, size=int(size), parameters=parameters, jacobians=pair, method=method, names=names,
            count=count, domains=domains,
        )  # fmt: skip

    @property
    def sequential(self) -> bool:
        return True

    @property
    def approximation(self) -> str:
        return APPROXIMATIONS[self.method]

    @property
    def unwritten(self) -> str:
        return "f and h of a NonlinearStateSpace are Python functions, which the notation cannot write"

    @property
    def may_use_given(self) -> bool:
        return True

    def arguments(self) -> list[str]:
        shown = [_called(self.f), _called(self.h), written(self.size)]
        if self.count:
            shown.append(str(list(self.names)) if self.names else str(self.count))
        if any(j is not None for j in self.jacobians):
            shown.append(f"jacobians=({', '.join(_called(j) for j in self.jacobians)})")
        return shown if self.method == "extended" else [*shown, f"method={self.method!r}"]

    def open_slots(self) -> list[str]:
        partly = [n for n in self.domains if isinstance(v := getattr(self, n), np.ndarray) and np.isnan(v).any()]
        return [*super().open_slots(), *partly]

    def own_dims(self) -> dict[str, int]:
        return {"d": 1, **super().own_dims(), **self._dims(0)}

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(**self._dims(setting.dims.get("p", 0)))

    def _dims(self, p: int) -> dict[str, int]:
        dims = {"m": self.size, "q": self.count, "p": p}
        for letter, function in (("g", self.f), ("l", self.h)):
            if isinstance(function, Features):
                dims[letter] = function.size(self.size, p)
        return dims

    def domain(self, name: str) -> Domain:
        return self.domains[name]

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        if not isinstance(setting, Setting):
            setting = Setting(setting or {"d": 1, "p": 0})
        if setting.dims.get("items") == 1 and self.P0 is free and not isinstance(self.m0, float | np.ndarray):
            return self._changed(P0=0.0).bind(axes, setting)._changed(P0=free)  # where its likelihood is highest
        dims = {**setting.dims, **self._dims(setting.dims.get("p", 0))}
        narrow = {}
        for name in NOISES:
            declared = NonlinearStateSpace.domains[name]
            assert isinstance(declared, Noise)
            size = declared.shape(dims)[0]
            found = noise_of(declared, "NonlinearStateSpace", name, getattr(self, name), size)
            if found is not None:
                narrow[name] = found
        written_so = {n: getattr(self, n) for n in narrow}
        at_place = self._changed(domains={**self.domains, **narrow}, **dict.fromkeys(narrow, free))
        out = super(NonlinearStateSpace, at_place).bind(axes, setting)._changed(**written_so)
        return out if "sides" in self.__dict__ else out._changed(sides=self._sides(dims))

    def _sides(self, dims: dict[str, int]) -> tuple[Side, Side]:
        m, p, q = dims["m"], dims["p"], self.count
        table = (
            ("f", self.f, m, "state", "state", "Q", "A", self.jacobians[0]),
            ("h", self.h, dims["d"], "column", "rows", "R", "C", self.jacobians[1]),
        )
        out = []
        for name, function, size, each, stats, noise, coefficients, jacobian in table:
            if isinstance(function, Features):
                out.append(Side(stats, noise, function.written(m, p), coefficients, function))
            else:
                one = Written(name, function, size, each, self.names, jacobian).probed(m, p, q)
                if self.derives:
                    one.refuse_steps(m, p, q)
                out.append(Side(stats, noise, one))
        return out[0], out[1]

    def publish(self, params: Params) -> Self:
        out = super().publish(params)
        domains = {n: NonlinearStateSpace.domains[n] for n in out.domains}
        for name in ("sides", "domains"):
            out.__dict__.pop(name, None)
        return out._changed(domains=domains)

    def check_rows(self, setting: Setting) -> None:
        return None  # rows may be missing in part

    def fits(self, x: Array) -> Array:
        return np.isfinite(x) | np.isnan(x)

    # -- the protocol
    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        data = in_sequences(data)
        hidden = Hidden.of(self, params, data)
        return Posterior(hidden.log_prob, hidden, None, hidden.slack, stopped=hidden.stopped)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> NonlinearStats:
        assert posterior is not None
        with np.errstate(all="ignore"):
            return posterior.hidden.collected(weights)

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        return first_params(self, in_sequences(data), weights, rng)

    def maximize(self, stats: NonlinearStats, params: Params | None = None) -> Params:
        assert params is not None  # a start needs no M-step
        with np.errstate(all="ignore"):  # functions of the user, at steps that may not be kept
            return maximised(self, stats, params)

    def expected_log_density(self, params: Params, stats: NonlinearStats) -> Array:
        with np.errstate(all="ignore"):
            return expected(self, params, stats)

    def draw(self, params: Params, members: Array, data: Any, rng: np.random.Generator) -> Array:
        return walk(self, params, members, in_sequences(data), rng)[0]


def _called(function: Any) -> str:
    return repr(function) if isinstance(function, Features) else getattr(function, "__name__", repr(function))


def check_made(f: Any, h: Any, size: Any, parameters: Any, method: str, jacobians: Any) -> None:
    """Are these functions, numbers and names a model can be made of?"""
    for name, function in (("f", f), ("h", h)):
        if not (callable(function) or isinstance(function, Features)):
            raise ModelError(
                f"NonlinearStateSpace({name}={function!r}): it needs a function {name}(x, u, theta), or Features."
            )
    if not isinstance(size, int | np.integer) or size < 1:
        raise ModelError(f"NonlinearStateSpace(..., size={size!r}): the number of states is 1 or above.")
    if method not in METHODS:
        raise ModelError(f"method={method!r}; the methods are 'extended', 'iterated' and 'unscented'.")
    if isinstance(parameters, int | np.integer):
        known = parameters >= 0
    else:
        known = not isinstance(parameters, str) and len(set(parameters)) == len(parameters)
        known = known and all(isinstance(n, str) for n in parameters)
    if not known:
        raise ModelError(f"parameters={parameters!r}; they are a number, or a list of distinct names.")
    if jacobians is not None and len(jacobians) != 2:
        raise ModelError(f"jacobians has {len(jacobians)} entries; it needs two, that of f and that of h (or None).")


def check_absent(values: dict[str, Any]) -> None:
    """Nothing may stand in slots that this model does not have."""
    for name, value in values.items():
        if value is not free:
            why = "parameters= says how many it has" if name == "theta" else "it is for functions that are Features"
            raise ModelError(f"NonlinearStateSpace.{name} = {written(value)}, and there is none; {why}.", slot=name)
