"""A choice among priors by ten-fold held-out likelihood, against one plain fit to the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Spread, in_turns, ratios, seconds
from benchmarks.tables import markdown, multiple, time_of

TITLE = "A choice among 20 priors by ten folds, in units of one fit"
ROWS, FOLDS, CATEGORIES = 1_000_000, 10, 8
STRENGTHS = np.logspace(-2, 4, 20)  # pretend rows of each category
AIM = 2.0  # times one fit that the whole choice may take
SAME = 1e-10  # by which a score may differ from that of fits to the raw rows


def rows(options: Options) -> Iterator[Row]:
    n = ROWS // 20 if options.quick else ROWS
    p = np.random.default_rng(0).dirichlet(np.full(CATEGORIES, 5.0))
    x = np.random.default_rng(1).choice(CATEGORIES, n, p=p).astype(float)
    priors = [lk.Dirichlet(1 + strength) for strength in STRENGTHS]
    choice = lk.Categorical(p=lk.choose(priors))
    check(x[: n // 10], priors)
    sides = {
        "fit": lambda: seconds(lambda: lk.fit(lk.Categorical(p=priors[0]), x)),
        "choice": lambda: seconds(lambda: lk.fit(choice, x, folds=FOLDS)),
    }
    timed = in_turns(sides, options.rounds)
    yield {
        "case": f"Categorical on {n:,} rows, {len(priors)} priors, {FOLDS} folds",
        "ours": Spread.of(timed["choice"]),
        "one_fit": Spread.of(timed["fit"]),
        "ratio": ratios(timed["choice"], timed["fit"]),
        "fits_replaced": len(priors) * FOLDS + 1,
        "aim": AIM,
    }


def check(x: np.ndarray, priors: Sequence[lk.Family]) -> None:
    """Scores from merged statistics are those of fits to the raw rows, or nothing is timed."""
    folds = np.arange(len(x)) % FOLDS
    table = lk.fit(lk.Categorical(p=lk.choose(priors)), x, folds=folds).selection
    assert table is not None
    for prior, candidate in zip(priors[::7], table.candidates[::7], strict=True):
        total = 0.0
        for f in range(FOLDS):
            fit = lk.fit(lk.Categorical(p=prior), x[folds != f])
            total += float(fit.log_prob(x[folds == f]).sum())
        if candidate.score is None or abs(candidate.score - total / len(x)) > SAME:
            raise SystemExit(f"{prior!r}: merged folds say {candidate.score!r}, raw rows {total / len(x)!r}")


def said(row: Row) -> str:
    """One line of the terminal."""
    return f"{row['ratio']} fits, {row['ours']} s; one fit {row['one_fit']} s"


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["case", "instead of", "in units of one fit", "aim", "the choice", "one fit"]
    lines = [
        [
            row["case"],
            f"{row['fits_replaced']} fits",
            multiple(row["ratio"]),
            f"{row['aim']:g}",
            time_of(row["ours"]["median"]),
            time_of(row["one_fit"]["median"]),
        ]
        for row in rows
    ]
    return markdown(heads, lines)
