"""Generalised linear models with their canonical link: what a row shows follows linear predictors of its covariates."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from likely.core.data import Table
from likely.core.door import table_of
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.errors import DataError, ModelError
from likely.families.glm_newton import maximise_rows
from likely.families.glm_rows import Piece, Rows
from likely.numerics.soft import Array


class Glm(Family, public=False):
    """log f(x) = T(x) . eta - A(eta) + base(x), where eta = coefficients given + intercept are q linear predictors.

    A subclass declares the slots `coefficients` (q p numbers) and `intercept` (q), and writes T and A.
    """

    priors = {"coefficients": ("Normal",), "intercept": ("Normal",)}
    uses_given = True
    # How the rows can fail to hold a maximum: with covariates {subject}, and by the intercept alone.
    runs_off: ClassVar[tuple[str, str]]

    def features(self, data: Table) -> Array:
        """(n, 1, q) or (n, k, q): T."""
        raise NotImplementedError

    def base(self, data: Table) -> Array:
        """(n, 1) or (n, k): the part of the log density without parameters."""
        return data.once("no base", lambda: np.zeros((len(data), 1)))

    def cumulant(self, eta: Array) -> Array:
        """(...) A at predictors (..., q)."""
        raise NotImplementedError

    def moments(self, eta: Array) -> tuple[Array, Array, Array]:
        """A (n,), its gradient (n, q), which is the mean of T, and its Hessian (n, q, q), the variance of T."""
        raise NotImplementedError

    def losing(self, features: Array, direction: Array) -> Array:
        """(n,): how fast rows with T (n, q) lose log density far out in directions (n, q) of eta; 0 where none do."""
        raise NotImplementedError

    def link(self, mean: Array) -> Array:
        """(k, q): predictors at means (k, q) of T, as far as these have any."""
        raise NotImplementedError

    def response(self, mean: Array) -> Array:
        """(n,) or (n, c): what a person wants to know, from means (n, q) of T."""
        return mean[:, 0]

    def own_setting(self, setting: Setting) -> Setting:
        if setting.rows is not None and setting.rows.given is None:
            raise ModelError(f"{self!r} conditions on covariates; name them with given=...")
        return setting

    def log_density(self, params: Params, data: Table) -> Array:
        return self._log(params, with_one(data), self.features(data)) + self.base(data)

    def _log(self, params: Params, given: Array, features: Array) -> Array:
        """(n, k), without the base."""
        eta = predictors(params, given)
        with np.errstate(over="ignore"):
            return np.einsum("nkq,nkq->nk", np.broadcast_to(features, eta.shape), eta) - self.cumulant(eta)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Rows:
        return Rows((Piece(with_one(data), self.features(data), self.base(data), weights),))

    def m_step(self, stats: Rows, params: Params | None) -> Params:
        return maximise_rows(self, stats, params)

    def expected_log_density(self, params: Params, stats: Rows) -> Array:
        total = 0.0
        for piece in stats.pieces:
            found = self._log(params, piece.given, piece.features) + piece.base
            total = total + np.where(piece.weights > 0, piece.weights * found, 0.0).sum(0)
        return np.asarray(total)

    def pretend(self, name: str, prior: Family) -> None:
        """Normal priors are a penalty in Newton's method, exactly."""

    def regress(self, given: Any) -> Array:
        """Expected responses at covariates (n, p)."""
        self._require_filled()
        covariates = table_of(given).x
        bound = self.bind((), Setting({"d": 1, "p": covariates.shape[1], **self.own_dims()}))
        bound._require_covariates(covariates)
        eta = predictors(bound.known_params(), _with_one(covariates))[:, 0]
        return self.response(self.moments(eta)[1])

    def expected(self, params: Params, members: Array, data: Table) -> Array:
        """(n, q): means of T, row i under member members[i]."""
        self._require_covariates(data.given)
        eta = np.empty((len(members), params.intercept.reshape(self.k, -1).shape[1]))
        for i in np.unique(members):
            rows = members == i
            eta[rows] = predictors(params, with_one(data)[rows])[:, i]
        return self.moments(eta)[1]

    def _require_covariates(self, given: Array | None) -> None:
        p = self.slots["coefficients"].event[-1]
        if given is None:
            raise DataError(
                f"{type(self).__name__} needs given=... with {p} covariate{'s' * (p != 1)}, one row a draw."
            )
        if given.shape[1] != p:
            raise DataError(
                f"the model has {p} covariate{'s' * (p != 1)}; given has {given.shape[1]} "
                f"column{'s' * (given.shape[1] != 1)}."
            )


def predictors(params: Params, given: Array) -> Array:
    """(n, k, q): eta at covariates and a 1 (n, p + 1)."""
    k = len(params.intercept)
    intercept = params.intercept.reshape(k, -1, 1)
    theta = np.concatenate([params.coefficients.reshape(k, intercept.shape[1], -1), intercept], 2)
    return (given @ theta.reshape(-1, theta.shape[2]).T).reshape(len(given), k, -1)


def with_one(data: Table) -> Array:
    """(n, p + 1): covariates and a 1, put together once for a chunk."""
    assert data.given is not None
    given = data.given
    return data.once("covariates and a 1", lambda: _with_one(given))


def _with_one(given: Array) -> Array:
    return np.concatenate([given, np.ones((len(given), 1))], 1)
