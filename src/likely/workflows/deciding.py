"""The options that say how a choice is decided, against each other, before any data is read."""

from __future__ import annotations

import numbers
from typing import Any

from likely.errors import ModelError
from likely.workflows.folds import Dealer, Dealt, Given, Once, Splitter
from likely.workflows.heldout import HeldOut
from likely.workflows.select import CRITERIA, Criterion, is_open

RULES = ("best", "1se")


def deciding(
    model: Any, *, by: str | None, folds: Any, holdout: float | None, repeats: int, rule: str, groups: Any, seed: int
) -> Criterion | HeldOut | None:
    """How the choices that a model leaves open are decided; None where it leaves none.

    Raises
    ------
    ModelError      nothing says how, or more than one thing does; or an option without the one it belongs to
    """
    ways = [f"{n}={shown(v)}" for n, v in (("by", by), ("folds", folds), ("holdout", holdout)) if v is not None]
    _check_company(folds, holdout, repeats, rule, groups)
    if not is_open(model):
        if ways:
            raise ModelError(f"{ways[0]} decides what choose(...) leaves open, and {model!r} leaves nothing open.")
        return None
    if len(ways) > 1:
        raise ModelError(
            f"{' and '.join(ways)}: each of them decides what choose(...) leaves open; give one and leave out the rest."
        )
    if not ways or (by is not None and by not in CRITERIA):
        got = f" (got by={by!r})" if ways else ""
        raise ModelError(
            f"{model!r} leaves a choice open; say how to decide it: by held-out likelihood with folds=10 or "
            f"holdout=0.3, or with by='bic', 'aic' or 'icl'{got}."
        )
    return Criterion(by) if by is not None else HeldOut(_dealer(folds, holdout, repeats, seed), rule)


def are_ids(folds: Any) -> bool:
    """Do these folds say of each row where it belongs?"""
    return folds is not None and not is_splitter(folds) and not isinstance(folds, numbers.Number)


def is_splitter(folds: Any) -> bool:
    """Is this an object with a method `split`, as those of scikit-learn?"""
    return not isinstance(folds, str) and callable(getattr(folds, "split", None))


def shown(value: Any) -> str:
    """An option as a message shows it."""
    return repr(value) if isinstance(value, str | numbers.Number) else "..."


def _check_company(folds: Any, holdout: float | None, repeats: int, rule: str, groups: Any) -> None:
    """Options that mean something only beside others."""
    held_out = folds is not None or holdout is not None
    if rule not in RULES:
        raise ModelError(f"rule={rule!r}; it is 'best' or '1se'.")
    if rule != "best" and not held_out:
        raise ModelError(
            f"rule={rule!r} compares held-out scores; decide with folds=10 or holdout=0.3, or leave rule out."
        )
    if groups is not None and not held_out:
        raise ModelError(
            "groups=... says which rows are held out together, and none are held out; decide with folds=10 or "
            "holdout=0.3, or leave groups out."
        )
    if groups is not None and are_ids(folds):
        raise ModelError("folds=... already says which rows belong together; leave groups out.")
    if isinstance(repeats, bool) or not isinstance(repeats, numbers.Integral) or repeats < 1:
        raise ModelError(f"repeats={shown(repeats)}; it is how often rows are dealt into folds, a whole number from 1.")
    if repeats > 1 and not isinstance(folds, numbers.Integral):
        given = "folds=... are given" if folds is not None else "there are no folds to deal them into"
        raise ModelError(
            f"repeats={repeats} deals the rows into other folds each time, and {given}; write a number, as in "
            "folds=10, or leave repeats out."
        )


def _dealer(folds: Any, holdout: float | None, repeats: int, seed: int) -> Dealer:
    if holdout is not None:
        if isinstance(holdout, bool) or not isinstance(holdout, numbers.Real) or not 0 < holdout < 1:
            raise ModelError(
                f"holdout={shown(holdout)}; it is the share of the rows to hold out, between 0 and 1, as in "
                "holdout=0.3."
            )
        return Once(float(holdout), seed)
    if is_splitter(folds):
        return Splitter(folds)
    if are_ids(folds):
        return Given()
    if isinstance(folds, bool) or not isinstance(folds, numbers.Integral) or folds < 2:
        raise ModelError(
            f"folds={folds!r}; it is a whole number from 2, a column or array that says of each row in which fold it "
            "is, or a splitter of scikit-learn."
        )
    return Dealt(int(folds), int(repeats), seed)
