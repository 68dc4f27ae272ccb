"""What a person asks of a state space: its states, where they lead, draws, gaps, and how well it foretells rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from likely.core.data import Sequences
from likely.core.face import Face
from likely.core.written import plain
from likely.errors import DataError, ModelError
from likely.numerics.soft import Array
from likely.structures.asked import asked, handed_out
from likely.structures.chains import in_sequences
from likely.structures.state_blocks import Blocks, canonical_map, require_certain, require_stable
from likely.structures.state_draws import drawn, paths
from likely.structures.state_errors import disturbances, flat, imputed, scaled_errors, whitened
from likely.structures.state_forecast import StateForecast, ahead, inputs_to_come
from likely.structures.state_known import States
from likely.structures.state_stationary import stationary
from likely.structures.state_tracked import undetermined


class StateQuestions(Face):
    """The public questions; mixed into the state space, with every slot filled.

    `x` is one sequence, or a list of them, and `given` its inputs. Answers about rows lie end to end in the order of
    the data; with `split=True` they come as a list with one for each sequence. Entries that are NaN are missing: the
    states move through them.
    """

    _believed: Callable[..., tuple[Any, Sequences]]

    def filtered(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """`States` (n, m) given the rows up to each: mean m_t and covariance P_t of the Kalman filter.

        The variance of a state of which nothing is known yet (a diffuse start) is infinite.

        Examples
        --------
        >>> import likely as lk
        >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1469.1, R=15099, m0=0, P0=1e7)
        >>> level.filtered([1120, 1160, 963]).mean.ravel().round(3)
        array([1118.311, 1140.108, 1072.316])
        """
        known, data = self._known(x, given)
        return _told(States(known.filtered_mean, known.filtered_cov), data, split)

    def predicted(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """`States` (n, m) given the rows before each; at first rows m0 and P0."""
        known, data = self._known(x, given)
        return _told(States(known.predicted_mean, known.predicted_cov), data, split)

    def smoothed(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """`States` (n, m) given all rows of their sequence; `.lagged` (n, m, m) is Cov(x_t, x_{t-1}), 0 at first rows.

        Examples
        --------
        >>> import likely as lk
        >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
        >>> known = level.smoothed([3.0, np.nan, 5.0])
        >>> known.mean.ravel().round(3), known.sd.ravel().round(3)
        (array([3.667, 4.   , 4.333]), array([1.155, 1.225, 1.155]))
        """
        known, data = self._known(x, given)
        return _told(States(known.mean, known.cov, known.lagged), data, split)

    def expected(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """(n,), or (n, d) of several columns: E(y_t | rows before), NaN while nothing is known of it (a diffuse start).

        Examples
        --------
        >>> import likely as lk
        >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, m0=3, P0=1)
        >>> level.expected([3.0, 6.0, 5.0]).round(3)
        array([3.   , 3.   , 4.364])
        """
        known, data = self._known(x, given)
        blocks = self._blocks(data.rows.p)
        rows = known.predicted_mean @ blocks.C.T + blocks.level(data.rows.given, len(data.rows))
        rows[np.isinf(np.einsum("ndd->nd", known.innovation_cov))] = np.nan
        return _told(flat(rows), data, split)

    def innovations(self, x: Any, given: Any = None, *, standardised: bool = True, split: bool = False) -> Any:
        """One-step prediction errors y_t - E(y_t | rows before), NaN where nothing was observed.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        given : array, optional       (n, p) inputs
        standardised : bool           each over its own standard deviation (NaN while that is infinite, after a diffuse
                                      start); else as they are, in the units of the data
        split : bool                  a list with one array for each sequence

        Returns
        -------
        array (n,), or (n, d) of several columns, which may be correlated within a row: `residuals` are not
        """
        known, data = self._known(x, given)
        errors = known.innovation
        if standardised:
            errors = scaled_errors(errors, known.innovation_cov)
        return _told(flat(errors), data, split)

    def residuals(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """Standardised one-step prediction errors: independent standard normal under the model.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        given : array, optional       (n, p) inputs
        split : bool                  a list with one array for each sequence

        Returns
        -------
        array (n,), or (n, d) of several columns; NaN where nothing was observed, and while the variance of a prediction
        is infinite, after a diffuse start

        Notes
        -----
        L^-1 e with the innovations e of a row and L L' their covariance, lower triangular: the first column is compared
        with the rows before alone, each other one also with the columns before it (Durbin & Koopman 2012, 2.12).
        """
        known, data = self._known(x, given)
        return _told(flat(whitened(known.innovation, known.innovation_cov)), data, split)

    def disturbances(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """`Disturbances`: what all rows say of the noise of each row, w of the state and v of what is observed.

        Their auxiliary residuals, `.state_residuals` and `.observation_residuals`, are large where the level of the
        states breaks, and where a row is an outlier (Harvey & Koopman 1992; Durbin & Koopman 2012, section 7.5). Under
        the model each is standard normal, and those of neighbouring rows are correlated. NaN where there is no noise.
        """
        known, data = self._known(x, given)
        return _told(disturbances(self._blocks(data.rows.p), known, data), data, split)

    def impute(self, x: Any, given: Any = None, *, split: bool = False) -> Any:
        """`Imputed`: the rows with expectations in place of what is missing, given all that was observed.

        The observed entries of the same row tell of its missing ones also through R. `.sd` is how uncertain they are,
        0 where something was observed.

        Examples
        --------
        >>> import likely as lk
        >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
        >>> whole = level.impute([3.0, np.nan, 5.0])
        >>> whole.values, whole.sd.round(3)
        (array([3., 4., 5.]), array([0.   , 1.871, 0.   ]))
        """
        known, data = self._known(x, given)
        return _told(imputed(self._blocks(data.rows.p), known, data), data, split)

    def forecast(self, h: int, x: Any = None, given: Any = None, *, future: Any = None) -> StateForecast:
        """Rows and states 1, 2, ... h rows after the end of every sequence.

        Parameters
        ----------
        h : int                       how many rows ahead
        x : array, list or frame      what was seen; without it, the forecast is from the beginning of a sequence
        given : array, optional       (n, p) inputs of x
        future : array (h, p)         inputs of the rows to come, for all sequences alike, or a list with one for each

        Returns
        -------
        StateForecast      `.mean` (S, h) or (S, h, d), `.covariance`, `.sd`, `.interval(level)`, `.quantile(q)`, and
                           `.states`

        Raises
        ------
        DataError       inputs of the rows to come are missing, or do not fit
        ModelError      fewer than one row ahead, or a diffuse start and nothing that was seen

        Examples
        --------
        >>> import likely as lk
        >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=2, P0="diffuse")
        >>> seen = level.forecast(2, [3.0, 4.0, 5.0])
        >>> seen.mean.round(2), seen.sd.round(2), seen.interval(0.9).round(1)[0, 0]
        (array([[4.33, 4.33]]), array([[2.01, 2.25]]), array([1. , 7.6]))
        """
        if h < 1:
            raise ModelError(f"forecast({h}): at least one step ahead is needed.")
        if x is None:
            blocks = self._blocks()
            require_certain(blocks, f"forecast({h}) from the beginning")
            return ahead(blocks, None, inputs_to_come(future, h, 1, blocks.p), h)
        known, data = self._known(x, given)
        blocks, last = self._blocks(data.rows.p), data.offsets[1:] - 1
        states = States(known.filtered_mean[last], known.filtered_cov[last])
        return ahead(blocks, states, inputs_to_come(future, h, len(data), blocks.p), h)

    def sample(
        self, n: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None, sequences: int | None = None,
        states: bool = False,
    ) -> Any:  # fmt: skip
        """Draw a sequence of n rows, or several.

        Parameters
        ----------
        n : int                      rows of a sequence
        seed : int or Generator      the same seed gives the same draws
        given : array, optional      (n, p) inputs, those of every sequence; they say how many rows there are
        sequences : int              a list of so many sequences, instead of one alone
        states : bool                also the hidden states

        Returns
        -------
        array (n,) or (n, d), or a list of them; with states=True the pair (draws, states), states (n, m) or a list

        Raises
        ------
        ModelError      a diffuse start, which says nothing of where a series begins
        DataError       inputs are missing

        Examples
        --------
        >>> import likely as lk
        >>> swing = lk.StateSpace(2, A=[[0, -1], [1, 0]], C=[[1, 0]], d=5, Q=0, R=0, m0=[1, 0], P0=0)
        >>> swing.sample(5)
        array([6., 5., 4., 5., 6.])
        """
        u, n, count = asked(n, given, sequences)
        blocks = self._blocks(0 if u is None else u.shape[1])
        if blocks.p and u is None:
            raise DataError("the model conditions on covariates; sample(given=...) needs them, one row a draw.")
        require_certain(blocks, "sample()")
        offsets = np.arange(count + 1) * n
        every = None if u is None else np.tile(u, (count, 1))
        z, x = drawn(blocks, every, offsets, np.random.default_rng(seed))
        x, z = np.split(flat(x), offsets[1:-1]), np.split(z, offsets[1:-1])
        return handed_out(x, z, sequences, states)

    def sample_paths(self, x: Any, size: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None) -> Array:
        """(size, n, m): paths of states drawn from their distribution given all rows.

        Parameters
        ----------
        x : array, list or frame      one sequence, or a list of sequences
        size : int                    how many paths
        seed : int or Generator       the same seed gives the same paths
        given : array, optional       (n, p) inputs

        Notes
        -----
        The simulation smoother by mean corrections of Durbin & Koopman (2002): states x+ and rows y+ are drawn from the
        model, and x+ - E(x+ | y+) is added to E(x | y). Draws are independent and exact, also where Q or P0 are
        singular. Rows to come are drawn where missing rows (NaN) are appended to x.
        """
        known, data = self._known(x, given)
        blocks = self._blocks(data.rows.p)
        return paths(blocks, known.mean, data, size, np.random.default_rng(seed))

    def eigenvalues(self) -> Array:
        """(m,): eigenvalues of A, largest modulus first: what all bases of the states have in common.

        A modulus below 1 is how much of a deviation is left after each row; a complex pair swings.
        """
        found = np.linalg.eigvals(self._blocks().A)
        return found[np.argsort(-np.abs(found), kind="stable")]

    def stationary_distribution(self) -> States:
        """`States` (m,) far from the beginning: mean (m,) and covariance (m, m) to which every start leads.

        Where there are inputs, they are 0.

        Raises
        ------
        ModelError      A has an eigenvalue with a modulus of 1 or more

        Examples
        --------
        >>> import likely as lk
        >>> fading = lk.StateSpace(1, A=0.8, b=1, C=1, d=0, Q=0.36, R=1, m0=0, P0=1)
        >>> fading.stationary_distribution()
        States(mean=array([5.]), covariance=array([[1.]]))
        """
        blocks = self._blocks()
        require_stable(blocks.A, "stationary_distribution()")
        mean, covariance = stationary(blocks.A[None], blocks.b[None], blocks.Q[None])
        return States(mean[0], covariance[0])

    def canonical(self) -> Self:
        """The same model in one fixed basis of the states: bases of two fits can then be compared.

        Returns
        -------
        StateSpace      filled, with the same distribution of y: x becomes M x, A is M A M^-1, C is C M^-1, ...

        Raises
        ------
        ModelError      Q is singular, or some states are diffuse and others are not

        Notes
        -----
        States are scaled so that Q is the identity, and turned so that C has orthogonal columns, the longest first (the
        singular vectors of C). Directions that C does not tell apart are turned in the same way by C A, then by C A^2,
        and so on. The sign of a state makes the largest entry of its column positive.

        Examples
        --------
        >>> import likely as lk
        >>> model = lk.StateSpace(1, A=0.5, C=-3, d=0, Q=4, R=1, m0=0, P0=4)
        >>> model.canonical()
        StateSpace(1, A=[[0.5]], b=[0.0], C=[[6.0]], d=0, Q=[[1.0]], R=1, m0=[0.0], P0=[[1.0]])
        """
        written: Any = self
        blocks = self._blocks()
        to, back = canonical_map(blocks)
        moved = {
            "A": to @ blocks.A @ back, "B": None if blocks.B is None else to @ blocks.B, "b": to @ blocks.b,
            "C": blocks.C @ back, "Q": np.eye(len(to)), "m0": to @ blocks.m0, "P0": to @ blocks.P0 @ to.T,
        }  # fmt: skip
        if isinstance(written.P0, str) or blocks.diffuse.any():
            del moved["P0"]  # a stationary start is one in every basis, and so is one of which nothing is known
        return written._changed(**{n: plain(v) for n, v in moved.items() if v is not None and n in written.domains})

    def _known(self: Any, x: Any, given: Any) -> tuple[Any, Sequences]:
        """What is known of the states behind some data, and the data."""
        self._require_filled()
        data = x if isinstance(x, Sequences) else in_sequences(self._door(x, given))
        from likely.numerics.kalman import Undetermined

        try:
            known, _ = self._believed(data)
        except Undetermined as error:
            raise undetermined(error, data) from None
        if np.isnan(known.mean).any():
            self._refuse(data, int(data.owner[np.isnan(known.mean).any(1).argmax()]))
        return known, data

    def _refuse(self: Any, data: Sequences, sequence: int) -> None:
        """Raise for a sequence that is impossible."""
        bound = self._alone(data.rows)
        row = data.first_row(sequence) + bound.infer(bound.known_params(), data).stopped(sequence, 0)
        raise DataError(
            f"{data.place(row)} has no variance given the rows before it, under R and what is uncertain of the states, "
            "so its density is not defined. Give R a variance there, or leave the row missing (NaN).",
            row=row + 1,
        )

    def _blocks(self: Any, p: int = 0) -> Blocks:
        """The filled model as matrices."""
        return Blocks.of(self._alone(p=p).known_params())


def _told(values: Any, data: Sequences, split: bool) -> Any:
    """Answers about rows end to end, or sequence by sequence."""
    if not split:
        return values
    return np.split(values, data.offsets[1:-1]) if isinstance(values, np.ndarray) else values.split(data.offsets)
