"""The inverse Wishart distribution: the prior of a covariance."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, PositiveDefinite, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.support import Support
from likely.core.written import plain
from likely.errors import ModelError
from likely.families.gaussian import whitening
from likely.families.moments import positive_definite
from likely.numerics import special
from likely.numerics.soft import Array

MATRICES = Support("d * d numbers that make a symmetric positive definite matrix", np.isfinite, 0.0)


class InverseWishart(Family):
    """An inverse Wishart distribution of d x d covariances V, the prior of a covariance.

    Log density (dof / 2) log det(scale) - (dof d / 2) log 2 - log gamma_d(dof / 2) - ((dof + d + 1) / 2) log det(V)
    - tr(scale inverse(V)) / 2.

    Parameters
    ----------
    dof : number or array                  degrees of freedom
    scale : number, array (d, d)           in the data's units squared; a number is that many times the identity

    Raises
    ------
    ModelError      a fit is asked for: it is a prior, it is not estimated itself

    Notes
    -----
    As a prior on a covariance it counts as dof + d + 1 pretend deviations from the mean whose products sum to `scale`:
    its mode, and the estimate without data, is scale / (dof + d + 1). With a dof of d - 1 or less it has no integral:
    as a prior it still serves, with a log density that lacks its constant, but it cannot be sampled.

    `log_prob` wants each matrix laid flat in a row of d * d numbers; `sample` gives them as (n, d, d).

    Examples
    --------
    >>> import likely as lk
    >>> prior = lk.InverseWishart(dof=5, scale=[[2, 0], [0, 2]])
    >>> prior.sample(100, seed=1).shape
    (100, 2, 2)
    >>> prior.log_prob([[1, 0, 0, 1]]).round(3)
    array([-2.857])
    """

    dof: Value = Positive(doc="degrees of freedom")
    scale: Value = PositiveDefinite("d d", doc="sum of the products of the pretend deviations")

    support = MATRICES
    several_columns = True
    covers = 2

    def own_setting(self, setting: Setting) -> Setting:
        return setting if setting.rows is None else setting.with_(d=_side(setting.dims["d"]))

    def log_density(self, params: Params, data: Table) -> Array:
        d = params.scale.shape[-1]
        v = _matrices(data.x, d)
        white, log_det = whitening(v.reshape(-1, d, d))
        white = white.reshape(v.shape)
        trace = ((white @ params.scale) * white).sum((-1, -2))
        return _constant(params, d) - (params.dof + d + 1) / 2 * log_det.reshape(v.shape[:2]) - trace / 2

    def m_step(self, stats: Any, params: Params | None) -> Params:
        raise ModelError(_NO_FIT)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Any:
        raise ModelError(_NO_FIT)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        """Bartlett's decomposition of a Wishart matrix with the inverse scale, inverted (Bartlett 1933)."""
        n, d = len(members), params.scale.shape[-1]
        if not np.all(params.dof > d - 1):
            least = float(params.dof.min())
            raise ModelError(f"InverseWishart.dof = {least:.6g}; draws of {d} x {d} matrices need a dof above {d - 1}.")
        factor = np.tril(rng.standard_normal((n, d, d)), -1)
        freedom = params.dof[members][:, None] - np.arange(d)
        factor[:, np.arange(d), np.arange(d)] = np.sqrt(2 * rng.standard_gamma(freedom / 2))
        # With scale = L L' and a standard Wishart A A', the draw is L inverse(A') inverse(A) L'.
        root = np.linalg.cholesky(params.scale)[members] @ np.linalg.inv(np.swapaxes(factor, 1, 2))
        return (root @ np.swapaxes(root, 1, 2)).reshape(n, d * d)

    def present(self, x: Array) -> Any:
        d = math.isqrt(x.shape[1])
        return x.reshape(-1, d, d)

    def estimating(self, count: int) -> Self:
        """The same prior, however many coefficients are estimated beside the covariance."""
        return self

    def as_moments(self, d: int) -> tuple[Array, Array]:
        """As a prior on a covariance: degrees of freedom (k,) and scatter (k, d, d) of pretend deviations."""
        q = self.known_params()
        return q.dof + d + 1, q.scale

    def fits(self, x: Array) -> Array:
        v = _matrices(x, _side(x.shape[-1]))
        finite = np.all(np.isfinite(v), (-1, -2))
        safe = np.where(finite[..., None, None], v, np.eye(v.shape[-1]))
        symmetric = np.isclose(safe, np.swapaxes(safe, -1, -2), rtol=1e-9, atol=0).all((-1, -2))
        definite = positive_definite(safe.reshape(-1, *v.shape[-2:])).reshape(finite.shape)
        return np.broadcast_to((finite & symmetric & definite).reshape(*x.shape[:-1], 1), x.shape)

    def example(self, d: int) -> Array:
        return np.eye(math.isqrt(d)).ravel()

    @property
    def mean(self) -> Value:
        """Mean (d, d); infinite for dof of d + 1 or less."""
        self._require_filled()
        scale = np.asarray(self.scale)
        d = scale.shape[-1] if scale.ndim > 1 else 1
        excess = np.asarray(self.dof)[..., None, None] - d - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return plain(np.where(excess > 0, scale / excess, np.inf))


_NO_FIT = (
    "InverseWishart is a prior, as in MultivariateNormal(covariance=InverseWishart(5, 1)); it is not fitted itself."
)


def _constant(params: Params, d: int) -> Array:
    """(k,): what makes the density integrate to one; 0 where no constant can."""
    proper = params.dof > d - 1
    half = np.where(proper, params.dof, d) / 2
    log_det = 2 * np.log(np.einsum("kdd->kd", np.linalg.cholesky(params.scale))).sum(1)
    log_gamma = d * (d - 1) / 4 * math.log(math.pi) + special.gammaln(half[:, None] - np.arange(d) / 2).sum(1)
    return np.where(proper, half * (log_det - d * math.log(2)) - log_gamma, 0.0)


def _side(width: int) -> int:
    """d of rows with d * d numbers."""
    d = math.isqrt(width)
    if d * d != width:
        raise ModelError(
            f"InverseWishart describes d x d matrices, each laid flat in a row; {width} columns make none."
        )
    return d


def _matrices(x: Array, d: int) -> Array:
    """(n, 1, d, d) or (n, k, d, d): rows as matrices."""
    return x.reshape((len(x), -1 if x.ndim == 3 else 1, d, d))
