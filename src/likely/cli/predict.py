"""`likely predict`: what a saved fit says about new rows."""

from __future__ import annotations

from typing import Any

import click

from likely.cli.command import Command
from likely.cli.output import TABLES, check_writable, give_table
from likely.workflows.result import Fit
from likely.workflows.storage import load

EPILOG = """\b
Example:
  likely fit faithful.csv "Mixture(MultivariateNormal(), 2)" --save fit.json
  likely predict fit.json faithful.csv | head -3
  component,p_1,p_2
  2,2.7e-09,0.9999999973
  1,0.9999999991,8.7e-10

\b
A mixture gives the most probable component of each row (counted from 1) and the probability of every one;
any other model gives the log density of each row, in nats. Columns are found by the names they had in the fit.
"""


@click.command("predict", cls=Command, epilog=EPILOG)
@click.argument("fit_file", metavar="FIT.json")
@click.argument("file")
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def predict(fit_file: str, file: str, out: str | None) -> None:
    """Tell the component of every row of FILE, or its log density."""
    check_writable(out, TABLES)
    give_table(predictions(load(fit_file), file), out)


def predictions(fit: Fit, file: str) -> dict[str, Any]:
    """The columns of the answer."""
    if fit.model.axis != "component":
        return {"log_density": fit.log_prob(file)}
    r = fit.responsibilities(file)
    best = fit.predict(file) if fit.label_names else r.argmax(1) + 1
    return {"component": best, **{f"p_{j + 1}": p for j, p in enumerate(r.T)}}
