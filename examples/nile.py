"""The level of the Nile: a state space model, from a file to forecasts. Writes the docs' picture.

python examples/nile.py [docs/images/nile.png]
"""

from __future__ import annotations

import sys
from importlib import resources

import numpy as np

import likely as lk

DATA = resources.files("likely") / "data" / "nile.csv"
DAM = 1899  # the year in which it was begun


def main(picture: str | None = None) -> None:
    years, flow = np.loadtxt(str(DATA), delimiter=",", skiprows=1).T
    fit = lk.fit(lk.local_level(), str(DATA), columns="flow", time="year")
    print(fit)
    ahead = fit.forecast(5)
    print("\nThe next five years, and where nine of ten will lie")
    for year, mean, (low, high) in zip(range(1971, 1976), ahead.mean[0], ahead.interval(0.9)[0], strict=True):
        print(f"{year}  {mean:5.0f}  {low:5.0f} to {high:5.0f}")
    shift = lk.StateSpace(1, A=1, B=0, C=1, d=0, Q=0, P0="diffuse")
    moved = lk.fit(shift, flow, given=(years >= DAM).astype(float))
    print(f"\nA level that moves      log-likelihood {fit.log_likelihood:.2f}")
    print(f"One that fell in {DAM}   log-likelihood {moved.log_likelihood:.2f}, by {-moved.model.D[0, 0]:.0f}")
    if picture is not None:
        axes = fit.plot("states")
        axes.figure.set_size_inches(9, 4)
        axes.figure.savefig(picture, dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main(*sys.argv[1:2])
