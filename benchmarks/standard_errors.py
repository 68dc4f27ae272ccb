"""Standard errors of a mixture against the fit they belong to: seconds of the processor, all threads together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Spread, in_turns, ratios
from benchmarks.tables import markdown, multiple, number, time_of

TITLE = "Standard errors of a mixture, against its fit"
AGREE = 0.05  # relative: how far errors from curvature and from the rows' scores may lie apart on so many rows
AIM = 1.0  # times the fit that they may cost


@dataclass(frozen=True)
class Case:
    """Normal distributions with full covariances; `spread` of the centres in units of the noise."""

    spread: float
    n: int = 100_000
    d: int = 4
    k: int = 5

    @property
    def name(self) -> str:
        return f"full {self.n:,} x {self.d}, K={self.k}, centres {self.spread:g} apart"

    def data(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        centres = self.spread * rng.standard_normal((self.k, self.d))
        shapes = 0.5 * rng.standard_normal((self.k, self.d, self.d)) + np.eye(self.d)
        label = rng.integers(self.k, size=self.n)
        noise = rng.standard_normal((self.n, self.d))
        return centres[label] + np.einsum("nij,nj->ni", shapes[label], noise)


CASES = (Case(2.0), Case(4.0))


def rows(options: Options) -> Iterator[Row]:
    for case in CASES:
        yield compare(replace(case, n=10_000) if options.quick else case, options.rounds)


def compare(case: Case, rounds: int) -> Row:
    """Answers first, then times in turns."""
    x, model = case.data(), lk.Mixture(lk.MultivariateNormal(), case.k)
    fit = lk.fit(model, x, progress=False)
    _check(case, fit)
    sides: dict[str, Callable[[], Any]] = {
        "fit": lambda: lk.fit(model, x, progress=False),
        "errors": lambda: _again(fit).standard_errors(),
    }
    timed = in_turns({name: lambda work=work: _processor(work) for name, work in sides.items()}, rounds)
    return {
        "case": case.name,
        "rival": "the fit",
        "numbers": len(fit.standard_errors()),
        "ours": Spread.of(timed["errors"]),
        "theirs": Spread.of(timed["fit"]),
        "ratio": ratios(timed["fit"], timed["errors"]),
    }


def _again(fit: lk.Fit) -> lk.Fit:
    """The same fit, with nothing worked out yet."""
    return replace(fit)


def _check(case: Case, fit: lk.Fit) -> None:
    """The model is right, so curvature and scores of the rows tell the same."""
    observed, outer = fit.standard_errors().errors, fit.standard_errors("opg").errors
    worst = float(np.abs(outer / observed - 1).max())
    if not worst < AGREE * math.sqrt(100_000 / case.n):
        raise SystemExit(f"{case.name}: errors from curvature and scores differ by {worst:.3f}; nothing was timed")


def _processor(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def said(row: Row) -> str:
    """One line of the terminal."""
    return (
        f"{row['numbers']} standard errors in {row['ours']} s, the fit {row['theirs']} s: "
        f"{1 / row['ratio'].median:.2f} of a fit, aim below {AIM:g}"
    )


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["case", "numbers", "standard errors", "the fit", "fits for one set of errors"]
    lines = [
        [
            row["case"],
            number(row["numbers"]),
            time_of(row["ours"]["median"]),
            time_of(row["theirs"]["median"]),
            multiple({k: 1 / row["ratio"][o] for k, o in (("low", "high"), ("median", "median"), ("high", "low"))}),
        ]
        for row in rows
    ]
    return markdown(heads, lines)
