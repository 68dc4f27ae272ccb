"""A whole bootstrap or test of fit against the same number of refits one by one, each from the fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Spread, in_turns, ratios, seconds
from benchmarks.tables import markdown, multiple, number, time_of

TITLE = "Many refits at once: bootstrap and tests of fit"
SAMPLE = 20  # refits one by one that are timed; the time of all is in proportion


@dataclass(frozen=True)
class Case:
    name: str
    model: lk.Family
    draw: Callable[[np.random.Generator], np.ndarray]
    refits: int
    work: Callable[[lk.Fit, int], Any]


def _clusters(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(np.repeat([0.0, 4.0], [1200, 800]), 1)


def _gamma(rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(2, 2, 1000)


def _booted(kind: str) -> Callable[[lk.Fit, int], Any]:
    return lambda fit, n: fit.bootstrap(n, kind, progress=False)


CASES = [
    Case("Gamma, 1,000 values, nonparametric", lk.Gamma(), _gamma, 1000, _booted("nonparametric")),
    Case("Gamma, 1,000 values, weighted", lk.Gamma(), _gamma, 1000, _booted("weighted")),
    Case("Gamma, 1,000 values, parametric", lk.Gamma(), _gamma, 1000, _booted("parametric")),
    Case("Gamma, 1,000 values, Anderson-Darling", lk.Gamma(), _gamma, 999,
         lambda fit, n: fit.goodness_of_fit("ad", n, progress=False)),
    Case("two normals, 2,000 values, weighted", lk.Mixture(lk.Normal(), 2), _clusters, 200, _booted("weighted")),
]  # fmt: skip


def rows(options: Options) -> Iterator[Row]:
    for case in CASES:
        x = case.draw(np.random.default_rng(1))
        fit = lk.fit(case.model, x, progress=False)
        refits = 40 if options.quick else case.refits
        result = case.work(fit, refits)
        if result.failed:
            raise SystemExit(f"{case.name}: {result.failed} refits failed; nothing was timed")
        sides = {
            "ours": lambda case=case, fit=fit, refits=refits: seconds(lambda: case.work(fit, refits)),
            "alone": lambda case=case, fit=fit, x=x: seconds(lambda: _one_by_one(case, fit, x)),
        }
        timed = in_turns(sides, options.rounds)
        alone = [t * refits / SAMPLE for t in timed["alone"]]
        yield {
            "case": case.name,
            "refits": refits,
            "ours": Spread.of(timed["ours"]),
            "alone": Spread.of(alone),
            "ratio": ratios(alone, timed["ours"]),
        }


def _one_by_one(case: Case, fit: lk.Fit, x: np.ndarray) -> None:
    """The loop that one writes without a bootstrap."""
    rng = np.random.default_rng(2)
    options: dict[str, Any] = {"start": fit} if fit.model.hidden else {}
    for _ in range(SAMPLE):
        lk.fit(case.model, rng.choice(x, len(x)), progress=False, tol=1e-2, **options)


def said(row: Row) -> str:
    """One line of the terminal."""
    return f"{row['refits']} refits in {row['ours']} s, one by one {row['alone']} s"


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["case", "refits", "times faster than one by one", "whole call", "one by one"]
    lines = [
        [
            row["case"],
            number(row["refits"]),
            multiple(row["ratio"]),
            time_of(row["ours"]["median"]),
            time_of(row["alone"]["median"]),
        ]
        for row in rows
    ]
    return markdown(heads, lines)
