"""Maximum likelihood of one family: the whole call on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import likely as lk
from benchmarks.cases import LEAVES, LeafCase
from benchmarks.measure import Options, Row, Spread, in_turns, ratios, seconds
from benchmarks.rivals.scipy_fit import WAYS
from benchmarks.tables import markdown, multiple, number, time_of

WORSE = 1e-3  # nats by which ours may be below the rival's log-likelihood
TITLE = "One distribution: the whole fit"


def data(case: LeafCase) -> np.ndarray:
    family = getattr(lk, case.family)
    return np.asarray(family(*case.parameters).sample(case.n, seed=1))


def rows(options: Options) -> Iterator[Row]:
    for case in LEAVES:
        yield from compare(replace(case, n=5_000) if options.quick else case, options.rounds)


def compare(case: LeafCase, rounds: int) -> Iterator[Row]:
    """One row for each of the rival's ways."""
    x, family = data(case), getattr(lk, case.family)()
    ours = lk.fit(family, x).log_likelihood
    for name, way in WAYS[case.family].items():
        theirs = way(x)
        if ours < theirs - WORSE:
            raise SystemExit(f"{case.name}: {name} reaches {theirs!r}, ours {ours!r}; nothing was timed")
        sides = {"rival": lambda way=way: seconds(lambda: way(x)), "ours": lambda: seconds(lambda: lk.fit(family, x))}
        timed = in_turns(sides, rounds)
        yield {
            "case": case.name,
            "rival": f"scipy {name}",
            "log_likelihood": ours,
            "rival_below_by": ours - theirs,
            "ours": Spread.of(timed["ours"]),
            "theirs": Spread.of(timed["rival"]),
            "ratio": ratios(timed["rival"], timed["ours"]),
        }


def said(row: Row) -> str:
    """One line of the terminal."""
    return f"{row['ratio'].median:6.1f} times {row['rival']}, ours {row['ours']} s, theirs {row['theirs']} s"


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["case", "against", "times faster", "ours", "theirs", "nats by which theirs is lower"]
    lines = [
        [
            row["case"],
            row["rival"],
            multiple(row["ratio"]),
            time_of(row["ours"]["median"]),
            time_of(row["theirs"]["median"]),
            number(row["rival_below_by"]) if row["rival_below_by"] > 1e-3 else "0",
        ]
        for row in rows
    ]
    return markdown(heads, lines)
