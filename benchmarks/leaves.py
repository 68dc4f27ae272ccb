"""Maximum likelihood of one family: the whole call on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

import likely as lk
from benchmarks.cases import LeafCase
from benchmarks.measure import duel, seconds
from benchmarks.rivals.scipy_fit import WAYS

WORSE = 1e-3  # nats by which ours may be below the rival's log-likelihood


def data(case: LeafCase) -> np.ndarray:
    family = getattr(lk, case.family)
    return np.asarray(family(*case.parameters).sample(case.n, seed=1))


def compare(case: LeafCase, rounds: int) -> list[dict[str, Any]]:
    """One row for each of the rival's ways."""
    x, family = data(case), getattr(lk, case.family)()
    ours = lk.fit(family, x).log_likelihood
    rows = []
    for name, way in WAYS[case.family].items():
        theirs = way(x)
        if ours < theirs - WORSE:
            raise SystemExit(f"{case.name}: {name} reaches {theirs!r}, ours {ours!r}; nothing was timed")
        timed = duel(lambda: seconds(lambda: lk.fit(family, x)), lambda way=way: seconds(lambda: way(x)), rounds)
        rows.append(
            {
                "case": case.name,
                "rival": f"scipy {name}",
                "unit": "seconds",
                "log_likelihood": ours,
                "rival_below_by": ours - theirs,
                "ours": timed.ours,
                "theirs": timed.rival,
                "ratio": timed.ratio,
            }
        )
    return rows
