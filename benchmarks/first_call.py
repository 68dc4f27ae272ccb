"""What compiled code costs: the first fit ever (kernels compile) and the first fit of a later process (they load).

Each is measured in a process of its own, with a folder for the compiled code that begins empty.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.measure import Options, Row, Spread
from benchmarks.tables import markdown, time_of

TITLE = "The first call"
MODELS = {
    "Mixture(Normal(), 3)": 1,
    "Mixture(MultivariateNormal(), 3)": 4,
    'Mixture(MultivariateNormal("diagonal"), 3)': 4,
}
SCRIPT = """
import json, sys, time
began = time.perf_counter()
import likely
imported = time.perf_counter()
import numpy
x = numpy.random.default_rng(0).normal(size=(200_000, int(sys.argv[2])))
x = x[:, 0] if x.shape[1] == 1 else x
def fit():
    began = time.perf_counter()
    likely.fit(sys.argv[1], x, starts=1, accelerate=False, tol=0, max_passes=20, progress=False)
    return time.perf_counter() - began
print(json.dumps({"import": imported - began, "first": fit(), "second": fit()}))
"""


def rows(options: Options) -> Iterator[Row]:
    for model, columns in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            cold = _times(model, columns, folder)
            later = [_times(model, columns, folder) for _ in range(1 if options.quick else options.rounds)]
        yield {
            "case": model,
            "import": Spread.of(t["import"] for t in later),
            "first ever": cold["first"] - cold["second"],
            "later process": Spread.of(t["first"] - t["second"] for t in later),
            "fit": Spread.of(t["second"] for t in later),
        }


def _times(model: str, columns: int, folder: str) -> dict[str, float]:
    """Seconds of the import, of the first fit of a process, and of the same fit again."""
    command = [sys.executable, "-c", SCRIPT, model, str(columns)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return json.loads(said)


def said(row: Row) -> str:
    """One line of the terminal."""
    return (
        f"import {row['import']} s; a first fit takes {row['first ever']:.2f} s longer than a second, "
        f"{row['later process']} s in a later process"
    )


def table(rows: list[Row]) -> str:
    """For the page."""
    heads = ["model", "fit", "import", "first fit ever, longer by", "first of a later process, longer by"]
    lines = [
        [
            f"`{row['case']}`",
            time_of(row["fit"]["median"]),
            time_of(row["import"]["median"]),
            time_of(max(row["first ever"], 0.0)),
            time_of(max(row["later process"]["median"], 0.0)),
        ]
        for row in rows
    ]
    return markdown(heads, lines)
