"""Writes hmmlearn_reference.json: what hmmlearn 0.3.3 makes of small problems from given starts; run it to renew that.

hmmlearn's priors are switched off, so that it maximises the likelihood; both of its arithmetics agree.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

ITERATIONS = 6
LENGTHS = [40, 25, 1, 34]
HERE = Path(__file__).with_suffix(".json")


def problems():
    rng = np.random.default_rng(2)
    states = rng.integers(0, 3, sum(LENGTHS)).cumsum() // 4 % 3
    moves = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])
    chain = {"initial": [0.5, 0.3, 0.2], "transition": moves.tolist()}
    normal = np.round(np.column_stack([3.0 * states, -2.0 * states]) + rng.normal(size=(len(states), 2)), 3)
    yield "normal", normal, chain | {"mean": [[0, 0], [3, -2], [5, -5]], "variance": [[1, 1], [2, 1], [1, 3]]}
    counts = rng.poisson(2 + 4 * states)[:, None]
    yield "poisson", counts, chain | {"rate": [1.0, 5.0, 12.0]}
    symbols = (states + rng.integers(0, 2, len(states)))[:, None] % 4
    table = [[0.4, 0.3, 0.2, 0.1], [0.1, 0.4, 0.3, 0.2], [0.25, 0.25, 0.25, 0.25]]
    yield "categorical", symbols, chain | {"p": table}


def fitted(kind, x, start):
    from hmmlearn.hmm import CategoricalHMM, GaussianHMM, PoissonHMM

    options = {"init_params": "", "n_iter": ITERATIONS, "tol": -np.inf, "implementation": "log"}
    if kind == "normal":
        model = GaussianHMM(3, "diag", covars_prior=0.0, means_weight=0.0, **options)
        model.means_, model.covars_ = np.array(start["mean"], float), np.array(start["variance"], float)
    elif kind == "poisson":
        model = PoissonHMM(3, lambdas_prior=0.0, lambdas_weight=0.0, **options)
        model.lambdas_ = np.array(start["rate"])[:, None]
    else:
        model = CategoricalHMM(3, **options)
        model.emissionprob_ = np.array(start["p"])
    model.startprob_, model.transmat_ = np.array(start["initial"]), np.array(start["transition"])
    model.fit(x, LENGTHS)
    emission = {"normal": "means_", "poisson": "lambdas_", "categorical": "emissionprob_"}[kind]
    best, path = model.decode(x, LENGTHS)
    return {
        "history": list(model.monitor_.history),
        "initial": model.startprob_.tolist(),
        "transition": model.transmat_.tolist(),
        "emission": getattr(model, emission).tolist(),
        "score": model.score(x, LENGTHS),
        "smoothed": model.predict_proba(x, LENGTHS).tolist(),
        "best": best,
        "path": path.tolist(),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    out = {kind: {"x": x.tolist(), "start": start} | fitted(kind, x, start) for kind, x, start in problems()}
    HERE.write_text(json.dumps({"lengths": LENGTHS, "iterations": ITERATIONS, "problems": out}, indent=0))
