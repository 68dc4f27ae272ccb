"""Years of many and of few earthquakes: a hidden Markov model, from a file to forecasts. Writes the docs' picture.

python examples/earthquakes.py [docs/images/earthquakes.png]
"""

from __future__ import annotations

import sys
from importlib import resources

import likely as lk

DATA = resources.files("likely") / "data" / "earthquakes.csv"


def main(picture: str | None = None) -> None:
    counts = {"data": str(DATA), "columns": "count", "time": "year"}
    print(lk.fit(lk.HMM(lk.Poisson(), lk.choose(range(1, 5))), **counts, by="bic"))
    fit = lk.fit(lk.HMM(lk.Poisson(), 3), **counts)
    print(f"\n{fit}")
    print("\nThe next ten years, expected:", fit.forecast(10).mean[0].round(1))
    print("\nHow far it can be trusted\n")
    print(fit.certify())
    if picture is not None:
        axes = fit.plot("states")
        axes.figure.set_size_inches(9, 4)
        axes.figure.savefig(picture, dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main(*sys.argv[1:2])
