"""The covariance models: what is common to all components of a mixture, and what each has of its own.

A covariance is a volume times a shape along axes. Three letters say of each of these in turn whether it is Equal for
all components or Varies; I for the axes are those of the columns, and I for the shape as well is a sphere (Banfield &
Raftery 1993, Celeux & Govaert 1995).
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.domains import PositiveDefinite
from likely.core.written import Choose, Shared
from likely.errors import ModelError
from likely.families.covariance_chart import UNITS, Chart
from likely.families.covariance_steps import STEPS, Step
from likely.families.moments import lift
from likely.numerics.soft import Array

SCATTERS = {"II": "spherical", "EI": "diagonal", "VI": "diagonal"}
NEXT_TO_NOTHING = 1e-100  # rows that a member without any counts for, so that it moves along with what is common


@dataclass(frozen=True)
class Form:
    """One covariance model.

    Attributes
    ----------
    letters : str      of volume, shape and axes
    scatter : str      "full", "diagonal" or "spherical": what a single covariance looks like
    common : bool      is one covariance common to all members?
    alone : bool       is every member's covariance estimated by itself?
    """

    letters: str

    @property
    def scatter(self) -> str:
        return SCATTERS.get(self.letters[1:], "full")

    @property
    def common(self) -> bool:
        return "V" not in self.letters

    @property
    def alone(self) -> bool:
        return "E" not in self.letters

    @property
    def chart(self) -> Chart:
        """Free coordinates of the covariances of all members together."""
        return Chart(self.letters[0], UNITS[self.letters[1:]])

    def separate(self) -> Form:
        """The model of members that have nothing in common."""
        return Form(self.letters.replace("E", "V"))

    def plainest(self, members: int, d: int) -> Form:
        """The plainest name of the same model for so many members and columns: in one column all are spheres."""
        form = Form(self.letters[0] + "II") if d == 1 else self
        return form.separate() if members == 1 else form


MODELS = ("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
WORDS = {"full": "VVV", "diagonal": "VVI", "spherical": "VII", "shared": "EEE"}
FORMS = {name: Form(name) for name in MODELS} | {word: Form(name) for word, name in WORDS.items()}


def check_form(owner: str, form: Any) -> Any:
    """A form's name, or a choice among such names; `choose("all")` is one among all models.

    Raises
    ------
    ModelError      the name of no form
    """
    if isinstance(form, Choose):
        chosen = form.of(MODELS)
        for name in chosen.options:
            check_form(owner, name)
        return chosen
    if isinstance(form, str) and form in FORMS:
        return form
    text = str(form)
    near = [text.upper()] if text.upper() in MODELS else difflib.get_close_matches(text, FORMS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ModelError(
        f"{owner}({form!r}): the form of a covariance is 'full', 'diagonal', 'spherical', 'shared', or three letters: "
        f"{', '.join(MODELS)}{hint}",
        slot="covariance",
    )


def check_sharing(owner: str, form: Any, covariance: Any) -> None:
    """Raise a ModelError where letters say that something varies and the slot says that nothing does."""
    if not isinstance(covariance, Shared):
        return
    for name in form.options if isinstance(form, Choose) else [form]:
        if name in MODELS and not FORMS[name].common:
            word = {"VII": "EII", "VEI": "EEI", "EVI": "EEI", "VVI": "EEI"}.get(name, "EEE")
            raise ModelError(
                f"{owner}({name!r}, covariance={covariance!r}): the letters let covariances vary, and shared makes "
                f"them one. Write {owner}({word!r}) for one covariance, or leave shared out.",
                slot="covariance",
            )


class Covariances(PositiveDefinite):
    """The covariances of a bank whose members have something in common, and what that is.

    Parameters
    ----------
    declared : PositiveDefinite      the declaration of the slot
    form : Form                      at its place
    sizes : (int, ...)               distinct members along each axis of the bank
    joined : int or None             the axis whose members have something in common
    """

    def __init__(self, declared: PositiveDefinite, form: Form, sizes: Sequence[int], joined: int | None):
        super().__init__(" ".join(declared.event), declared.doc)
        self.name, self.form = declared.name, form
        self.sizes, self.joined = tuple(sizes), joined
        self.diagonal = form.letters[2] == "I"

    def sets(self, a: Array) -> Array:
        """(r, ...) to (sets, members, ...): members that have something in common side by side."""
        if self.joined is None or self.form.alone:
            return a[None]
        full = np.moveaxis(a.reshape(self.sizes + a.shape[1:]), self.joined, len(self.sizes) - 1)
        return full.reshape((-1, self.sizes[self.joined], *a.shape[1:]))

    def bank(self, sets: Array) -> Array:
        """The opposite of `sets`."""
        event = sets.shape[2:]
        if self.joined is None or self.form.alone:
            return sets[0]
        moved = (*(s for i, s in enumerate(self.sizes) if i != self.joined), self.sizes[self.joined])
        return np.moveaxis(sets.reshape(moved + event), len(self.sizes) - 1, self.joined).reshape((-1, *event))

    def pooled(self, scatter: Array, dof: Array) -> Array:
        """The covariance of all members that have something in common, given to each."""
        scatters, dofs = self.sets(scatter), self.sets(dof)
        total = scatters.sum(1, keepdims=True) / lift(dofs.sum(1), scatters[:, :1])
        return self.bank(np.broadcast_to(total, scatters.shape))

    def maximise(self, scatter: Array, dof: Array, before: Array | None) -> Array:
        """Covariances of highest likelihood, in the layout of the scatter; NaN for members without any weight."""
        step, own = STEPS[self.form.letters], scatter / lift(dof, scatter)
        if self.form.alone:
            return step(own, dof, None)
        owns, dofs = self.sets(own), self.sets(dof)
        befores = [None] * len(dofs) if before is None else self.sets(before)
        return self.bank(np.stack([_together(step, *one) for one in zip(owns, dofs, befores, strict=True)]))

    def count(self, loose: Array) -> int:
        if not loose.any():
            return 0
        sets = self.sets(loose)
        return len(sets) * self.form.chart.count(sets.shape[1], loose.shape[-1])

    def to_free(self, value: Array, loose: Array) -> Array:
        if not loose.any():
            return np.zeros(0)
        return np.concatenate([self.form.chart.to_free(one) for one in self.sets(value)])

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        if not loose.any():
            return like
        sets = self.sets(like)
        g, d = sets.shape[1], sets.shape[-1]
        return self.bank(self.form.chart.from_free(u.reshape(len(sets), -1), g, d))


def _together(step: Step, own: Array, dof: Array, before: Array | None) -> Array:
    """One step for members of which some may have no weight: these have what is common, and keep the rest."""
    seen = dof > 0
    if seen.all():
        return step(own, dof, before)
    if not seen.any():
        return np.full_like(own, np.nan)
    own = own.copy()
    own[~seen] = _mean(own[seen], dof[seen]) if before is None else before[~seen]
    out = np.array(step(own, np.where(seen, dof, NEXT_TO_NOTHING), before))
    if before is None:
        out[~seen] = np.nan
    out[dof < 0] = 0.0  # a prior took away more rows than there were
    return out


def _mean(own: Array, weight: Array) -> Array:
    return np.tensordot(weight / weight.sum(), own, 1)
