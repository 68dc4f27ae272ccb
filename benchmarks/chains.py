"""Hidden Markov models: the same start and number of Baum-Welch iterations on all sides, log-likelihoods before times.

The seconds of an iteration are those between the same point of the first and the last iteration of one whole fit,
divided by their number: M-step and loop are in, reading the data is not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

import likely as lk
from benchmarks.measure import Options, Row, Run, Spread, between, in_turns, ratios, seconds
from benchmarks.memory import peak_beyond
from benchmarks.rivals import hmmlearn_chain as rival
from benchmarks.tables import markdown, multiple, number, time_of
from likely.em.loop import Step

TITLE = "Hidden Markov models: one iteration of Baum-Welch"
AGREE = 1e-9  # relative difference of log-likelihoods above which nothing is timed
Start = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """Sequences of equal length drawn from a chain of k states."""

    k: int
    sequences: int = 1
    length: int = 200_000
    symbols: int = 0  # of a categorical emission; 0 is a normal one
    stay: float = 0.7  # how much of each row of the transition matrix lies on its diagonal before the rest is spread
    apart: float = 0.6  # distance of neighbouring means, in standard deviations
    iterations: int = 4
    aims: tuple[float, float] = (0.0, 0.0)  # times faster than hmmlearn's scaling and log arithmetic

    @property
    def name(self) -> str:
        what = f"{self.symbols} symbols" if self.symbols else "normal"
        many = f"{self.sequences:,} of {self.length:,}" if self.sequences > 1 else f"one of {self.length:,}"
        return f"{what}, K={self.k}, {many}{', sticky' if self.stay > 0.99 else ''}"

    @property
    def rows(self) -> int:
        return self.sequences * self.length

    @property
    def lengths(self) -> np.ndarray:
        return np.full(self.sequences, self.length)


CASES = (
    Case(3, iterations=12, aims=(20, 60)),  # short ones, of which the first few are slower than the rest
    Case(10, aims=(18, 90)),
    Case(50, iterations=2, aims=(30, 250)),
    Case(2, 1000, 200, aims=(30, 80)),
    Case(10, 1000, 200, aims=(16, 100)),
    Case(20, symbols=50, aims=(20, 90)),
    Case(10, stay=0.999, apart=0.1, aims=(3, 20)),
)
VITERBI_AIM = 5.0


@cache
def data(case: Case) -> tuple[np.ndarray, Start]:
    """Rows, and the parameters to begin from: not those the rows were drawn from."""
    rng = np.random.default_rng(0)
    k = case.k
    moves = case.stay * np.eye(k) + (1 - case.stay) * rng.dirichlet(np.ones(k), k)
    start = {"initial": np.full(k, 1 / k), "transition": moves}
    if case.symbols:
        start["p"] = rng.dirichlet(np.full(case.symbols, 0.5), k)
    else:
        start |= {"mean": case.apart * k * np.linspace(-1, 1, k), "variance": np.ones(k)}
    x = [_model(case, start).sample(case.length, seed=i) for i in range(case.sequences)]
    nearby = 0.8 * moves + 0.2 / k
    return np.concatenate(x), start | {"transition": moves if case.stay > 0.99 else nearby}


def _model(case: Case, start: Start) -> lk.HMM:
    symbols = [float(i) for i in range(case.symbols)]
    emission = (
        lk.Categorical(start["p"], categories=symbols) if case.symbols else lk.Normal(start["mean"], start["variance"])
    )
    return lk.HMM(emission, case.k, initial=start["initial"], transition=start["transition"])


def run(x: np.ndarray, case: Case, start: Start, iterations: int) -> Run:
    """So many passes of plain EM."""
    emission = lk.Categorical(categories=[float(i) for i in range(case.symbols)]) if case.symbols else lk.Normal()
    stamps: list[float] = []
    reached: list[float] = []

    def watch(step: Step) -> None:
        stamps.append(time.perf_counter())
        reached.append(step.log_likelihood)

    options = {"accelerate": False, "tol": 0, "max_passes": iterations, "progress": False, "callback": watch}
    series = lk.sequences(x, case.lengths)
    whole = seconds(lambda: lk.fit(lk.HMM(emission, case.k), series, start=_model(case, start), **options))
    return Run(reached[-1], between(stamps[:iterations]), whole)


def rows(options: Options) -> Iterator[Row]:
    """Two rows for each case, one for each arithmetic of the rival; then best paths."""
    why = rival.left_out()
    for case in CASES:
        if options.quick:
            case = replace(case, length=case.length if case.sequences > 1 else 5_000, sequences=min(case.sequences, 30))
        if why is not None:
            yield {"case": case.name, "rival": rival.NAME, "missing": why}
        else:
            yield from compare(case, options.rounds)
    if why is None:
        yield best_paths(replace(CASES[1], length=5_000) if options.quick else CASES[1], options.rounds)


def compare(case: Case, rounds: int) -> Iterator[Row]:
    """Log-likelihoods first; then times in turns; then memory."""
    x, start = data(case)
    sides = {a: partial(rival.run, x, case.lengths, start, a, case.iterations) for a in rival.ARITHMETICS}
    sides["likely"] = partial(run, x, case, start, case.iterations)
    first = {name: side() for name, side in sides.items()}
    for name in rival.ARITHMETICS:
        ours, theirs = first["likely"].log_likelihood, first[name].log_likelihood
        if not abs(ours - theirs) <= AGREE * abs(theirs):
            raise SystemExit(
                f"{case.name}: log-likelihoods differ, {name} {theirs!r}, ours {ours!r}; nothing was timed"
            )
    timed = in_turns(sides, rounds)
    mine = Spread.of(r.iteration for r in timed["likely"])
    memory = _megabytes(case, x, start)
    for name, aim in zip(rival.ARITHMETICS, case.aims, strict=True):
        yield {
            "case": case.name, "rival": f"{rival.NAME} ({name})", "k": case.k, "rows": case.rows, "aim": aim,
            "iterations": case.iterations, "log_likelihood": first["likely"].log_likelihood, "ours": mine,
            "theirs": Spread.of(r.iteration for r in timed[name]),
            "ratio": ratios((r.iteration for r in timed[name]), (r.iteration for r in timed["likely"])),
            "nanoseconds": 1e9 * mine.median / case.rows, "megabytes_ours": memory,
            "megabytes_states": 16 * case.rows * case.k / 1e6,
        }  # fmt: skip


def best_paths(case: Case, rounds: int) -> Row:
    """Viterbi on both sides, of the same log probability."""
    x, start = data(case)
    model = _model(case, start)
    found: list[float] = []

    def ours() -> float:
        return seconds(lambda: found.append(float(model.decode(x).log_prob[0])))

    theirs = rival.decode(x, case.lengths, start)[0]
    ours()
    if not abs(found[0] - theirs) <= AGREE * abs(theirs):
        raise SystemExit(f"best paths differ: {theirs!r}, ours {found[0]!r}; nothing was timed")
    timed = in_turns({"likely": ours, "rival": lambda: rival.decode(x, case.lengths, start)[1]}, rounds)
    return {
        "case": f"best path, {case.name}", "rival": rival.NAME, "k": case.k, "rows": case.rows, "aim": VITERBI_AIM,
        "log_likelihood": theirs, "ours": Spread.of(timed["likely"]), "theirs": Spread.of(timed["rival"]),
        "ratio": ratios(timed["rival"], timed["likely"]),
        "nanoseconds": 1e9 * Spread.of(timed["likely"]).median / case.rows,
    }  # fmt: skip


def _megabytes(case: Case, x: np.ndarray, start: Start) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.npy")
        np.save(path, x)
        return peak_beyond(partial(np.load, path), partial(_fit, case, start))


def _fit(case: Case, start: Start, x: np.ndarray) -> None:
    run(x, case, start, 3)


def said(row: Row) -> str:
    """One line of the terminal."""
    line = (
        f"{row['ratio'].median:5.1f} times {row['rival']} (aim {row['aim']:g}), {time_of(row['ours'].median)} against "
    )
    return f"{line}{time_of(row['theirs'].median)}; {row['nanoseconds']:.3g} ns an observation"


def table(rows: list[Row]) -> str:
    """For the page."""
    lines = [
        [
            row["case"], row["rival"], multiple(row["ratio"]), f"{row['aim']:g}", time_of(row["ours"]["median"]),
            time_of(row["theirs"]["median"]), number(row["nanoseconds"]), number(row.get("megabytes_ours")),
        ]
        for row in rows
    ]  # fmt: skip
    head = ["case", "against", "times faster", "aim", "ours", "theirs", "ns an observation", "MB beyond the data"]
    return markdown(head, lines)
