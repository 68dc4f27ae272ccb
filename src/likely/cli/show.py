"""`likely show`: what a saved fit says."""

from __future__ import annotations

import click

from likely.cli.command import Command
from likely.cli.options import as_json_option
from likely.cli.output import answer
from likely.workflows.storage import load

EPILOG = """\b
Examples:
  likely show fit.json
  likely show fit.json --notation      the model with its values, as text that `likely` and Python read
"""


@click.command("show", cls=Command, epilog=EPILOG)
@click.argument("fit_file", metavar="FIT.json")
@click.option("--notation", is_flag=True, help="Print only the fitted model, in the notation.")
@as_json_option
def show(fit_file: str, notation: bool, as_json: bool) -> None:
    """Print the summary of a saved fit."""
    fit = load(fit_file)
    if notation:
        click.echo(repr(fit.model))
    else:
        answer(fit, as_json)
