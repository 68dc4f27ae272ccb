"""Newton's method for generalised linear models: exact weighted maximum likelihood, or MAP under normal priors.

It runs in the coordinates of `Frame`, so that neither units nor level of the covariates cost digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from likely.core.newton import maximise, numbered
from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import Degenerate, ModelError
from likely.families.gaussian import COLLINEAR
from likely.families.glm_frame import Frame, centred
from likely.families.glm_rows import Rows
from likely.families.moments import outer
from likely.numerics.soft import Array

SUSPECT = 6  # evaluations after which a step that is still long may be one on the way to infinity
LONG = 0.02  # such a step: those of Newton's method near a maximum shrink quadratically
SEPARATES = 1e-5  # of the largest move of a predictor: what rows may lose along a direction that separates
# Whatever has a maximum is there by now, as a predictor gains a nat with every step; and what remains of the rows that
# separate is below rounding, which blunts the direction.
LATE, BLUNT = 60, 1e-2
PRESENT = 1e-10  # of the largest weight: rows that weigh less hold nothing back
INVOLVED = 1e-3  # of a direction's largest entry: covariates that are named


def maximise_rows(family: Any, stats: Rows, params: Params | None) -> Params:
    """Coefficients and intercepts of highest log-likelihood + log prior.

    Parameters
    ----------
    family : Glm           bound
    stats : Rows           under the weights of k members
    params : Params        where to begin, if anywhere

    Raises
    ------
    ModelError      covariates depend linearly on one another
    Degenerate      the rows of a member do not determine its coefficients, or their maximum is at infinity
    """
    slots = family.slots["coefficients"], family.slots["intercept"]
    frame = Frame.of(slots, stats)
    known = frame.known()
    live = np.isnan(known) & (np.concatenate([_behind(s, frame.weight) for s in slots], 1) > 0)
    _require_determined(family, frame, live)
    if params is None:
        begin = np.zeros(known.shape)
        begin[:, frame.q * frame.p :] = family.link(frame.mean)
    else:
        begin = frame.coordinates(params.coefficients, params.intercept) - frame.offset
    look = Look(family, stats, frame, live)
    found = maximise(slots, known, begin, frame.weight, look)
    return frame.params(found + frame.offset)


class Look:
    """Log-likelihood + log prior of every member with its derivatives, at coordinates (k, q p + q).

    It keeps an eye on the steps: one that stays long and costs no row anything leads to infinity.
    """

    def __init__(self, family: Any, stats: Rows, frame: Frame, live: Array):
        self.family, self.stats, self.frame, self.live = family, stats, frame, live
        self.calls, self.before = 0, np.zeros(live.shape)

    def __call__(self, u: Array) -> tuple[Array, Array, Array]:
        frame, at = self.frame, self.frame.place
        theta = (u + frame.offset)[:, at]
        self._watch(u)
        gap = u - frame.expected
        value = -0.5 * (frame.precision * gap**2).sum(1)
        slope, bend = -frame.precision * gap, np.zeros((*u.shape, u.shape[1]))
        np.einsum("kqq->kq", bend)[...] = -frame.precision
        for member, z, features, weights in self._rows():
            eta = z @ theta[member].T
            cumulant, mean, variance = self.family.moments(eta)
            value[member] += weights @ ((features * eta).sum(1) - cumulant)
            slope[member, at] += ((features - mean) * weights[:, None]).T @ z
            for a in range(frame.q):
                for b in range(a + 1):
                    block = z.T @ (z * (weights * variance[:, a, b])[:, None])
                    bend[member][np.ix_(at[a], at[b])] -= block
                    if a != b:
                        bend[member][np.ix_(at[b], at[a])] -= block.T
        return value, slope, bend

    def _rows(self) -> Iterator[tuple[int, Array, Array, Array]]:
        """Member, standardised covariates and a 1, features and weights of the rows that weigh something to it."""
        for piece in self.stats.pieces:
            z = centred(piece.given, self.frame.centre)
            z[:, :-1] /= self.frame.scale
            for member in np.flatnonzero(self.frame.weight > 0):
                weights = piece.weights[:, member]
                features = piece.features[:, member if piece.features.shape[1] > 1 else 0]
                some = weights > 0
                if some.all():
                    yield int(member), z, features, weights
                elif some.any():
                    yield int(member), z[some], features[some], weights[some]

    def _watch(self, u: Array) -> None:
        """Raise Degenerate where the step to these coordinates leads to infinity."""
        step, self.before = np.where(self.live, u - self.before, 0.0), u
        self.calls += 1
        if self.calls <= SUSPECT or not np.abs(step).max() > LONG:
            return
        tied = any(s.ties for s in self.frame.slots)
        groups = [np.arange(len(u))] if tied else list(np.arange(len(u))[:, None])
        worst, far = self._losses(step)
        tolerance = SEPARATES if self.calls <= LATE else BLUNT
        for members in groups:
            length = np.abs(step[members])
            if length.max() <= LONG or worst[members].max() > tolerance * far[members].max():
                continue
            if not ((self.frame.precision[members] > 0) & (length > tolerance * length.max())).any():
                self._refuse(members, step[members])

    def _losses(self, step: Array) -> tuple[Array, Array]:
        """(k,): the most that any row loses along a step, and the most that any predictor moves."""
        top = np.array([max(p.weights[:, i].max() for p in self.stats.pieces) for i in range(len(step))])
        worst, far = np.zeros(len(step)), np.zeros(len(step))
        for member, z, features, weights in self._rows():
            some = weights > PRESENT * top[member]
            move = z[some] @ step[member][self.frame.place].T
            worst[member] = max(worst[member], self.family.losing(features[some], move).max(initial=0.0))
            far[member] = max(far[member], np.abs(move).max(initial=0.0))
        return worst, far

    def _refuse(self, members: Array, step: Array) -> None:
        name, frame = type(self.family).__name__, self.frame
        slopes = np.abs(step[:, : frame.q * frame.p]).reshape(-1, frame.p).max(0)
        involved = np.flatnonzero(slopes > INVOLVED * np.abs(step).max())
        with_covariates, alone = self.family.runs_off
        weights = frame.weight[members].tolist()
        if not len(involved):
            why, slot = f"its intercept runs off to infinity ({alone})", "intercept"
        else:
            why = with_covariates.format(subject=_subject(_words(self.family, involved)))
            why, slot = f"its coefficients run off to infinity ({why})", "coefficients"
        cure = f"Give a prior, as in {name}({slot}=Normal(0, 10))"
        cure += ", or leave out the covariate that separates." if len(involved) else "."
        raise Degenerate(why, members=members.tolist(), weights=weights, cure=cure)


def _require_determined(family: Any, frame: Frame, live: Array) -> None:
    """Raise where the covariates leave something that is to be estimated open."""
    k, q, at = len(live), frame.q, frame.place
    blocks = np.zeros((k, live.shape[1], live.shape[1]))
    for a in range(q):
        blocks[:, at[a][:, None], at[a]] = frame.gram
    np.einsum("kqq->kq", blocks)[...] += frame.precision
    covariate = np.concatenate([np.tile(np.arange(frame.p), q), np.full(q, -1)])
    if any(s.ties for s in frame.slots) and live.any():
        number = numbered(frame.slots, live)
        m = int(number[live].max()) + 1
        matrix = np.zeros((m + 1, m + 1))
        np.add.at(matrix, (number[:, :, None], number[:, None, :]), blocks)
        problems = [(np.arange(k), matrix[:m, :m])]
    else:
        problems = [(np.array([i]), blocks[i][np.ix_(live[i], live[i])]) for i in range(k) if live[i].any()]
    for members, matrix in problems:
        if len(_dependent(matrix)):
            _refuse_dependent(family, blocks.sum(0), np.logical_or.reduce(live), covariate)
            weights = frame.weight[members].tolist()
            why = "its coefficients are not determined by the rows it has"
            raise Degenerate(why, members=members.tolist(), weights=weights)


def _refuse_dependent(family: Any, matrix: Array, live: Array, covariate: Array) -> None:
    """Raise a ModelError that names covariates whose coefficients no split of the rows could determine."""
    involved = _dependent(matrix[np.ix_(live, live)])
    about = np.unique(covariate[live][involved])
    about = about[about >= 0]
    if not len(about):
        return
    name, words = type(family).__name__, _words(family, about)
    if len(words) == 1:
        raise ModelError(
            f"{name}: covariate {words[0]} does not vary, so its coefficient is not determined. "
            "Leave it out; the intercept describes what is constant.",
            slot="coefficients",
        )
    raise ModelError(
        f"{name}: covariates {', '.join(words[:-1])} and {words[-1]} depend linearly on one another (or there "
        "are too few rows), so their coefficients are not determined. Leave one of them out, or give its coefficient "
        "a value or a prior.",
        slot="coefficients",
    )


def _dependent(matrix: Array) -> Array:
    """Positions of columns of which a linear combination vanishes, as far as rounding can tell; else none."""
    sd = np.sqrt(np.maximum(np.einsum("mm->m", matrix), 0.0))
    if not len(sd) or (sd == 0).any():
        return np.flatnonzero(sd == 0)[:1]
    size, axes = np.linalg.eigh(matrix / outer(sd))
    if size[0] > COLLINEAR:
        return np.zeros(0, int)
    return np.flatnonzero(np.abs(axes[:, 0]) > 0.01 * np.abs(axes[:, 0]).max())


def _behind(slot: Slot, weight: Array) -> Array:
    """The weight behind each entry, summed over tied members."""
    return np.repeat(slot.pool(weight)[:, None], int(np.prod(slot.event, dtype=int)), 1)


def _words(family: Any, covariates: Sequence[int] | Array) -> list[str]:
    names = () if family.setting.rows is None else family.setting.rows.given_names
    return [f"'{names[j]}'" if names else str(j + 1) for j in covariates]


def _subject(words: list[str]) -> str:
    return f"covariate {words[0]}" if len(words) == 1 else f"a combination of covariates {', '.join(words)}"
