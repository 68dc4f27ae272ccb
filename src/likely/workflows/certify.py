"""Is it a maximum? Gradient, curvature, edges, a probe beside the fit, starts and rows, and a verdict in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.loop import em
from likely.em.outcome import Outcome
from likely.em.starts import SAME
from likely.em.stopping import rounding_of
from likely.errors import Degenerate, FitError, ModelError
from likely.faces.words import listed, plural
from likely.numerics.soft import Array
from likely.workflows.bend import Bend
from likely.workflows.carriers import collapsing, has_room, heavy_rows, same_components, thin_components
from likely.workflows.certificate import Carrier, Certificate, Check, Direction, Verdict
from likely.workflows.climb import Climb
from likely.workflows.edges import Edge, edges, height_at
from likely.workflows.surface import MOST, Surface, surface, surface_at

if TYPE_CHECKING:
    from likely.workflows.result import Fit

# Standard errors. The default tolerance of `fit` is 1e-3, and its estimate of the distance is good to a factor of 3.
NEAR = 3e-3
ALL = 0.99  # of the information: where no more than this is missing, no direction is named
STEP = 0.1  # of a standard deviation of one row, or of a standard error: where the probe begins
PASSES = 8  # of EM from there
PROBED = 6  # directions


def certify(fit: Fit, starts: int = 0) -> Certificate:
    """Examine a fit as a maximum of its objective (log-likelihood + log prior).

    Parameters
    ----------
    fit : Fit
    starts : int      so many other starts are tried, to tell whether something better exists

    Returns
    -------
    Certificate      prints as a report; `.verdict` is one sentence

    Raises
    ------
    ModelError      the fit carries no data, or starts are asked for where nothing is hidden

    Notes
    -----
    The gradient is that of Fisher's identity, the information its central differences, relative to the information
    were nothing hidden, so nothing depends on the units of data or parameters. A fit is at a maximum when its Newton
    decrement sqrt(s' I^-1 s) is below 0.003 standard errors, the information has no eigenvalue below zero, and EM from
    points a little beside it (along the weakest directions, both ways) leads no higher. It is not identified where all
    rows together tell less along some direction than 3.84 rows would whose labels are known: then a 95 % interval is
    wider than a single row scatters; than a single one would where hidden states are points, as in a state space. A
    verdict is about this maximum; that no other is higher nobody can verify.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Bernoulli(), [1, 1, 1, 0]).certify().verdict.name
    'maximum'
    """
    _check(fit, starts)
    if fit.hard and fit.model.hidden:
        return _cannot(
            "hard EM counts each row wholly to one component: its objective has corners, and no gradient there. "
            "Fit with hard=False, starting here: fit(model, data, start=this_fit)."
        )
    try:
        with surface(fit) as s:
            if corners := list(_corners(s.family)):
                return _cannot(
                    f"at the best {listed(corners)} the likelihood ends or has a corner, on a row of the data: there "
                    "is neither a gradient nor a curvature to look at."
                )
            if len(s.point) > MOST:
                return _cannot(
                    f"it has {len(s.point)} free parameters, and second derivatives are worked out for at most {MOST}."
                )
            return _examined(fit, s, starts)
    except FitError as error:
        return _cannot(str(error))


def _check(fit: Fit, starts: int) -> None:
    if starts < 0:
        raise ModelError(f"starts={starts}; a number of other starts is needed, 0 for none.")
    if starts and not fit.model.hidden:
        raise ModelError(
            f"starts={starts} is for EM, and nothing is hidden in {fit.family!r}: it has one maximum. Leave it out."
        )


def _cannot(why: str) -> Certificate:
    return Certificate(Verdict.cannot, (Check("why", False, why),))


def _corners(family: Family, path: str = "") -> Iterator[str]:
    """Names of estimated slots in which the likelihood is not smooth."""
    yield from (f"{path}{name}" for name in family.nonregular if not family.slots[name].fixed)
    for name, part in family.parts().items():
        yield from _corners(part, f"{path[:-1]}[{name}]." if name.isdigit() else f"{path}{name}.")


def _examined(fit: Fit, s: Surface, starts: int) -> Certificate:
    s, found = _at_the_edge(s)
    height = height_at(s, s.params)
    bend = Bend(s, dead=any(e.slot.name == "weights" for e in found))
    ahead = height - fit.objective  # what numbers still gain that come nearer and nearer to an edge
    converged = bend.distance < NEAR and ahead < SAME
    off = _off_the_edges(s, found, height + rounding_of(height, s.items))
    gain = _probe(s, bend, height) if converged else float("nan")
    rises = gain > NEAR**2  # twice what a fit may be short of its maximum
    verdict = _verdict(converged, bend.rises or rises or bool(off), bend.unknown > 0, bool(found))
    definite = bend.falls and len(bend.eigenvalues) > 0
    weakest = bend.along(0) if len(bend.eigenvalues) else None
    rows = _row_numbers(fit)
    looked = verdict.good and definite and len(s.data) > 1 and has_room(s)
    carriers = heavy_rows(s, bend, rows) if looked else None
    better, by = _search(fit, s, starts) if starts else (None, 0.0)
    checks = [
        _gradient(bend, ahead),
        _curvature(bend, weakest),
        _neutral_words(bend),
        _edge_words(found, off),
        _probe_words(gain, rises, converged, len(bend.eigenvalues) > 0),
        _start_words(fit, starts, by),
        *_component_words(s),
    ]
    if verdict.good and definite and len(s.data) > 1:
        checks.append(_row_words(carriers, s.data.item))
    return Certificate(
        verdict, tuple(c for c in checks if c), bend.gradient, bend.distance, bend.eigenvalues, weakest,
        tuple(e.name for e in found), carriers or (), gain, better, by,
    )  # fmt: skip


def _verdict(converged: bool, rises: bool, unknown: bool, at_edge: bool) -> Verdict:
    """The first that applies: what is said of curvature means little where the gradient is not zero."""
    if not converged:
        return Verdict.not_converged
    if rises:
        return Verdict.saddle
    if unknown:
        return Verdict.not_identified
    return Verdict.boundary if at_edge else Verdict.maximum


def _at_the_edge(s: Surface) -> tuple[Surface, list[Edge]]:
    """The same with numbers on their edge that were on the way to it, as EM gets there only in the limit.

    A variance is held where it is.
    """
    params, height, kept = s.params, height_at(s, s.params), []
    for edge in edges(s.family, s.params, s.items):
        if not edge.reached:
            moved = edge.snapped(params)
            reached = height_at(s, moved)
            if not reached >= height - rounding_of(height, s.items):
                continue
            height = max(height, reached)
            params = params if edge.shrinks else moved
        kept.append(edge)
    held = np.zeros(len(s.family.flatten(params)), bool)
    for edge in kept:
        if edge.shrinks:
            held |= edge.coordinates(s.family, params)
    still = params is s.params and not held.any()
    return (s if still else surface_at(s.family, params, s.data, s.engine, held)), kept


def _off_the_edges(s: Surface, found: list[Edge], bar: float) -> list[Edge]:
    """Those off which the objective rises."""
    moved = ((edge, edge.off(s.params)) for edge in found)
    return [edge for edge, params in moved if params is not None and height_at(s, params) > bar]


def _probe(s: Surface, bend: Bend, height: float) -> float:
    """The most that EM gains from points beside the fit, along the weakest directions."""
    gains = [float("-inf")]
    for i in range(min(PROBED, len(bend.eigenvalues))):
        if i and bend.eigenvalues[i] > bend.weak:
            break
        step = STEP / np.sqrt(max(1.0, bend.eigenvalues[i])) * bend.scale * bend.vectors[:, i]
        gains += [_climbed(s, s.at(s.point + way * step)) - height for way in (1, -1)]
    return max(gains) if len(gains) > 1 else float("nan")


def _climbed(s: Surface, begin: Params) -> float:
    """The objective some passes of EM later."""
    try:
        *_, last = em(s.family, s.engine, begin, tol=0, max_passes=PASSES + 1)
    except (Degenerate, np.linalg.LinAlgError):
        return float("-inf")
    return last.objective


def _search(fit: Fit, s: Surface, starts: int) -> tuple[Family | None, float]:
    """The best of some other starts, where it is better; and by how much."""
    climb = Climb(lambda _: None, None, starts, 0, 1.0, 1e-3, 10_000, None, True, "k-means++")
    try:
        _, last, _ = climb.run(s.family, s.engine, None)
    except FitError:  # all of them collapsed
        return None, 0.0
    by = last.objective - fit.objective
    return (s.family.publish(last.params), by) if by > max(SAME, rounding_of(fit.objective)) else (None, 0.0)


def _row_numbers(fit: Fit) -> Array:
    """Of the rows that weigh anything, in the data as it was given."""
    data = fit.training("certify")
    return np.arange(len(data)) if data.weights is None else np.flatnonzero(data.weights > 0)


def _gradient(bend: Bend, ahead: float) -> Check:
    further = "; go on from here: fit(model, data, start=this_fit)"
    if ahead >= SAME:
        return Check("gradient", False, f"numbers on their way to an edge still gain {ahead:.2g} nats{further}")
    if not len(bend.score):
        return Check("gradient", True, "no number is free to move")
    least, distance = "" if bend.falls else "at least ", bend.distance
    words = f"{least}{distance:.2g} standard errors from the maximum, {least}{distance**2 / 2:.2g} nats below it"
    if distance >= NEAR:
        return Check("gradient", False, f"{words}{further}")
    return Check("gradient", True, words if bend.falls else "zero, to rounding")


def _curvature(bend: Bend, weakest: Direction | None) -> Check | None:
    if weakest is None:
        return None
    least, items = bend.eigenvalues[0], bend.surface.items
    if bend.rises:
        return Check("curvature", False, f"upwards along {weakest}")
    if bend.unknown:
        many = "" if bend.unknown == 1 else f" (and {bend.unknown - 1} more)"
        told = "nothing" if least <= bend.noise else f"as much as {least:.3g} complete ones would"
        return Check("curvature", False, f"the {plural(items, 'row')} tell {told} along {weakest}{many}")
    words = "downwards in every direction"
    if least < ALL * items:
        told = f"{least:.3g}" if least < 1000 else f"{least:,.0f}"
        words += f"; least along {weakest}, where {plural(items, 'row')} tell as much as {told} complete ones would"
    return Check("curvature", True, words)


def _neutral_words(bend: Bend) -> Check | None:
    """Directions that no data can tell, which are no fault of this fit."""
    if not (count := bend.neutral.shape[1]):
        return None
    words = f"{bend.surface.family.undetermined}, so {plural(count, 'direction')} of other numbers that describe the "
    return Check("basis", True, f"{words}same distribution {'is' if count == 1 else 'are'} left out here")


def _edge_words(found: list[Edge], off: list[Edge]) -> Check:
    if not found:
        return Check("edges", True, "no number lies at the edge of what is possible")
    if off:
        return Check("edges", False, f"the objective rises off the edge at {listed([str(e) for e in off])}")
    words = f"{listed([str(e) for e in found])}; the objective falls off the edge"
    return Check("edges", True, words)


def _probe_words(gain: float, rises: bool, converged: bool, any_way: bool) -> Check | None:
    if not any_way or not converged:
        return None
    if rises:
        return Check("probe", False, f"EM from a point beside it leads {gain:.2g} nats higher")
    return Check("probe", True, "EM from points beside it leads no higher")


def _start_words(fit: Fit, starts: int, by: float) -> Check | None:
    """How many starts agree, and what others found."""
    if fit.outcome is Outcome.closed_form:
        return None
    if by > 0:
        return Check(
            "starts",
            False,
            f"a better optimum is known: {by:.4g} nats higher; begin there: fit(model, data, start=certificate.better)",
        )
    if starts:
        return Check("starts", True, f"{plural(starts, 'more start')} led no higher: nothing better is known")
    made = fit.starts.count
    if made <= 1:
        return Check("starts", False, "only one was made: others may lead higher, as certify(starts=20) would tell")
    reached = sum(o.hits for o in fit.starts.optima if o.objective >= fit.objective - SAME)
    lower = sum(o.hits for o in fit.starts.optima) - reached
    words = f"{reached} of {made} reached this optimum" if reached else "moving components of the best led here"
    words += f", {lower} ended lower" if lower else ""
    words += f", {fit.starts.dropped} fell behind and were dropped" if fit.starts.dropped else ""
    return Check("starts", reached > 1 or not lower, f"{words}; nothing better is known")


def _component_words(s: Surface) -> list[Check]:
    """Of a mixture that stands alone: components of few rows, alike, or all but collapsed."""
    if s.family.axis != "component":
        return []
    words = [f"component[{a}] and component[{b}] are the same" for a, b in same_components(s)]
    words += [*thin_components(s), *collapsing(s)]
    return [Check("components", False, "; ".join(words))] if words else []


def _row_words(carriers: tuple[Carrier, ...] | None, item: str) -> Check:
    name = f"{item}s"
    if carriers is None:
        return Check(name, True, "not looked at: too many numbers")
    if not carriers:
        return Check(name, True, "none moves a number by more than a standard error")
    each = [f"{item} {c.row} moves {c.number} by {c.moves:.1f} standard errors" for c in carriers]
    return Check(name, False, "; ".join(each))
