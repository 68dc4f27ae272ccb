"""Numbers and tables as the page shows them."""

from __future__ import annotations

from typing import Any


def markdown(heads: list[str], lines: list[list[str]]) -> str:
    """A table; all columns but the first two to the right."""
    rule = ["---"] * 2 + ["---:"] * (len(heads) - 2)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *lines])


def number(value: float | None, digits: int = 3) -> str:
    """So many digits, without exponents; nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def multiple(spread: dict[str, float] | None) -> str:
    """Median (lowest to highest) of a ratio."""
    if spread is None:
        return ""
    return f"{number(spread['median'])} ({number(spread['low'])} to {number(spread['high'])})"


def time_of(seconds: float) -> str:
    """In the unit that suits."""
    unit, scale = next((u for u in (("s", 1), ("ms", 1e-3)) if seconds >= u[1]), ("\N{MICRO SIGN}s", 1e-6))
    return f"{number(seconds / scale)} {unit}"


def share(value: Any) -> str:
    """Per cent; nothing for None."""
    return "" if value is None else f"{100 * value:.0f} %"
