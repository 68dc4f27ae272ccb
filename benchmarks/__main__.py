"""`python -m benchmarks`: every comparison, answers checked before times; results in benchmarks/results/."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from benchmarks import kinds, store
from benchmarks.machine import describe
from benchmarks.measure import Options, Row, Spread


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=kinds.KINDS, default=kinds.KINDS, help="these kinds of comparison")
    parser.add_argument("--rounds", type=int, default=5, help="how often all sides take their turn")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all runs; nothing is stored")
    asked = parser.parse_args()
    options = Options(rounds=asked.rounds, quick=asked.quick)
    for name in asked.only:
        if not _run(name, options):
            break


def _run(name: str, options: Options) -> bool:
    """What was measured is stored, also when somebody loses patience; False then."""
    kind = kinds.load(name)
    print(f"\n{kind.TITLE}", flush=True)
    machine = describe()
    rows: list[Row] = []
    patient = True
    try:
        for row in kind.rows(options):
            who = f"{row['case']:36s} "
            what = f"{row['rival']} left out: {row['missing']}" if "missing" in row else kind.said(row)
            print(who + what, flush=True)
            rows.append({key: asdict(value) if isinstance(value, Spread) else value for key, value in row.items()})
    except KeyboardInterrupt:
        patient = False
    if rows and not options.quick:
        print(f"stored in {store.write(name, machine, rows)}")
    return patient


if __name__ == "__main__":
    main()
