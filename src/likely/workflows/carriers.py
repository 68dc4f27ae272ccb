"""What carries a likelihood: single rows, components that few rows hold, components that are the same twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from likely.core.domains import Positive, PositiveDefinite
from likely.faces.words import plural
from likely.numerics.soft import Array
from likely.workflows.bend import Bend
from likely.workflows.certificate import Carrier
from likely.workflows.surface import Surface

HEAVY = 1.0  # standard errors: a row that moves a number further carries it
TOLD = 5  # rows
ROOM = 2**25  # numbers in the scores of all rows
LOOKED_AT = 50  # rows whose effect on every number is worked out
ROWS_EACH = 3  # rows for each number of a component: fewer hold it only just
ALIKE = 0.1  # standard errors, were labels known, within which two components are the same
COMPARED = 2000  # rows on which components are compared
COLLAPSED = 1e-6  # of the variance of the data


def has_room(s: Surface) -> bool:
    """Is the influence of every row (or sequence) worked out?"""
    return len(s.data) * len(s.point) <= ROOM


def heavy_rows(s: Surface, bend: Bend, rows: Array) -> tuple[Carrier, ...]:
    """Rows (or sequences) without which a number would be elsewhere by a standard error; `rows` are their numbers (n,).

    One Newton step from the fit without the row: I^-1 s_i, with the row's score s_i. Its length in the metric of the
    information bounds the move of every number in standard errors (Cauchy and Schwarz), so few rows need a closer look.
    """
    once = np.minimum(s.data.weight_column(), 1.0)  # a row of weight 3 stands for three
    scores = s.scores_by_row() * once * bend.scale
    step = scores @ bend.vectors / np.sqrt(bend.eigenvalues)
    length = np.sqrt((step**2).sum(1))
    closest = np.argsort(-length, kind="stable")[:LOOKED_AT]
    closest = closest[length[closest] > HEAVY]
    numbers = bend.jacobian @ bend.vectors / np.sqrt(bend.eigenvalues)
    errors = np.where(bend.undetermined, 0.0, np.sqrt((numbers**2).sum(1)))
    moves = np.abs(step[closest] @ numbers.T) / np.where(errors > 0, errors, np.inf)
    found = []
    for i, each in zip(closest, moves, strict=True):
        most = int(each.argmax())
        if each[most] > HEAVY:
            found.append(Carrier(int(rows[i]) + 1, bend.names[most], float(each[most])))
    return tuple(sorted(found, key=lambda c: -c.moves)[:TOLD])


def thin_components(s: Surface) -> Iterator[str]:
    """Components that few rows hold, in words."""
    counts = expected_rows(s)
    component = s.family.parts()["component"]
    own = max(1.0, component.count_free() / len(counts))
    for c, count in enumerate(counts):
        if 0 < count < ROWS_EACH * own:
            held = f"{plural(float(f'{count:.3g}'), 'row')}, for {plural(own, 'number')} of its own"
            yield f"component[{c}] is held by {held}"


def expected_rows(s: Surface) -> Array:
    """(m,): of each component of a mixture, by weight."""
    each = s.engine.map(lambda c: (c.mass[:, None] * s.family.infer(s.params, c.double()).hidden[:, 0]).sum(0))
    return np.sum(list(each), axis=0)


def same_components(s: Surface) -> Iterator[tuple[int, int]]:
    """Pairs of components that all rows together would not tell apart even if it were known whose they are.

    Responsibilities tell the ratio of two densities; the sum of its squared logarithm over the rows of both is the
    squared distance of their parameters in the metric of the complete-data information.
    """
    rows = s.data.rows
    step = -(-len(rows) // COMPARED)
    sample = s.data.take(slice(None, None, step)).with_(labels=None).double()
    r, w = s.family.infer(s.params, sample).hidden[:, 0], np.asarray(sample.weight_column())[:, 0]
    share = s.params.weights[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        height = np.log(r) - np.log(share)
        for a, b in zip(*np.triu_indices(len(share), 1), strict=True):
            of_both = w * (r[:, a] + r[:, b])
            squares = np.where(of_both > 0, of_both * (height[:, a] - height[:, b]) ** 2, 0.0)
            if share[a] > 0 < share[b] and step * squares.sum() < ALIKE**2:
                yield int(a), int(b)


def collapsing(s: Surface) -> Iterator[str]:
    """Components with a variance that is all but gone, in words."""
    for name, slot in s.family.parts()["component"].slots.items():
        if slot.fixed or name not in ("variance", "covariance"):
            continue
        value, variance = s.params.component[name], s.data.rows.x.var(axis=0)
        if not (variance > 0).all():
            continue
        if isinstance(slot.domain, Positive):
            left = (value.reshape(len(value), -1) / variance).min(1)
        elif isinstance(slot.domain, PositiveDefinite) and value.shape[-1] == len(variance):
            left = np.linalg.eigvalsh(value / np.sqrt(np.outer(variance, variance)))[:, 0]
        else:
            continue
        for c in np.flatnonzero(left < COLLAPSED):
            yield f"component[{c}] has all but collapsed: its {name} is {left[c]:.1e} of that of the data"
