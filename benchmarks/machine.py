"""What the numbers depend on: the machine, the libraries, the commit; and what the machine can do at best."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from benchmarks.measure import seconds

LIBRARIES = (
    "likely", "numpy", "scipy", "numba", "llvmlite", "scikit-learn", "hmmlearn", "pykalman", "statsmodels", "dynamax",
    "jax", "pomegranate", "torch",
)  # fmt: skip
SIDE = 2048  # of the matrices whose product is timed


def describe() -> dict[str, Any]:
    """Stored beside every set of results."""
    return {
        "commit": _said("git", "rev-parse", "HEAD") + ("+" if _said("git", "status", "--porcelain", "src") else ""),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "caches": _caches(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": sorted({f"{p['internal_api']} {p['version']} ({p.get('architecture', '')})" for p in _blas()}),
        "blas threads": max([p["num_threads"] for p in _blas()], default=1),
        "matrix product GFLOP/s": round(matrix_product_peak() / 1e9, 1),
        "versions": {name: version for name in LIBRARIES if (version := _version(name))},
    }


def matrix_product_peak(times: int = 6) -> float:
    """Flops per second of NumPy's matrix product on its own threads, the best of several."""
    rng = np.random.default_rng(0)
    a, b, out = (rng.normal(size=(SIDE, SIDE)) for _ in range(3))
    return max(2.0 * SIDE**3 / seconds(lambda: np.matmul(a, b, out=out)) for _ in range(times))


def _blas() -> list[dict[str, Any]]:
    return [p for p in threadpool_info() if p["user_api"] == "blas"]


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _caches() -> dict[str, str]:
    """Sizes by level, of the first core; empty where the system does not tell."""
    out = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
        if kind != "Instruction":
            out[f"L{level}"] = size
    return out
