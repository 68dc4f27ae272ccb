"""The table behind a choice."""

from __future__ import annotations

import math
from dataclasses import dataclass

HELD_OUT = "held-out"


@dataclass(frozen=True)
class Candidate:
    """One model that was tried; `score` is None where it could not be fitted, and `why` says so.

    What was held out is scored per unit of weight, in nats; the standard error is that of the difference to the best
    score, from the paired differences fold by fold.
    """

    model: str
    log_likelihood: float | None  # of all the data; None where rows were held out
    n_free: int | None
    score: float | None
    why: str = ""
    difference: float | None = None  # to the best score: 0 for the best, below 0 for the others
    standard_error: float | None = None  # of the difference; None where it cannot be told
    folds: tuple[float, ...] = ()  # the score of each fold (of each tenth of what holdout=... held out)


@dataclass(frozen=True)
class Selection:
    """The table behind a choice, in the order tried.

    `by` is a criterion, of which lower scores are better, or "held-out": the held-out log-likelihood per unit of
    weight, of which higher ones are.
    """

    by: str
    candidates: tuple[Candidate, ...]
    chosen: int
    how: str = ""  # what was held out, in words
    rule: str = "best"
    edge: str = ""  # a sentence, where the choice lies at the edge of its grid

    @property
    def held_out(self) -> bool:
        """Was it decided by rows that the parameters had not seen?"""
        return self.by == HELD_OUT

    @property
    def best(self) -> int:
        """The candidate with the best score, whatever the rule chose."""
        sign = -1 if self.held_out else 1
        scores = [math.inf if c.score is None else sign * c.score for c in self.candidates]
        return self.chosen if scores[self.chosen] == min(scores) else scores.index(min(scores))

    @property
    def words(self) -> str:
        """What the scores are."""
        return "held-out log-likelihood per row" if self.held_out else self.by.upper()

    @property
    def direction(self) -> str:
        """Which scores are better."""
        return "higher is better" if self.held_out else "lower is better"
