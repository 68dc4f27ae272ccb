"""A pendulum seen from the side: a nonlinear state space, from noisy rows with a gap to its length and its swings.

python examples/pendulum.py [docs/images/pendulum.png]
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import likely as lk
from likely.numerics.soft import Array

STEP = 0.05  # seconds between rows
GRAVITY = 9.81
LENGTH = 0.5  # metres, to be found out


def swing(x: Array, _u: Array | None, theta: dict[str, Array]) -> Array:
    """Angle and speed one row later (semi-implicit Euler)."""
    angle, speed = x[..., 0], x[..., 1]
    later = speed - STEP * theta["pull"] * np.sin(angle)
    return np.stack([angle + STEP * later, later], axis=-1)


def seen(x: Array, _u: Array | None, _theta: Any) -> Array:
    """How far to the side the bob is, in units of its length."""
    return np.sin(x[..., :1])


def pendulum(method: str = "extended", **slots: Any) -> lk.NonlinearStateSpace:
    """Pushes of the air change the speed; the angle follows from it."""
    pushes = lk.scaled([[1e-6, 0], [0, 1]])
    return lk.NonlinearStateSpace(swing, seen, 2, ["pull"], method=method, **{"Q": pushes, **slots})


def rows() -> Array:
    """Six seconds, one and a half of them out of sight."""
    truth = pendulum(theta=[GRAVITY / LENGTH], Q=[[1e-8, 0], [0, 0.01]], R=0.01, m0=[1.2, 0.0], P0=0.0)
    y = truth.sample(120, seed=1)
    y[50:80] = np.nan
    return y


def main(picture: str | None = None) -> None:
    y = rows()
    begin = {"theta": [18.0], "Q": [[1e-7, 0], [0, 0.1]], "R": 0.1, "m0": [1.0, 0.0], "P0": 0.0}
    for method in ("extended", "unscented"):
        fit = lk.fit(pendulum(method), y, start=pendulum(method, **begin))
        if method == "extended":
            print(f"{fit}\n")
        assert isinstance(fit.model, lk.NonlinearStateSpace)
        pull, error = float(fit.model.theta[0]), fit.standard_errors()["theta[0]"]
        length = GRAVITY / pull
        print(f"{method:10} log-likelihood {fit.log_likelihood:7.2f}, length {length:.3f} m")
        print(f"{'':10} standard error {length * error / pull:.3f} m; the truth is {LENGTH} m")
    angle = fit.smoothed()
    print("\nAngle while nobody looked, row 65:", f"{angle.mean[65, 0]:.2f} rad, give or take {angle.sd[65, 0]:.2f}")
    ahead = fit.forecast(10)
    print("The next ten rows:", ahead.mean[0].round(2))
    if picture is not None:
        axes = fit.plot("states")
        axes.figure.set_size_inches(9, 5)
        axes.figure.savefig(picture, dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main(*sys.argv[1:2])
