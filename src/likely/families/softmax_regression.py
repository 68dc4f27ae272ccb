"""Softmax regression (multinomial logit): one of several categories, given covariates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Real, Value
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.written import free
from likely.errors import ModelError
from likely.families.categories import Categories, OfCategories, listed
from likely.families.glm import Glm
from likely.numerics.soft import Array


class SoftmaxRegression(OfCategories, Glm):
    """Category j of c with probability exp(eta_j) / sum_i exp(eta_i); eta_j = coefficients_j . given + intercept_j.

    The last category is the baseline: its eta is 0, so that the others' are log odds against it.

    Parameters
    ----------
    coefficients : array (c - 1, p), Normal or shared      change of each category's log odds against the last, with
                                                           each covariate, per its unit
    intercept : array (c - 1,), Normal or shared           the log odds where all covariates are 0
    categories : list of words or numbers                  what the probabilities stand for, in their order, the
                                                           baseline last. Left out, they are the distinct values of the
                                                           data, sorted

    Raises
    ------
    ModelError      no covariates, covariates that depend linearly on one another, or fewer than two categories
    FitError        a combination of covariates separates categories: no coefficients are large enough

    Notes
    -----
    Maximum likelihood by Newton's method, exact to rounding for any weights of the rows (McCullagh & Nelder 1989,
    section 5.2.4). With two categories it is LogisticRegression. A Normal(0, variance) prior on the coefficients is
    ridge regression with penalty sum of coefficients^2 / (2 variance) on the log odds against the baseline: which
    category is the last then matters. The mode is that of the coefficients themselves.

    Examples
    --------
    >>> import likely as lk
    >>> age, drink = [9, 12, 15, 31, 35, 18, 44, 52], ["milk", "milk", "tea", "tea", "milk", "water", "tea", "water"]
    >>> fit = lk.fit(lk.SoftmaxRegression(), drink, given=age)
    >>> fit.model
    SoftmaxRegression(categories=['milk', 'tea', 'water'], coefficients=[[-0.0882], [-0.0237]], intercept=[2.71, 1.18])
    >>> fit.predict(given=[10]).round(2)
    array([[0.64, 0.26, 0.1 ]])
    """

    coefficients: Value = Real("b p", doc="change of each category's log odds against the last, with each covariate")
    intercept: Value = Real("b", doc="log odds against the last category where all covariates are 0")

    runs_off = "{subject} separates some categories from the others", "a category has no rows"

    def __init__(
        self, coefficients: Value = free, intercept: Value = free, *,
        categories: Iterable[str] | Iterable[float] | None = None, **unknown: Any,
    ):  # fmt: skip
        self._keep(categories)
        self._fill(coefficients=coefficients, intercept=intercept, **unknown)

    def features(self, data: Table) -> Array:
        """1 for the category a row is in, of all but the last."""
        rest = len(self.known()) - 1
        return data.once(
            ("one hot", self.known()), lambda: (self.codes(data)[:, :, None] == np.arange(rest)).astype(float)
        )

    def base(self, data: Table) -> Array:
        """A value that is no category has probability 0."""
        c = len(self.known())
        return data.once(("a category", self.known()), lambda: np.where(self.codes(data) == c, -np.inf, 0.0))

    def cumulant(self, eta: Array) -> Array:
        top = np.maximum(eta.max(-1), 0.0)
        return top + np.log(np.exp(-top) + np.exp(eta - top[..., None]).sum(-1))

    def moments(self, eta: Array) -> tuple[Array, Array, Array]:
        value = self.cumulant(eta)
        p = np.exp(eta - value[:, None])
        variance = -p[:, :, None] * p[:, None, :]
        np.einsum("nqq->nq", variance)[...] += p
        return value, p, variance

    def losing(self, features: Array, direction: Array) -> Array:
        return np.maximum(direction.max(1), 0.0) - (features * direction).sum(1)

    def link(self, mean: Array) -> Array:
        last = np.clip(1 - mean.sum(1, keepdims=True), 1e-3, 1.0)
        return np.log(np.clip(mean, 1e-3, 1.0)) - np.log(last)

    def response(self, mean: Array) -> Array:
        """(n, c): the probabilities of all categories."""
        return np.concatenate([mean, np.maximum(1 - mean.sum(1, keepdims=True), 0.0)], 1)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        """Numbers as they are, words as their place among the categories."""
        return self.drawn(self.response(self.expected(params, members, data)), rng)

    # -- which categories there are ---------------------------------------------------------------------------------
    def own_setting(self, setting: Setting) -> Setting:
        setting, known = Glm.own_setting(self, setting), self.known()
        if len(known) < 2:
            raise ModelError(
                f"SoftmaxRegression needs two categories or more; there is only {listed(known)}. "
                "Write those there are, as in categories=['a', 'b'], or use another column."
            )
        return setting.with_(c=len(known), b=len(known) - 1)

    def own_dims(self) -> dict[str, int]:
        written = Glm.own_dims(self)
        return written if self.categories is None else {**written, "b": len(self.categories) - 1}

    def spoken_of(self) -> int | None:
        for value, axis in ((self.coefficients, 2), (self.intercept, 1)):
            if isinstance(value, np.ndarray) and value.ndim >= axis:
                return value.shape[-axis] + 1
        return None

    def settled(self) -> bool:
        return not self.open_slots() and not any(np.isnan(v).any() for v in (self.coefficients, self.intercept))

    def refuse_size(self, size: int, known: Categories) -> ModelError:
        return ModelError(
            f"SoftmaxRegression has coefficients for {size - 1} categories against a last one, but there are "
            f"{len(known)} categories ({listed(known)}). Write one row of coefficients for each but the last."
        )
