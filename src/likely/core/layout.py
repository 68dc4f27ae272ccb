"""Which rows make a sequence, and in what order: told by a list, by ids beside the rows, or by lengths."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from likely.core.cells import Cells, Fault, shown
from likely.core.columns import Columns, end_to_end
from likely.core.data import Data, Sequences, Table, called
from likely.core.forms import columns_of
from likely.core.named import counted
from likely.errors import DataError
from likely.numerics.soft import Array

ID = "the id of a sequence is a number or a text, and every row needs one."
TIME = "a time is a number or a date, and every row needs one. Mend it, or leave time=... out and give rows in order."


@dataclass(frozen=True)
class Layout:
    """Rows laid end to end, and where each sequence begins."""

    source: Columns  # its messages name the sequence of a row, where there are several
    offsets: Array  # (sequences + 1,)
    listed: bool = False  # the data came as a list: what belongs to its rows may come so too
    ids: Array | None = None
    id_name: str = ""
    times: Array | None = None
    time_name: str = ""
    ready: Data | None = None  # what the data was, where it was read before

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> list[int]:
        """Rows of each sequence."""
        return np.diff(self.offsets).tolist()

    def called(self, s: int) -> str:
        """A sequence in words."""
        return called(s, self.ids)

    def owner(self, row: int) -> int:
        """The sequence a row belongs to."""
        return int(np.searchsorted(self.offsets, row, side="right")) - 1

    def in_words(self) -> Layout:
        """The same, where messages about rows name their sequence as well."""
        if len(self) == 1:
            return self
        pieces = tuple((self.called(s), n) for s, n in enumerate(self.lengths))
        return replace(self, source=replace(self.source, pieces=pieces))

    def of_rows(self, role: Any, what: str) -> tuple[Columns, int, str]:
        """Where a column with one value for each row is, and what messages call it."""
        if isinstance(role, str):
            j = self.source.positions(role)[0]
            return self.source, j, self.source.label(j, f"{what} ")
        inner = self.beside(role, what) if self.listed and is_sequences(role) else columns_of(role)
        if inner.d != 1:
            raise DataError(f"{what} has {inner.d} columns; one is needed.")
        if inner.n != self.source.n:
            raise DataError(
                f"{what} has {counted(inner.n, 'value')}, the data has {counted(self.source.n, 'row')}; "
                "one for each is needed."
            )
        return replace(inner, pieces=self.source.pieces), 0, what

    def beside(self, role: Any, what: str) -> Columns:
        """A list with something for each sequence of a list, end to end; None is nothing known of a whole sequence."""
        if len(role) != len(self):
            raise DataError(
                f"{what} has {counted(len(role), 'sequence')}, the data has {len(self)}; one for each is needed."
            )
        parts = []
        for s, (part, n) in enumerate(zip(role, self.lengths, strict=True)):
            one = columns_of(np.full(n, None, object) if part is None else part)
            if one.n != n:
                raise DataError(f"{what} {self.called(s)} has {counted(one.n, 'row')}, that of the data has {n}.")
            parts.append((self.called(s), one))
        return end_to_end(parts)


def is_sequences(x: Any) -> bool:
    """Is this a list (or an array of three axes) whose items are sequences? A list of plain values is one column.

    >>> is_sequences([1, 2]), is_sequences([[1, 2], [3, 4, 5]]), is_sequences([np.ones(2), None])
    (False, True, True)
    """
    if isinstance(x, np.ndarray):
        return x.ndim == 3
    if not isinstance(x, list | tuple):
        return False
    some = [v for v in x if v is not None]
    return bool(some) and all(_has_rows(v) for v in some)


def _has_rows(x: Any) -> bool:
    return not isinstance(x, str | bytes) and (x.ndim > 0 if isinstance(x, np.ndarray) else hasattr(x, "__len__"))


def laid_out(x: Any, sequence: Any = None, time: Any = None) -> Layout:
    """Data in any form as rows laid end to end.

    Parameters
    ----------
    x : list, array, frame, Columns, Table or Sequences      a list holds a sequence in each item; the rest are rows
    sequence : array (n,), or a column name                  which rows belong together; all of them unless given
    time : array (n,), or a column name                      rises strictly within every sequence

    Raises
    ------
    DataError      an empty sequence, one whose rows do not stand together, or times that do not rise
    """
    if isinstance(x, Sequences):
        _refuse_ids(sequence, "sequences already")
        source = replace(columns_of(x.rows.x), names=x.rows.names)
        layout = Layout(source, x.offsets, True, x.ids, x.id_name, x.times, x.time_name, x)
    elif is_sequences(x):
        _refuse_ids(sequence, "a list of sequences already")
        parts = _parts(x)
        layout = Layout(end_to_end(parts), _offsets([c.n for _, c in parts]), True)
    else:
        ready = x if isinstance(x, Table) else None
        source = columns_of(x) if ready is None else replace(columns_of(ready.x), names=ready.names)
        if source.n == 0:
            raise DataError("the data has no rows; at least one is needed.")
        whole = Layout(source, np.array([0, source.n]), ready=ready)
        layout = _by_piece(whole) if sequence is None else _by_id(whole, sequence)
    layout = layout.in_words()
    return layout if time is None else _timed(layout, time)


def by_lengths(x: Any, lengths: Any) -> Layout:
    """Rows cut into sequences of so many rows.

    Raises
    ------
    DataError      lengths that are no counts, an empty sequence, or lengths that do not add up to the rows
    """
    if isinstance(x, Sequences) or is_sequences(x):
        raise DataError(
            "lengths=... cut rows into sequences, and the data is a list of sequences already; leave it out."
        )
    whole, found = laid_out(x), columns_of(lengths)
    if found.d != 1:
        raise DataError(f"lengths has {found.d} columns; one is needed.")
    values = found.cells(0).numbers
    for s, n in enumerate(values.tolist()):
        if not n >= 0 or n != np.floor(n) or n == np.inf:
            raise DataError(f"lengths: that of sequence {s + 1} is {n:.6g}; a length is a number of rows, from 1.")
        if n == 0:
            raise DataError(f"lengths: that of sequence {s + 1} is 0; a sequence has at least one row. Leave it out.")
    total = int(values.sum())
    if total != whole.source.n:
        raise DataError(
            f"lengths add up to {counted(total, 'row')}, the data has {whole.source.n}; every row belongs to one "
            "sequence."
        )
    return replace(whole, offsets=_offsets(values.astype(int))).in_words()


def _offsets(lengths: Any) -> Array:
    return np.concatenate([[0], np.cumsum(lengths)])


def _refuse_ids(sequence: Any, what: str) -> None:
    if sequence is not None:
        raise DataError(f"sequence=... says which rows belong together, and the data is {what}; leave it out.")


def _parts(x: Any) -> list[tuple[str, Columns]]:
    parts = []
    for i, part in enumerate(x):
        name = f"sequence {i + 1}"
        if part is None:
            raise DataError(f"{name} is None; leave it out.")
        one = columns_of(part)
        if one.n == 0:
            raise DataError(f"{name} has no rows; leave it out.")
        parts.append((name, one))
    return parts


def _by_piece(whole: Layout) -> Layout:
    """Files that were read one below the other are a sequence each: one is never glued to the next."""
    pieces = whole.source.pieces
    if not pieces:
        return whole
    ids = np.array([name[1:-1] for name, _ in pieces], object)  # without their quotes
    return replace(whole, offsets=_offsets([n for _, n in pieces]), ids=ids)


def _by_id(whole: Layout, sequence: Any) -> Layout:
    source, j, label = whole.of_rows(sequence, "sequence")
    each = _ids(source, j, label)
    starts = np.flatnonzero(np.concatenate([[True], each[1:] != each[:-1]]))
    runs = each[starts]
    first = np.unique(runs, return_index=True)[1]
    if len(first) < len(runs):
        again = np.ones(len(runs), bool)
        again[first] = False
        row = int(starts[again.argmax()])
        by = f"by {sequence!r}" if isinstance(sequence, str) else "by sequence"
        raise DataError(
            f"{label} row {row + 1} is {_shown(each[row])} again, after other rows; the rows of one sequence must "
            f"stand together. Sort the rows {by} first, and by time within it.",
            column=source.names[j] if source.names else None, row=row + 1, value=each[row],
        )  # fmt: skip
    offsets = np.append(starts, source.n)
    return replace(whole, offsets=offsets, ids=runs, id_name=sequence if isinstance(sequence, str) else "")


def _ids(source: Columns, j: int, label: str) -> Array:
    """(n,) numbers, or texts."""
    cells = source.cells(j)
    if cells.moments is not None:
        moments = cells.moments.astype("datetime64[s]")
        days = moments.astype("datetime64[D]")
        texts = np.datetime_as_string(days if (days == moments)[~np.isnat(days)].all() else moments)
        missing, found = np.isnat(moments), texts.astype(object)
    elif cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=ID))
    elif cells.codes is None:
        missing, found = np.isnan(cells.numbers), cells.numbers
    else:
        named = cells.as_text()
        assert named.codes is not None
        missing, found = named.codes < 0, np.array([*named.texts, ""], object)[named.codes]
    if missing.any():
        raise _absent(source, j, label, int(missing.argmax()), ID)
    return found


def _absent(source: Columns, j: int, label: str, row: int, why: str) -> DataError:
    name = source.names[j] if source.names else None
    return DataError(f"{label} {source.place(row)} is missing; {why}", column=name, row=row + 1)


def _timed(layout: Layout, time: Any) -> Layout:
    source, j, label = layout.of_rows(time, "time")
    times = _times(source, j, label)
    rises = np.ones(len(times), bool)
    rises[1:] = times[1:] > times[:-1]
    rises[layout.offsets[:-1]] = True
    if not rises.all():
        raise _not_rising(layout, time, source, j, label, times, int(rises.argmin()))
    return replace(layout, times=times, time_name=time if isinstance(time, str) else "")


def _not_rising(layout: Layout, time: Any, source: Columns, j: int, label: str, times: Array, row: int) -> DataError:
    now, above = _shown(times[row]), _shown(times[row - 1])
    if times[row] == times[row - 1]:
        why = (
            f"{now}, as in the row above; two rows of one sequence cannot have the same time. Keep one of them, or "
            "leave time=... out."
        )
        if len(layout) == 1 and layout.ids is None:
            why += " If they belong to several sequences, say which with sequence=...."
    else:
        order = [repr(layout.id_name)] if layout.id_name else ["sequence"] if len(layout) > 1 else []
        order.append(repr(time) if isinstance(time, str) else "time")
        why = (
            f"{now}, and {above} in the row above; times must rise within a sequence. "
            f"Sort the rows by {' and then by '.join(order)} first."
        )
    name = source.names[j] if source.names else None
    return DataError(f"{label} {source.place(row)} is {why}", column=name, row=row + 1, value=times[row])


def _times(source: Columns, j: int, label: str) -> Array:
    """(n,) numbers or datetime64."""
    cells = source.cells(j)
    moments = cells.moments if cells.moments is not None else _spelled_dates(cells)
    if moments is not None:
        missing = np.isnat(moments)
    else:
        cells = cells.settled()
        if cells.fault is not None:
            raise source.refuse(label, j, cells.fault._replace(why=TIME))
        if cells.codes is not None:
            row = int((cells.codes >= 0).argmax())
            raise source.refuse(label, j, Fault(row, cells.texts[cells.codes[row]], TIME))
        moments, missing = cells.numbers, np.isnan(cells.numbers)
        if np.isinf(moments).any():
            row = int(np.isinf(moments).argmax())
            raise source.refuse(label, j, Fault(row, float(moments[row]), TIME))
    if missing.any():
        raise _absent(source, j, label, int(missing.argmax()), TIME)
    return moments


def _spelled_dates(cells: Cells) -> Array | None:
    """Dates that are written out, as in 2024-01-31; None where some text is none."""
    if cells.codes is None or not cells.texts or not np.isnan(cells.numbers).all():
        return None
    try:
        found = [datetime.datetime.fromisoformat(t.strip()) for t in cells.texts]
    except ValueError:
        return None
    if len({t.tzinfo is None for t in found}) > 1:
        return None
    plain = [t if t.tzinfo is None else t.astimezone(datetime.UTC).replace(tzinfo=None) for t in found]
    return np.array([*plain, "NaT"], "datetime64[us]")[cells.codes]


def _shown(value: Any) -> str:
    if isinstance(value, np.datetime64):
        text = str(value.astype("datetime64[us]")).removesuffix(".000000").removesuffix("T00:00:00")
        return text.replace("T", " ")
    return shown(str(value)) if isinstance(value, str) else f"{float(value):.15g}"
