"""`likely sample`: rows drawn from a fit, or from a model that is written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from likely.cli.command import Command
from likely.cli.options import fit_or_model, seed_option
from likely.cli.output import TABLES, check_writable, give_table
from likely.errors import ModelError
from likely.io.tables import reread
from likely.workflows.result import Fit

EPILOG = """\b
Examples:
  likely sample fit.json -n 1000 --out draws.csv
  likely sample "Mixture(Normal(mean=[3, 7], variance=1), 2, weights=[0.5, 0.5])" -n 5 --seed 1
  likely sample regression.json --given new.csv      one draw for each row of new.csv
"""


@click.command("sample", cls=Command, epilog=EPILOG, short_help="Draw rows from a fit or a model.")
@click.argument("model", metavar="FIT.json|MODEL")
@click.option("-n", type=click.IntRange(1), metavar="N", help="How many rows.  [default: 1]")
@click.option("--given", metavar="FILE", help="Covariates, for models that condition on them: one draw for each row.")
@seed_option
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def sample(model: str, n: int | None, given: str | None, seed: int, out: str | None) -> None:
    """Draw rows from a saved fit, or from a MODEL with every slot filled."""
    if n is not None and given is not None:
        raise ModelError("-n and --given exclude one another: there is one draw for each row of the covariates.")
    check_writable(out, TABLES)
    source = fit_or_model(model)
    columns, covariates = (source.columns, source.given) if isinstance(source, Fit) else ((), ())
    table = None if given is None else reread(given, covariates)
    draws = by_name(source.sample(n or 1, seed=seed, given=None if table is None else table.x), columns)
    give_table(draws if table is None else {**dict(zip(table.names, table.x.T, strict=True)), **draws}, out)


def by_name(draws: Any, names: Sequence[str]) -> dict[str, Any]:
    """Draws (n,), (n, d) or by name already, as columns; without names they are x, or x1, x2, ..."""
    if isinstance(draws, dict):
        return draws
    columns = np.reshape(draws, (len(draws), -1)).T
    names = names or (["x"] if len(columns) == 1 else [f"x{j + 1}" for j in range(len(columns))])
    return dict(zip(names, columns, strict=True))
