"""dynamax's LinearGaussianSSM in double precision: EM compiled once, beforehand; it knows no missing values."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from benchmarks.measure import Run, seconds

NAME = "dynamax"


def left_out() -> str | None:
    """Why it takes no part; None if it does."""
    return None if importlib.util.find_spec("dynamax") else "it is not installed"


def ready(y: np.ndarray, start: dict[str, np.ndarray], iterations: int) -> Any:
    """So many EM iterations in one compiled loop; the first state stays known, as on the other sides."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from dynamax.linear_gaussian_ssm import LinearGaussianSSM

    d, m = start["C"].shape
    model = LinearGaussianSSM(m, d, has_dynamics_bias=False, has_emissions_bias=False)
    params, trainable = model.initialize(
        initial_mean=start["m0"], initial_covariance=start["P0"], dynamics_weights=start["A"],
        dynamics_covariance=start["Q"], emission_weights=start["C"], emission_covariance=start["R"],
    )  # fmt: skip
    params = jax.tree_util.tree_map(jax.numpy.asarray, params)
    rows = jax.numpy.asarray(y)[None]

    def step(params: Any, _: None) -> Any:
        stats, heights = jax.vmap(lambda each: model.e_step(params, each))(rows)
        moved, _ = model.m_step(params, trainable, stats, None)
        return moved._replace(initial=params.initial), heights.sum()

    loop = jax.jit(lambda params: jax.lax.scan(step, params, length=iterations)[1])
    found: list[np.ndarray] = []

    def run() -> Run:
        whole = seconds(lambda: found.append(np.asarray(loop(params))))
        return Run(float(found[-1][-1]), whole / iterations, whole)

    run()
    return run
