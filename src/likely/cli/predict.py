"""`likely predict`: what a saved fit says about new rows."""

from __future__ import annotations

from typing import Any

import click

from likely.cli.command import Command
from likely.cli.options import sequence_option, time_option
from likely.cli.output import TABLES, check_writable, give_table, places
from likely.core.data import Data, Sequences
from likely.io.tables import check_roles
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
A mixture gives the most probable component of each row (counted from 1) and the probability of every one; a
hidden Markov model the state of each row on the most probable path, and of every state its probability there.
Any other model gives the log density of each row, in nats. Columns are found by the names they had in the fit.
Of sequences there is a line for each row as well, with its sequence and time first.
"""


@click.command("predict", cls=Command, epilog=EPILOG)
@click.argument("fit_file", metavar="FIT.json")
@click.argument("file")
@sequence_option
@time_option
@click.option("--out", metavar="TABLE", help="Write a .csv or .parquet file; else CSV goes to stdout.")
def predict(fit_file: str, file: str, sequence: str | None, time: str | None, out: str | None) -> None:
    """Tell the component or state of every row of FILE, or its log density."""
    check_writable(out, TABLES)
    fit = load(fit_file)
    check_roles(fit.model, sequence, time)
    give_table(predictions(fit, fit.reread(file, sequence=sequence, time=time)), out)


def predictions(fit: Fit, data: Data) -> dict[str, Any]:
    """The columns of the answer, a line for each row."""
    if fit.model.axis not in ("component", "state"):
        found: dict[str, Any] = {"log_density": fit.log_prob(data)}
    else:
        r = fit.responsibilities(data)
        best = fit.predict(data) if fit.label_names or fit.model.axis == "state" else r.argmax(1)
        best = best if fit.label_names else best + 1
        found = {fit.model.axis: best, **{f"p_{j + 1}": p for j, p in enumerate(r.T)}}
    if not isinstance(data, Sequences):
        return found
    if fit.model.axis != "state":
        found = {name: values[data.owner] for name, values in found.items()}
    return {**places(data), **found}
