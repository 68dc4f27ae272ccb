"""K-means: the same start and number of iterations on both sides, inertia before times; then whole fits.

The seconds of an iteration are those of a fit of so many iterations less those of a fit of one, divided by the rest: on
both sides what happens once (reading, checks, the last labels) drops out. Both algorithms of the rival take part in
every round, and the faster one counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Spread, in_turns, ratios, seconds
from benchmarks.rivals import sklearn_kmeans as rival
from benchmarks.tables import markdown, multiple, time_of

TITLE = "K-means: one iteration, and a whole fit"
AGREE = 1e-6  # relative difference of inertias above which nothing is timed
ENOUGH = 300  # iterations of a whole fit at most


@dataclass(frozen=True)
class Case:
    """Round clusters of unit variance whose centres lie `apart` standard deviations from zero in each column."""

    n: int
    d: int
    k: int
    apart: float
    iterations: int = 15
    aim: float = 2.5

    @property
    def name(self) -> str:
        return f"{self.n:,} x {self.d}, K={self.k}, {'separated' if self.apart > 1 else 'overlapping'}"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and the k of them to begin from."""
        rng = np.random.default_rng(1)
        centres = self.apart * rng.normal(size=(self.k, self.d))
        x = centres[rng.integers(self.k, size=self.n)] + rng.normal(size=(self.n, self.d))
        return x, x[rng.choice(self.n, self.k, replace=False)].copy()


CASES = tuple(Case(n, d, k, apart) for n, d, k in ((1_000_000, 16, 50), (100_000, 64, 100)) for apart in (1.5, 0.5))


def inertia(x: np.ndarray, centres: np.ndarray) -> float:
    """The sum of squared distances to the nearest centre, by going through all centres."""
    total = 0.0
    for block in np.array_split(x, max(1, x.size // 2**18)):
        least = np.full(len(block), np.inf)
        for centre in centres:
            np.minimum(least, np.square(block - centre).sum(1), out=least)
        total += float(least.sum())
    return total


def fit(x: np.ndarray, centres: np.ndarray, iterations: int) -> lk.Fit:
    """So many M-steps from some centres: the E-step that begins is a pass more."""
    k, d = centres.shape
    start = lk.Mixture(lk.MultivariateNormal(mean=centres, covariance=np.eye(d)), k, weights=np.full(k, 1 / k))
    model = lk.Mixture(lk.MultivariateNormal("spherical", covariance=lk.shared), k, weights=np.full(k, 1 / k))
    return lk.fit(model, x, start=start, hard=True, tol=0, max_passes=iterations + 1, progress=False)


def rows(options: Options) -> Iterator[Row]:
    """One row for each case."""
    for case in CASES:
        yield compare(replace(case, n=case.n // 20) if options.quick else case, options.rounds)


def compare(case: Case, rounds: int) -> Row:
    """Inertias first; then times of an iteration and of whole fits, in turns."""
    x, centres = case.data()
    ours = inertia(x, fit(x, centres, case.iterations).model.component.mean)  # type: ignore[attr-defined]
    theirs = {
        name: inertia(x, rival.run(x, centres, name, case.iterations)[0].cluster_centers_) for name in rival.ALGORITHMS
    }
    _same(case, ours, theirs)
    sides = {"likely": partial(_iteration, case, x, centres)}
    sides |= {name: partial(_their_iteration, case, x, centres, name) for name in rival.ALGORITHMS}
    timed = in_turns(sides, rounds)
    best = min(rival.ALGORITHMS, key=lambda name: Spread.of(timed[name]).median)
    whole = in_turns(
        {
            "likely": lambda: seconds(lambda: lk.kmeans(x, case.k, start=centres, max_passes=ENOUGH, progress=False)),
            **{name: lambda name=name: rival.run(x, centres, name, ENOUGH)[1] for name in rival.ALGORITHMS},
        },
        max(1, rounds // 2),
    )
    fastest = min(rival.ALGORITHMS, key=lambda name: Spread.of(whole[name]).median)
    return {
        "case": case.name, "rival": f"{rival.NAME} ({best})", "n": case.n, "d": case.d, "k": case.k,
        "apart": case.apart, "iterations": case.iterations, "aim": case.aim, "inertia": ours, "inertias": theirs,
        "ours": Spread.of(timed["likely"]), "theirs": Spread.of(timed[best]),
        "ratio": ratios(timed[best], timed["likely"]),
        "whole": Spread.of(whole["likely"]), "ratio of whole calls": ratios(whole[fastest], whole["likely"]),
    }  # fmt: skip


def _same(case: Case, ours: float, theirs: dict[str, float]) -> None:
    """Their centres without rows are moved at once, ours at the end: then theirs may be lower or higher, within 2 %."""
    for name, value in theirs.items():
        if not abs(ours - value) <= max(AGREE, _allowance(case)) * value:
            raise SystemExit(f"{case.name}: inertias differ, {name} {value!r}, ours {ours!r}; nothing was timed")


def _allowance(case: Case) -> float:
    return 0.02 if case.apart > 1 else 0.0


def _iteration(case: Case, x: np.ndarray, centres: np.ndarray) -> float:
    many, one = (seconds(lambda i=i: fit(x, centres, i)) for i in (case.iterations, 1))
    return (many - one) / (case.iterations - 1)


def _their_iteration(case: Case, x: np.ndarray, centres: np.ndarray, algorithm: str) -> float:
    (model, many), (_, one) = (rival.run(x, centres, algorithm, i) for i in (case.iterations, 1))
    return (many - one) / (model.n_iter_ - 1)


def said(row: Row) -> str:
    """One line of the terminal."""
    line = f"{row['ratio'].median:5.2f} times {row['rival']}, an iteration {time_of(row['ours'].median)}"
    line += f" against {time_of(row['theirs'].median)}; whole fit {row['ratio of whole calls'].median:.2f} times"
    return line


def table(rows: list[Row]) -> str:
    """For the page."""
    lines = [
        [
            row["case"], row["rival"], multiple(row["ratio"]), multiple(row["ratio of whole calls"]), f"{row['aim']:g}",
            time_of(row["ours"]["median"]), time_of(row["theirs"]["median"]),
        ]
        for row in rows
    ]  # fmt: skip
    return markdown(["case", "against", "times faster", "whole fit", "aim", "ours", "theirs"], lines)
