"""Sequences in any everyday form become `Sequences`, once, at the door: rows end to end, and what belongs to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from likely.core.cells import shown
from likely.core.columns import Columns
from likely.core.data import Sequences, Table
from likely.core.door import arrange, covariates, groups_in, labels_in, unused, weights_in
from likely.core.forms import columns_of
from likely.core.layout import Layout, by_lengths, is_sequences, laid_out
from likely.core.named import counted
from likely.errors import DataError
from likely.numerics.soft import Array


def sequences(x: Any, lengths: Any = None, *, given: Any = None, weights: Any = None, labels: Any = None) -> Sequences:
    """Sequences of rows, for models whose items they are, such as hidden Markov models.

    Parameters
    ----------
    x : list of arrays, lists or frames      (t,) or (t, d) each; or all rows below one another, cut by `lengths`
    lengths : array (sequences,)             rows of each sequence, in order; without it rows are one sequence
    given : list of arrays, or array         (t, p) covariates of each sequence, or (rows, p)
    weights : array (sequences,)             how often each sequence counts
    labels : list of arrays, or array        known states of rows; or one value for each sequence, its component

    Returns
    -------
    Sequences      to be given to `fit`, and to whatever else takes data

    Raises
    ------
    DataError      lengths that do not add up to the rows, an empty sequence, unequal columns, or a value that cannot be

    Notes
    -----
    NaN (or None) is a missing value, which the model may or may not allow. One sequence is never glued to the next.

    Examples
    --------
    >>> import likely as lk
    >>> two = lk.sequences([5.0, 6.0, 7.0, 1.0, 2.0], lengths=[3, 2])
    >>> len(two), two.lengths.tolist(), two.n_obs
    (2, [3, 2], 5.0)
    """
    layout = laid_out(x) if lengths is None else by_lengths(x, lengths)
    options = {"given": given, "weights": weights, "labels": labels}
    return assemble(layout, unused(layout.source, *options.values()), infinite=True, missing=True, **options)


def sequences_of(
    x: Any, *, given: Any = None, weights: Any = None, labels: Any = None, infinite: bool = False, missing: bool = False
) -> Sequences:
    """Data in memory as sequences: a list holds one in each item, anything else is one.

    Parameters
    ----------
    x, given, weights, labels      as for `sequences`; `given`, `weights` and `labels` may name columns of x
    infinite : bool                may values be infinite?
    missing : bool                 may values be missing?

    Raises
    ------
    DataError      names the first sequence, row and value that cannot be used

    Examples
    --------
    >>> sequences_of([np.array([1.0, 2.0]), np.array([3.0])]).offsets
    array([0, 2, 3])
    """
    layout = laid_out(x)
    roles = {"given": given, "weights": weights, "labels": labels}
    return assemble(layout, unused(layout.source, *roles.values()), infinite=infinite, missing=missing, **roles)


def assemble(
    layout: Layout, chosen: list[int], *, given: Any = None, weights: Any = None, labels: Any = None,
    groups: Any = None, grouped_by: str = "groups", of_rows: bool | None = None, member: str = "component",
    points: bool = False, infinite: bool = False, missing: bool = False,
) -> Sequences:  # fmt: skip
    """Sequences of the chosen columns.

    Parameters
    ----------
    layout : Layout             which rows make a sequence
    chosen : list of int        positions of the columns
    given                       covariates: column names, an array (rows, p), or a list beside a list of sequences
    weights, groups             of sequences: an array, or a column that says the same in all rows of a sequence
    labels                      of rows or of sequences, as `of_rows` says; None: of sequences where there are as many
    member : str                what a label stands for
    points : bool               labels are points, the known states of rows, (rows, m)
    infinite, missing : bool    may values be?
    """
    if isinstance(layout.ready, Table):  # what it says of rows may hold for sequences as well
        weights, labels, groups = (
            getattr(layout.ready, n) if role is None else role
            for n, role in (("weights", weights), ("labels", labels), ("groups", groups))
        )
    rows = _rows(layout, chosen, infinite=infinite, missing=missing)
    if given is not None:
        beside = layout.beside(given, "given") if layout.listed and is_sequences(given) else given
        values, names = covariates(layout.source, beside)
        rows = rows.with_(given=values, given_names=names)
    named = {n: getattr(layout, n) for n in ("ids", "id_name", "times", "time_name")}
    ready = layout.ready
    out = ready.with_(rows=rows, **named) if isinstance(ready, Sequences) else Sequences(rows, layout.offsets, **named)
    if weights is not None:
        found = _of_sequences(layout, weights, "weights", partial(weights_in, item="sequence"), shown)
        out = out.with_(weights=found)
    if groups is not None:
        found = _of_sequences(layout, groups, grouped_by, partial(groups_in, item="sequence"), None)
        out = out.with_(groups=found)
    if labels is None:
        return out
    if points:
        beside = layout.beside(labels, "labels") if layout.listed and is_sequences(labels) else labels
        return out.with_(rows=rows.with_(labels=covariates(layout.source, beside, "labels")[0]))
    if _told_by_row(layout, labels) if of_rows is None else of_rows:
        codes, label_names = labels_in(*layout.of_rows(labels, "labels"), member)
        return out.with_(rows=rows.with_(labels=codes, label_names=label_names))
    return _labelled(out, layout, labels, member)


def _rows(layout: Layout, chosen: list[int], *, infinite: bool, missing: bool) -> Table:
    if layout.ready is None:
        return arrange(layout.source, chosen, infinite=infinite, missing=missing).double()
    rows = layout.ready.rows
    rows = (rows if list(chosen) == list(range(rows.d)) else rows.select(chosen)).double()
    layout.source.check(rows.x, chosen, infinite=infinite, missing=missing)
    return rows.with_(weights=None, labels=None, groups=None) if isinstance(layout.ready, Table) else rows


def _told_by_row(layout: Layout, labels: Any) -> bool:
    """Is there a label for each row, not for each sequence?"""
    if isinstance(labels, str) or is_sequences(labels):
        return True
    return columns_of(labels).n != len(layout)


def _labelled(out: Sequences, layout: Layout, labels: Any, member: str) -> Sequences:
    """With labels of whole sequences."""
    names: tuple[str, ...] = ()

    def parse(source: Columns, j: int, label: str) -> Array:
        nonlocal names
        codes, names = labels_in(source, j, label, member)
        return codes

    codes = _of_sequences(layout, labels, "labels", parse, lambda c: _label_shown(c, names))
    return out.with_(labels=codes, rows=out.rows.with_(label_names=names))


def _label_shown(code: float, names: tuple[str, ...]) -> str:
    return "unknown" if code < 0 else repr(names[int(code)]) if names else str(int(code))


def _of_sequences(
    layout: Layout, role: Any, what: str, parse: Callable[[Columns, int, str], Array],
    show: Callable[[float], str] | None,
) -> Array:  # fmt: skip
    """(sequences,) values: given so, or for each row and then the same in all rows of a sequence."""
    if not isinstance(role, str) and not (layout.listed and is_sequences(role)):
        inner = columns_of(role)
        if inner.d == 1 and inner.n == len(layout):
            return parse(replace(inner, item="sequence"), 0, what)
        if inner.d == 1 and inner.n != layout.source.n:
            raise DataError(
                f"{what} has {counted(inner.n, 'value')}, the data has {counted(len(layout), 'sequence')}; "
                "one for each is needed."
            )
    source, j, label = layout.of_rows(role, what)
    values = parse(source, j, label)
    found = values[layout.offsets[:-1]]
    other = values != np.repeat(found, layout.lengths)
    if other.any():
        row = int(other.argmax())
        s = layout.owner(row)
        is_it = "is another one than" if show is None else f"is {show(values[row])}, and {show(found[s])}"
        raise DataError(
            f"{label} {source.place(row)} {is_it} in the row above; {what} are those of whole sequences, so every row "
            f"of {layout.called(s)} needs the same.",
            row=row + 1,
        )  # fmt: skip
    return found
