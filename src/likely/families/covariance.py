"""The forms of a covariance: what each keeps of a scatter matrix."""

from __future__ import annotations

import difflib
from typing import Any, Protocol

import numpy as np

from likely.core.written import Choose
from likely.errors import ModelError
from likely.numerics.soft import Array


class Form(Protocol):
    """One form; `project` gives the covariance of this form with the highest likelihood."""

    def project(self, covariance: Array) -> Array:
        """Scatter over degrees of freedom (k, d, d) to a covariance (k, d, d)."""
        ...


class Full:
    """Every variance and covariance."""

    def project(self, covariance: Array) -> Array:
        return covariance


class Diagonal:
    """A variance for each column; columns are independent."""

    def project(self, covariance: Array) -> Array:
        return covariance * np.eye(covariance.shape[-1])


class Spherical:
    """One variance common to all columns; columns are independent."""

    def project(self, covariance: Array) -> Array:
        d = covariance.shape[-1]
        return (np.einsum("kdd->k", covariance) / d)[:, None, None] * np.eye(d)


FORMS: dict[str, Form] = {"full": Full(), "diagonal": Diagonal(), "spherical": Spherical()}


def check_form(owner: str, form: Any) -> None:
    """Raise a ModelError unless this is the name of a form, or a choice among such names."""
    for name in form.options if isinstance(form, Choose) else [form]:
        if not isinstance(name, str) or name not in FORMS:
            close = difflib.get_close_matches(str(name), FORMS, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise ModelError(
                f"{owner}({name!r}): the form of a covariance is 'full', 'diagonal' or 'spherical'{hint}",
                slot="covariance",
            )
