"""Gaussian mixtures: the same start and the same number of plain EM iterations on all sides, answers before times.

The seconds of an iteration are those between the same point of the first and the last iteration of one whole fit,
divided by their number: everything an iteration does counts (M-step, E-step, bookkeeping), reading the data does not.
Reading is in the seconds of the whole call, which are stored beside them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

import likely as lk
from benchmarks.cases import MIXTURES, MixtureCase
from benchmarks.machine import matrix_product_peak
from benchmarks.measure import Options, Row, Run, Spread, between, in_turns, ratios, seconds
from benchmarks.memory import peak_beyond
from benchmarks.rivals import mclust_mixture, pomegranate_mixture, sklearn_mixture
from benchmarks.tables import markdown, multiple, number, share, time_of
from likely.em.loop import Step

AGREE = 1e-9  # relative difference of log-likelihoods above which nothing is timed
RIVALS = (sklearn_mixture, pomegranate_mixture, mclust_mixture)
PEAK_FROM = 32  # columns from which the share of the matrix-product peak is told
Fitting = Callable[[np.ndarray, np.ndarray, str, int], Run]
TITLE = "Gaussian mixtures: one iteration of plain EM"


def data(case: MixtureCase) -> tuple[np.ndarray, np.ndarray]:
    """Round clusters, and the k means to begin from."""
    rng = np.random.default_rng(0)
    centres = case.separation * rng.normal(size=(case.k, case.d)) / max(1.0, case.d / 4) ** 0.5
    x = centres[rng.integers(case.k, size=case.n)] + rng.normal(size=(case.n, case.d))
    return x, centres if case.start == "centres" else x[rng.choice(case.n, case.k, replace=False)].copy()


def component(covariance: str) -> lk.Family:
    if covariance == "shared":
        return lk.MultivariateNormal(covariance=lk.shared)
    return lk.MultivariateNormal(covariance)


def run(x: np.ndarray, means: np.ndarray, covariance: str, iterations: int) -> Run:
    k, d = means.shape
    start = lk.Mixture(lk.MultivariateNormal(mean=means, covariance=np.eye(d)), k, weights=np.full(k, 1 / k))
    model = lk.Mixture(component(covariance), k)
    stamps: list[float] = []
    reached: list[float] = []

    def watch(step: Step) -> None:
        stamps.append(time.perf_counter())
        reached.append(step.log_likelihood)

    options = {"accelerate": False, "tol": 0, "max_passes": iterations, "progress": False, "callback": watch}
    whole = seconds(lambda: lk.fit(model, x, start=start, **options))
    return Run(reached[-1], between(stamps[:iterations]), whole)


def rows(options: Options) -> Iterator[Row]:
    """One row for each case and rival; a rival that cannot take part has a row that says why."""
    for case in MIXTURES:
        yield from compare(case.smaller() if options.quick else case, options.rounds)


def compare(case: MixtureCase, rounds: int) -> Iterator[Row]:
    """Log-likelihoods first; then times in turns; then memory."""
    x, means = data(case)
    why = {rival: rival.left_out(case) for rival in RIVALS}
    for rival in RIVALS:
        if why[rival] is not None:
            yield {"case": case.name, "rival": rival.NAME, "missing": why[rival]}
    here = {rival.NAME: rival for rival in RIVALS if why[rival] is None}
    ours = run(x, means, case.covariance, case.iterations)
    for name, rival in here.items():
        theirs = rival.run(x, means, case.covariance, case.iterations)
        _same(case, name, ours.log_likelihood, theirs.log_likelihood)
    sides = {name: partial(rival.run, x, means, case.covariance, case.iterations) for name, rival in here.items()}
    sides["likely"] = partial(run, x, means, case.covariance, case.iterations)
    timed = in_turns(sides, rounds)
    peak = matrix_product_peak() if case.d >= PEAK_FROM and case.covariance == "full" else None
    memory = {name: _megabytes(case, x, means, name) for name in ("likely", sklearn_mixture.NAME)}
    for name in here:
        yield _row(case, name, timed[name], timed["likely"], ours.log_likelihood, peak, memory)


def _same(case: MixtureCase, name: str, ours: float, theirs: float) -> None:
    if not abs(ours - theirs) <= AGREE * abs(theirs):
        raise SystemExit(f"{case.name}: log-likelihoods differ, {name} {theirs!r}, ours {ours!r}; nothing was timed")


def _row(
    case: MixtureCase,
    rival: str,
    theirs: list[Run],
    ours: list[Run],
    log_likelihood: float,
    peak: float | None,
    memory: dict[str, float],
) -> Row:
    mine = Spread.of(r.iteration for r in ours)
    row = {
        "case": case.name,
        "rival": rival,
        "n": case.n,
        "d": case.d,
        "k": case.k,
        "covariance": case.covariance,
        "separation": case.separation,
        "iterations": case.iterations,
        "aim": case.aim if rival == sklearn_mixture.NAME else None,
        "log_likelihood": log_likelihood,
        "ours": mine,
        "theirs": Spread.of(r.iteration for r in theirs),
        "ratio": ratios((r.iteration for r in theirs), (r.iteration for r in ours)),
        "ratio of whole calls": ratios((r.whole for r in theirs), (r.whole for r in ours)),
        "megabytes_ours": memory["likely"],
        "megabytes_theirs": memory.get(rival),
    }
    if peak is not None:
        row |= {"GFLOP/s": case.flops / mine.median / 1e9, "share of peak": case.flops / mine.median / peak}
    return row


def _megabytes(case: MixtureCase, x: np.ndarray, means: np.ndarray, side: str) -> float:
    fit = run if side == "likely" else sklearn_mixture.run
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.npy")
        np.save(path, x)
        return peak_beyond(partial(np.load, path), partial(_fit, fit, means, case.covariance))


def _fit(fit: Fitting, means: np.ndarray, covariance: str, x: np.ndarray) -> None:
    fit(x, means, covariance, 3)


def said(row: Row) -> str:
    """One line of the terminal."""
    line = f"{row['ratio'].median:6.1f} times {row['rival']}, an iteration {time_of(row['ours'].median)}"
    line += f" against {time_of(row['theirs'].median)}, memory beyond the data {row['megabytes_ours']:.0f} MB"
    return line + (f", {share(row['share of peak'])} of the matrix-product peak" if "share of peak" in row else "")


def table(rows: list[Row]) -> str:
    """For the page."""
    lines = [
        [
            row["case"],
            row["rival"],
            multiple(row["ratio"]),
            multiple(row["ratio of whole calls"]),
            f"{row['aim']:g}" if row["aim"] else "",
            time_of(row["ours"]["median"]),
            time_of(row["theirs"]["median"]),
            f"{number(row['megabytes_ours'])} / {number(row['megabytes_theirs'])}",
            share(row.get("share of peak")),
        ]
        for row in rows
    ]
    heads = ["case", "against", "times faster", "whole call", "aim", "ours", "theirs", "MB ours / theirs", "of peak"]
    return markdown(heads, lines)
