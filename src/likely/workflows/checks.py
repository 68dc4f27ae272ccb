"""Model and data against each other, before any work; and a collapse explained after it."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Data, Sequences
from likely.core.family import Family
from likely.core.named import counted
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
    if not family.may_use_given and rows.given is not None:
        raise ModelError(
            f"{family!r} does not use covariates; leave given=... out, or use a family such as LinearGaussian()."
        )
    _check_labels(family, data)
    family.check_rows(Setting.of(data))
    bound = family.bind((), Setting.of(data))
    _check_support(bound, data)
    _check_enough(family, data)
    return bound


def _check_labels(family: Family, data: Data) -> None:
    """Are labels of what the model knows by label, and is each of them among its members?"""
    own, other = data.labels, None
    if isinstance(data, Sequences):
        own, other = (data.rows.labels, own) if family.labels_rows else (own, data.rows.labels)
    if own is None and other is None:
        return
    if family.labels_points and own is not None:
        _check_states(family, own)
        return
    if not family.hidden:
        raise ModelError(f"labels=... name the components of a mixture; {family!r} has none.")
    if other is not None:
        each = ("row", "whole sequences") if family.labels_rows else ("sequence", "rows")
        raise ModelError(f"labels are those of {each[1]}, and {_shown(family)} needs one for each {each[0]}.")
    assert own is not None
    m, member = family.distinct_members(), _member(family)
    i = int(np.argmax(own))
    if own[i] < m:
        return
    whole = isinstance(data, Sequences) and not family.labels_rows
    where = f"of {data.called(i)}" if whole else f"in {data.place(i)}"
    raise DataError(
        f"the label {where} is {int(own[i])}; the model has {counted(m, member)}, "
        f"numbered from 0 to {m - 1}. Ask for more {member}s, or mend the label.",
        row=i + 1, value=int(own[i]),
    )  # fmt: skip


def _check_states(family: Any, states: Array) -> None:
    """Is there a column of known states for each state of the model?"""
    if states.shape[1] != family.size:
        raise DataError(
            f"labels has {counted(states.shape[1], 'column')}, the model has {counted(family.size, 'state')}; one "
            "column for each is needed."
        )


def _check_enough(family: Family, data: Data) -> None:
    """Are there as many rows (or sequences) as it takes to tell the members apart?"""
    states, rows = _states(family), len(data.rows)
    if states > rows:
        raise DataError(
            f"the model has {counted(states, 'state')} and the data has only {counted(rows, 'row')}; "
            f"ask for at most {counted(rows, 'state')}, or give more data."
        )
    needed = family.distinct_rows_needed()
    if family.sequential and not family.labels_rows:
        found, what = len(data), "sequence"
    else:
        found, what = _distinct(_whole(data), needed), "distinct row"
    if found < needed:
        raise DataError(
            f"{counted(needed, _member(family))}, but the data has only {counted(found, what)}; "
            f"ask for at most {found}."
        )


def _states(family: Family) -> int:
    """The most states of any chain in a model."""
    own = family.distinct_members() if family.axis == "state" else 0
    return max([own, *map(_states, family.parts().values())])


def _member(family: Family) -> str:
    """What one of the members is called that labels tell apart."""
    return "state" if family.axis == "state" else "component"


def _whole(data: Data) -> Array:
    """The rows that were observed."""
    absent = data.rows.absent
    return data.rows.x if absent is None else data.rows.x[~absent]


def _check_support(family: Family, data: Data) -> None:
    rows = data.rows
    wrong = ~family.fits(rows.x)
    if family.reads_missing:
        wrong &= ~np.isnan(rows.x)
    if wrong.any():
        row, j = (int(i) for i in np.argwhere(wrong)[0])
        value, needed = rows.x[row, j], family.needs(j)
        raise DataError(
            f"{rows.called(j)} {data.place(row)} is {value:.6g}; {_shown(family)} needs {needed}"
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
    low, high = np.fmin.reduce(rows.x), np.fmax.reduce(rows.x)  # missing values left out
    flat = np.flatnonzero(low == high)
    if len(flat) and "fell to zero" in error.why:
        j = int(flat[0])
        where = "the only row" if len(rows) == 1 else f"all {len(rows)} rows"
        what = "scale" if "scale" in error.why else "variance"
        return DataError(
            f"{rows.called(j)} is constant ({low[j]:.6g} in {where}): the likelihood grows without "
            f"bound as the {what} falls to 0. Leave the column out, or give the {what} a value or a prior.",
            column=rows.name(j),
        )
    if not family.hidden:
        return FitError(f"{_shown(family)}: {error.why}, so the likelihood has no maximum. {error.cure}".rstrip())
    member = _member(family)
    which = f"{member} {error.members[0] % family.distinct_members() + 1}: " if error.members else ""
    left = f" with {error.weights[0]:.3g} rows left to it" if error.weights else ""
    every = "the only start" if starts.count == 1 else f"every one of the {starts.count} starts"
    cure = error.cure.replace("component", member)  # families speak of the bank they are most often in
    cure = cure or f"Try fewer {member}s, or a {member} that is shared, simpler or has a prior."
    return FitError(
        f"{every} collapsed: {which}{error.why}{left}, where the likelihood is unbounded. {cure}", starts=starts
    )
