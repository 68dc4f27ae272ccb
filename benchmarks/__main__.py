"""`python -m benchmarks`: every comparison, answers checked before times; results in benchmarks/results/."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy
import scipy
import sklearn

import likely
from benchmarks import cases, leaves, mixtures

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often both sides take their turn")
    parser.add_argument("--only", choices=["mixtures", "leaves"], help="one kind of comparison")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if options.only != "leaves":
        rows += [_shown(mixtures.compare(case, options.rounds)) for case in cases.MIXTURES]
    if options.only != "mixtures":
        rows += [_shown(row) for case in cases.LEAVES for row in leaves.compare(case, options.rounds)]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{options.only or 'all'}.json"
    path.write_text(json.dumps({"machine": machine(), "rows": rows}, default=dataclasses.asdict, indent=1) + "\n")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    print(f"{row['case']:34s} {row['rival']:34s} {row['ratio'].median:8.1f} times", end="")
    print(f"   ours {row['ours']} s, theirs {row['theirs']} s", end="")
    if "megabytes_ours" in row:
        print(f"   memory beyond the data {row['megabytes_ours']:.0f} MB, {row['megabytes_theirs']:.0f} MB", end="")
    print(flush=True)
    return row


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit,
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "likely": likely.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
