"""Writes pykalman_state_space.json: EM by pykalman 0.11.2 from given starts; run it to renew that.

pykalman updates one block after the other, and offsets last, with the old offsets in all the others. That is the
maximum of the expected log-likelihood only where the offsets are known, so here they are. Rows are complete.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).with_suffix(".json")
ITERATIONS = 3
NAMES = {
    "A": "transition_matrices", "b": "transition_offsets", "Q": "transition_covariance",
    "C": "observation_matrices", "d": "observation_offsets", "R": "observation_covariance",
    "m0": "initial_state_mean", "P0": "initial_state_covariance",
}  # fmt: skip


def spread(rng, size):
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def parameters(rng, m, d, offsets):
    return {
        "A": 0.7 * np.eye(m) + 0.1 * rng.normal(size=(m, m)), "b": offsets * rng.normal(size=m), "Q": spread(rng, m),
        "C": rng.normal(size=(d, m)), "d": offsets * rng.normal(size=d), "R": spread(rng, d),
        "m0": rng.normal(size=m), "P0": spread(rng, m),
    }  # fmt: skip


def problems():
    """Name, m, d, rows, size of offsets, and what is free."""
    yield "two states, two columns", 2, 2, 60, 0.0, ["A", "C", "Q", "R"]
    yield "three states, two columns, known offsets", 3, 2, 50, 0.5, ["A", "C", "Q", "R", "m0"]
    yield "only noises", 2, 3, 40, 0.5, ["Q", "R"]
    yield "only matrices", 2, 2, 40, 0.0, ["A", "C"]


def passes(model, y, free):
    """Log-likelihood and parameters before the first M-step and after every one."""
    for i in range(ITERATIONS + 1):
        now = {name: np.array(getattr(model, NAMES[name])).tolist() for name in free}
        yield {"log_likelihood": float(model.loglikelihood(y))} | now
        if i < ITERATIONS:
            model = model.em(y, n_iter=1)


if __name__ == "__main__":
    from pykalman import KalmanFilter

    rng = np.random.default_rng(9)
    out = {}
    for name, m, d, n, offsets, free in problems():
        truth, theta = parameters(rng, m, d, offsets), parameters(rng, m, d, offsets)
        start = {NAMES[block]: value for block, value in theta.items()}
        model = KalmanFilter(**start, em_vars=[NAMES[block] for block in free])
        y = (
            KalmanFilter(**{NAMES[block]: value for block, value in truth.items()})
            .sample(n, random_state=0)[1]
            .round(3)
        )
        given = {block: value.tolist() for block, value in theta.items()}
        out[name] = {"start": given, "free": free, "y": y.tolist(), "passes": list(passes(model, y, free))}
    HERE.write_text(json.dumps({"problems": out}) + "\n")
