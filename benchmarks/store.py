"""Results on disk: one file for each kind of comparison, with the machine and the commit they were measured on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarks.measure import Row

RESULTS = Path(__file__).parent / "results"


def write(kind: str, machine: dict[str, Any], rows: list[Row]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{kind}.json"
    text = json.dumps({"machine": machine, "rows": rows}, default=dataclasses.asdict, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def read(kind: str) -> dict[str, Any] | None:
    """Machine and rows; None where nothing was measured yet."""
    path = RESULTS / f"{kind}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
