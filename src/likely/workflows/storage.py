"""A fit as a file: the notation of the model without numbers, and the numbers beside it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.notation import parse
from likely.core.written import free, plain
from likely.em.outcome import Outcome
from likely.em.starts import Mark, Optimum, Starts
from likely.errors import ModelError
from likely.io.store import load_json, save_json
from likely.workflows.result import Fit
from likely.workflows.selection import Candidate, Selection

NUMBERS = ("log_likelihood", "objective", "n_free", "n_obs", "n_columns", "hard", "seconds")
TEXTS = ("columns", "given", "label_names")
ROLES = ("sequence", "time")  # columns of sequences; older files know of none


def save(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Write a fit as JSON, whole or not at all.

    Raises
    ------
    ModelError      the model holds what a file cannot keep; nothing was written
    FileError       the place cannot be written
    """
    if fit.model.unwritten:
        raise ModelError(
            f"save({os.fspath(path)!r}): {fit.model.unwritten}, and a file keeps only what can be read again without "
            "running code. Nothing was written. Keep the numbers, as in np.savez(path, **fit.model.filled()), and "
            "build the model with them where its functions are."
        )
    record: dict[str, Any] = {
        "family": repr(fit.family),
        "model": repr(_blank(fit.model)),
        "parameters": _values(fit.model),
        "outcome": fit.outcome.name,
        "entropy": None if fit.data is None else fit.entropy,
        **{n: getattr(fit, n) for n in NUMBERS},
        **{n: list(getattr(fit, n)) for n in TEXTS},
        **{n: getattr(fit, n) for n in ROLES},
        "trace": [[m.passes, m.objective, m.kind, m.gain_left] for m in fit.trace],
        "starts": {
            "optima": [[o.objective, o.hits] for o in fit.starts.optima],
            "dropped": fit.starts.dropped,
            "collapsed": list(fit.starts.collapsed),
        },
    }
    if fit.selection is not None:
        rows = [list(vars(c).values()) for c in fit.selection.candidates]
        record["selection"] = {**vars(fit.selection), "candidates": rows}
    save_json(path, record)


def load(path: str | os.PathLike[str]) -> Fit:
    """A fit that was saved: everything but the data it was fitted to.

    Raises
    ------
    FileError      missing, not whole, not a saved fit, or written by a newer version

    Examples
    --------
    >>> import likely as lk, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "fit.json")
    ...     lk.fit(lk.Bernoulli(), [1, 1, 0]).save(path)
    ...     lk.load(path).model
    Bernoulli(p=0.6666666666666666)
    """
    record = load_json(path)
    starts, selection = record["starts"], record.get("selection")
    known: dict[str, Any] = {n: record[n] for n in NUMBERS} | {n: tuple(record[n]) for n in TEXTS}
    known |= {n: record.get(n, "") for n in ROLES}
    fit = Fit(
        family=parse(record["family"]),
        model=_filled(parse(record["model"]), record["parameters"]),
        outcome=Outcome[record["outcome"]],
        trace=tuple(Mark(*row) for row in record["trace"]),
        starts=Starts(tuple(Optimum(*row) for row in starts["optima"]), starts["dropped"], tuple(starts["collapsed"])),
        selection=None if selection is None else _selection(selection),
        **known,
    )
    if record["entropy"] is not None:
        fit.__dict__["entropy"] = record["entropy"]  # what the cached property would say, had it the data
    return fit


def _selection(record: dict[str, Any]) -> Selection:
    rows: list[list[Any]] = [[tuple(v) if isinstance(v, list) else v for v in row] for row in record["candidates"]]
    return Selection(**{**record, "candidates": tuple(Candidate(*row) for row in rows)})


def _blank(model: Family) -> Family:
    """The model with every slot empty: what its notation is without numbers."""
    parts = model.with_parts({n: _blank(p) for n, p in model.parts().items()})
    return parts._changed(**dict.fromkeys(model.domains, free))


def _values(model: Family) -> dict[str, Any]:
    own = {n: np.asarray(getattr(model, n)).tolist() for n in model.domains}
    return {**own, **{n: _values(p) for n, p in model.parts().items()}}


def _filled(model: Family, values: dict[str, Any]) -> Family:
    parts = model.with_parts({n: _filled(p, values[n]) for n, p in model.parts().items()})
    return parts._changed(**{n: plain(values[n]) for n in model.domains if n in values})
