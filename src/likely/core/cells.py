"""One column as it was given: numbers, texts, or what can be neither."""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from likely.numerics.soft import Array

EXACT = 2**53  # whole numbers up to here are exact in float64
DATES = "dates and times are not numbers. Leave the column out, or count them first, as in days since the first row."
OTHER = "real numbers or text are needed."
TOO_BIG = "whole numbers beyond 2^53 lose digits. Leave an identifier out, or rescale the column."
STRAY = "most of the column is numbers. Mend or drop the row, or leave the column out."

_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
_NUMBERS = (numbers.Real, np.bool_, decimal.Decimal)
_BEGIN_NUMBERS = frozenset("0123456789+-. ")
_MISSING = ("NoneType", "NAType", "NaTType")  # by name: pandas need not be imported to know its missing values


class Fault(NamedTuple):
    """The first value (at a row from 0) that cannot be used, and why; `numeric` where the column is one of numbers."""

    row: int
    value: object
    why: str
    numeric: bool = False


@dataclass(frozen=True)
class Cells:
    """A column: numbers, and codes of the texts among them."""

    numbers: Array  # (n,) NaN where there is no number
    codes: Array | None = None  # (n,) positions in `texts`, -1 where there is no text; None: no text at all
    texts: tuple[str, ...] = ()
    category: bool = False  # declared as text, also where the texts look like numbers
    fault: Fault | None = None
    moments: Array | None = None  # (n,) datetime64, NaT where missing, where the fault is that these are dates

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def numeric(self) -> bool:
        """Is this a column of numbers (perhaps with a fault)?"""
        if self.fault is not None:
            return self.fault.numeric
        return self.codes is None or self._mostly_numbers(self._parsed())

    def settled(self) -> Cells:
        """All numbers, or all text: a column of mostly numbers is one of numbers, and a stray text its fault."""
        if self.codes is None or self.fault is not None:
            return self
        parsed = self._parsed()
        if not self._mostly_numbers(parsed):
            return self.as_text()
        rows = self.codes >= 0
        found = self.numbers.copy()
        found[rows] = np.array([math.nan if p is None else p for p in parsed])[self.codes[rows]]
        strays = np.array([p is None for p in parsed])
        if not strays.any():
            return Cells(found)
        row = int((rows & strays[self.codes]).argmax())
        return Cells(found, fault=Fault(row, self.texts[self.codes[row]], STRAY, numeric=True))

    def _parsed(self) -> list[float | None]:
        """The texts as numbers, None where they are none."""
        return [None if self.category else _parse(t) for t in self.texts]

    def _mostly_numbers(self, parsed: list[float | None]) -> bool:
        """Are more than half of the values that are there numbers?"""
        assert self.codes is not None
        times = np.bincount(self.codes[self.codes >= 0], minlength=len(parsed))
        plain = np.count_nonzero(~np.isnan(self.numbers))
        spelled = times[[p is not None for p in parsed]].sum()
        return 2 * (plain + spelled) > plain + times.sum()

    def as_text(self) -> Cells:
        """Every value as text, the texts sorted."""
        wording = {t: i for i, t in enumerate(self.texts)}
        codes = np.full(len(self), -1) if self.codes is None else self.codes.copy()
        for row in np.flatnonzero(~np.isnan(self.numbers)):
            codes[row] = wording.setdefault(f"{self.numbers[row]:.15g}", len(wording))
        order = sorted(wording)
        rank = np.full(len(order) + 1, -1)  # the last, at -1, for a missing text
        rank[[wording[t] for t in order]] = np.arange(len(order))
        return Cells(np.full(len(self), np.nan), rank[codes], tuple(order), self.category)


def joined(pieces: Sequence[Cells]) -> Cells:
    """Columns laid end to end."""
    wording: dict[str, int] = {}
    codes, fault, at = [], None, 0
    for piece in pieces:
        own = np.array([*(wording.setdefault(t, len(wording)) for t in piece.texts), -1])
        codes.append(np.full(len(piece), -1) if piece.codes is None else own[piece.codes])
        if piece.fault is not None and fault is None:
            fault = piece.fault._replace(row=at + piece.fault.row)
        at += len(piece)
    text = any(p.codes is not None for p in pieces)
    moments = [p.moments for p in pieces if p.moments is not None]
    return Cells(
        np.concatenate([p.numbers for p in pieces]),
        np.concatenate(codes) if text else None,
        tuple(wording),
        any(p.category for p in pieces),
        fault,
        np.concatenate(moments) if len(moments) == len(pieces) else None,
    )


def array_cells(values: Array) -> Cells:
    """The column in a NumPy array (n,) of any type."""
    kind = values.dtype.kind
    if kind in "fiub":
        row = too_big(values)
        fault = None if row is None else Fault(row, int(values[row]), TOO_BIG, numeric=True)
        return Cells(values.astype(float, copy=False), fault=fault)
    if kind in "mM" and len(values):
        dates = values if kind == "M" else None
        return Cells(np.full(len(values), np.nan), fault=Fault(0, values[0], DATES), moments=dates)
    return object_cells(values.tolist())


def too_big(values: Array) -> int | None:
    """The first row (n,) or (n, d) with a whole number that float64 cannot hold."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return None
    if values.max() <= EXACT and (values.dtype.kind == "u" or values.min() >= -EXACT):
        return None
    wrong = (values > EXACT) | (values < -EXACT) if values.dtype.kind == "i" else values > EXACT
    return int(np.flatnonzero(wrong.reshape(len(values), -1).any(1))[0])


def object_cells(values: Sequence[Any]) -> Cells:
    """The column in a sequence of Python objects."""
    found, codes = [math.nan] * len(values), [-1] * len(values)
    wording: dict[str, int] = {}
    fault, dates = None, None
    for row, value in enumerate(values):
        if isinstance(value, str):
            codes[row] = wording.setdefault(value, len(wording))
        elif type(value).__name__ in _MISSING:
            continue
        elif isinstance(value, _NUMBERS):
            found[row] = float(value)
            if isinstance(value, numbers.Integral) and abs(int(value)) > EXACT:
                fault = fault or Fault(row, value, TOO_BIG, numeric=True)
        else:
            fault = Fault(row, value, DATES if isinstance(value, _DATES) else OTHER)
            dates = moments_of(values)
            break
    return Cells(np.array(found), np.array(codes) if wording else None, tuple(wording), fault=fault, moments=dates)


def moments_of(values: Sequence[Any]) -> Array | None:
    """Dates, with the time of the day where they have one, as datetime64 (n,); None where something else is there."""
    out = np.full(len(values), "NaT", "datetime64[us]")
    for row, value in enumerate(values):
        if type(value).__name__ in _MISSING:
            continue
        if not isinstance(value, datetime.date | np.datetime64):
            return None
        if isinstance(value, datetime.datetime) and value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        out[row] = value
    return out


def series_cells(series: Any) -> Cells:
    """The column in a narwhals series."""
    import narwhals as nw

    missing = _array(series.is_null().cast(nw.Int8)).astype(bool)
    kind = series.dtype
    if missing.all():
        return Cells(np.full(len(missing), np.nan))
    if kind.is_numeric() or kind == nw.Boolean:
        fault = _series_too_big(series) if kind.is_integer() else None
        if fault is not None:
            return Cells(np.full(len(missing), np.nan), fault=fault)
        return Cells(_array(series.cast(nw.Float64), missing))
    if kind in (nw.String, nw.Categorical, nw.Enum):
        texts = object_cells(_unless(missing, series.cast(nw.String).to_list()))
        return replace(texts, category=kind != nw.String)
    if kind == nw.Object:
        return object_cells(_unless(missing, series.to_list()))
    row = int(missing.argmin())
    why = DATES if kind.is_temporal() else OTHER
    dates = moments_of(series.to_list()) if kind.is_temporal() else None
    fault = Fault(row, series[row : row + 1].to_list()[0], why)
    return Cells(np.full(len(missing), np.nan), fault=fault, moments=dates)


def _array(series: Any, missing: Array | None = None) -> Array:
    """A series of plain numbers as an array of its own, NaN where values are missing."""
    native = series.to_native()
    if not hasattr(native, "combine_chunks"):
        found = np.array(series.to_numpy())
        if missing is not None and missing.any():
            found[missing] = np.nan
        return found
    # Arrow's own to_numpy imports pandas wherever that is installed, which takes longer than reading most files.
    whole = native if missing is None or not missing.any() else native.fill_null(np.nan)
    whole = whole.combine_chunks()
    return np.array(np.from_dlpack(whole)) if len(whole) else np.zeros(0)


def _series_too_big(series: Any) -> Fault | None:
    if series.max() <= EXACT and series.min() >= -EXACT:
        return None
    wrong = ((series > EXACT) | (series < -EXACT)).fill_null(False)
    return Fault(int(wrong.to_numpy().argmax()), int(series.filter(wrong).to_list()[0]), TOO_BIG, numeric=True)


def _unless(missing: Array, values: Iterable[Any]) -> list[Any]:
    return [None if gone else v for gone, v in zip(missing.tolist(), values, strict=True)]


def _parse(text: str) -> float | None:
    """The number a text spells. The first character is looked at first: a failed conversion takes long."""
    if text[:1] not in _BEGIN_NUMBERS and text.lower() not in ("nan", "inf", "infinity"):
        return None
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join((repr(value) if isinstance(value, str) else str(value)).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
