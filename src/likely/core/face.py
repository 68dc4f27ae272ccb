"""What a person asks of a distribution: densities, draws, quantiles, its text. Written once for all families."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Data, Table
from likely.core.door import table_of
from likely.core.setting import Setting, infer_dims
from likely.core.written import Free, Shared, written
from likely.errors import DataError, ModelError, NotFitted
from likely.numerics.soft import Array


class Face:
    """The public questions; mixed into every family."""

    def __repr__(self: Any) -> str:
        slots = [f"{n}={written(getattr(self, n))}" for n in self.domains if not isinstance(getattr(self, n), Free)]
        return f"{type(self).__name__}({', '.join(self.arguments() + slots)})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __getitem__(self: Any, name: str) -> Any:
        if name not in self.parts():
            raise KeyError(f"{type(self).__name__} has no part {name!r}; it has {', '.join(self.parts()) or 'none'}")
        return self.parts()[name]

    def arguments(self) -> list[str]:
        """The arguments before the slots, as text."""
        return []

    def open_slots(self: Any) -> list[str]:
        """Names of the slots that are still to be estimated, with the parts they belong to."""
        own = [n for n in self.domains if not isinstance(getattr(self, n), float | int | np.ndarray)]
        return own + [f"{part}.{n}" for part, family in self.parts().items() for n in family.open_slots()]

    def _require_filled(self: Any) -> None:
        if still := self.open_slots():
            raise NotFitted(
                f"{self!r} still has open slots ({', '.join(still)}); fit it to data first: likely.fit(model, data)."
            )

    def shapes(self: Any) -> list[tuple[str, tuple[str, ...], Any]]:
        """What the arrays in the slots say about dimensions."""
        values = []
        for name, domain in self.domains.items():
            value = getattr(self, name)
            values.append(
                (f"{type(self).__name__}.{name}", domain.event, value.offsets if isinstance(value, Shared) else value)
            )
        return values

    def own_dims(self: Any) -> dict[str, int]:
        """Dimensions read off the slots, for a distribution that stands without data."""
        return infer_dims(self.shapes())

    def _alone(self: Any, table: Table | None = None, p: int = 0) -> Any:
        """The distribution bound to some rows, or to nothing but its own arrays."""
        self._require_filled()
        if table is not None:
            return self.bind((), Setting.of(table))
        return self.bind((), Setting({"d": 1, "p": p, **self.own_dims()}))

    def log_prob(self: Any, x: Any, given: Any = None) -> Array:
        """Log density (or log probability) of each row.

        Parameters
        ----------
        x : array, list or frame     (n,) for a scalar family, (n, d) for several columns
        given : array, optional      (n, p) covariates

        Returns
        -------
        array (n,), in nats; -inf for a row outside the support. Of a family of sequences (S,), one for each of them

        Raises
        ------
        NotFitted      a slot is still open
        DataError      text or NaN where numbers are needed
        """
        data = self._door(x, given)
        bound = self._alone(data.rows)
        return bound.infer(bound.known_params(), data).log_prob[:, 0]

    def _door(self: Any, x: Any, given: Any = None) -> Data:
        """Data in memory as this family's items."""
        from likely.core.sequences import sequences_of

        options = {"given": given, "infinite": self.reads_infinite, "missing": self.reads_missing}
        return sequences_of(x, **options) if self.sequential else table_of(x, **options)

    def sample(self: Any, n: int = 1, *, seed: int | np.random.Generator = 0, given: Any = None) -> Any:
        """Draw n rows.

        Parameters
        ----------
        n : int                        how many
        seed : int or Generator        the same seed gives the same draws
        given : array, optional        (n, p) covariates, for families that condition on them

        Returns
        -------
        array (n,) for one column, (n, d) for several; a dict of arrays by column name for a Product
        """
        given = None if given is None else table_of(given).x
        n = n if given is None else len(given)
        bound = self._alone(p=0 if given is None else given.shape[1])
        if bound.uses_given and given is None:
            raise DataError(
                f"{type(self).__name__} conditions on covariates; sample(given=...) needs them, one row a draw."
            )
        blank = Table(np.zeros((n, 1)), given=given)
        x = bound.draw(bound.known_params(), np.zeros(n, int), blank, np.random.default_rng(seed))
        return bound.present(x)

    def present(self, x: Array) -> Any:
        """Draws (n, d) as a person expects them: one column flat."""
        return x[:, 0] if x.shape[1] == 1 else x

    def regress(self: Any, given: Any) -> Array:
        """Expected responses at covariates, for families that condition on them."""
        raise ModelError(f"{type(self).__name__} has no regression on covariates.")

    def cdf(self: Any, x: Any) -> Array:
        """Probability of a value at or below each x; (n,). For families of one column."""
        table = table_of(x)
        bound = self._alone(table)
        return bound.cumulative(bound.known_params(), table)[:, 0]

    def quantile(self: Any, q: Any) -> Any:
        """The smallest value whose cdf reaches q; a number for a number, else (n,).

        Raises
        ------
        DataError      a q outside [0, 1]
        """
        levels = np.atleast_1d(np.asarray(q, float))
        if not ((levels >= 0) & (levels <= 1)).all():
            raise DataError(f"quantile(q) needs probabilities from 0 to 1; got {q!r}.")
        bound = self._alone()
        out = bound.inverse(bound.known_params(), levels[:, None])[:, 0]
        return float(out[0]) if np.ndim(q) == 0 else out

    def cumulative(self: Any, params: Any, data: Table) -> Array:
        """(n, k) distribution functions."""
        raise ModelError(f"{type(self).__name__} has no cdf.")

    def log_tails(self: Any, params: Any, data: Table) -> tuple[Array, Array]:
        """Logarithms (n, k) of the probabilities below and above; a family that knows small ones better replaces it."""
        below = self.cumulative(params, data)
        with np.errstate(divide="ignore"):
            return np.log(below), np.log1p(-below)

    def inverse(self: Any, params: Any, q: Array) -> Array:
        """(n, k) quantiles of probabilities (n, 1) or (n, k)."""
        raise ModelError(f"{type(self).__name__} has no quantile function.")
