"""The hidden Markov model: a hidden state, which moves from row to row, says which emission each row comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import Simplex, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior, Sweep
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Stats
from likely.core.written import free, written
from likely.errors import ModelError
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.chain_questions import ChainQuestions
from likely.structures.chain_starts import first_moves, first_states
from likely.structures.chain_sweep import chain_sweep
from likely.structures.chains import Chained, Path, below, in_sequences, log_densities, seen
from likely.structures.dynamics import Markov, shares
from likely.structures.stationary import MayBeStationary, check_one_class
from likely.structures.transitions import check_moves, sizes_of


@dataclass(frozen=True)
class HMMStats(Stats):
    """Expected numbers of first states and of moves, and the statistics of the emissions."""

    initial: Array | None = None  # (k, m)
    transition: Any = None  # (k m, m): row i of a member counts the moves from its state i; or those of a regression
    emission: Any = None  # of the bank of k m members
    durations: Any = None


def _regressed() -> Any:
    """Moves that depend on covariates; imported when a model has them."""
    return import_module("likely.structures.moving")


def _lasting() -> Any:
    """States that last as a family says; imported when a model has them."""
    return import_module("likely.structures.semi_markov")


class HMM(ChainQuestions, MayBeStationary, Family):
    """A hidden Markov model of sequences; the row at time t comes from the emission of the hidden state at time t.

    Parameters
    ----------
    emission : Family              any family of the library: also a mixture, a product, a regression on covariates
    size : int or choose(...)      number of states m
    initial : array (m,), Dirichlet, shared or "stationary"      probability of each state at the first row of a
                                   sequence; "stationary" begins as the chain goes on, with no parameters of its own
    transition : array (m, m), Dirichlet or shared      transition[i, j] = P(state j follows state i); rows sum to one.
                                   NaN entries are free and zeros stay zeros: [[nan, nan], [0, 1]] moves only forward.
                                   SoftmaxRegression() makes moves depend on covariates: those of a row act on the
                                   move that leads to it (and not all moves may then be known to be impossible)
    durations : Family of counts   how many rows a stay lasts, less one, in each state (a hidden semi-Markov model);
                                   moves then always lead to another state. Left out, stays are geometric

    Raises
    ------
    ModelError      no family, no number of states; a row of `transition` that cannot sum to one; a state that cannot be
                    reached; a stationary start where several distributions are stationary, or with covariates or
                    durations

    Notes
    -----
    EM is Baum-Welch (Baum et al. 1970; Rabiner 1989): expected states and moves by forward-backward, then `initial` and
    `transition` are their proportions, and every emission is fitted to all rows, weighted by the probability of its
    state. Rows with labels are known states. A row that is missing (NaN) weighs nothing; the chain moves through it.

    With a stationary start the M-step of the moves has no closed form: it is climbed, and never falls (Zucchini,
    MacDonald & Langrock 2016, section 4.2.5). With durations, the first stay begins at the first row, and the last is
    cut by the end of the sequence: it counts by the probability to last at least so long (Guedon 2003). A pass then
    costs n m (m + D), where D is how many durations matter. An autoregressive emission is a regression on the rows
    before: see `lagged`.

    Examples
    --------
    >>> import likely as lk
    >>> weather = lk.HMM(lk.Bernoulli([0.9, 0.2]), 2, initial=[0.5, 0.5], transition=[[0.7, 0.3], [0.3, 0.7]])
    >>> weather.log_prob([1, 1, 0, 1, 1]).round(4)  # an umbrella was seen, or not
    array([-3.3725])
    >>> turns = [[0, 1], [1, 0]]
    >>> work = lk.HMM(lk.Normal([0, 5], 1), 2, initial=[1, 0], transition=turns, durations=lk.Poisson([3, 8]))
    >>> work.sample(9, seed=1).round(1)
    array([ 0. , -0.3, -0.8, -0.3,  5. ,  4.7,  6.3,  6. ,  2.3])
    """

    emission: Family
    size: Any
    initial: Value = Simplex("m", doc="probability of each state at the first row")
    transition: Value = Simplex("m", doc="probability of each state after each state")

    priors = {"initial": ("Dirichlet",), "transition": ("Dirichlet",)}
    axis = "state"
    hidden = True
    labels_rows = True
    reads_missing = True

    def __init__(
        self, emission: Any, size: Any = None, *, initial: Value = free, transition: Value = free, durations: Any = None
    ):  # fmt: skip
        if not isinstance(emission, Family):
            raise ModelError(f"HMM({emission!r}, ...): the emission must be a family, as in HMM(Normal(), 2).")
        size = sizes_of(size, f"HMM({emission!r}, {size!r})")
        self.__dict__.update(emission=emission, size=size, initial=initial, transition=transition, durations=durations)
        if durations is not None:
            _lasting().check_durations(durations, transition, initial, size)
        if self.moving:
            _regressed().check_regression(transition, size, stationary=self.stationary)
        settled = ["initial"] * self.stationary + ["transition"] * self.moving
        self.__dict__["domains"] = {n: d for n, d in HMM.domains.items() if n not in settled}
        self._fill(**{n: getattr(self, n) for n in self.domains})

    @property
    def moving(self) -> bool:
        """Do moves depend on covariates?"""
        return isinstance(self.transition, Family) and self.transition.uses_given

    @property
    def dynamics(self) -> Markov:
        """How the chain goes on."""
        if self.durations is not None:
            return _lasting().SemiMarkov()
        return _regressed().Moving() if self.moving else Markov()

    @property
    def sequential(self) -> bool:
        return True

    @property
    def several_columns(self) -> bool:
        return self.emission.several_columns

    @property
    def uses_given(self) -> bool:
        return self.emission.uses_given or self.moving

    @property
    def reads_text(self) -> bool:
        return self.emission.reads_text

    def arguments(self) -> list[str]:
        settled = [f"{n}={written(getattr(self, n))}" for n in ("initial", "transition") if n not in self.domains]
        lasting = [] if self.durations is None else [f"durations={written(self.durations)}"]
        return [written(self.emission), written(self.size), *settled, *lasting]

    def parts(self) -> dict[str, Family]:
        out = {"emission": self.emission}
        if self.moving:
            out["transition"] = self.transition
        return out if self.durations is None else {**out, "durations": self.durations}

    def own_dims(self) -> dict[str, int]:
        own = self.transition.own_dims() if self.moving else {}
        return {**{n: size for n, size in own.items() if n == "p"}, **self.emission.own_dims()}

    def own_setting(self, setting: Setting) -> Setting:
        return setting.with_(m=self.size)

    def part_setting(self, name: str, setting: Setting) -> Setting:
        if name == "emission":
            return setting
        return _regressed().of_moves(setting) if name == "transition" else setting.with_(d=1, p=0, rows=None)

    def part_axes(self, setting: Setting) -> tuple[Axis, ...]:
        return (Axis("state", self.size),)

    def slot_axes(self, name: str, setting: Setting) -> tuple[Axis, ...]:
        return (Axis("state", self.size),) if name == "transition" else ()

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        check_moves(self)
        if self.moving:
            return super(HMM, self._changed(transition=_regressed().of_states(self.transition, self.size))).bind(
                axes, setting
            )
        out = super().bind(axes, setting)
        if self.durations is not None:
            out = out._changed(
                slots={**out.slots, "transition": _lasting().leaving(out.slots["transition"], self.size)}
            )
        if self.stationary:
            check_one_class(out.slots["transition"].known, self.size)
        return out

    def publish(self, params: Params) -> Self:
        out = super().publish(params)
        return out._changed(transition=_regressed().plainly(out.transition)) if self.moving else out

    def fits(self, x: Array) -> Array:
        return self.emission.fits(x) | np.isnan(x)

    def needs(self, column: int) -> str:
        return self.emission.needs(column)

    def example(self, d: int) -> Array:
        return self.emission.example(d)

    def distinct_members(self) -> int:
        return self.size

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        data = in_sequences(data)
        k, m = params.initial.shape
        child = self._emitted(params.emission, below(data), temperature)
        density, there = seen(child.log_prob.reshape(-1, k, m), data.rows.absent, data.rows.labels)
        hidden = Chained(self.chains(params, density, data, temperature), data.offsets)
        log_prob = np.stack([c.log_prob for c in hidden.members], 1)

        def slack() -> Array:
            return self._slack(params, hidden, child, data, there, log_prob)

        return Posterior(log_prob, hidden, child, slack, stopped=hidden.stopped)

    def _emitted(self, params: Params, rows: Table, temperature: float) -> Posterior:
        """What the emissions make of rows; where nothing is hidden in them, their log densities are all there is."""
        if self.emission.hidden:
            return self.emission.infer(params, rows, temperature)
        return Posterior(log_densities(self.emission, params, rows))

    def chains(self, params: Params, density: Array, data: Any, temperature: float = 1.0) -> Sequence[Path]:
        """The chain of every member, where the rows have log densities (n, k, m) under its states.

        Whatever the start, the moves and the durations are, this says what is known of the hidden states. At
        temperature 0 it is the most probable path.
        """
        return self.dynamics.chains(self, params, density, in_sequences(data), temperature)

    def _slack(
        self, params: Params, hidden: Chained, child: Posterior, data: Any, there: Any, log_prob: Array
    ) -> Array:  # fmt: skip
        """(S, k): log probabilities less expected complete log densities, below and here."""
        shape = hidden.gamma.shape
        inner = child.log_prob.reshape(shape) - child.slack.reshape(shape)
        rows = np.where(hidden.gamma > 0, hidden.gamma * inner, 0.0)
        rows = (rows if there is None else np.where(there, rows, 0.0)).sum(2)
        expected = np.add.reduceat(rows, data.offsets[:-1])
        first = special.xlogy(hidden.gamma[data.offsets[:-1]], params.initial).sum(2)
        return log_prob - expected - first - self.dynamics.worth(self, params, hidden, data)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> HMMStats:
        assert posterior is not None
        data = in_sequences(data)
        w = weights[data.owner][:, :, None] * posterior.hidden.gamma
        absent = data.rows.absent
        if absent is not None:
            w = np.where(absent.reshape(len(w), -1, 1), 0.0, w)
        inner = None if params is None else params.emission
        known = posterior.child if self.emission.hidden else None
        own = self.emission.collect(inner, known, below(data), w.reshape(len(w), -1))
        moves = self.dynamics.counted(self, posterior.hidden, data, weights)
        return HMMStats(initial=posterior.hidden.first(weights), emission=own, **moves)

    @property
    def sweeps(self) -> bool:
        return self.k == 1 and type(self.dynamics) is Markov

    def sweep(self, params: Params, temperature: float = 1.0) -> Sweep | None:
        return chain_sweep(self, params, HMMStats) if self.sweeps and temperature == 1 else None

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        data = in_sequences(data)
        w = weights[data.owner]
        r = first_states(self, data, w, rng, kind)
        first, moves = first_moves(r, data, weights, rng)
        absent = data.rows.absent
        rows = w[:, :, None] * r if absent is None else np.where(absent.reshape(len(w), -1, 1), 0.0, w[:, :, None] * r)
        emission = self.emission.start(below(data), rows.reshape(len(w), -1), rng, kind)
        own = self.dynamics.begin(self, moves, r, data, weights, rng)
        return self._with_first(Params(**own, emission=emission), first, None)

    def _with_first(self, params: Params, first: Array, old: Params | None) -> Params:
        """With the probabilities of first states, of which so many (k, m) were counted."""
        if self.stationary:
            return self._begun(params)
        return params.replace(initial=shares(self.slots["initial"], first, None if old is None else old.initial))

    def m_step(self, stats: HMMStats, params: Params | None) -> Params:
        emission = self.emission.maximize(stats.emission, None if params is None else params.emission)
        own = self.dynamics.maximised(self, stats, params)
        assert stats.initial is not None
        return self._with_first(Params(**own, emission=emission), stats.initial, params)

    def expected_log_density(self, params: Params, stats: HMMStats) -> Array:
        own = self.emission.expected_log_density(params.emission, stats.emission)
        first = special.xlogy(stats.initial, params.initial)
        return first.sum(-1) + self.dynamics.expected(self, params, stats) + own.reshape(first.shape).sum(-1)

    def pretend(self, name: str, prior: Family) -> HMMStats:
        return HMMStats(**{name: prior.known_params().alpha - 1})

    def draw(self, params: Params, members: Array, data: Any, rng: np.random.Generator) -> Array:
        data = in_sequences(data)
        states = self.dynamics.walk(self, params, members, data, rng)
        return self.emission.draw(params.emission, members[data.owner] * self.size + states, data.rows, rng)

    def present(self, x: Array) -> Any:
        return self.emission.present(x)
