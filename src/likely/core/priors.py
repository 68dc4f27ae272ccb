"""Families as priors of the slots of others: what they add to the objective."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.params import Params
from likely.numerics.soft import Array


class Priors:
    """Mixed into every family: the log density of the priors in its slots, and its own where it is one."""

    def log_prior(self: Any, params: Params) -> float:
        """Sum of the log densities of all priors; a prior on a tied slot counts once."""
        return float(self.log_priors(params, 1)[0])

    def log_priors(self: Any, params: Params, models: int) -> Array:
        """(models,): the same for each of so many whole models that stand side by side along the first axis."""
        total = sum((p.log_priors(params[n], models) for n, p in self.parts().items()), np.zeros(models))
        for name, slot in self.slots.items():
            if slot.prior is not None:
                value = params[name] - slot.offsets
                each = slot.prior.log_density_beside(value.reshape(slot.prior.k, -1), self.beside(name, params))
                each = each.reshape(slot.k, -1).sum(1)
                total = total + slot.one(each).reshape(models, -1).sum(1)
        return total

    def beside(self: Any, name: str, params: Params) -> Params:
        """The parameters as the prior of a slot sees them, which may speak in terms of another slot."""
        return params

    def log_density_each(self: Any, values: Array) -> Array:
        """As a prior: log density (k,) of member i at the i-th value, laid flat in (k, size)."""
        return self.log_density(self.known_params(), Table(values[None]))[0]

    def log_density_beside(self: Any, values: Array, params: Params) -> Array:
        """As `log_density_each`; `params` are the owner's, where the prior of one slot speaks in terms of another."""
        return self.log_density_each(values)
