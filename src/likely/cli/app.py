"""The command `likely` with all its verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import click

from likely import __version__
from likely.cli.command import Application
from likely.cli.decode import decode
from likely.cli.demo import demo
from likely.cli.families import families
from likely.cli.fit import fit
from likely.cli.predict import predict
from likely.cli.sample import sample
from likely.cli.show import show

EPILOG = """\b
Begin here:
  likely demo                                                      see it work on real data
  likely fit faithful.csv "Mixture(MultivariateNormal(), 2)" --save fit.json
  likely predict fit.json new.csv --out labels.csv
  likely sample "Normal(mean=0, variance=1)" -n 5

`likely fit --help` explains how models are written, `likely families` lists what they are made of.
"""


@click.group("likely", cls=Application, epilog=EPILOG, invoke_without_command=True)
@click.version_option(
    __version__, "--version", prog_name="likely", message="%(prog)s %(version)s", help="Show the version."
)
@click.pass_context
def application(context: click.Context) -> None:
    """Fit probability models to data by maximum likelihood, MAP and EM."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (demo, fit, predict, decode, sample, show, families):
    application.add_command(command)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """The entry point of the console script."""
    application.main(args)
