"""State spaces: the same start and number of EM iterations on all sides, log-likelihoods before times.

The seconds of an iteration are those between the same point of the first and the last iteration of one whole fit,
divided by their number: M-step and loop are in, reading the data is not. A, C, Q and R are estimated; offsets are 0 and
the first state is known, because pykalman's M-step is the same as ours only then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Run, Spread, between, in_turns, ratios, seconds
from benchmarks.rivals import dynamax_em, pykalman_em, statsmodels_smoother
from benchmarks.tables import markdown, multiple, number, time_of
from likely.core.params import Params
from likely.core.setting import Setting
from likely.em.loop import Step
from likely.engines.local import Local, width_of

TITLE = "State spaces: one iteration of Kalman EM, one E-step, passes on the Nile"
AGREE = 1e-9  # relative difference of log-likelihoods above which nothing is timed
FREE = ("A", "C", "Q", "R")
Start = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """One series drawn from a state space of m states and d columns."""

    m: int
    d: int
    n: int = 1000
    missing: float = 0.0  # share of the values
    iterations: int = 6
    aims: tuple[float, float, float] = (0.0, 0.0, 0.0)  # times faster than pykalman, statsmodels and dynamax

    @property
    def name(self) -> str:
        gaps = f"{100 * self.missing:.0f} % of values missing" if self.missing else "complete"
        return f"k={self.m}, p={self.d}, T={self.n:,}, {gaps}"


CASES = (
    Case(2, 2, aims=(400, 25, 20)),
    Case(8, 8, aims=(300, 25, 20)),
    Case(2, 2, missing=0.1, aims=(150, 3, 0)),
    Case(8, 8, missing=0.1, aims=(40, 3, 0)),
)
SERIES, LENGTH, SIZE, SERIES_AIM = 1000, 100, 4, 3.0
NILE_AIM, NILE_MAXIMUM, NEAR = 40, -641.5855783461, 1e-6  # the maximum: Durbin & Koopman's model, x_1 ~ N(0, 10^7)
PASSES = 1000


@cache
def data(case: Case, seed: int = 0) -> tuple[np.ndarray, Start]:
    """Rows, and the parameters to begin from: not those the rows were drawn from."""
    rng = np.random.default_rng(seed)
    truth = parameters(rng, case.m, case.d)
    y = drawn(rng, truth, case.n)
    y[rng.random(y.shape) < case.missing] = np.nan
    nearby = {"A": 0.8 * truth["A"], "C": truth["C"] + 0.2 * rng.normal(size=truth["C"].shape)}
    return y, truth | nearby | {"Q": 2 * truth["Q"], "R": 0.5 * truth["R"]}


def parameters(rng: np.random.Generator, m: int, d: int) -> Start:
    """Of a stable model whose spectral radius is 0.9."""
    A = rng.normal(size=(m, m))
    noise = [0.3 * rng.normal(size=(size, size)) for size in (m, d)]
    Q, R = (root @ root.T + 0.5 * np.eye(len(root)) for root in noise)
    radius = np.abs(np.linalg.eigvals(A)).max()
    return {"A": 0.9 * A / radius, "C": rng.normal(size=(d, m)), "Q": Q, "R": R, "m0": np.zeros(m), "P0": np.eye(m)}


def drawn(rng: np.random.Generator, theta: Start, n: int) -> np.ndarray:
    state = rng.multivariate_normal(theta["m0"], theta["P0"])
    noise = rng.multivariate_normal(np.zeros(len(theta["A"])), theta["Q"], n)
    y = rng.multivariate_normal(np.zeros(len(theta["C"])), theta["R"], n)
    for t in range(n):
        state = theta["A"] @ state + noise[t] if t else state
        y[t] += theta["C"] @ state
    return y


def model(start: Start, free: tuple[str, ...] = ()) -> lk.StateSpace:
    """With the offsets known to be 0."""
    m, d = len(start["A"]), len(start["C"])
    return lk.StateSpace(m, b=0.0, d=np.zeros(d), **{n: value for n, value in start.items() if n not in free})


def run(y: np.ndarray, start: Start, iterations: int) -> Run:
    """So many passes of plain EM."""
    stamps: list[float] = []
    reached: list[float] = []

    def watch(step: Step) -> None:
        stamps.append(time.perf_counter())
        reached.append(step.log_likelihood)

    options: dict[str, Any] = {"accelerate": False, "tol": 0, "max_passes": iterations, "progress": False}
    whole = seconds(lambda: lk.fit(model(start, FREE), y, start=model(start), callback=watch, **options))
    return Run(reached[-1], between(stamps[:iterations]), whole)


def e_step(y: np.ndarray, start: Start, lengths: Any = None) -> Callable[[], float]:
    """A pass over the rows: everything an M-step needs, and the log-likelihood."""
    series = lk.sequences(y, [len(y)] if lengths is None else lengths)
    family = model(start).bind((), Setting.of(series.rows))
    engine = Local(series, width_of(family), sweeps=family.sweeps)
    return partial(_pass, engine, family, family.known_params())


def _pass(engine: Local, family: lk.StateSpace, params: Params) -> float:
    return engine.evaluate(family, params).log_likelihood


def rows(options: Options) -> Iterator[Row]:
    """EM iterations, E-steps, many series and the Nile."""
    cases = [replace(c, n=100, iterations=4) if options.quick else c for c in CASES]
    for compare, rival in ((em, pykalman_em), (em_compiled, dynamax_em), (smoothing, statsmodels_smoother)):
        why = rival.left_out()
        for case in cases:
            if rival is dynamax_em and case.missing:
                yield {"case": f"EM, {case.name}", "rival": rival.NAME, "missing": "it knows no missing values"}
            elif why is not None:
                yield {"case": case.name, "rival": rival.NAME, "missing": why}
            else:
                yield from compare(case, options.rounds)
    yield many_series(options)
    yield nile(options.rounds)


def em(case: Case, rounds: int) -> Iterator[Row]:
    """Against pykalman. Where a value is missing it leaves out the whole row, so that is what is compared first."""
    y, start = data(case)
    if case.missing:
        whole_rows = np.where(np.isnan(y).any(1, keepdims=True), np.nan, y)
        ours, theirs = float(model(start).log_prob(whole_rows)[0]), pykalman_em.log_likelihood(y, start)
    else:
        ours, theirs = run(y, start, case.iterations).log_likelihood, pykalman_em.reached(y, start, case.iterations)
    _agree(case.name, ours, pykalman_em.NAME, theirs)
    sides = {
        "likely": partial(run, y, start, case.iterations), "rival": partial(pykalman_em.run, y, start, case.iterations)
    }  # fmt: skip
    yield _compared(f"EM, {case.name}", pykalman_em.NAME, case, case.aims[0], ours, _iterations(sides, rounds))


def em_compiled(case: Case, rounds: int) -> Iterator[Row]:
    """Against dynamax."""
    y, start = data(case)
    rival = dynamax_em.ready(y, start, case.iterations)
    ours = run(y, start, case.iterations).log_likelihood
    _agree(case.name, ours, dynamax_em.NAME, rival().log_likelihood)
    sides = {"likely": partial(run, y, start, case.iterations), "rival": rival}
    yield _compared(f"EM, {case.name}", dynamax_em.NAME, case, case.aims[2], ours, _iterations(sides, rounds))


def smoothing(case: Case, rounds: int) -> Iterator[Row]:
    """Our E-step, sums included, against statsmodels' filter and smoother."""
    y, start = data(case)
    once, rival = e_step(y, start), statsmodels_smoother.Smoother(y, start)
    ours = once()
    _agree(case.name, ours, statsmodels_smoother.NAME, rival.log_likelihood())
    sides = {"likely": once, **rival.passes()}
    timed = in_turns({name: partial(_repeated, side, 10) for name, side in sides.items()}, rounds)
    for way, theirs in timed.items():
        if way != "likely":
            who = f"{statsmodels_smoother.NAME} ({way})"
            pair = {"likely": timed["likely"], "rival": theirs}
            yield _compared(f"E-step, {case.name}", who, case, case.aims[1], ours, pair)


def many_series(options: Options) -> Row:
    """Seconds of a row: 1,000 series of 100 that share parameters, and one series of as many rows."""
    series = 50 if options.quick else SERIES
    case = Case(SIZE, SIZE, series * LENGTH)
    y, start = data(case)
    many, one = e_step(y, start, np.full(series, LENGTH)), e_step(y, start)
    alone = sum(model(start).log_prob(part)[0] for part in np.split(y, series))
    _agree("many series", many(), "each alone", float(alone))
    one()
    timed = in_turns({"likely": partial(_repeated, many, 3), "rival": partial(_repeated, one, 3)}, options.rounds)
    name = f"E-step, k={SIZE}, p={SIZE}, {series:,} series of {LENGTH}"
    return _compared(name, f"one of {case.n:,}", case, SERIES_AIM, float(alone), timed)


def nile(rounds: int) -> Row:
    """Passes to within a millionth of the maximum, accelerated and plain."""
    flow = np.loadtxt(Path(lk.__file__).with_name("data") / "nile.csv", delimiter=",", skiprows=1)[:, 1]
    sides = {"likely": partial(_climb, flow, True), "rival": partial(_climb, flow, False)}
    passes = {name: side()[0] for name, side in sides.items()}
    timed = in_turns({name: lambda side=side: side()[1] for name, side in sides.items()}, rounds)
    return {
        "case": "local level of the Nile, to within a millionth", "rival": "plain EM", "aim": NILE_AIM,
        "passes": passes["likely"], "plain passes": passes["rival"], "ours": Spread.of(timed["likely"]),
        "theirs": Spread.of(timed["rival"]), "ratio": ratios(timed["rival"], timed["likely"]),
    }  # fmt: skip


def _climb(flow: np.ndarray, accelerate: bool) -> tuple[int, float]:
    """Passes and seconds; both variances begin at that of the flow."""
    last: list[Step] = []

    def there(step: Step) -> bool:
        last[:] = [step]
        return bool(step.objective >= NILE_MAXIMUM - NEAR)

    known = {"A": [[1.0]], "C": [[1.0]], "d": [0.0], "m0": [0.0], "P0": 1e7}
    variance = float(flow.var(ddof=1))
    start = lk.StateSpace(1, Q=variance, R=variance, **known)
    options: dict[str, Any] = {"accelerate": accelerate, "tol": 0, "max_passes": PASSES, "progress": False}
    took = seconds(lambda: lk.fit(lk.StateSpace(1, **known), flow, start=start, callback=there, **options))
    if not there(last[0]):
        raise SystemExit(f"the Nile: {last[0].objective!r} after {last[0].passes} passes, {NILE_MAXIMUM} was to come")
    return last[0].passes, took


def _agree(case: str, ours: float, name: str, theirs: float) -> None:
    if not abs(ours - theirs) <= AGREE * abs(theirs):
        raise SystemExit(f"{case}: log-likelihoods differ, {name} {theirs!r}, ours {ours!r}; nothing was timed")


def _iterations(sides: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[float]]:
    """Seconds of an iteration, by side and round."""
    return {name: [each.iteration for each in runs] for name, runs in in_turns(sides, rounds).items()}


def _repeated(work: Callable[[], Any], times: int) -> float:
    """Seconds of one of several in a row."""
    return seconds(lambda: [work() for _ in range(times)]) / times


def _compared(
    name: str, rival: str, case: Case, aim: float, log_likelihood: float, timed: dict[str, list[float]]
) -> Row:  # fmt: skip
    mine = Spread.of(timed["likely"])
    return {
        "case": name, "rival": rival, "rows": case.n, "aim": aim, "log_likelihood": log_likelihood, "ours": mine,
        "theirs": Spread.of(timed["rival"]), "ratio": ratios(timed["rival"], timed["likely"]),
        "nanoseconds": 1e9 * mine.median / case.n,
    }  # fmt: skip


def said(row: Row) -> str:
    """One line of the terminal."""
    times = f"{time_of(row['ours'].median)} against {time_of(row['theirs'].median)}"
    if "passes" in row:
        return f"{row['passes']} passes (aim {row['aim']}), plain {row['plain passes']}; {times}"
    line = f"{row['ratio'].median:5.1f} times {row['rival']} (aim {row['aim']:g}), {times}"
    return f"{line}; {row['nanoseconds']:.3g} ns a row"


def table(rows: list[Row]) -> str:
    """For the page."""
    lines = []
    for row in rows:
        cells = [row["case"], row["rival"], multiple(row["ratio"]), f"{row['aim']:g}" if row["aim"] else ""]
        cells += [time_of(row[side]["median"]) for side in ("ours", "theirs")] + [number(row.get("nanoseconds"))]
        if "passes" in row:
            cells[1:4] = [f"plain EM, {row['plain passes']} passes", f"{row['passes']} passes", f"{row['aim']} passes"]
        lines.append(cells)
    return markdown(["case", "against", "times faster", "aim", "ours", "theirs", "ns a row"], lines)
