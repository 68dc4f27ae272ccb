"""Models and numbers as a person says them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from likely.core.family import Family
from likely.structures.side_by_side import Alternatives

if TYPE_CHECKING:
    from likely.workflows.result import Fit

PROPER = {"Bernoulli", "Dirichlet", "Gaussian", "Laplace", "Mises", "Poisson", "Student", "Weibull", "Wishart"}
LISTED = 6  # parts named before "and more"
DIGITS = 4  # of a parameter
MOST_DECIMALS = 6


def model_words(family: Family, count: int = 1) -> str:
    """A model in words.

    >>> import likely as lk
    >>> model_words(lk.Mixture(lk.Normal(), 2))
    'mixture of 2 normal distributions'
    """
    kind, many, parts = kind_words(family), "s" * (count != 1), list(family.parts().values())
    size = getattr(family, "size", None)
    if not parts and size is not None and family.sequential:
        return f"{kind}{many} of {plural(size, 'state')}"
    if not parts:
        return f"{kind}{many}" if kind.endswith("regression") else f"{kind} distribution{many}"
    if isinstance(family, Alternatives):
        return f"different distributions ({listed([kind_words(p) for p in parts])})"
    if size is not None:
        return f"{kind}{many} of {size} {model_words(parts[0], size)}"
    if len(parts) == 1:
        return f"{kind} {model_words(parts[0], count if family.axis is None else 2)}"
    named = [f"{name}: {kind_words(part)}" for name, part in family.parts().items()]
    return f"{kind}{many} of {len(parts)} distributions ({listed(named)})"


def kind_words(family: Family) -> str:
    """The family's name in words: a person's name keeps its capital.

    >>> import likely as lk
    >>> kind_words(lk.MultivariateNormal())
    'multivariate normal'
    """
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", type(family).__name__)
    return " ".join(w if w in PROPER or (w.isupper() and len(w) > 1) else w.lower() for w in found)


def capital(words: str) -> str:
    """The words as a title."""
    return words[:1].upper() + words[1:]


def listed(words: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(words) - LISTED
    return ", ".join(words[:LISTED]) + (f" and {more} more" if more > 0 else "")


def together(why: Mapping[str, str]) -> list[str]:
    """What is said of several names in the same words, said once.

    >>> together({"a": "a has no end: it is flat.", "b": "b has no end: it is flat."})
    ['a, b have no end: it is flat.']
    """
    same: dict[str, list[str]] = {}
    for name, text in why.items():
        begins, rest = f"{name} has no ", text.removeprefix(f"{name} has no ")
        same.setdefault(rest if text.startswith(begins) else "", []).append(name)
    out = [why[name] for name in same.pop("", [])]
    for rest, names in same.items():
        out.append(why[names[0]] if len(names) == 1 else f"{listed(names)} have no {rest}")
    return out


def plural(count: float, noun: str) -> str:
    """A number of things.

    >>> plural(1, "row"), plural(12000, "row"), plural(2, "pass")
    ('1 row', '12,000 rows', '2 passes')
    """
    shown = f"{count:,.0f}" if count >= 10_000 else f"{count:.6g}"
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{shown} {noun}{ending}"


def what_differs(texts: Sequence[str]) -> tuple[str, list[str]]:
    """What some texts have in common, with … in place of the rest; and the rest of each.

    >>> what_differs(["Mixture(Normal(), 9)", "Mixture(Normal(), 10)"])
    ('Mixture(Normal(), …)', ['9', '10'])
    """
    pieces = [re.findall(r"[\w.]+|\W", text) for text in texts]
    fewest = min(map(len, pieces))
    start = next((i for i in range(fewest) if len({p[i] for p in pieces}) > 1), fewest)
    end = next((i for i in range(fewest - start) if len({p[-1 - i] for p in pieces}) > 1), fewest - start)
    own = ["".join(p[start : len(p) - end]) for p in pieces]
    first = pieces[0]
    return "".join([*first[:start], "…", *first[len(first) - end :]]), own


def shortened(text: str, length: int) -> str:
    """The beginning of a text that is longer than that."""
    return text if len(text) <= length else text[: length - 3] + "..."


def column_words(fit: Fit) -> tuple[str, ...]:
    """The columns' names, or what stands for them."""
    return fit.columns or tuple(f"column {j + 1}" for j in range(fit.n_columns))


def duration(seconds: float) -> str:
    """Seconds to two digits, or in minutes and hours."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 120:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def aligned(values: Sequence[float]) -> list[str]:
    """Numbers for one column, with the same decimals: four digits for the largest, and two at least for the smallest.

    >>> aligned([54.614, 79.968]), aligned([0.5, 120.0]), aligned([1e-9, 1.0]), aligned([1.0, 2.0])
    (['54.61', '79.97'], ['0.50', '120.00'], ['1e-09', '1'], ['1', '2'])
    """
    if not all(map(math.isfinite, values)):
        return [f"{v:.4g}" for v in values]
    largest = max(map(abs, values))
    sizes = [abs(v) for v in values if abs(v) > 1e-12 * largest]  # the rest is rounding
    if not sizes or (largest < 1e9 and all(v == round(v) for v in values)):
        return [f"{v:.0f}" for v in values]
    decimals = max(DIGITS - 1 - _order(largest), 1 - _order(min(sizes)), 0)
    if decimals > MOST_DECIMALS or largest >= 1e9:
        return [f"{v:.4g}" for v in values]
    return [f"{v:.{decimals}f}" for v in values]


def _order(value: float) -> int:
    return math.floor(math.log10(value))


def log_number(value: float) -> str:
    """A log-likelihood, or a score made of one: its differences matter, so decimals and not digits are kept."""
    return f"{value:.2f}"
