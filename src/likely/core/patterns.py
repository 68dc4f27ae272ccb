"""Values that are known up to a few numbers: arrays with names in them, sums of directions, shapes to scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.written import plain, written
from likely.errors import ModelError

Cells = Any  # nested tuples of numbers and names


class Names:
    """An array some of whose entries are names: the same name is the same free number, NaN is one by itself.

    >>> Names([["phi", 0], [0, "phi"]])
    [['phi', 0.0], [0.0, 'phi']]
    """

    def __init__(self, cells: Any):
        self.cells = _cells(cells)
        self.shape = _shape(self.cells)

    def places(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The numbers, 0 where a name stands; and where each name stands, by name in the order of reading."""
        flat = _flat(self.cells)
        numbers = np.array([0.0 if isinstance(c, str) else c for c in flat]).reshape(self.shape)
        names = dict.fromkeys(c for c in flat if isinstance(c, str))
        return numbers, {n: np.array([c == n for c in flat]).reshape(self.shape) for n in names}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return written(self.cells)


class Affine:
    """A known array plus free numbers times known directions: base + sum of number * direction.

    It stands in slots of coefficients of a StateSpace, as in StateSpace(2, A=affine(...)).

    Parameters
    ----------
    base : number or array      what is there where all the free numbers are 0
    directions : by name        how much each entry changes with the free number of that name

    Raises
    ------
    ModelError      no direction, or one that is not an array of finite numbers

    Examples
    --------
    >>> import likely as lk
    >>> lk.affine([[1, 0], [0, 1]], turn=[[0, -1], [1, 0]])
    affine([[1.0, 0.0], [0.0, 1.0]], turn=[[0.0, -1.0], [1.0, 0.0]])
    """

    def __init__(self, base: Any, /, **directions: Any):
        self.base = plain(base)
        if not directions:
            raise ModelError(f"affine({written(self.base)}) has no direction; write one by name, as in step=[[1, 0]].")
        self.directions = {name: plain(d) for name, d in directions.items()}
        for name, direction in self.directions.items():
            if not isinstance(direction, float | int | np.ndarray) or not np.isfinite(direction).all():
                raise ModelError(
                    f"affine(..., {name}={written(direction)}): a direction is an array of finite numbers."
                )

    def __repr__(self) -> str:
        return f"affine({', '.join([written(self.base), *(f'{n}={written(d)}' for n, d in self.directions.items())])})"


class Scaled:
    """A covariance of known shape and unknown size: one free positive number times a known matrix.

    It stands in the noises of a StateSpace, as in StateSpace(2, Q=scaled([[2, 1], [1, 2]])).

    Parameters
    ----------
    shape : array (d, d)      symmetric, no negative eigenvalue, not all 0

    Raises
    ------
    ModelError      something that is no matrix of numbers

    Examples
    --------
    >>> import likely as lk
    >>> lk.scaled([[2, 1], [1, 2]])
    scaled([[2.0, 1.0], [1.0, 2.0]])
    """

    def __init__(self, shape: Any):
        self.shape = plain(shape)
        if not isinstance(self.shape, np.ndarray):
            raise ModelError(f"scaled({written(self.shape)}) needs a matrix, as in scaled([[2, 1], [1, 2]]).")

    def __repr__(self) -> str:
        return f"scaled({written(self.shape)})"


affine, scaled = Affine, Scaled


def named(value: Any) -> Any:
    """A written array in its standard form where there are names in it; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return named(value.tolist())
    if isinstance(value, list | tuple | np.ndarray) and any(isinstance(c, str) for c in _flat(value)):
        cells = _cells(value)
        return Names(value) if any(isinstance(c, str) for c in _flat(cells)) else plain(cells)
    return value


def _flat(value: Any) -> list[Any]:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return [c for v in value for c in _flat(v)] if isinstance(value, list | tuple) else [value]


def _cells(value: Any) -> Cells:
    """Nested tuples of numbers and names; a text that reads as a number is that number, as everywhere."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_cells(v) for v in value)
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    if isinstance(value, str) and value.isidentifier():
        return value
    raise ModelError(f"{value!r} stands in an array; an entry is a number or a name, as 'phi'.")


def _shape(cells: Cells) -> tuple[int, ...]:
    if not isinstance(cells, tuple):
        return ()
    inner = {_shape(c) for c in cells}
    if len(inner) > 1:
        raise ModelError(f"{written(cells)} is not an array; its rows have different lengths.")
    return (len(cells), *(inner.pop() if inner else ()))
