"""Model and data against each other, before any work; and a collapse explained after it."""

from __future__ import annotations

import numpy as np

from likely.core.data import Data, Table
from likely.core.family import Family
from likely.core.setting import Setting
from likely.em.starts import Starts
from likely.errors import DataError, Degenerate, FitError, LikelyError, ModelError
from likely.numerics.soft import Array
from likely.structures.responsibilities import KINDS


def check_init(init: str, start: object) -> None:
    """Is this a kind of start, and is one wanted?"""
    if init not in KINDS:
        raise ModelError(f"init={init!r}; starts are made by {' or '.join(repr(k) for k in KINDS)}.")
    if start is not None and init != KINDS[0]:
        raise ModelError(f"init={init!r} makes starts at random, and start=... is one already; leave one of them out.")


def check_fit(family: Family, data: Data) -> Family:
    """The family bound to the data; raises a DataError or ModelError that names the first thing that cannot be."""
    rows = data.rows
    if family.uses_given and rows.given is None:
        raise ModelError(f"{family!r} conditions on covariates; name them with given=...")
    if not family.uses_given and rows.given is not None:
        raise ModelError(
            f"{family!r} does not use covariates; leave given=... out, or use a family such as LinearGaussian()."
        )
    if data.labels is not None and not family.hidden:
        raise ModelError(f"labels=... name the components of a mixture; {family!r} has none.")
    if data.labels is not None and data.labels.max(initial=-1) >= family.distinct_members():
        _refuse_label(data.labels, family.distinct_members())
    family.check_rows(Setting.of(rows))
    bound = family.bind((), Setting.of(rows))
    _check_support(bound, rows)
    needed = family.distinct_rows_needed()
    found = _distinct(rows.x, needed)
    if found < needed:
        raise DataError(
            f"{needed} components, but the data has only {found} distinct row{'s' * (found != 1)}; "
            f"ask for at most {found}."
        )
    return bound


def _refuse_label(labels: Array, m: int) -> None:
    row = int(np.argmax(labels))
    raise DataError(
        f"the label in row {row + 1} is {int(labels[row])}; the model has {m} component{'s' * (m != 1)}, "
        f"numbered from 0 to {m - 1}. Ask for more components, or mend the label.",
        row=row + 1, value=int(labels[row]),
    )  # fmt: skip


def _check_support(family: Family, rows: Table) -> None:
    wrong = ~family.fits(rows.x)
    if wrong.any():
        row, j = (int(i) for i in np.argwhere(wrong)[0])
        value, needed = rows.x[row, j], family.needs(j)
        raise DataError(
            f"{rows.called(j)} row {row + 1} is {value:.6g}; {_shown(family)} needs {needed}"
            f"{'' if needed.endswith('...') else '.'} Drop the row, or use a family that allows it.",
            column=rows.name(j), row=row + 1, value=float(value),
        )  # fmt: skip


def _shown(family: Family) -> str:
    text = repr(family)
    return text if len(text) <= 60 else type(family).__name__


def _distinct(x: Array, enough: int) -> int:
    """How many distinct rows, counted only up to what is enough."""
    head = len(np.unique(x[: 20 * enough], axis=0))
    return head if head >= enough or len(x) <= 20 * enough else len(np.unique(x, axis=0))


def collapse(error: Degenerate, family: Family, data: Data, starts: Starts) -> LikelyError:
    """The error to raise where there is no maximum: why, in one sentence with the cure."""
    rows = data.rows
    flat = np.flatnonzero(rows.x.max(0) == rows.x.min(0))
    if len(flat) and "fell to zero" in error.why:
        j = int(flat[0])
        where = "the only row" if len(rows) == 1 else f"all {len(rows)} rows"
        what = "scale" if "scale" in error.why else "variance"
        return DataError(
            f"{rows.called(j)} is constant ({rows.x[0, j]:.6g} in {where}): the likelihood grows without "
            f"bound as the {what} falls to 0. Leave the column out, or give the {what} a value or a prior.",
            column=rows.name(j),
        )
    if not family.hidden:
        return FitError(f"{_shown(family)}: {error.why}, so the likelihood has no maximum. {error.cure}".rstrip())
    which = f"component {error.members[0] % family.distinct_members() + 1}: " if error.members else ""
    left = f" with {error.weights[0]:.3g} rows left to it" if error.weights else ""
    every = "the only start" if starts.count == 1 else f"every one of the {starts.count} starts"
    cure = error.cure or "Try fewer components, or a component that is shared, simpler or has a prior."
    return FitError(
        f"{every} collapsed: {which}{error.why}{left}, where the likelihood is unbounded. {cure}", starts=starts
    )
