"""What a person asks of a hidden Markov model: its states, where they lead, draws, and how well it foretells rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.face import Face
from likely.errors import DataError, ModelError
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.asked import asked, handed_out
from likely.structures.chain_known import Decoding, Known
from likely.structures.chain_unrolled import unroll
from likely.structures.forecast import Forecast, means
from likely.structures.stationary import stationary

METHODS = ("viterbi", "posterior")
LOG_2 = float(np.log(2.0))


class ChainQuestions(Face):
    """The public questions; mixed into the hidden Markov model, with every slot filled.

    `x` is one sequence, or a list of them. Answers about rows lie end to end in the order of the data; with
    `split=True` they come as a list with one array for each sequence. Rows that are NaN are missing: the chain moves
    through them.
    """

    size: Any
    emission: Any
    initial: Any
    transition: Any
    durations: Any
    moving: Any

    def decode(
        self, x: Any, given: Any = None, *, method: str = "viterbi", paths: int = 1, names: Sequence[str] = ()
    ) -> Decoding:
        """The most probable hidden states.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        given : array, optional       (n, p) covariates
        method : str                  "viterbi": the most probable path; "posterior": the most probable state of each
                                      row by itself, which together may hold moves of probability zero
        paths : int                   so many of the most probable paths, best first (of "viterbi")
        names : list of str           what states are called, instead of by number from 0

        Returns
        -------
        Decoding      `.states` (n,), `.log_prob` (S,) together with the rows, `.paths` (paths, n) and `.log_probs`
                      (paths, S); `.split()` has the states of each sequence. `np.asarray` gives the states

        Raises
        ------
        DataError      a sequence is impossible: the message names the row at which it becomes so

        Notes
        -----
        Viterbi (1967), exactly and in logarithms; of equally probable paths that with the lowest last state comes
        first, then with the lowest before it, and so on.

        Examples
        --------
        >>> import likely as lk
        >>> moves = [[0.7, 0.3], [0.3, 0.7]]
        >>> weather = lk.HMM(lk.Bernoulli([0.9, 0.2]), 2, initial=[0.5, 0.5], transition=moves)
        >>> weather.decode([1, 1, 0, 1, 1], names=["rain", "dry"]).states.tolist()
        ['rain', 'rain', 'dry', 'rain', 'rain']
        """
        if method not in METHODS:
            raise ModelError(f"decode(method={method!r}): the methods are 'viterbi' and 'posterior'.")
        if paths < 1 or (paths > 1 and method != "viterbi"):
            why = "at least one is needed" if paths < 1 else "several paths are those of method='viterbi'"
            raise ModelError(f"decode(paths={paths}): {why}.")
        return self._known(x, given).decode(method, paths, names)

    def smoothed(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given all rows of its sequence."""
        known = self._known(x, given)
        return _told(known.gamma, known, split)

    def filtered(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given the rows up to it."""
        known = self._known(x, given)
        return _told(known.filtered(), known, split)

    def predicted(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given the rows before it."""
        known = self._known(x, given)
        return _told(known.predicted(), known, split)

    def pairwise(self, x: Any, given: Any = None, *, rows: bool = False, split: bool = False) -> Any:
        """(S, m, m): expected number of moves from each state to each, in each sequence.

        With `rows=True` (n, m, m): the probability of each move from the row before to this one, zero at first rows.
        """
        known = self._known(x, given)
        if not rows:
            return known.pairwise(known.data.owner)
        return _told(known.pairwise(np.arange(len(known.data.rows))), known, split)

    def entropy(self, x: Any, given: Any = None) -> Array:
        """(S,): how uncertain the path of each sequence is, in nats: -sum p log p over all paths.

        It is worked out from the expected moves (Hernando, Crespi & Cybenko 2005), not path by path.
        """
        return self._known(x, given).entropy()

    def sample_paths(self, x: Any, size: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None) -> Array:
        """(size, n): hidden paths drawn from their distribution given all rows.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        size : int                    how many paths
        seed : int or Generator       the same seed gives the same paths
        given : array, optional       (n, p) covariates

        Notes
        -----
        Forward filtering, backward sampling (Carter & Kohn 1994): draws are independent, and exact.
        """
        return self._known(x, given).drawn(size, np.random.default_rng(seed))

    def forecast(self, h: int, x: Any = None, given: Any = None) -> Forecast:
        """States and observations 1, 2, ... h rows after the end of every sequence.

        Parameters
        ----------
        h : int                       how many rows ahead
        x : array, list or frame      what was seen; without it, the forecast is from the beginning of a sequence
        given : array, optional       (n, p) covariates of x

        Returns
        -------
        Forecast      `.states` (S, h, m); `.at(step, sequence)` is the distribution of an observation; `.mean` (S, h)
                      and `.quantile(q)` (S, h)

        Examples
        --------
        >>> import likely as lk
        >>> quiet = lk.HMM(lk.Poisson([2.0, 9.0]), 2, initial=[1, 0], transition=[[0.9, 0.1], [0.5, 0.5]])
        >>> ahead = quiet.forecast(2, [1, 3, 8, 10])
        >>> ahead.mean.round(3), ahead.quantile(0.9)
        (array([[5.499, 4.1  ]]), array([[11., 10.]]))
        """
        if h < 1:
            raise ModelError(f"forecast({h}): at least one step ahead is needed.")
        if self.moving:
            raise ModelError(f"forecast({h}): moves depend on covariates, which are not known of rows to come.")
        states = self._from_the_beginning(h) if x is None else self._known(x, given, h).forecast(h)
        return Forecast(states, self._published())

    def _from_the_beginning(self, h: int) -> Array:
        """(1, h, m): probabilities of states at the first rows of a sequence of which nothing is known."""
        bound = self._alone()
        chain = unroll(bound, bound.known_params(), None, h)
        moves, steps = np.exp(chain.log_moves[0]), [np.exp(chain.log_initial)]
        for _ in range(h - 1):
            steps.append(steps[-1] @ moves)
        return chain.summed(np.stack(steps)[None])

    def _published(self) -> Any:
        """The emission with an entry for each state in every slot."""
        bound = self._alone()
        return bound.emission.publish(bound.known_params().emission)

    def sample(
        self, n: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None, sequences: int | None = None,
        states: bool = False,
    ) -> Any:  # fmt: skip
        """Draw a sequence of n rows, or several.

        Parameters
        ----------
        n : int                      rows of a sequence
        seed : int or Generator      the same seed gives the same draws
        given : array, optional      (n, p) covariates, for emissions that condition on them; those of every sequence
        sequences : int              a list of so many sequences, instead of one alone
        states : bool                also the hidden states

        Returns
        -------
        array (n,) or (n, d), or a list of them; with states=True the pair (draws, states), states (n,) or a list

        Examples
        --------
        >>> import likely as lk
        >>> model = lk.HMM(lk.Normal([0, 9], 1.0), 2, initial=[1, 0], transition=[[0, 1], [1, 0]])
        >>> x, z = model.sample(4, states=True)
        >>> x.round().tolist(), z.tolist()
        ([-1.0, 9.0, 1.0, 10.0], [0, 1, 0, 1])
        """
        u, n, count = asked(n, given, sequences)
        bound = self._alone(p=0 if u is None else u.shape[1])
        if bound.uses_given and u is None:
            raise DataError("the model conditions on covariates; sample(given=...) needs them, one row a draw.")
        rows = Table(np.zeros((n * count, 1)), given=None if u is None else np.tile(u, (count, 1)))
        data = Sequences(rows, np.arange(count + 1) * n)
        draws, path = _walk(bound, data, np.random.default_rng(seed))
        parts = [slice(a, a + n) for a in data.offsets[:-1]]
        x = [bound.present(draws[rows]) for rows in parts]
        z = [path[rows] for rows in parts]
        return handed_out(x, z, sequences, states)

    def expected_durations(self) -> Array:
        """(m,): how many rows the chain is expected to stay once it came to a state.

        1 / (1 - transition[i, i]); of states with durations, one more than their mean.
        """
        if self.durations is not None:
            self._require_filled()
            return 1 + np.broadcast_to(means(self.durations), (self.size,))
        stay = np.diagonal(self._moves())
        return np.divide(1.0, 1 - stay, out=np.full(len(stay), np.inf), where=stay < 1)

    def stationary_distribution(self) -> Array:
        """(m,): share of rows the chain spends in each state in the long run.

        Of states with durations: share of stays times their mean duration, as shares (Cinlar 1975, section 10.5).

        Raises
        ------
        ModelError      it never leaves some states once it is there, and which ones that are depends on the beginning

        Notes
        -----
        By elimination without subtractions (Grassmann, Taksar & Heyman 1985): small shares are as precise as others.
        """
        moves = self._moves()
        if len(classes := _closed(moves > 0)) > 1:
            sets = " and ".join("{" + ", ".join(map(str, c)) + "}" for c in classes)
            raise ModelError(
                f"stationary_distribution(): the chain never leaves {sets} once it is in one of them, so the long run "
                "depends on where it begins. Look at forecast(h), which knows where it is.",
                slot="transition",
            )
        shares = stationary(moves[None])[0]
        if self.durations is None:
            return shares
        rows = shares * self.expected_durations()
        return rows / rows.sum()

    def residuals(self, x: Any, given: Any = None, *, interval: bool = False, split: bool = False) -> Any:
        """Pseudo-residuals of one column: how each row compares with what the rows before it foretold.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        given : array, optional       (n, p) covariates
        interval : bool               (n, 2): both ends of the interval that a count has, instead of its middle (n,)
        split : bool                  a list with one array for each sequence

        Returns
        -------
        array (n,)      standard normal under the model, NaN at missing rows

        Raises
        ------
        ModelError      several columns, or an emission without cdf

        Notes
        -----
        Phi^-1(sum_i P(state i | rows before) F_i(x)), the ordinary (forecast) pseudo-residual of Zucchini, MacDonald &
        Langrock (2016, section 6.2). A value with a probability of its own has an interval, from P(less) to P(at most);
        its middle is that of the two probabilities.
        """
        known = self._known(x, given)
        if known.data.rows.d != 1:
            raise ModelError(f"residuals are of one column; the data has {known.data.rows.d}.")
        try:
            less, above, at_most, at_least = known.tails()
        except ModelError as error:
            raise ModelError(f"residuals need a distribution function; {error}") from error
        if interval:
            found = np.stack([_normal(less, at_least), _normal(at_most, above)], 1)
        else:
            found = _normal(np.logaddexp(less, at_most) - LOG_2, np.logaddexp(above, at_least) - LOG_2)
        found[np.isnan(known.data.rows.x[:, 0])] = np.nan
        return _told(found, known, split)

    def _known(self: Any, x: Any, given: Any, ahead: int = 0) -> Known:
        """The chain in front of some data."""
        self._require_filled()
        data = x if isinstance(x, Sequences) else self._door(x, given)
        return Known.of(self, data, ahead)

    def _moves(self) -> Array:
        """(m, m) of the filled model, where moves are the same at all rows."""
        self._require_filled()
        if self.moving:
            raise ModelError(
                "this is told of chains whose moves are the same at all rows, and here they depend on covariates.",
                slot="transition",
            )
        return np.broadcast_to(self.transition, (self.size, self.size))


def _closed(steps: Array) -> list[list[int]]:
    """The sets of states that reach one another, and nothing else, by possible moves (m, m)."""
    reach = steps | np.eye(len(steps), dtype=bool)
    for k in range(len(steps)):
        reach |= reach[:, [k]] & reach[k]
    closed = {tuple(np.flatnonzero(row).tolist()) for row in reach if reach[np.ix_(row, row)].all()}
    return [list(c) for c in sorted(closed)]


def _told(values: Array, known: Known, split: bool) -> Any:
    """Values of rows end to end, or sequence by sequence."""
    return np.split(values, known.offsets[1:-1]) if split else values


def _normal(below: Array, above: Array) -> Array:
    """The quantile of the standard normal at a probability given by the logarithms of it and of the rest."""
    return np.where(below < above, special.ndtri_exp(below), -special.ndtri_exp(above))


def _walk(bound: Any, data: Sequences, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draws (n, d) and hidden states (n,)."""
    params = bound.known_params()
    path = bound.dynamics.walk(bound, params, np.zeros(len(data), np.int64), data, rng)
    return bound.emission.draw(params.emission, path, data.rows, rng), path
