"""What may be written in a slot, before a model meets data: nothing, a value, a family, `shared`, `choose`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from likely.core.domains import Value
from likely.errors import ModelError


class Free:
    """Nothing is written in the slot: it is estimated by maximum likelihood."""

    def __repr__(self) -> str:
        return "free"

    def __reduce__(self) -> str:
        return "free"


free = Free()


class Shared:
    """Estimated once, common to all components or states.

    `shared` ties across the nearest enclosing structure, `shared(over="state")` across another one (or several),
    `shared(prior)` gives the one value a prior, and `shared + [-7.5, 7.5]` ties up to known offsets.

    >>> from likely.core.written import shared
    >>> shared(over="state") + [1, 2]
    shared(over='state') + [1.0, 2.0]
    """

    def __init__(self, prior: Any = None, over: str | Sequence[str] | None = None, offsets: Any = None):
        self.prior, self.over = prior, over
        self.offsets = None if offsets is None else plain(offsets)

    def __call__(self, prior: Any = None, *, over: str | Sequence[str] | None = None) -> Shared:
        return Shared(prior, over, self.offsets)

    def __add__(self, offsets: Any) -> Shared:
        return Shared(self.prior, self.over, offsets)

    def __repr__(self) -> str:
        inside = [written(self.prior)] if self.prior is not None else []
        inside += [f"over={self.over!r}"] if self.over is not None else []
        text = f"shared({', '.join(inside)})" if inside else "shared"
        return text if self.offsets is None else f"{text} + {written(self.offsets)}"


shared = Shared()


class Choose:
    """One of several things, by held-out likelihood (`folds=10`, `holdout=0.3`) or by `by="bic"`, "icl" or "aic".

    What is chosen is fitted to all the data, and `fit.selection` keeps the scores of all.

    `choose("all")` stands for all there are, where a family says what these are.

    >>> Choose(range(1, 4))
    choose([1, 2, 3])
    """

    def __init__(self, options: Iterable[Any]):
        self.everything = isinstance(options, str)
        if self.everything and options != "all":
            raise ModelError(f"choose({options!r}) is one text; write the candidates in a list, or choose('all').")
        self._options = () if self.everything else tuple(plain(o) for o in options)
        if not (self._options or self.everything):
            raise ModelError("choose([]) has nothing to choose from; write the candidates in it, as in choose([1, 2]).")

    @property
    def options(self) -> tuple[Any, ...]:
        """The candidates."""
        if not self._options:
            raise ModelError(
                "choose('all') is for the form of a covariance, as in MultivariateNormal(choose('all')); here the "
                "candidates must be written, as in choose([1, 2])."
            )
        return self._options

    def of(self, every: Iterable[Any]) -> Choose:
        """The same where `choose("all")` means these."""
        if not self.everything:
            return self
        out = Choose(every)
        out.everything = True
        return out

    def __repr__(self) -> str:
        return "choose('all')" if self.everything else f"choose([{', '.join(written(o) for o in self._options)}])"


choose = Choose


def plain(value: Value) -> Value:
    """A written value in its one standard form: floats and read-only arrays; anything else as it is."""
    if isinstance(value, bool | np.bool_):
        return float(value)
    if isinstance(value, np.number):
        return value.item()
    if isinstance(value, list | tuple | np.ndarray):
        try:
            value = np.array(value, float)
        except (TypeError, ValueError):
            raise ModelError(f"{value!r} is not an array of numbers.") from None
        if value.ndim == 0:
            return float(value)
        value.flags.writeable = False
    return value


def written(value: Value) -> str:
    """A value in the notation: text that reads back as the same value."""
    if isinstance(value, np.ndarray):
        return written(value.tolist())
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(v) for v in value)}]"
    return repr(value)


CONSTANTS: dict[str, Any] = {"free": free, "shared": shared}  # names the notation reads as they stand
