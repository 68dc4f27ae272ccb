"""A fit for other programs: one JSON object on stdout."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.workflows.result import Fit


def record(fit: Fit) -> dict[str, Any]:
    """Everything a program may ask about a fit, as plain JSON values."""
    return {
        "model": repr(fit.model),
        "family": repr(fit.family),
        "parameters": parameters(fit.model),
        "columns": list(fit.columns),
        "given": list(fit.given),
        "labels": list(fit.label_names),
        "sequence": fit.sequence,
        "time": fit.time,
        "log_likelihood": fit.log_likelihood,
        "objective": fit.objective,
        "aic": fit.aic,
        "bic": fit.bic,
        "icl": _icl(fit),
        "n_free": fit.n_free,
        "n_obs": fit.n_obs,
        "outcome": {"name": fit.outcome.name, "sentence": fit.outcome.value, "converged": fit.converged},
        "passes": fit.trace[-1].passes if fit.trace else 0,
        "starts": _starts(fit),
        "selection": _selection(fit),
        "seconds": fit.seconds,
    }


def parameters(model: Family) -> dict[str, Any]:
    """The values of the slots, parts nested by name."""
    own = {n: np.asarray(getattr(model, n)).tolist() for n in model.domains}
    return {**own, **{n: parameters(p) for n, p in model.parts().items()}}


def to_json(value: Any) -> str:
    """Strict JSON: what is no number is null, infinities are the strings "inf" and "-inf"."""
    return json.dumps(_strict(value), indent=2, allow_nan=False, ensure_ascii=False)


def _strict(value: Any) -> Any:
    match value:
        case float() if math.isnan(value):
            return None
        case float() if math.isinf(value):
            return str(value)
        case dict():
            return {n: _strict(v) for n, v in value.items()}
        case list() | tuple():
            return [_strict(v) for v in value]
    return value


def _icl(fit: Fit) -> float | None:
    """None where it would need the data, which a loaded fit may lack."""
    known = fit.data is not None or "entropy" in vars(fit) or fit.model.axis != "component"
    return fit.icl if known else None


def _starts(fit: Fit) -> dict[str, Any]:
    return {
        "count": fit.starts.count,
        "optima": [{"objective": o.objective, "hits": o.hits} for o in fit.starts.optima],
        "dropped": fit.starts.dropped,
        "collapsed": list(fit.starts.collapsed),
    }


def _selection(fit: Fit) -> dict[str, Any] | None:
    if fit.selection is None:
        return None
    return {**vars(fit.selection), "candidates": [vars(c) for c in fit.selection.candidates]}
