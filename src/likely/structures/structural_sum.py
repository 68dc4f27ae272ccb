"""The sum of several state spaces of one column: a structural time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.patterns import Names
from likely.core.written import Free, written
from likely.errors import ModelError
from likely.structures.state_beginning import words_of
from likely.structures.state_space import StateSpace
from likely.structures.structural_entries import NAN, Entries, along_diagonal, diagonal, is_free


def structural(*components: StateSpace) -> StateSpace:
    """A series that is the sum of components: y_t = level + season + ... + noise, with one observation noise.

    Parameters
    ----------
    *components : StateSpace      models of one column that start diffuse or stationary, such as `local_level()`,
                                  `local_linear_trend()`, `seasonal(12)` and `autoregressive(1)`

    Returns
    -------
    StateSpace      the states of all components, one after another

    Raises
    ------
    ModelError      no component, one that is not such a model, or noise that is known in one and free in another

    Notes
    -----
    Harvey (1989), chapter 2. A, Q and b stand block by block, and C side by side. Independent noises add, so known
    variances R (and levels d) do too; where that of one component is free, that of the sum is, and the others must be
    free or 0. A name in one component is not the same name in another. Every component starts as it does by itself.

    Examples
    --------
    >>> import likely as lk
    >>> lk.structural(lk.local_level(), lk.seasonal(4)).size
    4
    """
    if not components:
        raise ModelError(
            "structural() has no components; write them in it, as in structural(local_level(), seasonal(4))."
        )
    for i, component in enumerate(components):
        _check(component, i)
    sizes, shown = [c.size for c in components], _own_names(components)
    starts = [word for c in components for word in np.broadcast_to(words_of(c), c.size).tolist()]
    return StateSpace(
        sum(sizes),
        A=along_diagonal([s["A"] for s in shown]),
        b=[e for s in shown for e in s["b"][0]],
        C=[[e for s in shown for e in s["C"][0]]],
        d=[_added([s["d"][0][0] for s in shown], "d")],
        Q=along_diagonal([s["Q"] for s in shown]),
        R=[[_added([s["R"][0][0] for s in shown], "R")]],
        P0=starts[0] if len(set(starts)) == 1 else starts,
    )


def _check(component: Any, i: int) -> None:
    """Can it be part of a sum?"""
    if not isinstance(component, StateSpace):
        raise ModelError(f"structural: component {i} is {component!r}; it must be a StateSpace, as local_level() is.")
    if not isinstance(component.size, int):
        raise ModelError(f"structural: component {i} has {component.size!r} states; their number must be known.")
    if not words_of(component):
        raise ModelError(
            f"structural: component {i} starts with P0={component.P0!r}; a sum starts diffuse or stationary, so "
            "write P0='diffuse' or P0='stationary'."
        )


def _own_names(components: Sequence[StateSpace]) -> list[dict[str, Entries]]:
    """The matrices of every component; a name that an earlier one has too gets a number after it."""
    taken: set[str] = set()
    out = []
    for i, component in enumerate(components):
        m = component.size
        shapes = {"A": (m, m), "b": (1, m), "C": (1, m), "d": (1, 1), "Q": (m, m), "R": (1, 1)}
        shown = {n: _entries(getattr(component, n), n, i, shape) for n, shape in shapes.items()}
        names = {e for rows in shown.values() for row in rows for e in row if isinstance(e, str)}
        new = {n: _another(n, taken) for n in sorted(names)}
        taken |= set(new.values())
        out.append({n: [[new.get(e, e) for e in row] for row in rows] for n, rows in shown.items()})
    return out


def _another(name: str, taken: set[str]) -> str:
    """The name itself, or one like it that is not taken."""
    number, out = 1, name
    while out in taken:
        number += 1
        out = f"{name}_{number}"
    return out


def _entries(value: Any, name: str, i: int, shape: tuple[int, int]) -> Entries:
    """What stands in a slot, entry by entry."""
    rows, columns = shape
    if isinstance(value, Free):  # of b this says that it is 0
        return [[0.0 if name == "b" else NAN] * columns for _ in range(rows)]
    if isinstance(value, str) and name in "QR" and value in ("diagonal", "spherical"):
        return diagonal([NAN if value == "diagonal" else f"{name}_variance"] * rows)
    if isinstance(value, float | int):
        return diagonal([float(value)] * rows) if name in "QR" else [[float(value)] * columns for _ in range(rows)]
    cells = value.cells if isinstance(value, Names) else value.tolist() if isinstance(value, np.ndarray) else None
    found = None if cells is None else np.shape(np.asarray(cells, object))
    if found == (columns,) and rows == 1:
        return [list(cells)]  # type: ignore[arg-type]  # a shape was found, so there are cells
    if found == shape:
        return [list(row) for row in cells]  # type: ignore[union-attr]  # the same
    raise ModelError(
        f"structural: component {i} has {name} = {written(value)}; in a sum of models of one column it needs numbers, "
        f"NaN entries or names, of shape {shape if name in 'AQRC' else (columns,)}."
    )


def _added(entries: list[Any], name: str) -> Any:
    """The sum of numbers; free where one is free. A name of one value is that of the sum."""
    loose = [e for e in entries if isinstance(e, str) or is_free(e)]
    known = [float(e) for e in entries if not (isinstance(e, str) or is_free(e))]
    if not loose:
        return sum(known)
    if name == "R" and any(e != 0 for e in known):
        raise ModelError(
            f"structural: R is free in one component and {max(known):.6g} in another; their noises add up to one, of "
            "which that is a part only. Write noise=0 in all components but one."
        )
    return loose[0] if len(loose) == 1 else NAN
