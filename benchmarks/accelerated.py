"""Accelerated against plain EM, from the same start to the same objective: passes over the data, and seconds.

Both are run to the end first. The better end less a millionth of a nat is the objective to reach, and where the two end
at different maxima that is what the row says. Seconds are those of the whole call of `fit` up to that pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.special import gammaln

import likely as lk
from benchmarks.measure import Options, Row, Spread, in_turns, ratios, seconds
from benchmarks.slow_problems import DEATHS, SLOW, SlowProblem
from benchmarks.tables import markdown, multiple, number, time_of
from likely.em.loop import Step

TITLE = "Accelerated EM against plain EM, to the same objective"
SAME = 1e-6  # nats
SEEDS = 3  # draws of each problem
STEEP = 1e-6  # length of the gradient at which Hasselblad's problem counts as solved
STARTS = 20  # random starts of it
PASSES = 50_000


def rows(options: Options) -> Iterator[Row]:
    for problem in SLOW:
        for seed in range(1 if options.quick else SEEDS):
            yield compare(problem, seed, options.rounds)
    yield hasselblad(5 if options.quick else STARTS)


def compare(problem: SlowProblem, seed: int, rounds: int) -> Row:
    """Both ends, then passes and seconds to the better of them."""
    model, x, start = problem.ready(seed)
    settings: dict[str, Any] = {"start": start, "progress": False, "max_passes": PASSES}
    plain, fast = (lk.fit(model, x, accelerate=a, tol=1e-4, **settings) for a in (False, True))
    row: Row = {
        "case": f"{problem.name}, draw {seed + 1}",
        "rival": "plain EM",
        "free parameters": plain.n_free,
        "higher by": fast.objective - plain.objective,
    }
    if abs(row["higher by"]) > SAME:
        return row
    target = max(plain.objective, fast.objective) - SAME
    sides = {name: partial(_reach, model, x, target, name == "fast", settings) for name in ("plain", "fast")}
    timed = in_turns(sides, rounds)
    return row | {
        "passes": timed["fast"][0][0],
        "plain passes": timed["plain"][0][0],
        "ratio of passes": timed["plain"][0][0] / timed["fast"][0][0],
        "ours": Spread.of(s for _, s in timed["fast"]),
        "theirs": Spread.of(s for _, s in timed["plain"]),
        "ratio": ratios((s for _, s in timed["plain"]), (s for _, s in timed["fast"])),
    }


def _reach(
    model: lk.Family, x: np.ndarray, target: float, accelerate: bool, settings: dict[str, Any]
) -> tuple[int, float]:
    """Passes and seconds until the objective is reached."""
    last: list[Step] = []

    def there(step: Step) -> bool:
        last[:] = [step]
        return bool(step.objective >= target)

    took = seconds(lambda: lk.fit(model, x, accelerate=accelerate, tol=0, callback=there, **settings))
    return last[0].passes, took


def hasselblad(starts: int) -> Row:
    """Passes until the gradient is short, from the start that the literature uses and from random ones."""
    rng = np.random.default_rng(0)
    random = [(rng.uniform(0.05, 0.95), *rng.uniform(0.1, 5, size=2)) for _ in range(starts)]
    return {
        "case": "Hasselblad's two Poissons",
        "rival": "plain EM",
        "free parameters": 3,
        "gradient": STEEP,
        "passes": _until_flat((0.5, 1.0, 3.0), True),
        "plain passes": _until_flat((0.5, 1.0, 3.0), False),
        "passes from random starts": Spread.of(_until_flat(s, True) for s in random),
        "plain passes from random starts": Spread.of(_until_flat(s, False) for s in random),
    }


def _until_flat(begin: tuple[float, float, float], accelerate: bool) -> float:
    weight, *rates = begin
    start = lk.Mixture(lk.Poisson(rate=rates), 2, weights=[weight, 1 - weight])
    last: list[Step] = []

    def there(step: Step) -> bool:
        last[:] = [step]
        return steepness(step.params.weights[0, 0], *step.params.component.rate) < STEEP

    options: dict[str, Any] = {"tol": 0, "max_passes": PASSES, "progress": False, "accelerate": accelerate}
    lk.fit("Mixture(Poisson(), 2)", DEATHS, start=start, callback=there, **options)
    return last[0].passes if there(last[0]) else math.inf


def steepness(weight: float, first: float, second: float) -> float:
    """Length of the gradient of the log-likelihood in weight and rates, from its formula."""
    deaths, days = np.arange(10), np.bincount(DEATHS)
    f, g = (np.exp(deaths * np.log(rate) - rate - gammaln(deaths + 1)) for rate in (first, second))
    r = days / (weight * f + (1 - weight) * g)
    slopes = [r @ (f - g), r @ (weight * f * (deaths / first - 1)), r @ ((1 - weight) * g * (deaths / second - 1))]
    return float(np.linalg.norm(slopes))


def said(row: Row) -> str:
    """One line of the terminal."""
    if "gradient" in row:
        return (
            f"gradient below {row['gradient']:g} in {row['passes']:.0f} passes, plain {row['plain passes']:.0f}; "
            f"from random starts {row['passes from random starts']}, plain {row['plain passes from random starts']}"
        )
    if "ratio" not in row:
        return f"another maximum than plain EM, {row['higher by']:+.3g} nats"
    return (
        f"{row['passes']} passes, plain {row['plain passes']}: {row['ratio of passes']:.1f} times fewer; "
        f"{row['ours']} s, plain {row['theirs']} s: {row['ratio'].median:.1f} times faster"
    )


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["problem", "free parameters", "passes", "plain passes", "ratio", "time", "plain time", "ratio"]
    lines = []
    for row in rows:
        cells = [row["case"], str(row["free parameters"])]
        if "gradient" in row:
            cells += [f"{row['passes']:.0f}", f"{row['plain passes']:,.0f}"]
            cells += [number(row["plain passes"] / row["passes"]), "", "", ""]
        elif "ratio" not in row:
            cells += [f"another maximum, {row['higher by']:+.3g} nats", "", "", "", "", ""]
        else:
            cells += [str(row["passes"]), f"{row['plain passes']:,}", number(row["ratio of passes"])]
            cells += [time_of(row[side]["median"]) for side in ("ours", "theirs")] + [multiple(row["ratio"])]
        lines.append(cells)
    return markdown(heads, lines)
