"""`python -m benchmarks.page`: the tables of docs/benchmarks.md and its picture, from what is stored in results/.

The page's words are in the page; between the two comments of each kind of comparison stands what this script writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks import chart, kinds, store

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PLACE = "<!-- {0}: written by benchmarks/page.py -->\n{1}<!-- end of {0} -->"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in kinds.KINDS:
        text = _filled(text, name, _section(name, store.read(name)))
    PAGE.write_text(text, encoding="utf-8")
    chart.main()


def _filled(text: str, name: str, section: str) -> str:
    between = re.escape(PLACE.format(name, "\0")).replace("\0", ".*?")
    whole = PLACE.format(name, section)
    if not re.search(between, text, re.DOTALL):
        raise SystemExit(f"{PAGE.name} has no place for {name}; add these two lines to it:\n{PLACE.format(name, '')}")
    return re.sub(between, lambda _: whole, text, flags=re.DOTALL)


def _section(name: str, stored: dict[str, Any] | None) -> str:
    if stored is None:
        return "\nNot measured yet.\n\n"
    rows = [row for row in stored["rows"] if "missing" not in row]
    parts = [kinds.load(name).table(rows), *_missing(stored["rows"]), _measured(stored["machine"])]
    return "\n" + "\n\n".join(parts) + "\n\n"


def _missing(rows: list[dict[str, Any]]) -> list[str]:
    """Who took no part, and why; one line for each rival and reason."""
    cases: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if "missing" in row:
            cases.setdefault((row["rival"], row["missing"]), []).append(row["case"])
    lines = []
    for (rival, why), where in cases.items():
        all_of_them = len(where) == len({row["case"] for row in rows})
        lines.append(f"- {rival} was left out{'' if all_of_them else ' of ' + '; '.join(where)}: {why}.")
    return ["\n".join(lines)] if lines else []


def _measured(machine: dict[str, Any]) -> str:
    caches = ", ".join(f"{level} {size}" for level, size in machine["caches"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"*Measured {machine['date']} at commit {machine['commit'][:10]}{machine['commit'][40:]} on "
        f"{machine['processor']}, {machine['cores']} cores ({caches}), whose matrix product reaches "
        f"{machine['matrix product GFLOP/s']:.0f} GFLOP/s ({'; '.join(machine['blas'])}, "
        f"{machine['blas threads']} threads); Python {machine['python']}, {versions}.*"
    )


if __name__ == "__main__":
    main()
